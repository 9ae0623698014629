package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"countersign/provider"
	"countersign/worker/callback"
)

// check looks at every value of a config that was read, beyond its form.
func (r *reader) check(c *Config, known map[string]provider.Driver) {
	r.checkStores(c)
	r.checkPublic(c.Public)
	r.checkACME(c)
	r.checkConsole(c)
	r.checkPolling("polling", c.Polling)
	r.checkPaces(c)
	r.oneOf("log.level", c.Log.Level, "trace", "debug", "info", "warning", "error")
	r.oneOf("log.format", c.Log.Format, "auto", "text", "json")
	for i, h := range c.Hooks {
		r.checkHook(fmt.Sprintf("hooks[%d]", i), h, c)
	}
	first := map[string]string{}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		if other, twice := first[a.ID]; twice && a.ID != "" {
			r.wrong(a.at+".id", "%q is %s already: ids name accounts in URLs and rows", a.ID, other)
		} else {
			first[a.ID] = a.at
		}
		r.checkAccount(a, known)
	}
}

func (r *reader) checkStores(c *Config) {
	scheme, rest, _ := strings.Cut(c.Database, ":")
	switch {
	case scheme == "sqlite" && rest != "" && !strings.ContainsAny(rest, "?#"):
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
	scheme, rest, _ = strings.Cut(c.Documents, ":")
	switch {
	case scheme == "file" && rest != "":
	case scheme == "s3":
		r.wrong("documents", "s3:// comes with a later version: use file:FOLDER")
	case r.lacks("documents"):
	default:
		r.wrong("documents", "is not file:FOLDER")
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
func (r *reader) checkPaces(c *Config) {
	for _, d := range []struct {
		path string
		is   Duration
		zero bool // none is fine
	}{{"retry.first", c.Retry.First, false}, {"retry.most", c.Retry.Most, false}, {"slot_jitter", c.SlotJitter, true}, {"list_overlap", c.ListOverlap, false}} {
		if d.is < 0 || d.is == 0 && !d.zero || time.Duration(d.is) > day {
			r.wrong(d.path, "%s is not a wait of at most a day", d.is)
		}
	}
	if c.Retry.First > c.Retry.Most {
		r.wrong("retry.first", "%s is longer than retry.most, %s", c.Retry.First, c.Retry.Most)
	}
}

func (r *reader) checkPublic(p Public) {
	r.checkAddress("public.address", p.Address)
	if p.URL != "" {
		r.checkURL("public.url", p.URL)
	}
	if (p.TLS.CertFile == "") != (p.TLS.KeyFile == "") {
		r.wrong("public.tls", "needs both cert_file and key_file, or neither")
	} else if p.TLS.CertFile != "" {
		r.checkPair(p.TLS)
	}
	r.checkNetworks("public.trusted_proxies", p.TrustedProxies)
	r.checkNetworks("public.allow", p.Allow)
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

// checkNetworks notes what is neither an address nor a network.
func (r *reader) checkNetworks(path string, list []string) {
	for i, s := range list {
		if _, err := callback.Networks([]string{s}); err != nil {
			at := fmt.Sprintf("%s[%d]", path, i)
			r.wrong(at, "%s is neither an address nor a network such as 10.0.0.0/8", r.said(at))
		}
	}
}

// checkACME looks at what an authority is asked for.
func (r *reader) checkACME(c *Config) {
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
	if c.acmeCache() == "" {
		r.wrong("public.tls.acme.cache", "is needed: PostgreSQL has no folder to keep account key and certificates in")
	}
	if a.Roots != "" {
		if _, err := os.ReadFile(a.Roots); err != nil {
			r.wrong("public.tls.acme.roots", "%v", err)
		}
	}
}

// checkPair reads the certificate and its key as the listener will. Who only reads the database may
// lack the right to.
func (r *reader) checkPair(t TLS) {
	unfit := func(path, format string, args ...any) {
		r.wrong(path, format, args...)
		r.found.all[len(r.found.all)-1].secret = true
	}
	cert, err := os.ReadFile(t.CertFile)
	if err != nil {
		unfit("public.tls.cert_file", "%v", err)
	}
	key, kerr := os.ReadFile(t.KeyFile)
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

func (r *reader) checkConsole(c *Config) {
	if !r.checkAddress("console.address", c.Console.Address) {
		return
	}
	if !loopback(c.Console.Address) && c.Console.Token == "" && !r.lacks("console.token") {
		r.wrong("console.address", "%s can be reached from other machines: set console.token or token_file, or listen on 127.0.0.1", r.said("console.address"))
	}
	_, port, _ := net.SplitHostPort(c.Console.Address)
	if c.Console.Address == c.Public.Address && port != "0" {
		r.wrong("console.address", "is the public address too: the console needs one of its own")
	}
}

// checkAddress says whether address is host:port, and notes a fault otherwise.
func (r *reader) checkAddress(path, address string) bool {
	_, port, err := net.SplitHostPort(address)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n > 65535 {
		r.wrong(path, "%s is not an address such as 127.0.0.1:8080 or :8081", r.said(path))
		return false
	}
	return true
}

// loopback says whether only this machine can reach address.
func loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkURL wants scheme, host and at most a path.
func (r *reader) checkURL(path, text string) {
	u, err := url.Parse(text)
	switch {
	case r.lacks(path):
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		r.wrong(path, "%s is not a URL that begins with https:// or http://", r.said(path))
	case u.User != nil:
		r.wrong(path, "has a user or password in it: those belong in settings")
	case u.RawQuery != "" || u.Fragment != "":
		r.wrong(path, "has a ? or # part, which is cut off: leave scheme, host and path")
	}
}

func (r *reader) checkPolling(path string, p Polling) {
	for _, tier := range []struct{ name, line string }{{"active", p.Active}, {"idle", p.Idle}, {"audit", p.Audit}} {
		at := join(path, tier.name)
		if r.nodes[at] == nil && path != "polling" {
			continue // the global one, which is told once
		}
		if _, err := parseSlots(tier.line); err != nil {
			r.wrong(at, "%s %v", r.said(at), err)
		}
	}
}

// slotLine reads five fields, or six with seconds first, as the worker does.
var slotLine = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// parseSlots reads a cron line in UTC. The cron parser panics on some lines and takes others that
// never come, so it is guarded.
func parseSlots(line string) (slots cron.Schedule, err error) {
	defer func() {
		if recover() != nil {
			slots, err = nil, errors.New("is not a cron line")
		}
	}()
	switch {
	case strings.Contains(line, "TZ="):
		return nil, errors.New("names a time zone: slots are in UTC")
	case strings.HasPrefix(line, "@every"):
		return nil, errors.New("counts from each start, so daily restarts starve it: give fixed slots such as 0 */6 * * *")
	}
	slots, err = slotLine.Parse(line)
	if err != nil {
		return nil, errors.New("is not a cron line such as 0 */6 * * * (minute, hour, day, month, weekday)")
	}
	if slots.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return nil, errors.New("never comes: there is no such day")
	}
	return slots, nil
}

// oneOf wants one of a few words.
func (r *reader) oneOf(path, word string, of ...string) {
	if slices.Contains(of, word) || r.lacks(path) {
		return
	}
	last := len(of) - 1
	r.wrong(path, "%s is not %s or %s", r.said(path), strings.Join(of[:last], ", "), of[last])
}

// said repeats what stands at a path, where it can be no secret.
func (r *reader) said(path string) string {
	n := r.nodes[path]
	if n == nil {
		return "the value"
	}
	return r.quote(n, path)
}

// lacks says whether a secret that belongs at path or below is missing, which was told already.
func (r *reader) lacks(path string) bool {
	for _, f := range r.found.all {
		rest, below := strings.CutPrefix(f.path, path)
		if f.secret && below && (rest == "" || rest == "_file" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}
