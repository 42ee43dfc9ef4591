// Package resettest knows what a fresh session looks like, and in which ways a borrower can leave something in one.
package resettest
