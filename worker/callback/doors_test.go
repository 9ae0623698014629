package callback

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"countersign/model"
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

func TestDoors(t *testing.T) {
	t.Parallel()
	s := newDoors(4, 2, func(ip netip.Addr) bool { return ip.String() == "10.0.0.1" })
	come := func(from string) *door {
		in, out := s.enter(&visitor{from: from})
		if out != nil {
			out.Conn.Close() //nolint:errcheck // a test
		}
		return in
	}
	shut := func(d *door) bool { return d.Conn.(*visitor).closed } //nolint:forcetypeassert // a test

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
		t.Fatal("where all are being answered a newcomer of the address has no place")
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
	for _, d := range []*door{p3, v2, v2, a4} {
		d.Close() //nolint:errcheck // a test
	}
	if s.open != 1 || len(s.hosts) != 1 || s.still.Len() != 1 {
		t.Fatalf("%d open, %v, %d still", s.open, s.hosts, s.still.Len())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	r := newRefusals(2, 1000)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	kept := 0
	for i := range 30 { // each address twice: the account's own bound is five times as much
		for range 2 {
			if r.keep(&model.Callback{Account: "sales", RemoteAddr: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String(), At: at, Body: make([]byte, 300)}) {
				kept++
			}
		}
	}
	if kept != 2*manyTimes {
		t.Errorf("%d are kept", kept)
	}
	full := model.Callback{Account: "sales", RemoteAddr: "x", At: at.Add(time.Minute), Body: make([]byte, 300), Note: "no key"}
	if !r.keep(&full) || full.Body != nil || !strings.HasPrefix(full.Note, "no key; ") {
		t.Errorf("a minute later one is kept, without its body: %+v", full)
	}
	late := model.Callback{Account: "sales", RemoteAddr: "x", At: at.Add(time.Hour), Body: make([]byte, 300)}
	if !r.keep(&late) || late.Body == nil {
		t.Errorf("an hour later with it: %+v", late)
	}
}
