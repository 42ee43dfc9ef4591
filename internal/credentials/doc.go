// Package credentials has dials log in with what a file or a function of the program says at that moment, in place of what the DSN says.
package credentials
