package trust

import (
	"bytes"
	"errors"
	"slices"

	"countersign/worker/pdf/cert"
	"countersign/worker/pdf/pubkey"
)

// Limits of the search for a chain.
const (
	longestChain = 12
	mostChecks   = 500 // signatures of certificates and revocation data, each once, for all of a file
)

// builder searches a chain.
type builder struct {
	trusted []*cert.Certificate
	pool    []*cert.Certificate        // the trusted ones first
	seen    map[*cert.Certificate]bool // led nowhere
	checks  *checks
	longest []*cert.Certificate // the chain that was found, or else as far as one could be followed
	refused string              // why a certificate on the way may not issue
	unable  string              // why a signature on the way cannot be checked
}

// unique joins lists of certificates, each once.
func unique(lists ...[]*cert.Certificate) (all []*cert.Certificate) {
	seen := map[string]bool{}
	for _, c := range slices.Concat(lists...) {
		if id := c.SHA256(); !seen[id] {
			seen[id] = true
			all = append(all, c)
		}
	}
	return all
}

func isOneOf(c *cert.Certificate, list []*cert.Certificate) bool {
	return slices.ContainsFunc(list, func(o *cert.Certificate) bool {
		return o.Equal(c)
	})
}

// walk goes on from the last certificate of a path; true once a trusted one is reached.
func (b *builder) walk(path []*cert.Certificate) bool {
	c := path[len(path)-1]
	trusted := isOneOf(c, b.trusted)
	if trusted || len(path) > len(b.longest) {
		b.longest = slices.Clone(path)
	}
	if trusted {
		return true
	}
	if len(path) == longestChain {
		return false
	}
	for _, issuer := range b.issuers(c) {
		if b.seen[issuer] || slices.ContainsFunc(path, issuer.Equal) {
			continue
		}
		if !b.signed(c, issuer) {
			continue
		}
		if why := mayNotIssue(issuer, len(path)-1); why != "" {
			b.refused = why
			continue
		}
		b.seen[issuer] = true
		if b.walk(append(path, issuer)) {
			return true
		}
	}
	return false
}

// astray says where a chain ends that leads to nothing trusted.
func (b *builder) astray() string {
	switch top := b.longest[len(b.longest)-1]; {
	case !top.SelfIssued():
		return "its certificate leads to none that this account trusts: that of " + top.Issuer.Common() +
			", who issued the last, is not in the file"
	case len(b.longest) == 1:
		return "its certificate is self-signed, and none that this account trusts"
	default:
		return "its certificate leads to " + top.Subject.Common() + ", which this account does not trust"
	}
}

// issuers are the certificates that bear the name of a certificate's issuer; those whose key has the right identifier
// come first, and the trusted before others.
func (b *builder) issuers(c *cert.Certificate) []*cert.Certificate {
	var first, then []*cert.Certificate
	for _, o := range b.pool {
		switch {
		case !o.Subject.Same(c.Issuer):
		case bytes.Equal(o.SubjectKeyID, c.AuthorityKeyID):
			first = append(first, o)
		default:
			then = append(then, o)
		}
	}
	return append(first, then...)
}

// signed reports whether an issuer's key signed a certificate.
func (b *builder) signed(c, issuer *cert.Certificate) bool {
	err := b.checks.of(c.SHA256(), issuer.SHA256(), func() error { return c.SignedBy(issuer) })
	var unable pubkey.Unable
	if errors.As(err, &unable) {
		b.unable = "of the certificate of " + c.Subject.Common() + ": " + string(unable)
	}
	return err == nil
}

// checks are the signatures that were checked for a file, and how many more may be.
type checks struct {
	left int
	done map[[2]string]error
}

// of checks whether one's key signed another, both known by a digest.
func (c *checks) of(signed, signer string, check func() error) error {
	k := [2]string{signed, signer}
	if err, ok := c.done[k]; ok {
		return err
	}
	if c.left == 0 {
		return pubkey.Unable("the file holds too many certificates")
	}
	c.left--
	err := check()
	c.done[k] = err
	return err
}

// above is a certificate that issued a trusted one; nil where none is at hand.
func (b *builder) above(c *cert.Certificate) *cert.Certificate {
	for _, issuer := range b.issuers(c) {
		if !issuer.Equal(c) && b.signed(c, issuer) && mayNotIssue(issuer, 0) == "" {
			return issuer
		}
	}
	return nil
}

// mayNotIssue says why a certificate may not issue others, with so many issuers between it and the signer; "" where it
// may.
func mayNotIssue(c *cert.Certificate, below int) string {
	switch who := c.Subject.Common(); {
	case !c.HasConstraints && !c.SelfIssued(), c.HasConstraints && !c.CA:
		return "it was issued with the certificate of " + who + ", which may not issue any"
	case c.HasUsage && c.Usage&cert.CertSign == 0:
		return "it was issued with the certificate of " + who + ", whose key may not sign certificates"
	case c.MaxPath >= 0 && below > c.MaxPath:
		return "more certificates stand below that of " + who + " than it allows"
	}
	return ""
}
