package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Class is a kind of calls, by how important they are: see [Queue].Classes.
type Class struct {
	// Name is what calls name it by. It has letters, digits, - and _ only.
	Name string
	// Weight is how large a part of the connections it gets while others wait as well, in proportion to their weights. At least 1.
	Weight int
	// Max is how many connections it has at most while others wait. 0 = all.
	Max Share
	// Reserve is how many connections are kept free for it.
	Reserve int
}

// Share is a part of all connections, from 0 to 1. 0 = no limit.
type Share float64

// Of is so many of them, one at least; 0: no limit.
func (s Share) Of(all int) int {
	if s == 0 {
		return 0
	}
	return max(1, int(math.Round(float64(s)*float64(all))))
}

// String is the share in percent, or 0.
func (s Share) String() string {
	if s == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(s)*100, 'g', -1, 64) + "%"
}

// parseShare reads a part of a whole, as 25%.
func parseShare(text string) (Share, error) {
	percent, ok := strings.CutSuffix(text, "%")
	if !ok {
		if text == "0" {
			return 0, nil
		}
		return 0, fmt.Errorf("is not a part of all connections: write it as %s%%", text)
	}
	n, err := strconv.ParseFloat(percent, 64)
	if err != nil || !(0 < n && n <= 100) {
		return 0, errors.New("is not between 0 % and 100 %")
	}
	return Share(n / 100), nil
}

// classes is the row of a setting that is classes, as name:weight:max:reserve, of which the last ones may be left out.
func classes(doc Key, field func(*Config) *[]Class) key {
	return listOf(doc, field, func(text string, before []Class) (Class, error) {
		c, err := parseClass(text)
		if err == nil && (Queue{Classes: before}).has(c.Name) {
			err = fmt.Errorf("has the class %s twice", c.Name)
		}
		return c, err
	})
}

// String is the class as pool_classes has it.
func (c Class) String() string {
	text := c.Name + ":" + strconv.Itoa(c.Weight)
	if c.Max == 0 && c.Reserve == 0 {
		return text
	}
	if c.Max == 0 {
		c.Max = 1
	}
	text += ":" + c.Max.String()
	if c.Reserve != 0 {
		text += ":" + strconv.Itoa(c.Reserve)
	}
	return text
}

func parseClass(text string) (c Class, err error) {
	parts := strings.Split(text, ":")
	if c.Name = parts[0]; !isName(c.Name) {
		return c, errors.New("has a class whose name is not one of letters, digits, - and _")
	}
	if len(parts) < 2 || len(parts) > 4 {
		return c, fmt.Errorf("does not give the class %s a weight, or more than weight, max and reserve: write it as %[1]s:1, or %[1]s:1:50%%:2", c.Name)
	}
	if c.Weight, err = parseSize(parts[1]); err != nil || c.Weight == 0 {
		return c, fmt.Errorf("gives the class %s a weight that is not a whole number of at least 1", c.Name)
	}
	if len(parts) > 2 {
		if c.Max, err = parseShare(parts[2]); err != nil {
			return c, fmt.Errorf("gives the class %s a max that %w", c.Name, err)
		}
		if c.Max == 1 {
			c.Max = 0
		}
	}
	if len(parts) > 3 {
		if c.Reserve, err = parseSize(parts[3]); err != nil {
			return c, fmt.Errorf("gives the class %s a reserve that %w", c.Name, err)
		}
	}
	return c, nil
}

// validate looks for classes that are not there, or do not fit the pool.
func (q Queue) validate(p Pool) error {
	if q.Class != "" && !q.has(q.Class) {
		return fmt.Errorf("pooled: pool_class=%s is none of pool_classes: add it there, or correct the name", q.Class)
	}
	if reserved := q.Reserved(); p.MaxConns > 0 && reserved > 0 && reserved >= p.MaxConns {
		return fmt.Errorf("pooled: pool_classes keeps %d connections free, and pool_max_conns=%d allows no more: nobody else would get one; keep fewer, or raise pool_max_conns", reserved, p.MaxConns)
	}
	return nil
}

// Reserved is how many connections are kept free for classes. 0: there is nobody whom they could be kept from.
func (q Queue) Reserved() (n int) {
	if len(q.Classes) < 2 {
		return 0
	}
	for _, c := range q.Classes {
		n += c.Reserve
	}
	return n
}

func (q Queue) has(name string) bool {
	return slices.ContainsFunc(q.Classes, func(c Class) bool { return c.Name == name })
}
