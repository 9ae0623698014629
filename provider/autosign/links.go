package autosign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
)

// cutMark stands for what was cut out of a body.
const cutMark = "<cut>"

// longestLink is how many bytes a link may have.
const longestLink = 8 << 10

// sealed is one sealed document, as a callback or an answer shows it (dossier: 4).
type sealed struct {
	id   string // of its source, which both a callback and an answer tell; else its own
	own  string
	name string
	link string // "" where none is shown
}

// sealed reads the sealed documents at a path. Each has an id that no other has.
func (s *service) sealed(v any, path string) []sealed {
	var out []sealed
	taken := map[string]bool{}
	for _, item := range list(v, path) {
		d := sealed{own: provider.Lookup(item, "id"), id: provider.Lookup(item, "document.id"), link: s.link(item)}
		d.name = lenient.Text(cmp.Or(provider.Lookup(item, "name"), provider.Lookup(item, "document.name"))).Plain()
		if !plausible(d.id) || taken[d.id] {
			d.id = d.own
		}
		if !plausible(d.id) || taken[d.id] {
			continue
		}
		taken[d.id] = true
		out = append(out, d)
	}
	return out
}

// link is the first usable link among the configured names. Where none of them is there, it is the
// object's only one: the name is not documented, and the link may be told only once.
func (s *service) link(item any) string {
	for _, name := range s.set.LinkNames {
		if v := provider.Lookup(item, name); s.usable(v) {
			return v
		}
	}
	object, _ := item.(map[string]any) //nolint:errcheck // what is no object has no members
	var only []string
	for _, v := range object {
		if v, ok := v.(string); ok && s.usable(v) {
			only = append(only, v)
		}
	}
	if len(only) == 1 {
		return only[0]
	}
	return ""
}

// usable says whether v is a link that may be followed: https, or as the API itself is reached.
func (s *service) usable(v string) bool {
	u, err := url.Parse(v)
	return err == nil && len(v) <= longestLink && u.Host != "" && (u.Scheme == "https" || s.own(u)) && s.allowed(u)
}

// own says whether u leads to the API: the only place that our token goes to.
func (s *service) own(u *url.URL) bool {
	return strings.EqualFold(u.Scheme, s.origin.Scheme) && strings.EqualFold(u.Host, s.origin.Host)
}

// allowed says whether files may lie on u's host.
func (s *service) allowed(u *url.URL) bool {
	if len(s.set.LinkHosts) == 0 || s.own(u) {
		return true
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	return slices.ContainsFunc(s.set.LinkHosts, func(end string) bool {
		end = strings.ToLower(strings.TrimPrefix(end, "."))
		return host == end || strings.HasSuffix(host, "."+end)
	})
}

// careful is the client for other hosts, with redirects held to the allowed hosts as well.
func (s *service) careful(c *http.Client) *http.Client {
	if c == nil {
		return nil
	}
	out := *c
	before := c.CheckRedirect
	out.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if !s.allowed(req.URL) {
			return errors.New("a redirect to a host that settings.link_hosts does not name")
		}
		if before != nil {
			return before(req, via)
		}
		return http.ErrUseLastResponse
	}
	return &out
}

// links are the links that a callback told.
func (s *service) links(ref string, docs []sealed) []provider.Link {
	var out []provider.Link
	for _, d := range docs {
		if d.link != "" && s.signed {
			out = append(out, provider.Link{Ref: ref, Document: d.ref(), URL: provider.Secret(d.link)})
		}
	}
	return out
}

// ref names the document by its source: what a callback told and what an answer tells are one.
func (d sealed) ref() model.DocumentRef {
	return model.DocumentRef{ID: d.id, Kind: model.SignedDocument, Name: d.name}
}

// clean cuts every link and token out of a verified body; nil where there was none. All else stays
// byte for byte but for the rest of a text that held a link, member names too, so that a person can see what the link
// was called. raw is valid JSON, which is walked by its bytes: a text is decoded only where one of its own may be cut.
func clean(raw []byte) []byte {
	var out []byte
	copied := 0        // raw[:copied] is in out, or was cut
	var objects []bool // the levels above the current one: an object, or a list
	token, names := false, false
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			objects = append(objects, raw[i] == '{')
			token, names = false, raw[i] == '{'
		case '}', ']':
			objects = objects[:max(len(objects)-1, 0)]
			token, names = false, false
		case ':':
			names = false
		case ',':
			token, names = false, len(objects) > 0 && objects[len(objects)-1]
		case '"':
			from, end := i, pastText(raw, i)
			i = end - 1
			if names {
				token = isToken(raw[from:end])
				continue
			}
			if left, cut := cutText(raw[from:end], token); cut {
				out = append(append(out, raw[copied:from]...), left...)
				copied = end
			}
		}
	}
	if out == nil {
		return nil
	}
	return append(out, raw[copied:]...)
}

// pastText returns what comes after the text at i, or the end where it has none.
func pastText(raw []byte, i int) int {
	for i++; i < len(raw); i++ {
		n := bytes.IndexByte(raw[i:], '"')
		if n < 0 {
			return len(raw)
		}
		if escape := bytes.IndexByte(raw[i:i+n], '\\'); escape >= 0 {
			i += escape + 1 // what it escapes is passed
			continue
		}
		return i + n + 1
	}
	return len(raw)
}

// isToken says whether a member's name, in its quotes, is that of a token.
func isToken(name []byte) bool {
	if bytes.IndexByte(name, '\\') < 0 {
		return len(name) > 2 && bytes.EqualFold(name[1:len(name)-1], []byte("token"))
	}
	var s string
	return json.Unmarshal(name, &s) == nil && strings.EqualFold(s, "token")
}

// cutText cuts a text, in its quotes, and says whether there was anything to cut. One without an escape holds a link
// only where two slashes stand.
func cutText(text []byte, token bool) (left []byte, cut bool) {
	if !token && bytes.IndexByte(text, '\\') < 0 && !bytes.Contains(text, []byte("//")) {
		return nil, false
	}
	var v string
	if json.Unmarshal(text, &v) != nil {
		return nil, false
	}
	name := ""
	if token {
		name = "token"
	}
	rest := cutLinks(v, name)
	return quoted(rest), rest != v
}

// linkInText is a link wherever it stands: with a scheme or with none, and in JSON that is a text of its own.
var linkInText = regexp.MustCompile(`(?i)(?:[a-z][a-z0-9+.-]*:)?\\?/\\?/[^\s"'<>]+`)

// cutLinks takes the links out of a member's text. Of a token nothing is left.
func cutLinks(v, name string) string {
	if v != "" && strings.EqualFold(name, "token") {
		return cutMark
	}
	return linkInText.ReplaceAllLiteralString(v, cutMark)
}

// quoted is a text as JSON has it.
func quoted(v string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.Encode(v) //nolint:errcheck // a text in memory
	return bytes.TrimRight(b.Bytes(), "\n")
}
