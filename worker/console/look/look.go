// Package look renders the pages of the console: one layout, parts that pages share, one template a page, in each
// language; with the headers that pages bear.
package look

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are chosen by browsers, wherever this runs

	"countersign/model/words"
	"countersign/worker/console/access"
	"countersign/worker/console/assets"
	"countersign/worker/console/objects"
)

//go:embed html/*.html
var files embed.FS

// Options is what a Look needs.
type Options struct {
	URL     *url.URL // the outside address; its path stands in front of every link; nil: none is known
	Version string
	Now     func() time.Time
	Open    func(context.Context) int // how many incidents are open; nil: it is not said
}

// Look renders pages. It is safe for concurrent use.
type Look struct {
	Options
	Assets *assets.Set
	base   string
	sets   map[string]*set // by language
	made   func() *set
}

// set is the templates in one language, by page. A page is parsed when somebody first looks at it: all of them take a
// tenth of a second, and eleven megabytes that each collection of garbage walks through.
type set struct {
	printer *words.Printer
	funcs   template.FuncMap

	mu    sync.Mutex
	pages map[string]*template.Template
}

// Receipt is a run that was asked for just now.
type Receipt struct {
	objects.Run
	Behind int // runs of its account that come before it, while it waits
}

// View is what a handler gives to be rendered.
type View struct {
	Page   string // of html/PAGE.html, which defines "main"
	Nav    string // which entry of the menu it belongs to
	Title  string // what stands before "countersign" in the title of the tab; provider's text is made plain
	Status int    // 200 if zero
	Data   any    // what the template gets as .Data
	Wall   bool   // large type and no menu
	Sheet  bool   // on paper: no menu
	Live   string // the kinds of change after which the page is read anew: "status gap"; "": never

	JSON string    // the same list in the API: /api/v1/transactions?status=completed; "": there is none
	Verb string    // the same on the command line
	Runs []Receipt // what was asked just now, for the receipt
}

// New returns a look. It parses no page yet.
func New(o Options) (*Look, error) {
	l := &Look{Options: o, sets: map[string]*set{}, base: access.Base(o.URL)}
	var err error
	if l.Assets, err = assets.New(); err != nil {
		return nil, err
	}
	for _, lang := range words.Languages() {
		l.sets[lang] = l.set(words.For(lang))
	}
	l.made = sync.OnceValue(func() *set { return l.set(words.MadeUp()) })
	return l, nil
}

// in is the templates in a language; nil where it is none of ours. The made-up one is offered to nobody: it costs
// nothing until a cookie asks for it.
func (l *Look) in(lang string) *set {
	if s := l.sets[lang]; s != nil || lang != words.MadeUpLang {
		return s
	}
	return l.made()
}

// set is a language's pages, none of which is parsed yet.
func (l *Look) set(p *words.Printer) *set {
	return &set{printer: p, funcs: l.funcs(p), pages: map[string]*template.Template{}}
}

// shared are the files that every page is parsed with.
func shared() []string { return []string{"html/layout.html", "html/parts.html", "html/ledger.html"} }

// Pages are the names of all pages.
func Pages() (names []string) {
	entries, _ := files.ReadDir("html") //nolint:errcheck // it is part of the program
	for _, entry := range entries {
		if !slices.Contains(shared(), "html/"+entry.Name()) {
			names = append(names, strings.TrimSuffix(entry.Name(), ".html"))
		}
	}
	return names
}

// page is a page's template.
func (s *set) page(name string) (*template.Template, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one, ok := s.pages[name]; ok {
		return one, nil
	}
	if !slices.Contains(Pages(), name) {
		return nil, fmt.Errorf("there is no page %s", name)
	}
	one, err := template.New("layout").Funcs(s.funcs).ParseFS(files, append(shared(), "html/"+name+".html")...)
	if err == nil {
		s.pages[name] = one
	}
	return one, err
}

// Render answers a request with a page.
func (l *Look) Render(w http.ResponseWriter, r *http.Request, v View) error {
	p := l.page(r, v)
	var out bytes.Buffer
	page, err := l.in(p.Lang()).page(v.Page)
	if err != nil {
		return err
	}
	if err := page.ExecuteTemplate(&out, "layout", p); err != nil {
		return err
	}
	send(w, r, v.Status, out.Bytes())
	return nil
}

// Words is the printer of whoever asks.
func (l *Look) Words(r *http.Request) *words.Printer { return l.in(l.lang(r)).printer }

// lang is the language of whoever asks: the one that was chosen, else the one that the browser prefers.
func (l *Look) lang(r *http.Request) string {
	if c, err := r.Cookie(cookieLang); err == nil && l.in(c.Value) != nil {
		return c.Value
	}
	return words.Match(r.Header.Get("Accept-Language"))
}

// Base is the path of the outside address, without a slash at its end.
func (l *Look) Base() string { return l.base }

// who is whoever asks.
func who(r *http.Request) access.Who { return access.WhoOf(r.Context()) }
