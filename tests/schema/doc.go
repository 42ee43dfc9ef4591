// Package schema proves that sessions are clean with random schemas, users and borrowers.
package schema
