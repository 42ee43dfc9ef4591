// Package dialling proves how many connections are dialled, and when: callers need no more of them than there are callers, and one.
package dialling
