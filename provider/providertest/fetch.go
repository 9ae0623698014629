package providertest

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"countersign/model"
)

// words holds that each status word of the service maps, and that an unknown one is kept.
func (b calls) words() {
	if len(b.Words) == 0 {
		b.failf("Suite.Words is missing")
	}
	unknown := false
	for _, w := range b.Words {
		unknown = unknown || w.Status == ""
		o, err := b.account(b.world(jsonAnswer(http.StatusOK, w.Body))).Fetch(b.ctx, b.Ref)
		b.heard("fetch", err)
		switch {
		case err != nil:
			b.failf("%s: %v", w.Word, err)
		case o.Status != w.Status:
			b.failf("%s: the status is %q, want %q", w.Word, o.Status, w.Status)
		case o.ProviderStatus == "" || w.Word != "" && !strings.Contains(o.ProviderStatus, w.Word):
			b.failf("%s: the word is not kept, ProviderStatus is %q", w.Word, o.ProviderStatus)
		}
		if err == nil {
			b.whole(w.Word, b.Ref, o)
		}
	}
	if !unknown && !b.NoUnknownWord {
		b.failf("Suite.Words lacks a word that the service does not have (with the status \"\")")
	}
}

// whole looks at what holds for each answer.
func (b *bench) whole(name, ref string, o model.Observation) {
	switch {
	case o.Ref != ref:
		b.failf("%s: asked about %q, told about %q", name, ref, o.Ref)
	case o.Evidence != model.Verified:
		b.failf("%s: an answer is verified, not a %s", name, o.Evidence)
	case o.Status != "" && !o.Status.Known(), o.Status == model.Unknown:
		b.failf("%s: %q is no status of an answer", name, o.Status)
	case !zeroWork(o):
		b.failf("%s: At, AskedAt, Version and Asked are the worker's", name)
	}
	seen := map[string]bool{}
	for _, s := range o.Signers {
		if s.Ref == "" || seen[s.Ref] || s.Status == "" {
			b.failf("%s: signer refs must be unique and their statuses known: %q %q", name, s.Ref, s.Status)
		}
		seen[s.Ref] = true
	}
	docs := map[model.DocumentRef]bool{}
	for _, d := range o.Documents {
		key := model.DocumentRef{ID: d.ID, Kind: d.Kind}
		if d.ID == "" || d.Kind == "" || docs[key] {
			b.failf("%s: document ids must be unique: %+v", name, d)
		}
		docs[key] = true
	}
}

// answers holds each recorded answer against what it means.
func (b calls) answers() {
	files, err := filepath.Glob(filepath.Join(b.Answers, "*.json"))
	if err != nil || len(files) == 0 {
		b.failf("no recorded answers in %q", b.Answers)
	}
	for _, name := range files {
		if strings.HasSuffix(name, ".golden.json") {
			continue
		}
		body, err := os.ReadFile(name)
		if err != nil {
			b.failf("%w", err)
			continue
		}
		ref := b.Ref
		if b.RefOf != nil {
			ref = b.RefOf(strings.TrimSuffix(filepath.Base(name), ".json"), body)
		}
		o, err := b.account(b.world(jsonAnswer(http.StatusOK, body))).Fetch(b.ctx, ref)
		b.heard(name, err)
		b.golden(strings.TrimSuffix(name, ".json")+".golden.json", o, err)
		if err == nil {
			b.whole(name, ref, o)
		}
	}
}

// refs holds that the service sees each ref as it is, in one place of the path or query.
func (b calls) refs() {
	known := b.RefPrefix + "plain-ref"
	plain := b.asked(known)
	if len(plain) == 0 {
		b.failf("Fetch asks nothing")
		return
	}
	for _, ref := range []string{
		b.Ref, "a/b", "..", ".", "../../admin", "a=b==", "x?y=z#w", "%2e%2e", "..%2f", "a b+c", "a&b;c", "\x00", "a\x00b",
		"ü", "\xff", "\\", "\r\nX: y", strings.Repeat("r", 300),
	} {
		if ref != b.Ref {
			ref = b.RefPrefix + ref
		}
		for i, r := range b.asked(ref) { // a provider may know that there is no such ref
			path := r.URL.EscapedPath()
			parts := strings.Split(path, "/")
			if slices.Contains(parts, "..") || slices.Contains(parts, ".") {
				b.failf("%q leaves its place: %s", ref, path)
			}
			if i >= len(plain) {
				continue
			}
			if len(parts) != len(strings.Split(plain[i].URL.EscapedPath(), "/")) ||
				len(r.URL.Query()) != len(plain[i].URL.Query()) {
				b.failf("%q changes the path: %s beside %s", ref, r.URL.RequestURI(), plain[i].URL.RequestURI())
			}
			if holds(plain[i], known) && !holds(r, ref) {
				b.failf("%q does not come as it is: %s", ref, r.URL.RequestURI())
			}
			if b.FetchPath != nil && i == len(plain)-1 && r.URL.Path != b.FetchPath(ref) {
				b.failf("%q: asked for %q, want %q", ref, r.URL.Path, b.FetchPath(ref))
			}
		}
	}
	if !slices.ContainsFunc(plain, func(r *http.Request) bool { return holds(r, known) }) {
		b.failf("no question holds the ref")
	}
}

// asked returns the questions of one Fetch.
func (b calls) asked(ref string) []*http.Request {
	w := b.world(jsonAnswer(http.StatusNotFound, []byte("{}")))
	_, err := b.account(w).Fetch(b.ctx, ref)
	b.heard("fetch", err)
	if err != nil {
		b.failf("fetch %q: %v, want an observation that it is not found", ref, err)
	}
	asked, _ := w.requests()
	return asked
}

// holds says whether a ref is a whole segment of the path or a whole value of the query.
func holds(r *http.Request, ref string) bool {
	for _, part := range strings.Split(r.URL.EscapedPath(), "/") {
		if got, err := url.PathUnescape(part); err == nil && got == ref {
			return true
		}
	}
	for _, values := range r.URL.Query() {
		if slices.Contains(values, ref) {
			return true
		}
	}
	return false
}
