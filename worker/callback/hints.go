package callback

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/provider"
)

const (
	mostHint = 64 << 10        // bytes of a posted hint
	hintTime = 3 * time.Second // a signer waits behind it
)

// returned serves the URL to which a signer comes back: a hint, then on to the account's own page. It goes to
// the configured page and nowhere else, whatever the query says.
func (l *Listener) returned(w http.ResponseWriter, r *http.Request, acc Account) {
	if l.Hint == nil {
		plain(w, http.StatusNotFound)
		return
	}
	if !method(w, r, http.MethodGet, http.MethodHead) || !l.welcome(w, r) {
		return
	}
	h := l.hinted(acc, provider.Hint{Query: r.URL.Query()})
	status := ""
	if r.Method == http.MethodGet { // HEAD is a link checker's, or a mail scanner's
		status = l.hint(r, acc, h)
	}
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer") // the query may hold what is nobody's business
	page, err := url.Parse(acc.ReturnPage)
	if acc.ReturnPage == "" || err != nil {
		head.Set("Content-Type", "text/plain; charset=utf-8")
		if r.Method == http.MethodGet {
			io.WriteString(w, "Thank you.\n") //nolint:errcheck // the caller may be gone
		}
		return
	}
	ours := "account=" + url.QueryEscape(acc.ID) + "&ref=" + url.QueryEscape(h.Ref) + "&status=" + url.QueryEscape(status)
	page.RawQuery = strings.TrimPrefix(page.RawQuery+"&"+ours, "&")
	head.Set("Location", page.String())
	w.WriteHeader(http.StatusSeeOther)
}

// hints serves what pages post, and servers that send no proof. The answer is the same for whatever it names.
func (l *Listener) hints(w http.ResponseWriter, r *http.Request, acc Account) {
	if l.Hint == nil || !acc.Hints {
		plain(w, http.StatusNotFound)
		return
	}
	if !method(w, r, http.MethodPost, http.MethodOptions) {
		return
	}
	head, origin := w.Header(), r.Header.Get("Origin")
	head.Set("Vary", "Origin")
	if !slices.Contains(acc.Origins, origin) && (origin != "" || r.Method == http.MethodOptions) {
		plain(w, http.StatusForbidden)
		return
	}
	if origin != "" {
		head.Set("Access-Control-Allow-Origin", origin)
	}
	if r.Method == http.MethodOptions {
		head.Set("Access-Control-Allow-Methods", http.MethodPost)
		head.Set("Access-Control-Allow-Headers", "Content-Type")
		head.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if !l.welcome(w, r) {
		return
	}
	in := hold{l: l, most: mostHint}
	defer in.release()
	body, code := in.read(w, r)
	if code != http.StatusOK {
		plain(w, code)
		return
	}
	if body == nil {
		body = []byte{}
	}
	l.hint(r, acc, l.hinted(acc, provider.Hint{Body: body}))
	head.Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"received":true}`) //nolint:errcheck // the caller may be gone
}

// welcome answers 429 to an address that sends too many hints.
func (l *Listener) welcome(w http.ResponseWriter, r *http.Request) bool {
	if l.guests.allow(remote(r), l.Now()) {
		return true
	}
	tooMany(w)
	return false
}

// hinted reads what a hint names, in the provider's own form or else by the word ref.
func (l *Listener) hinted(acc Account, h provider.Hint) provider.Hinted {
	var out provider.Hinted
	if p := acc.Provider.Hinter; p != nil {
		out = p.Hint(h, l.Now().UTC())
	} else if h.Query != nil {
		out.Ref = h.Query.Get("ref")
	} else {
		var body struct {
			Ref string `json:"ref"`
		}
		json.Unmarshal(h.Body, &body) //nolint:errcheck // what cannot be read names nothing
		out.Ref = body.Ref
	}
	if len(out.Ref) > longestRef || clean(out.Ref) != out.Ref {
		out.Ref = "" // no text that a row could have for its ref
	}
	return out
}

// longestRef is as long as a ref that can be tracked.
const longestRef = 255

// hint has a hint taken. What goes wrong costs the signer nothing: the next poll asks anyway.
func (l *Listener) hint(r *http.Request, acc Account, h provider.Hinted) (status string) {
	if h.Ref == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), hintTime)
	defer cancel()
	status, err := l.Hint(ctx, acc.ID, h)
	if err != nil {
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "err": err})
		l.loudly(log, logrus.WarnLevel, acc.ID, "hint not taken")
		return ""
	}
	if l.Nudge != nil {
		l.Nudge()
	}
	return status
}
