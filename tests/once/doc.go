// Package once proves that a statement runs a second time only where nothing of the first can have stayed.
package once
