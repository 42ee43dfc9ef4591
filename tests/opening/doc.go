// Package opening proves what a DSN or a Config opens, and what is refused with which words.
package opening
