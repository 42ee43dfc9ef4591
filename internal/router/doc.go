// Package router is the middleware that decides which server of a cluster a statement goes to. What a program can say about that is package routing, which also
// tells what is promised.
//
// What it is not: a proxy, or a failover tool. It follows the roles that servers have, and gives none.
package router
