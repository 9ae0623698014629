package config

import (
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"countersign/cmd/countersign/config/hooks"
	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/provider"
	"countersign/worker/files"
)

// check looks at every value of a config that was read, beyond its form. It returns what was found before with what it
// found.
func check(c *Config, root *tree.Node, before tree.List, known map[string]provider.Driver) tree.List {
	r := &checker{root: root, found: before}
	r.checkStores(c)
	r.checkPublic(c.Public)
	r.checkACME(c)
	r.checkConsole(c)
	r.checkPolling(c.Polling)
	r.checkPaces(c)
	r.checkJitter("polling", c.Polling, c.SlotJitter)
	r.oneOf("log.level", c.Log.Level, "trace", "debug", "info", "warning", "error")
	r.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	first := map[string]string{}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if other, twice := first[a.ID]; twice && a.ID != "" {
			r.wrong(a.at+".id", "%q is %s already: ids name accounts in URLs and rows", a.ID, other)
		} else {
			first[a.ID] = a.at
		}
		r.checkAccount(a, known)
		if !a.Polling.same(c.Polling) {
			r.checkJitter(a.at+".polling", a.Polling, c.SlotJitter)
		}
	}
	hooks.Check(c.Hooks, hooks.Known{Accounts: slices.Collect(maps.Keys(first)), Providers: slices.Sorted(maps.Keys(known))},
		hookFaults{r})
	return r.found
}

// checker is one run of check.
type checker struct {
	root  *tree.Node
	found tree.List
}

// hookFaults is a checker for the hooks.
type hookFaults struct{ r *checker }

func (f hookFaults) Wrong(path, format string, args ...any) { f.r.wrong(path, format, args...) }
func (f hookFaults) Lacks(path string) bool                 { return f.r.lacks(path) }
func (f hookFaults) Said(path string) string                { return f.r.said(path) }
func (f hookFaults) IsID(word string) bool                  { return IsID(word) }

// wrong notes a fault at a path: on its line, or on that of the nearest thing around it.
func (r *checker) wrong(path, format string, args ...any) {
	r.found.Add(r.root.LineOf(path), path, format, args...)
}

// lacks says whether a secret that belongs at path or below is missing, which was told already.
func (r *checker) lacks(path string) bool { return r.found.Lacks(path) }

// parameters are what a file's name holds that was meant as a URL; a ? or # alone is a name like any other.
var parameters = regexp.MustCompile(`\?[a-z_]+=`)

func (r *checker) checkStores(c *Config) {
	scheme, rest, _ := strings.Cut(c.Database, ":")
	switch {
	case scheme == "sqlite" && parameters.MatchString(filepath.Base(rest)):
		r.wrong("database", "has parameters of SQLite after the ?, which are ours to set: sqlite:./countersign.db")
	case scheme == "sqlite" && rest != "":
	case scheme == "sqlite":
		r.wrong("database", "does not name a file: sqlite:./countersign.db")
	case scheme == "postgres", scheme == "postgresql":
		if u, err := url.Parse(c.Database); err != nil || u.Host == "" && u.Query().Get("host") == "" {
			r.wrong("database", "is not a URL such as postgres://user@host/name")
		}
	case r.lacks("database"):
	default:
		r.wrong("database", "is neither sqlite:FILE nor postgres://user@host/name")
	}
	at, err := files.ParseAddress(c.Documents)
	switch {
	case c.Documents == "" && r.lacks("documents"):
	case err != nil:
		r.wrong("documents", "%s", err.Error())
	case !at.Local() && c.SpoolFolder() == "":
		r.wrong("documents_spool", "is not set: a folder of this machine where files wait until they are in the bucket")
	case c.DocumentsLinks < 0 || time.Duration(c.DocumentsLinks) > time.Hour:
		r.wrong("documents_links", "%s is not 0s, for none, or at most 1h", c.DocumentsLinks)
	case at.Local() && c.DocumentsLinks != 0:
		r.wrong("documents_links", "is for documents in a bucket: a folder has no links")
	case !at.Local() && c.DocumentsMaxSize > 5<<30:
		r.wrong("documents_max_size", "%s is above 5GiB, the most that a bucket takes by one request", c.DocumentsMaxSize)
	}
	if c.DocumentsMaxSize < 1<<20 {
		r.wrong("documents_max_size", "%s is below 1MiB", c.DocumentsMaxSize)
	}
	if c.Retention.RefusedSize < 1<<20 {
		r.wrong("retention.refused_size", "%s is below 1MiB", c.Retention.RefusedSize)
	}
	if c.DocumentsMinFree < 0 {
		r.wrong("documents_min_free", "is below nothing")
	}
}

// checkPaces looks at the waits of failed questions, of slots and of lists.
func (r *checker) checkPaces(c *Config) {
	for _, d := range []struct {
		path string
		is   values.Duration
		zero bool // none is fine
	}{{"retry.first", c.Retry.First, false}, {"retry.most", c.Retry.Most, false}, {"slot_jitter", c.SlotJitter,
		true}, {"list_overlap", c.ListOverlap, false}} {
		if d.is < 0 || d.is == 0 && !d.zero || time.Duration(d.is) > values.Day {
			r.wrong(d.path, "%s is not a wait of at most a day", d.is)
		}
	}
	if c.Retry.First > c.Retry.Most && !r.found.At("retry.first") && !r.found.At("retry.most") {
		r.wrong("retry.first", "%s is longer than retry.most, %s", c.Retry.First, c.Retry.Most)
	}
}

