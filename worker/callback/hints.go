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
	maxHint     = 64 << 10        // bytes of a posted hint
	hintTimeout = 3 * time.Second // a signer waits for it
)

// returned serves the URL to which a signer comes back: it takes a hint, then redirects to the account's own page. The
// query cannot choose another page.
func (l *Listener) returned(w http.ResponseWriter, r *http.Request, acc *Account) {
	if l.Hint == nil {
		status(w, http.StatusNotFound)
		return
	}
	if !l.method(w, r, http.MethodGet, http.MethodHead) || !l.mayHint(w, r) {
		return
	}
	h := l.hinted(acc, provider.Hint{Query: r.URL.Query()})
	status := ""
	if r.Method == http.MethodGet { // HEAD is a link checker's, or a mail scanner's
		status = l.hint(r, acc, h)
	}
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("Referrer-Policy", "no-referrer") // the query may hold what the next page must not see
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

// hints takes what pages post, and what servers post that send no proof. The answer is the same whatever the hint
// names.
func (l *Listener) hints(w http.ResponseWriter, r *http.Request, acc *Account) {
	if l.Hint == nil || !acc.Hints {
		status(w, http.StatusNotFound)
		return
	}
	if !l.method(w, r, http.MethodPost, http.MethodOptions) {
		return
	}
	head, origin := w.Header(), r.Header.Get("Origin")
	head.Set("Vary", "Origin")
	if !slices.Contains(acc.Origins, origin) && (origin != "" || r.Method == http.MethodOptions) {
		status(w, http.StatusForbidden)
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
	if !l.mayHint(w, r) {
		return
	}
	in := reading{l: l, limit: maxHint}
	defer in.free()
	body, code := in.body(w, r)
	if code != http.StatusOK {
		status(w, code)
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

// mayHint answers 429 to an address that sends too many hints.
func (l *Listener) mayHint(w http.ResponseWriter, r *http.Request) bool {
	if l.hinters.allow(remote(r), l.Now()) {
		return true
	}
	tooMany(w)
	return false
}

// hinted reads what a hint names, in the provider's own form or else by the word ref.
func (l *Listener) hinted(acc *Account, h provider.Hint) provider.Hinted {
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
	if !provider.IsRef(out.Ref) {
		out.Ref = ""
	}
	return out
}

// hint has a hint applied. A fault costs the signer nothing: the next poll asks anyway.
func (l *Listener) hint(r *http.Request, acc *Account, h provider.Hinted) (status string) {
	if h.Ref == "" {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), hintTimeout)
	defer cancel()
	status, err := l.Hint(ctx, acc.ID, h)
	if err != nil {
		log := l.Log.WithFields(logrus.Fields{"account": acc.ID, "provider": acc.ProviderName, "err": err})
		l.logOnceAMinute(log, logrus.WarnLevel, acc.ID, "hint not taken")
		return ""
	}
	return status
}
