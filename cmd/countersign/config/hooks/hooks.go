// Package hooks is the part of the config that says where changes are announced.
package hooks

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"countersign/cmd/countersign/config/values"
	"countersign/model"
)

// Hook is where changes are announced: a URL, a program, or a NATS server.
type Hook struct {
	ID                  string                   `yaml:"id"`
	Type                string                   `yaml:"type"`
	URL                 string                   `yaml:"url"`
	Secrets             []values.Secret          `yaml:"secrets"`
	Headers             map[string]values.Secret `yaml:"headers"`
	AllowPrivate        bool                     `yaml:"allow_private"`
	Command             []string                 `yaml:"command"`
	Subject             string                   `yaml:"subject"`
	Credentials         string                   `yaml:"credentials"`
	Accounts            []string                 `yaml:"accounts"`
	Providers           []string                 `yaml:"providers"`
	Statuses            []model.Status           `yaml:"statuses"`
	Kinds               []model.ChangeKind       `yaml:"kinds"`
	WaitForConfirmation string                   `yaml:"wait_for_confirmation"`
	IncludeTest         bool                     `yaml:"include_test"`
	IncludeBackfill     bool                     `yaml:"include_backfill"`
	Timeout             values.Duration          `yaml:"timeout"`
	Parallel            int                      `yaml:"parallel"`
	RetryFirst          values.Duration          `yaml:"retry_first"`
	RetryMost           values.Duration          `yaml:"retry_most"`
	GiveUpAfter         values.Duration          `yaml:"give_up_after"`
}

// Fill makes a hook in which nothing was said.
func (h *Hook) Fill() {
	*h = Hook{
		WaitForConfirmation: "final", Timeout: values.Duration(15 * time.Second), Parallel: 8,
		RetryFirst: values.Duration(5 * time.Second), RetryMost: values.Duration(4 * time.Hour),
		GiveUpAfter: values.Duration(3 * values.Day),
	}
}

// Faults is where what is wrong is noted, by its path in the file.
type Faults interface {
	Wrong(path, format string, args ...any)
	Lacks(path string) bool  // a secret there is missing, which was told already
	Said(path string) string // what stands there, where it can be no secret
	IsID(word string) bool   // it can name something
}

// Known is what the rest of the config names.
type Known struct{ Accounts, Providers []string }

// checker is one run of Check.
type checker struct{ Faults }

// Check looks at each value of hooks, beyond its form.
func Check(list []Hook, known Known, to Faults) {
	r := checker{to}
	first := map[string]string{}
	for i := range list {
		h, at := &list[i], fmt.Sprintf("hooks[%d]", i)
		switch other, twice := first[h.ID]; {
		case h.ID == "":
			r.Wrong(at+".id", "is missing: it names the hook in verbs and logs")
		case !r.IsID(h.ID):
			r.Wrong(at+".id", "%s is not an id: lower case letters, digits, - and _, at most 63, a letter or digit first",
				r.Said(at+".id"))
		case twice:
			r.Wrong(at+".id", "%q is %s already", h.ID, other)
		default:
			first[h.ID] = at
		}
		r.checkReceiver(at, h)
		r.checkChoice(at, h, known)
		r.checkPace(at, h)
	}
}

