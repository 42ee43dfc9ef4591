// Package replication proves what is known of a server's role and position, on clusters of real servers.
package replication
