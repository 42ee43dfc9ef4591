// Package leak proves that connections which are held and not used are found, told of, and taken away on request.
package leak
