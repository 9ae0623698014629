package callback

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"countersign/worker/callback/caller"
	"countersign/worker/callback/odd"
)

// connections bounds the open connections, in all and of one client. When full, a new connection replaces the one
// idle longest, so that a client that sends slowly, or nothing, keeps nobody out. A connection whose request is being
// answered is never replaced. It is safe for concurrent use.
type connections struct {
	limit, limitEach int
	shared           func(netip.Addr) bool     // a trusted proxy, which many clients share: only limit bounds it
	opened           func(*connection, string) // told the odd kind of a connection's first bytes; may be nil
	secure           bool                      // TLS is served
	ended            func()                    // told that a connection was closed; may be nil

	mu    sync.Mutex
	open  int
	hosts map[string]int // open connections by host
	idle  *list.List     // of *connection: those not being answered, the one idle longest first
}

func newConnections(limit, limitEach int, shared func(netip.Addr) bool) *connections {
	return &connections{limit: limit, limitEach: limitEach, shared: shared, hosts: map[string]int{}, idle: list.New()}
}

// connection is one that is counted.
type connection struct {
	net.Conn
	all     *connections
	host    string        // "" is bounded by limit alone
	place   *list.Element // in idle; nil while a request is answered
	removed bool

	opening    odd.Opening
	odd        atomic.Bool // its first bytes were
	readFailed atomic.Bool // the last read did: the connection ended, or took too long
	unserved   atomic.Bool // a request came that no handler has seen
}

// Read notes what the connection begins with and how it ends.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 && c.all.opened != nil {
		if kind := c.opening.Look(p[:n], c.all.secure); kind != "" {
			c.odd.Store(true)
			c.all.opened(c, kind)
		}
	}
	c.readFailed.Store(err != nil)
	return n, err
}

// from is the address of the peer, as text.
func (c *connection) from() string {
	a, _ := caller.Address(c.RemoteAddr().String())
	return a.String()
}

// Close ends the connection and counts it no more.
func (c *connection) Close() error {
	c.all.mu.Lock()
	c.all.remove(c)
	c.all.mu.Unlock()
	err := c.Conn.Close()
	if c.all.ended != nil {
		c.all.ended()
	}
	return err
}

// CloseWrite lets the last answer reach a client that is still sending.
func (c *connection) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// add counts a connection, and returns the one to close in its favour, if any. added is nil where the limit is reached
// and every connection is being answered.
func (s *connections) add(raw net.Conn) (added, replaced *connection) {
	added = &connection{Conn: raw, all: s, host: s.hostOf(raw)}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case added.host != "" && s.hosts[added.host] >= s.limitEach:
		replaced = s.idleLongest(added.host)
	case s.open >= s.limit:
		replaced = s.idleLongest("")
	}
	if replaced != nil {
		s.remove(replaced)
	} else if s.open >= s.limit || added.host != "" && s.hosts[added.host] >= s.limitEach {
		return nil, nil
	}
	s.open++
	s.hosts[added.host]++
	added.place = s.idle.PushBack(added)
	return added, replaced
}

func (s *connections) hostOf(c net.Conn) string {
	peer, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || s.shared(peer.Addr()) {
		return ""
	}
	return network(peer.Addr().String())
}

// idleLongest finds the connection to replace: of one host, or of all.
func (s *connections) idleLongest(host string) *connection {
	for e := s.idle.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*connection); host == "" || c.host == host { //nolint:forcetypeassert // nothing else is in it
			return c
		}
	}
	return nil
}

// remove counts a connection no more; calling it twice is safe. s.mu is held.
func (s *connections) remove(c *connection) {
	if c.removed {
		return
	}
	c.removed = true
	if c.place != nil {
		s.idle.Remove(c.place)
		c.place = nil
	}
	s.open--
	if s.hosts[c.host]--; s.hosts[c.host] == 0 {
		delete(s.hosts, c.host)
	}
}

// answering protects a connection from being replaced until the returned function is called. A nil connection is one
// that nobody counts.
func (c *connection) answering() (done func()) {
	if c == nil {
		return func() {}
	}
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	if c.place != nil {
		c.all.idle.Remove(c.place)
		c.place = nil
	}
	return func() {
		c.all.mu.Lock()
		defer c.all.mu.Unlock()
		if !c.removed {
			c.place = c.all.idle.PushBack(c)
		}
	}
}

// limitedListener accepts what connections lets in.
type limitedListener struct {
	net.Listener
	connections *connections
}

// Accept is for net.Listener.
func (l limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		added, replaced := l.connections.add(c)
		if replaced != nil {
			replaced.Conn.Close() //nolint:errcheck // it is counted no more
		}
		if added != nil {
			return added, nil
		}
		c.Close() //nolint:errcheck // it was never counted
	}
}

type connectionKey struct{}

// withConnection lets a request know its connection.
func withConnection(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	counted, _ := c.(*connection)
	return context.WithValue(ctx, connectionKey{}, counted)
}

func connectionOf(ctx context.Context) *connection {
	c, _ := ctx.Value(connectionKey{}).(*connection)
	return c
}
