// Package failover proves what becomes of a pool whose one name leads to another server, while its old connections go on to a server that does not write any more.
package failover
