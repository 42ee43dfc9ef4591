// Package routing is what a program can say about which server of a cluster its statements go to, and what it is told of that. pool_replicas and pool_routing turn it on.
//
// A statement goes to a replica only if it is proved to be a read without effects, outside a read-write transaction, and if the replica is
// proved to have everything that the statement must see. Everything else goes to the primary. A session never goes from the primary to a
// replica, and only up to the primary while nothing binds it to its connection.
//
// What is read after a write is found out without a round trip for either. A monitor asks each server, on a connection of its own, for its
// role and its position in the history of the cluster. A write marks a moment. Once the primary has told a position after that moment, and a
// replica has reached this position, the replica has the write. So each replica has a moment as of which it has everything, and may answer
// reads whose mark is older.
//
// Marks belong to the *sql.DB, which means that everything the program wrote is seen, or to a session of [NewSession], such as one for each
// request: then what the session has written is seen, and nothing that it has seen disappears. [Token] carries a mark to another process,
// and [Handler] to the next request of a browser.
//
// What it is not: a proxy, or a failover tool. It follows the roles that servers have, and gives none.
package routing
