package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// word is a value that is written as a word in a DSN.
type word[T any] struct {
	text  string
	value T
}

// size is the row of a setting that counts something.
func size(doc Key, field func(*Config) *int, words ...word[int]) key {
	doc.Type = "number"
	return setting(doc, field, parseSize, strconv.Itoa, words)
}

// ratio is the row of a setting that is a part of a whole.
func ratio(doc Key, field func(*Config) *float64) key {
	doc.Type = "ratio"
	return setting(doc, field, parseRatio, formatRatio, nil)
}

// duration is the row of a setting that is a time span.
func duration(doc Key, field func(*Config) *time.Duration, words ...word[time.Duration]) key {
	doc.Type = "duration"
	return setting(doc, field, parseDuration, formatDuration, words)
}

// choice is the row of a setting that is one of some words.
func choice[T comparable](doc Key, field func(*Config) *T, words ...word[T]) key {
	doc.Type = "word"
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.text
	}
	doc.Values = strings.Join(texts, ", ")
	parse := func(string) (value T, err error) { return value, errors.New("is not known") }
	format := func(value T) string { return fmt.Sprint(value) } // which parse refuses
	return setting(doc, field, parse, format, words)
}

// setting is the row of a setting that is one of the words, or else what parse takes.
func setting[T comparable](doc Key, field func(*Config) *T,
	parse func(string) (T, error), format func(T) string, words []word[T],
) key {
	set := func(c *Config, text string) error {
		for _, w := range words {
			if text == w.text {
				*field(c) = w.value
				return nil
			}
		}
		value, err := parse(text)
		if err != nil {
			return err
		}
		*field(c) = value
		return nil
	}
	get := func(c Config) string {
		value := *field(&c)
		for _, w := range words {
			if value == w.value {
				return w.text
			}
		}
		return format(value)
	}
	return key{Key: doc, set: set, get: get}
}

// list is the row of a setting that is names separated by commas.
func list(doc Key, field func(*Config) *[]string) key {
	doc.Type = "list"
	set := func(c *Config, text string) error {
		names := strings.Split(text, ",")
		for _, name := range names {
			if name == "" || strings.ContainsAny(name, spaces) {
				return errors.New("has an empty name or a space in it")
			}
		}
		*field(c) = names
		return nil
	}
	get := func(c Config) string { return strings.Join(*field(&c), ",") }
	return key{Key: doc, set: set, get: get}
}

// listOf is the row of a setting that is values separated by commas. What parse takes one for may depend on those before it.
func listOf[T fmt.Stringer](doc Key, field func(*Config) *[]T, parse func(text string, before []T) (T, error)) key {
	doc.Type = "list"
	set := func(c *Config, text string) error {
		var all []T
		for text := range strings.SplitSeq(text, ",") {
			v, err := parse(text, all)
			if err != nil {
				return err
			}
			all = append(all, v)
		}
		*field(c) = all
		return nil
	}
	get := func(c Config) string {
		var texts []string
		for _, v := range *field(&c) {
			texts = append(texts, v.String())
		}
		return strings.Join(texts, ",")
	}
	return key{Key: doc, set: set, get: get}
}

// name is the row of a setting that is a name.
func name(doc Key, field func(*Config) *string) key {
	doc.Type = "name"
	return setting(doc, field, parseName, func(text string) string { return text }, nil)
}

// registeredName is the row of a setting that is the name of what the program has registered.
func registeredName(doc Key, field func(*Config) *string) key {
	doc.Type = "name"
	parse := func(text string) (string, error) {
		if strings.ContainsAny(text, ", \t\n") {
			return "", errors.New("has a comma or a space in it")
		}
		return text, nil
	}
	return setting(doc, field, parse, func(text string) string { return text }, nil)
}

// path is the row of a setting that is the path of a file.
func path(doc Key, field func(*Config) *string) key {
	doc.Type, doc.Values = "path", "the path of a file, from the root: in the parameters of a MySQL DSN with %2F for each /"
	return setting(doc, field, parsePath, func(text string) string { return text }, nil)
}

func parsePath(text string) (string, error) {
	if strings.ContainsAny(text, "\x00\n\r") {
		return "", errors.New("is not the path of a file")
	}
	return text, nil
}

// share is the row of a setting that is a part of all connections.
func share(doc Key, field func(*Config) *Share) key {
	doc.Type = "share"
	return setting(doc, field, parseShare, Share.String, nil)
}

// zone is the row of a time zone, which is kept by its name.
func zone(doc Key, field func(*Config) *string) key {
	doc.Type, doc.Values = "time zone", "a name such as Asia/Shanghai or UTC"
	set := func(c *Config, text string) error {
		if _, err := time.LoadLocation(text); err != nil {
			return errors.New("is not a time zone that this program knows: correct its name, or import time/tzdata if this machine has no time zones")
		}
		*field(c) = text
		return nil
	}
	return key{Key: doc, set: set, get: func(c Config) string { return *field(&c) }}
}

func parseName(text string) (string, error) {
	if !isName(text) {
		return "", errors.New("is not a name of letters, digits, - and _")
	}
	return text, nil
}

func isName(text string) bool {
	return text != "" && strings.Trim(text, letters+digits+"-_") == ""
}

func parseSize(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, errors.New("is out of range")
	case err != nil:
		return 0, errors.New("is not a whole number")
	}
	return natural(n)
}

func parseRatio(text string) (float64, error) {
	r, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return 0, errors.New("is not a number")
	case !(0 <= r && r <= 1): // also what is no number
		if 1 < r && r <= 100 {
			return 0, fmt.Errorf("is not between 0 and 1: write %s for %s percent", formatRatio(r/100), formatRatio(r))
		}
		return 0, errors.New("is not between 0 and 1")
	}
	return r, nil
}

func formatRatio(r float64) string { return strconv.FormatFloat(r, 'g', -1, 64) }

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return natural(d)
	}
	if strings.Trim(text, "0123456789.") == "" {
		return 0, fmt.Errorf("has no unit: write %[1]ss for seconds, or %[1]sms for milliseconds", text)
	}
	return 0, errors.New("is not a duration: a number and a unit, which is ms, s, m or h")
}

// natural refuses what is below 0.
func natural[T int | time.Duration](value T) (T, error) {
	if value < 0 {
		return 0, errors.New("is negative")
	}
	return value, nil
}

// formatDuration writes 1h for what [time.Duration.String] calls 1h0m0s.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
