package my

// cut takes the first statement from the tokens, without the semicolon behind it. Semicolons in the body of a stored program
// belong to the statement that creates it. Where the body ends has to be seen, or what stands behind it would be missed.
func (p *parser) cut(tokens []token) (s, rest []token) {
	end := semicolon(tokens, 0)
	if body := routineBody(tokens); body < end {
		last := blockEnd(tokens, body)
		end = semicolon(tokens, last)
		if last == len(tokens) || at(tokens, last) == "end" && end > last+2 {
			p.because(endless)
			p.spoil(endless)
		}
	}
	return tokens[:end], tokens[min(end+1, len(tokens)):]
}

// semicolon returns the next position of a semicolon from i on, len(s) without one.
func semicolon(s []token, i int) int {
	for ; i < len(s); i++ {
		if s[i].isMark(';') {
			return i
		}
	}
	return len(s)
}

// routineBody returns where the body begins of the stored program that the statement creates; len(s) if it creates none.
func routineBody(s []token) int {
	if first := at(s, 0); first != "create" && first != "alter" {
		return len(s)
	}
	object := objectOf(s)
	body := len(s)
	switch at(s, object) {
	case "procedure":
		body = parametersEnd(s, object)
		for body < len(s) && isCharacteristic(s, body) {
			body++
		}
	case "function":
		body = find(s, parametersEnd(s, object), "begin", "return", "if", "case", "while", "loop", "repeat", "for")
		if isMark(s, body-1, ':') {
			body -= 2
		}
	case "trigger":
		body = find(s, object, "row") + 1 // FOR EACH ROW
		if next := at(s, body); next == "follows" || next == "precedes" {
			body += 2
		}
	case "event":
		body = find(s, object, "do") + 1
	}
	return min(body, len(s))
}

// parametersEnd returns the position behind the parameters of a procedure or function.
func parametersEnd(s []token, i int) int {
	for i < len(s) && !s[i].isMark('(') && !s[i].isMark(';') {
		i++
	}
	if !isMark(s, i, '(') {
		return len(s)
	}
	return closing(s, i) + 1
}

// isCharacteristic reports whether the token at position i belongs to what is said of a procedure before its body.
func isCharacteristic(s []token, i int) bool {
	switch at(s, i) {
	case "comment", "language", "sql", "not", "deterministic", "contains", "no", "reads", "data", "modifies", "security", "definer",
		"invoker":
		return true
	}
	return isKind(s, i, text) || isKind(s, i, double)
}
