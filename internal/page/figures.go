package page

import (
	"strconv"
	"time"

	"github.com/gopooled/pooled/held"
)

// figure is one of the most important numbers.
type figure struct {
	Label, Value string
	Bad          bool // look here
}

// figures returns the most important numbers, and how many connections are in use. An endpoint is a group of the statistics that counts
// InUse; several are added up.
func figures(rows []row, stats []group) (all []figure, inUse int) {
	var used, idle, limit, waiting int64
	limited, known := true, false
	for _, g := range stats {
		n, ok := g.number("InUse")
		if !ok {
			continue
		}
		known = true
		used += n
		n, _ = g.number("Idle")
		idle += n
		n, _ = g.number("Waiting")
		waiting += n
		n, _ = g.number("MaxConns")
		limit += n
		limited = limited && n > 0
	}
	if known {
		full := limited && used >= limit
		most := "no limit"
		if limited {
			most = strconv.FormatInt(limit, 10)
		}
		all = append(all,
			figure{Label: "in use", Value: strconv.FormatInt(used, 10), Bad: full},
			figure{Label: "idle in the pool", Value: strconv.FormatInt(idle, 10)},
			figure{Label: "max", Value: most},
			figure{Label: "waiting", Value: strconv.FormatInt(waiting, 10), Bad: waiting > 0})
	} else {
		all = append(all, figure{Label: "in use", Value: strconv.Itoa(len(rows))})
	}
	if len(rows) == 0 {
		return all, int(used)
	}
	var oldest time.Duration
	idleLong, inTx := 0, 0
	for _, r := range rows {
		oldest = max(oldest, r.For)
		idleLong += count(r.Long)
		inTx += count(r.InTx)
	}
	all = append(all,
		figure{Label: "oldest held", Value: held.Round(oldest).String()},
		figure{Label: "in a transaction", Value: strconv.Itoa(inTx)},
		figure{Label: "held but idle for long", Value: strconv.Itoa(idleLong), Bad: idleLong > 0})
	return all, int(used)
}
