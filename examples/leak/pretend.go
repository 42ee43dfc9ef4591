package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgproto3"
)

// pretend is a server that only speaks like PostgreSQL: whatever it is asked, it answers with the same row. It counts its sockets.
type pretend struct {
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex // guards what follows
	conns map[net.Conn]struct{}
}

func startPretend() (*pretend, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &pretend{listener: listener, conns: map[net.Conn]struct{}{}}
	p.running.Go(p.accept)
	return p, nil
}

// DSN has pool_reset=off, as there is no catalogue that could tell what is harmless.
func (p *pretend) DSN() string {
	return fmt.Sprintf("postgres://app@%s/shop?sslmode=disable&pool_reset=off", p.listener.Addr())
}

// Sockets is how many are open.
func (p *pretend) Sockets(context.Context) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns), nil
}

// Close waits until all clients have gone.
func (p *pretend) Close() {
	p.listener.Close()
	p.running.Wait()
}

func (p *pretend) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		p.mu.Lock()
		p.conns[conn] = struct{}{}
		p.mu.Unlock()
		p.running.Go(func() {
			defer func() {
				conn.Close()
				p.mu.Lock()
				delete(p.conns, conn)
				p.mu.Unlock()
			}()
			c := client{pgproto3.NewBackend(conn, conn), 'I'}
			if c.login() == nil {
				for c.answer() == nil {
				}
			}
		})
	}
}

// client is one connection, and the status of its transaction as ReadyForQuery tells it: I for none, T for one that is open.
type client struct {
	*pgproto3.Backend
	tx byte
}

var errGone = errors.New("the client has gone")

// login lets everybody in.
func (c *client) login() error {
	if _, err := c.ReceiveStartupMessage(); err != nil {
		return err
	}
	c.Send(&pgproto3.AuthenticationOk{})
	c.Send(&pgproto3.ParameterStatus{Name: "client_encoding", Value: "UTF8"})
	c.Send(&pgproto3.ParameterStatus{Name: "standard_conforming_strings", Value: "on"})
	return c.ready()
}

// answer receives a message and answers it.
func (c *client) answer() error {
	message, err := c.Receive()
	if err != nil {
		return err
	}
	switch m := message.(type) {
	case *pgproto3.Query: // the simple protocol, which the driver uses for begin and commit
		c.run(m.String)
		return c.ready()
	case *pgproto3.Parse:
		c.Send(&pgproto3.ParseComplete{})
	case *pgproto3.Describe:
		if m.ObjectType == 'S' {
			c.Send(&pgproto3.ParameterDescription{})
		}
		c.Send(row)
	case *pgproto3.Bind:
		c.Send(&pgproto3.BindComplete{})
	case *pgproto3.Execute:
		c.sendRow()
	case *pgproto3.Close:
		c.Send(&pgproto3.CloseComplete{})
	case *pgproto3.Sync:
		return c.ready()
	case *pgproto3.Terminate:
		return errGone
	}
	return nil
}

// run is the whole executor.
func (c *client) run(text string) {
	word, _, _ := strings.Cut(strings.ToUpper(text), " ")
	switch word {
	case "SELECT":
		c.Send(row)
		c.sendRow()
		return
	case "BEGIN":
		c.tx = 'T'
	case "COMMIT", "ROLLBACK":
		c.tx = 'I'
	}
	c.Send(&pgproto3.CommandComplete{CommandTag: []byte(word)})
}

// row says that there is one column, a text: a value of it looks the same in both of the protocol's formats.
var row = &pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("name"), DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1}}}

func (c *client) sendRow() {
	c.Send(&pgproto3.DataRow{Values: [][]byte{[]byte("ink")}})
	c.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
}

func (c *client) ready() error {
	c.Send(&pgproto3.ReadyForQuery{TxStatus: c.tx})
	return c.Flush()
}
