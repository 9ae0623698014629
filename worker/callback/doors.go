package callback

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
)

// doors bounds the connections that are open, in all and of one client. A newcomer who finds no place takes that of
// the connection that has stood still for longest: whoever sends slowly, or nothing, keeps nobody out. One whose
// request is being answered keeps its place. It is safe for concurrent use.
type doors struct {
	most, each int
	shared     func(netip.Addr) bool // a proxy of ours, behind which many stand: held to most alone

	mu    sync.Mutex
	open  int
	hosts map[string]int
	still *list.List // of *door: those that are not being answered, the one that moved longest ago first
}

func newDoors(most, each int, shared func(netip.Addr) bool) *doors {
	return &doors{most: most, each: each, shared: shared, hosts: map[string]int{}, still: list.New()}
}

// door is one connection.
type door struct {
	net.Conn
	of    *doors
	host  string        // "" is bounded by most alone
	place *list.Element // in still; nil while it is answered
	gone  bool
}

// Close gives the place back.
func (d *door) Close() error {
	d.of.mu.Lock()
	d.of.leave(d)
	d.of.mu.Unlock()
	return d.Conn.Close()
}

// CloseWrite lets the last answer reach a client that is still sending.
func (d *door) CloseWrite() error {
	if c, ok := d.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// enter gives a connection a place, and returns the one that has to go for it. Without a place it is nil.
func (s *doors) enter(c net.Conn) (in, out *door) {
	in = &door{Conn: c, of: s, host: s.hostOf(c)}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case in.host != "" && s.hosts[in.host] >= s.each:
		out = s.oldest(in.host)
	case s.open >= s.most:
		out = s.oldest("")
	}
	if out != nil {
		s.leave(out)
	} else if s.open >= s.most || in.host != "" && s.hosts[in.host] >= s.each {
		return nil, nil
	}
	s.open++
	s.hosts[in.host]++
	in.place = s.still.PushBack(in)
	return in, out
}

func (s *doors) hostOf(c net.Conn) string {
	to, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil || s.shared(to.Addr().Unmap()) {
		return ""
	}
	return network(to.Addr().String())
}

// oldest finds whom to shut: of a host, or of all.
func (s *doors) oldest(host string) *door {
	for e := s.still.Front(); e != nil; e = e.Next() {
		if d := e.Value.(*door); host == "" || d.host == host { //nolint:forcetypeassert // nothing else is in it
			return d
		}
	}
	return nil
}

// leave takes a door out of the books, once. s.mu is held.
func (s *doors) leave(d *door) {
	if d.gone {
		return
	}
	d.gone = true
	if d.place != nil {
		s.still.Remove(d.place)
		d.place = nil
	}
	s.open--
	if s.hosts[d.host]--; s.hosts[d.host] == 0 {
		delete(s.hosts, d.host)
	}
}

// answering keeps a door open until the returned function is called. A nil door is one that nobody counts.
func (d *door) answering() func() {
	if d == nil {
		return func() {}
	}
	d.of.mu.Lock()
	defer d.of.mu.Unlock()
	if d.place != nil {
		d.of.still.Remove(d.place)
		d.place = nil
	}
	return func() {
		d.of.mu.Lock()
		defer d.of.mu.Unlock()
		if !d.gone {
			d.place = d.of.still.PushBack(d)
		}
	}
}

// bounded is a listener whose connections find a place.
type bounded struct {
	net.Listener
	doors *doors
}

// Accept is for net.Listener.
func (b bounded) Accept() (net.Conn, error) {
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			return nil, err
		}
		in, out := b.doors.enter(c)
		if out != nil {
			out.Conn.Close() //nolint:errcheck // it is in nobody's books any more
		}
		if in != nil {
			return in, nil
		}
		c.Close() //nolint:errcheck // there was no place for it
	}
}

type doorKey struct{}

// withDoor lets a request know its connection.
func withDoor(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	d, _ := c.(*door)
	return context.WithValue(ctx, doorKey{}, d)
}

func doorOf(ctx context.Context) *door {
	d, _ := ctx.Value(doorKey{}).(*door)
	return d
}
