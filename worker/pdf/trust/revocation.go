package trust

import (
	"bytes"
	"crypto"
	"slices"
	"time"

	"countersign/worker/pdf/ber"
	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/pubkey"
)

// Limits of what is read of the revocation data in one file.
const (
	mostAnswers = 200
	mostLists   = 100
)

// state is what revocation data says of a certificate.
type state int

const (
	unknown state = iota
	good
	revoked
)

// revocation is the revocation data of a file, read as far as it can be. Nothing in it is believed before its signature
// is checked with the issuer's key.
type revocation struct {
	answers []*answer
	lists   []*list
}

// signedData is a signed structure: a certificate list, or an answer.
type signedData struct {
	tbs, signature []byte
	how            pubkey.Scheme
	id             string // a digest of it
}

// by reports whether a certificate's key signed it.
func (s *signedData) by(c *cert.Certificate, all *checks) bool {
	return all.of(s.id, c.SHA256(), func() error {
		m := pubkey.Text(s.tbs)
		m.Whole = false
		_, err := c.Key.Verify(m, s.signature, s.how)
		return err
	}) == nil
}

// answer is a BasicOCSPResponse.
type answer struct {
	signedData
	produced time.Time
	certs    []*cert.Certificate
	singles  []single
}

// single is what an answer says about one certificate.
type single struct {
	hash             crypto.Hash
	nameHash, keyHas []byte
	serial           ber.Element
	state            state
	revokedAt        time.Time
	this, next       time.Time
}

// list is a CertificateList.
type list struct {
	signedData
	issuer     cert.Name
	this, next time.Time
	revoked    ber.Element          // the entries; the zero value where there are none
	partial    bool                 // it does not list all that its issuer revoked
	point      []byte               // it lists only what is published at this place
	users, cas bool                 // it lists only these
	found      map[string]time.Time // of certificates that were looked for; the zero time where one is not listed
}

// add reads answers and lists.
func (r *revocation) add(answers, lists [][]byte) {
	for _, raw := range answers {
		if a, ok := readAnswer(raw); ok && len(r.answers) < mostAnswers {
			r.answers = append(r.answers, &a)
		}
	}
	for _, raw := range lists {
		if l, ok := readList(raw); ok && len(r.lists) < mostLists {
			r.lists = append(r.lists, &l)
		}
	}
}

// of is what the data says of a certificate that signed at a time: a revocation counts before all else.
func (r *revocation) of(c, issuer *cert.Certificate, signed time.Time, with *Store) (state, time.Time) {
	is := unknown
	for _, a := range r.answers {
		for _, s := range a.singles {
			if s.state == unknown || !s.about(c, issuer) || !a.answeredBy(issuer, with) {
				continue
			}
			if s.state == revoked {
				return revoked, s.revokedAt
			}
			if current(signed, s.this, s.next) {
				is = good
			}
		}
	}
	for _, l := range r.lists {
		if !l.issuer.Same(issuer.Subject) || issuer.HasUsage && issuer.Usage&cert.CRLSign == 0 || !l.by(issuer, with.checks) {
			continue
		}
		if when, listed := l.lists(c); listed {
			return revoked, when
		}
		if l.covers(c) && current(signed, l.this, l.next) {
			is = good
		}
	}
	return is, time.Time{}
}

// current reports whether data from one time to another says something of the time of signing: it was made after it, or
// held then.
func current(signed, this, next time.Time) bool {
	return !this.Before(signed) || !next.IsZero() && !next.Before(signed)
}

// answeredBy reports whether the issuer signed an answer, or a responder that the issuer made one.
func (a *answer) answeredBy(issuer *cert.Certificate, with *Store) bool {
	if a.by(issuer, with.checks) {
		return true
	}
	for _, c := range slices.Concat(a.certs, with.others) {
		if slices.Contains(c.ExtendedUsage, "1.3.6.1.5.5.7.3.9") && c.Issuer.Same(issuer.Subject) &&
			c.ValidAt(a.produced) == "" && a.by(c, with.checks) &&
			with.checks.of(c.SHA256(), issuer.SHA256(), func() error { return c.SignedBy(issuer) }) == nil {
			return true
		}
	}
	return false
}

func (s single) about(c, issuer *cert.Certificate) bool {
	n, ok := s.serial.Int()
	return ok && n.Cmp(c.Serial) == 0 && bytes.Equal(s.keyHas, digest.Of(s.hash, issuer.RawKey)) &&
		bytes.Equal(s.nameHash, digest.Of(s.hash, issuer.Subject.Raw))
}

// readAnswer reads an OCSPResponse, or the BasicOCSPResponse in it.
func readAnswer(raw []byte) (a answer, ok bool) {
	e, _, err := ber.Read(raw)
	if err != nil {
		return a, false
	}
	all, err := e.Children()
	if err != nil || len(all) == 0 {
		return a, false
	}
	if all[0].Is(ber.Enumerated) {
		if len(all) < 2 {
			return a, false // an answer that says why there is none
		}
		inner, err := all[1].Only()
		if err != nil {
			return a, false
		}
		parts, err := inner.Children()
		if err != nil || len(parts) < 2 {
			return a, false
		}
		basic, err := parts[1].Octets()
		if err != nil {
			return a, false
		}
		if e, _, err = ber.Read(basic); err != nil {
			return a, false
		}
	}
	return readBasic(e)
}

func readBasic(e ber.Element) (a answer, ok bool) {
	all, err := e.Children()
	if err != nil || len(all) < 3 {
		return a, false
	}
	a.tbs, a.how, a.id = all[0].Raw, pubkey.ReadScheme(all[1], 0), digestOf(e.Raw)
	a.signature, _ = all[2].Bits()
	if len(all) > 3 {
		if certs, err := all[3].Only(); err == nil {
			list, _ := certs.Children() //nolint:errcheck // certificates that cannot be read are not there
			for _, c := range list {
				if read, err := cert.FromElement(c); err == nil {
					a.certs = append(a.certs, read)
				}
			}
		}
	}
	data, err := all[0].Children()
	if err != nil {
		return a, false
	}
	for _, x := range data {
		switch {
		case x.Is(ber.GeneralizedTime):
			a.produced, _ = x.Time()
		case x.Is(ber.Sequence) && !a.produced.IsZero() && a.singles == nil:
			list, err := x.Children()
			if err != nil {
				return a, false
			}
			for _, one := range list {
				if s, ok := readSingle(one); ok {
					a.singles = append(a.singles, s)
				}
			}
		}
	}
	return a, len(a.singles) > 0
}

func readSingle(e ber.Element) (s single, ok bool) {
	all, err := e.Children()
	if err != nil || len(all) < 3 {
		return s, false
	}
	id, err := all[0].Children()
	if err != nil || len(id) < 4 {
		return s, false
	}
	if s.hash, ok = digest.ByOID(pubkey.ReadScheme(id[0], 0).OID); !ok {
		return s, false
	}
	s.nameHash, s.keyHas, s.serial = id[1].Body, id[2].Body, id[3]
	switch {
	case all[1].IsContext(0):
		s.state = good
	case all[1].IsContext(1):
		s.state = revoked
		when, err := all[1].Only()
		if err != nil {
			return s, false
		}
		if s.revokedAt, ok = when.Time(); !ok {
			return s, false
		}
	}
	if s.this, ok = all[2].Time(); !ok {
		return s, false
	}
	for _, x := range all[3:] {
		if inner, err := x.Only(); x.IsContext(0) && err == nil {
			s.next, _ = inner.Time()
		}
	}
	return s, true
}

func digestOf(b []byte) string { return string(digest.Of(crypto.SHA256, b)) }
