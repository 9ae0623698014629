// Package assets is what the pages load: styles, scripts, icons. They are embedded, compressed once, and served under
// a hash of their content, so that browsers keep them for good.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
)

//go:embed css js vendor icons.svg favicon.svg
var files embed.FS

// htmxHash is the SHA-256 of dist/htmx.min.js in htmx.org 4.0.1, as npm has it.
const htmxHash = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"

// layers are the files of the style, in the order in which a later one goes before an earlier one.
func layers() []string { return []string{"tokens", "base", "layout", "parts", "pages", "print"} }

// scripts are the files of app.js, in their order: the policy comes before what needs it.
func scripts() []string { return []string{"trusted", "app", "times", "live", "keys", "session"} }

// file is one that is served.
type file struct {
	kind   string
	plain  []byte
	packed []byte // by gzip
	policy string // Content-Security-Policy; "": that of every answer that is no page
}

// Set is the assets. It is safe for concurrent use.
type Set struct {
	version string
	files   map[string]file
}

// New joins and compresses the assets.
func New() (*Set, error) {
	style, err := joined("css/", ".css", layers())
	if err != nil {
		return nil, err
	}
	style = append([]byte("@layer "+strings.Join(layers(), ",")+";\n"), style...)
	script, err := joined("js/", ".js", scripts())
	if err != nil {
		return nil, err
	}
	s := &Set{files: map[string]file{
		"style.css": {kind: "text/css; charset=utf-8", plain: style},
		"app.js":    {kind: scriptKind, plain: script},
	}}
	for name, at := range map[string]file{
		"htmx.js":     {kind: scriptKind, plain: []byte("vendor/htmx-4.0.1.min.js")},
		"icons.svg":   {kind: "image/svg+xml", plain: []byte("icons.svg")},
		"favicon.svg": {kind: "image/svg+xml", plain: []byte("favicon.svg")},
		// a worker obeys the header of its own file
		"live-worker.js": {kind: scriptKind, plain: []byte("js/live-worker.js"),
			policy: "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"},
	} {
		if at.plain, err = files.ReadFile(string(at.plain)); err != nil {
			return nil, err
		}
		s.files[name] = at
	}
	return s, s.seal()
}

const scriptKind = "text/javascript; charset=utf-8"

// joined is the files of a folder, one after the other.
func joined(folder, end string, names []string) (out []byte, err error) {
	for _, name := range names {
		part, err := files.ReadFile(folder + name + end)
		if err != nil {
			return nil, err
		}
		out = append(append(out, part...), '\n')
	}
	return out, nil
}

// seal compresses every file and takes the hash of all.
func (s *Set) seal() error {
	all := sha256.New()
	for _, name := range s.Names() {
		f := s.files[name]
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(f.plain); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		f.packed = packed.Bytes()
		s.files[name] = f
		all.Write([]byte(name + "\x00"))
		all.Write(f.plain)
	}
	s.version = hex.EncodeToString(all.Sum(nil)[:8])
	return nil
}

// Names are the assets that there are, in their order.
func (s *Set) Names() []string {
	return []string{"app.js", "favicon.svg", "htmx.js", "icons.svg", "live-worker.js", "style.css"}
}

// Hash changes with any of them.
func (s *Set) Hash() string { return s.version }

// Path is where an asset is served, below the address of the console.
func (s *Set) Path(name string) string { return "/assets/" + s.version + "/" + name }

// Size is how many bytes an asset has when it is sent compressed.
func (s *Set) Size(name string) int { return len(s.files[name].packed) }

// Serve answers /assets/{hash}/{name}; another hash, or another name, is not found.
func (s *Set) Serve(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files[r.PathValue("name")]
	if !ok || r.PathValue("hash") != s.version {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if f.policy != "" {
		h.Set("Content-Security-Policy", f.policy)
	}
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		w.Write(body) //nolint:errcheck // the caller may be gone
	}
}
