// Package page proves that the page tells somebody on call what is wrong, and nothing else.
package page
