package trust

import (
	"bytes"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/pubkey"
)

// readList reads a CertificateList.
func readList(raw []byte) (l list, ok bool) {
	e, _, err := ber.Read(raw)
	if err != nil {
		return l, false
	}
	outer, err := e.Children()
	if err != nil || len(outer) < 3 {
		return l, false
	}
	l.tbs, l.how, l.id = outer[0].Raw, pubkey.ReadScheme(outer[1], 0), digestOf(e.Raw)
	l.signature, _ = outer[2].Bits()
	all, err := outer[0].Children()
	if err != nil {
		return l, false
	}
	if len(all) > 0 && all[0].Is(ber.Integer) {
		all = all[1:]
	}
	if len(all) < 3 {
		return l, false
	}
	l.issuer = cert.NameFromElement(all[1])
	if l.this, ok = all[2].Time(); !ok {
		return l, false
	}
	for _, x := range all[3:] {
		switch {
		case x.Is(ber.Sequence):
			l.revoked = x
		case x.IsContext(0):
			l.extensions(x)
		default:
			l.next, _ = x.Time()
		}
	}
	return l, true
}

// extensions notes why a list may lack a certificate that was revoked.
func (l *list) extensions(e ber.Element) {
	inner, err := e.Only()
	if err != nil {
		l.partial = true
		return
	}
	all, err := inner.Children()
	if err != nil {
		l.partial = true
		return
	}
	for _, x := range all {
		parts, err := x.Children()
		if err != nil || len(parts) < 2 {
			continue
		}
		critical := parts[1].Is(ber.Boolean) && len(parts[1].Body) == 1 && parts[1].Body[0] != 0
		switch parts[0].OID() {
		case "2.5.29.28":
			value, err := parts[len(parts)-1].Octets()
			if err != nil || !l.distribution(value) {
				l.partial = true
			}
		case "2.5.29.20", "2.5.29.35", "2.5.29.46", "2.5.29.60": // its number, its key, others beside it, kept entries
		default:
			l.partial = l.partial || critical || parts[0].OID() == "2.5.29.27"
		}
	}
}

// distribution reads an IssuingDistributionPoint; false where the list says too little of itself.
func (l *list) distribution(value []byte) bool {
	e, _, err := ber.Read(value)
	if err != nil {
		return false
	}
	all, err := e.Children()
	if err != nil {
		return false
	}
	for _, x := range all {
		set := len(x.Body) == 1 && x.Body[0] != 0
		switch {
		case x.IsContext(0):
			name, err := x.Only()
			if err != nil {
				return false
			}
			l.point = name.Body
		case x.IsContext(1):
			l.users = set
		case x.IsContext(2):
			l.cas = set
		case set || x.IsContext(3): // some reasons only, another's certificates, attribute certificates
			return false
		}
	}
	return true
}

// covers reports whether a list would have a certificate if its issuer had revoked it.
func (l *list) covers(c *cert.Certificate) bool {
	return !l.partial && !(l.users && c.CA) && !(l.cas && !c.CA) &&
		(l.point == nil || bytes.Contains(c.CRLPoints, l.point))
}

// lists reports whether a list has a certificate.
func (l *list) lists(c *cert.Certificate) (when time.Time, listed bool) {
	id := c.SHA256()
	when, asked := l.found[id]
	if !asked {
		if l.found == nil {
			l.found = map[string]time.Time{}
		}
		when, _ = l.search(c)
		l.found[id] = when
	}
	return when, !when.IsZero()
}

// search reads the entries one after the other, and keeps none: lists are long.
func (l *list) search(c *cert.Certificate) (when time.Time, listed bool) {
	for rest := l.revoked.Body; len(rest) > 0; {
		var entry ber.Element
		var err error
		if entry, rest, err = ber.Read(rest); err != nil {
			return when, false
		}
		serial, after, err := ber.Read(entry.Body)
		if err != nil || !bytes.Equal(bytes.TrimLeft(serial.Body, "\x00"), bytes.TrimLeft(c.SerialBytes(), "\x00")) {
			continue
		}
		at, _, err := ber.Read(after)
		if err != nil {
			continue
		}
		if when, listed = at.Time(); listed {
			return when, true
		}
	}
	return when, false
}
