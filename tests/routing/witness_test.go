package routing_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
)

// witness notes which server runs each call. It asks the servers: each new connection tells its server's port before anybody uses it.
type witness struct {
	family *family
	nodes  []*testserver.Node

	mu    sync.Mutex
	where map[driver.Conn]int // nodes by connection
	calls []testimony
}

// testimony is a call, and the index of the node that ran it.
type testimony struct {
	op     middleware.Op
	text   string
	inTx   bool // before it
	node   int
	reason string
	err    error
}

// String is for people who look for what went wrong.
func (c testimony) String() string {
	text := fmt.Sprintf("%s on node %d (%s): %.120q", c.op, c.node, c.reason, c.text)
	if c.err != nil {
		text += ": " + c.err.Error()
	}
	return text
}

func newWitness(f *family, nodes []*testserver.Node) *witness {
	return &witness{family: f, nodes: nodes, where: map[driver.Conn]int{}}
}

func (w *witness) middleware() pooled.Middleware {
	return pooled.Middleware{
		Name: "witness",
		Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
			return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
				conn, err := next(ctx, dial)
				if err != nil {
					return nil, err
				}
				if err := w.meet(ctx, conn); err != nil {
					return nil, errors.Join(err, conn.Close())
				}
				return conn, nil
			}
		},
		Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, c *middleware.Call) error {
				said := testimony{op: c.Op, text: c.Text, inTx: c.Session.InTx(), node: -1}
				err := next(ctx, c)
				conn := c.Session.Conn()
				if conn == nil { // nothing was sent
					return err
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				if node, known := w.where[conn.Real()]; known {
					said.node = node
				}
				said.reason, said.err = c.Route.Reason, err
				w.calls = append(w.calls, said)
				return err
			}
		},
	}
}

// meet asks a connection where it leads to.
func (w *witness) meet(ctx context.Context, conn driver.Conn) error {
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, w.family.port, nil)
	if err != nil {
		return err
	}
	row := make([]driver.Value, 1)
	if err := errors.Join(rows.Next(row), rows.Close()); err != nil {
		return err
	}
	port := fmt.Sprint(row[0])
	if text, ok := row[0].([]byte); ok {
		port = string(text)
	}
	for i, node := range w.nodes {
		if strings.HasSuffix(node.Address(), ":"+port) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.where[conn] = i
			return nil
		}
	}
	return errors.New("no node has the port " + strconv.Quote(port))
}

// take returns what was noted since the last time.
func (w *witness) take() []testimony {
	w.mu.Lock()
	defer w.mu.Unlock()
	calls := w.calls
	w.calls = nil
	return calls
}