// checkReceiver looks at what a hook of its type needs, and at what belongs to another type.
func (r checker) checkReceiver(at string, h *Hook) {
	r.oneOf(at+".type", h.Type, "http", "command", "nats")
	u, err := url.Parse(h.URL)
	bad := err != nil || u.Host == "" || u.User != nil
	switch {
	case h.Type == "http" && (bad || u.Scheme != "https" && u.Scheme != "http"):
		r.Wrong(at+".url", "is not a URL that begins with https:// or http:// and has no password in it")
	case h.Type == "nats" && (bad || u.Scheme != "nats" && u.Scheme != "tls"):
		r.Wrong(at+".url", "is not a URL such as nats://host:4222 that has no password in it")
	}
	for _, k := range []struct {
		name, of   string
		set, needs bool
	}{
		{"command", "command", len(h.Command) > 0, true}, {"subject", "nats", h.Subject != "", true},
		{"secrets", "http", len(h.Secrets) > 0, true}, {"headers", "http", len(h.Headers) > 0, false},
		{"credentials", "nats", h.Credentials != "", false}, {"url", "http or nats", h.URL != "", false},
	} {
		switch mine := strings.Contains(k.of, h.Type); {
		case h.Type == "" || r.Lacks(at+"."+k.name) || r.Lacks(at+"."+k.name+"[0]"):
		case k.set && !mine:
			r.Wrong(at+"."+k.name, "belongs to hooks of type %s", k.of)
		case k.needs && mine && !k.set:
			r.Wrong(at+"."+k.name, "is missing: %s", map[string]string{
				"command": "[program, argument, ...], run without a shell", "subject": "where messages are published",
				"secrets": "what is sent is signed, so that the receiver knows whose it is",
			}[k.name])
		}
	}
	if len(h.Command) > 0 && !filepath.IsAbs(h.Command[0]) {
		r.Wrong(at+".command[0]", "%s is not an absolute path", r.Said(at+".command[0]"))
	}
	for i, s := range h.Secrets {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(s.Reveal(), "whsec_"))
		if path := fmt.Sprintf("%s.secrets[%d]", at, i); !r.Lacks(path) && (err != nil || len(raw) < 24 || len(raw) > 64) {
			r.Wrong(path, "is not whsec_ and 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them")
		}
	}
	for name, value := range h.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value.Reveal()) {
			r.Wrong(at+".headers", "has one that is no header")
		}
	}
}

// checkChoice looks at which changes a hook announces.
func (r checker) checkChoice(at string, h *Hook, known Known) {
	for i, id := range h.Accounts {
		if !slices.Contains(known.Accounts, id) {
			r.Wrong(fmt.Sprintf("%s.accounts[%d]", at, i), "%q is no account of this config", id)
		}
	}
	for i, p := range h.Providers {
		r.oneOf(fmt.Sprintf("%s.providers[%d]", at, i), p, known.Providers...)
	}
	for i, s := range h.Statuses {
		if !s.Known() || s == model.Unknown {
			r.Wrong(fmt.Sprintf("%s.statuses[%d]", at, i), "%q is not a status that is announced", s)
		}
	}
	for i, k := range h.Kinds {
		r.oneOf(fmt.Sprintf("%s.kinds[%d]", at, i), string(k), "status", "confirmed", "flag", "attention", "document", "gap",
			"incident", "forgotten")
	}
	r.oneOf(at+".wait_for_confirmation", h.WaitForConfirmation, "final", "all", "none")
}

func (r checker) checkPace(at string, h *Hook) {
	for _, d := range []struct {
		name        string
		is          values.Duration
		least, most time.Duration
	}{
		{"timeout", h.Timeout, time.Second, 5 * time.Minute}, {"retry_first", h.RetryFirst, time.Millisecond, time.Hour},
		{"retry_most", h.RetryMost, time.Duration(h.RetryFirst), values.Day},
		{"give_up_after", h.GiveUpAfter, time.Minute, 30 * values.Day},
	} {
		if is := time.Duration(d.is); is < d.least || is > d.most {
			r.Wrong(at+"."+d.name, "%s is not between %s and %s", d.is, d.least, d.most)
		}
	}
	if h.Parallel < 1 || h.Parallel > 64 {
		r.Wrong(at+".parallel", "%d is not between 1 and 64", h.Parallel)
	}
}

// oneOf wants one of a few words.
func (r checker) oneOf(path, word string, of ...string) {
	if last := len(of) - 1; !slices.Contains(of, word) && !r.Lacks(path) {
		r.Wrong(path, "%s is not %s or %s", r.Said(path), strings.Join(of[:last], ", "), of[last])
	}
}
