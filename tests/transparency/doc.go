// Package transparency proves that a program sees through pooled what it sees through the bare driver: rows, errors, arguments, transactions.
package transparency
