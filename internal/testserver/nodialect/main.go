// Command nodialect opens the DSNs that it is given without importing a dialect, and prints the errors. Tests run it.
package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/gopooled/pooled"
)

func main() {
	for _, dsn := range os.Args[1:] {
		_, err := sql.Open("pooled", dsn)
		fmt.Println(err)
	}
}
