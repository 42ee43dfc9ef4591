package main

import (
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// network is what a proxy does with what passes through it.
type network int

const (
	well      network = iota
	cut               // connections are closed, and new ones refused
	blackhole         // what is sent vanishes, and nothing is closed
	reset             // connections are reset, and new ones too, once they were accepted
	slow              // what the server sends takes latency longer
)

// latency is how much longer.
const latency = 100 * time.Millisecond

// proxy is the network between the service and the server.
//
// It is not toxiproxy, which one would take otherwise. That resets only connections that were made after its reset_peer was (v2.12.0 sets
// SO_LINGER in ToxicLink.Start, and not in AddToxic); those that exist end in an orderly way. A connection that is accepted while Proxy.Stop
// runs may survive that. And it does not tell which connection to the server belongs to which of the service's, without which those on the
// server cannot be counted.
type proxy struct {
	address string // of the proxy
	server  string // address of the server
	work    sync.WaitGroup

	mu       sync.Mutex // guards what follows
	listener net.Listener
	state    network
	links    map[*link]struct{}
}

// link is one connection of the service, and the one to the server that belongs to it.
type link struct {
	client, server net.Conn // server is nil if the link was made in a blackhole
	lost           bool     // something vanished; the link is silent from then on. Guarded by proxy.mu
}

// newProxy makes a proxy for a network that is well. The caller closes it.
func newProxy(server string) (*proxy, error) {
	port, err := process.FreePort()
	if err != nil {
		return nil, err
	}
	p := &proxy{address: fmt.Sprintf("127.0.0.1:%d", port), server: server, links: map[*link]struct{}{}}
	if err := p.listen(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *proxy) listen() error {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.listener = l
	p.mu.Unlock()
	p.work.Go(func() { p.accept(l) })
	return nil
}

// set makes the network so.
func (p *proxy) set(to network) error {
	p.mu.Lock()
	from := p.state
	p.state = to
	l := p.listener
	var ended []*link
	if to == cut || to == reset {
		for k := range p.links {
			ended = append(ended, k)
		}
	}
	p.mu.Unlock()
	if to == cut {
		_ = l.Close() // nothing is left of it in any case
	}
	for _, k := range ended {
		p.end(k, to == reset)
	}
	if from == cut && to != cut {
		return p.listen()
	}
	return nil
}

// close ends all connections, and waits for the goroutines. It may be called again.
func (p *proxy) close() {
	_ = p.set(cut) // which fails in no way
	p.work.Wait()
}

// accept makes links until the listener is closed.
func (p *proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.connect(client) })
	}
}

// connect makes the link of a new connection, as the network allows.
func (p *proxy) connect(client net.Conn) {
	k := &link{client: client}
	p.mu.Lock()
	state := p.state
	k.lost = state == blackhole
	p.links[k] = struct{}{}
	p.mu.Unlock()
	if state == cut || state == reset {
		p.end(k, state == reset)
		return
	}
	if state == blackhole {
		p.forward(k, client, nil) // until the client gives up
		p.end(k, false)
		return
	}
	server, err := net.Dial("tcp", p.server)
	if err != nil {
		p.end(k, false)
		return
	}
	p.mu.Lock()
	_, alive := p.links[k]
	k.server = server
	p.mu.Unlock()
	if !alive { // the network has changed meanwhile
		_ = server.Close()
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.forward(k, client, server) })
	p.forward(k, server, client)
	both.Wait()
	p.end(k, false)
}

// chunk is what was read at once.
type chunk struct {
	bytes []byte
	due   time.Time // when it arrives
}

// forward passes on what one end sends until that end has closed, and then closes the other.
func (p *proxy) forward(k *link, from, to net.Conn) {
	chunks := make(chan chunk, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		broken := false
		for c := range chunks {
			time.Sleep(time.Until(c.due))
			if !broken && to != nil {
				_, err := to.Write(c.bytes)
				broken = err != nil
			}
		}
	})
	for {
		b := make([]byte, 16<<10)
		n, err := from.Read(b)
		delay, lost := p.passes(k, from)
		if err != nil {
			close(chunks)
			writer.Wait()
			if !lost && to != nil {
				_ = to.Close() // an end in both directions: databases use none in one
			}
			return
		}
		if !lost {
			chunks <- chunk{b[:n], time.Now().Add(delay)}
		}
	}
}

// passes tells how what was read from an end of a link goes on.
func (p *proxy) passes(k *link, from net.Conn) (delay time.Duration, lost bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == blackhole {
		k.lost = true
	}
	if p.state == slow && from == k.server {
		delay = latency
	}
	return delay, k.lost
}

// end closes both ends of a link, by a reset if that is wanted.
func (p *proxy) end(k *link, byReset bool) {
	p.mu.Lock()
	delete(p.links, k)
	server := k.server
	p.mu.Unlock()
	for _, c := range []net.Conn{k.client, server} {
		if c == nil {
			continue
		}
		if byReset {
			_ = c.(*net.TCPConn).SetLinger(0) // fails on one that is closed
		}
		_ = c.Close() // as above
	}
}

// clientPorts tells, for the port of each connection to the server, that of the service's connection.
func (p *proxy) clientPorts() map[int]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	ports := map[int]int{}
	for k := range p.links {
		if k.server != nil {
			ports[portOf(k.server.LocalAddr())] = portOf(k.client.RemoteAddr())
		}
	}
	return ports
}

func portOf(a net.Addr) int { return a.(*net.TCPAddr).Port }

// port is that of the proxy.
func (p *proxy) port() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return portOf(p.listener.Addr())
}
