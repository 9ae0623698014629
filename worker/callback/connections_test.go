package callback

import (
	"net"
	"net/netip"
	"testing"
)

// visitor is a connection from an address that notes whether it was closed.
type visitor struct {
	net.Conn
	from   string
	closed bool
}

func (v *visitor) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(v.from), 1234))
}
func (v *visitor) Close() error { v.closed = true; return nil }

func TestConnections(t *testing.T) {
	t.Parallel()
	s := newConnections(4, 2, func(ip netip.Addr) bool { return ip.String() == "10.0.0.1" })
	come := func(from string) *connection {
		added, replaced := s.add(&visitor{from: from})
		if replaced != nil {
			replaced.Conn.Close() //nolint:errcheck // a test
		}
		return added
	}
	shut := func(d *connection) bool { return d.Conn.(*visitor).closed } //nolint:forcetypeassert // a test

	a1, a2 := come("192.0.2.1"), come("192.0.2.1")
	a3 := come("192.0.2.1")
	if !shut(a1) || shut(a2) || s.open != 2 {
		t.Fatal("the third of one address takes the place of its first")
	}
	done := a2.answering()
	a4 := come("192.0.2.1")
	if shut(a2) || !shut(a3) {
		t.Fatal("one that is being answered keeps its place")
	}
	a4.answering()
	if come("192.0.2.1") != nil {
		t.Fatal("where all are being answered a new connection of the address is closed")
	}
	done()
	p1, p2 := come("10.0.0.1"), come("::ffff:10.0.0.1")
	p3 := come("10.0.0.1")
	if !shut(a2) || shut(p1) || shut(p2) {
		t.Fatal("a proxy is held to all places only, and the oldest goes")
	}
	v1, v2 := come("2001:db8::1"), come("2001:db8::2")
	come("2001:db8::3")
	if !shut(p1) || !shut(p2) || !shut(v1) || shut(v2) {
		t.Fatal("64 bits of IPv6 are one client")
	}
	for _, d := range []*connection{p3, v2, v2, a4} {
		d.Close() //nolint:errcheck // a test
	}
	if s.open != 1 || len(s.hosts) != 1 || s.idle.Len() != 1 {
		t.Fatalf("%d open, %v, %d idle", s.open, s.hosts, s.idle.Len())
	}
}
