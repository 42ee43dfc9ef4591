package dialect

import "strings"

// Plain reports whether a text, of whatever family, looks like a single statement that only reads or writes rows, or has to do with
// transactions. Nothing is proved by that: a function that it calls may do anything. It is what is left where no dialect knows the text.
func Plain(text string) bool {
	for len(text) > 0 && (text[0] == ' ' || text[0] == '\t' || text[0] == '\r' || text[0] == '\n') {
		text = text[1:]
	}
	var word [len("savepoint")]byte
	n := 0
	for n < len(text) && 'a' <= text[n]|0x20 && text[n]|0x20 <= 'z' {
		if n == len(word) {
			return false
		}
		word[n] = text[n] | 0x20
		n++
	}
	switch string(word[:n]) {
	case "select", "insert", "update", "delete", "with", "values", "merge", "replace", "begin", "start", "commit", "rollback", "savepoint", "release", "end":
		end := strings.IndexByte(text, ';')
		return end < 0 || strings.Trim(text[end:], "; \t\r\n") == ""
	default:
		return false
	}
}