func (r *checker) checkPublic(p Public) {
	r.checkAddress("public.address", p.Address)
	if p.URL != "" {
		r.checkURL("public.url", p.URL)
	}
	if (p.TLS.CertFile == "") != (p.TLS.KeyFile == "") {
		r.wrong("public.tls", "needs both cert_file and key_file, or neither")
	} else if p.TLS.CertFile != "" {
		r.checkPair(p.TLS)
	}
	for _, b := range []struct {
		path string
		is   int
	}{
		{"public.max_connections", p.MaxConnections}, {"public.max_connections_per_address", p.MaxConnectionsPerAddress},
		{"public.refused_per_minute", p.RefusedPerMinute},
	} {
		if b.is < 1 || b.is > 1<<20 {
			r.wrong(b.path, "%d is not between 1 and 1048576", b.is)
		}
	}
	if p.MaxBody < 1<<10 || p.MaxBody > 1<<30 {
		r.wrong("public.max_body", "%s is not between 1KiB and 1GiB", p.MaxBody)
	}
}

// checkACME looks at what an authority is asked for.
func (r *checker) checkACME(c *Config) {
	p, a := c.Public, c.Public.TLS.ACME
	if len(a.Hosts) == 0 {
		return
	}
	if p.TLS.CertFile != "" || p.TLS.KeyFile != "" {
		r.wrong("public.tls.acme", "gets a certificate, and cert_file names one: keep one of them")
	}
	for i, h := range a.Hosts {
		if at := fmt.Sprintf("public.tls.acme.hosts[%d]", i); h == "" || strings.ContainsAny(h, "/:* ") {
			r.wrong(at, "%s is not a host name such as sign.example.com", r.said(at))
		}
	}
	r.checkURL("public.tls.acme.directory", a.Directory)
	if c.ACMECache() == "" {
		r.wrong("public.tls.acme.cache", "is needed: PostgreSQL has no folder to keep account key and certificates in")
	}
	if a.Roots != "" {
		if _, err := tree.ReadRegular(a.Roots, mostTrust); err != nil {
			r.wrong("public.tls.acme.roots", "%v", err)
		}
	}
}

// checkPair reads the certificate and its key as the listener will. Who only reads the database may
// lack the right to.
func (r *checker) checkPair(t TLS) {
	unfit := func(path, format string, args ...any) {
		r.wrong(path, format, args...)
		r.found[len(r.found)-1].Secret = true
	}
	cert, err := tree.ReadRegular(t.CertFile, mostTrust)
	if err != nil {
		unfit("public.tls.cert_file", "%v", err)
	}
	key, kerr := tree.ReadRegular(t.KeyFile, mostTrust)
	if kerr != nil {
		unfit("public.tls.key_file", "%v", kerr)
	}
	if err != nil || kerr != nil {
		return
	}
	if _, err := tls.X509KeyPair(cert, key); err == nil {
		return
	} else if text := err.Error(); strings.HasPrefix(text, "x509:") || strings.Contains(text, "certificate input") {
		unfit("public.tls.cert_file", "%s: %v", t.CertFile, err)
	} else {
		unfit("public.tls.key_file", "%s: %v", t.KeyFile, err)
	}
}

// checkAddress says whether address is host:port, and notes a fault otherwise.
func (r *checker) checkAddress(path, address string) bool {
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		r.wrong(path, "%s is not an address such as 127.0.0.1:8080 or :8081", r.said(path))
		return false
	}
	return true
}

// checkURL wants scheme, host and at most a path.
func (r *checker) checkURL(path, text string) {
	if r.lacks(path) {
		return
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		r.wrong(path, "%s is not a URL that begins with https:// or http://", r.said(path))
	} else if fault := URLFault(text); fault != "" {
		r.wrong(path, "%s", fault)
	}
}

// URLFault says why a text is no scheme, host and at most a path; "" where it is.
func URLFault(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return strconv.Quote(text) + " is not a URL that begins with https:// or http://"
	case u.User != nil:
		return "has a user or password in it: those belong in settings"
	case u.RawQuery != "" || u.Fragment != "":
		return "has a ? or # part, which is cut off: leave scheme, host and path"
	}
	return ""
}

// checkPolling wants slots for every tier.
func (r *checker) checkPolling(p Polling) {
	for _, tier := range []struct {
		name  string
		slots values.Slots
	}{{"active", p.Active}, {"idle", p.Idle}, {"audit", p.Audit}} {
		if at := "polling." + tier.name; tier.slots.String() == "" {
			_, err := values.ParseSlots("")
			r.wrong(at, "%s %v", r.said(at), err)
		}
	}
}

// checkJitter wants each poll to begin before the next slot of its tier.
func (r *checker) checkJitter(path string, p Polling, jitter values.Duration) {
	if r.found.At("slot_jitter") { // jitter is the default then, which nobody wrote
		return
	}
	for _, tier := range []struct {
		name  string
		slots values.Slots
	}{{"active", p.Active}, {"idle", p.Idle}, {"audit", p.Audit}} {
		if gap := tier.slots.Shortest(); gap > 0 && time.Duration(jitter) >= gap && time.Duration(jitter) <= values.Day {
			r.wrong("slot_jitter", "%s is as long as the slots of %s.%s are apart, %s: polls would run into the next ones",
				jitter, path, tier.name, gap)
			return
		}
	}
}

// oneOf wants one of a few words.
func (r *checker) oneOf(path, word string, of ...string) {
	if slices.Contains(of, word) || r.lacks(path) {
		return
	}
	last := len(of) - 1
	r.wrong(path, "%s is not %s or %s", r.said(path), strings.Join(of[:last], ", "), of[last])
}

// said repeats what stands at a path, where it can be no secret.
func (r *checker) said(path string) string {
	_, n := r.root.At(path)
	return tree.Quote(n, path)
}
