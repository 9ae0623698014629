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
	made   func() (*set, error)
}

// set is the templates in one language, by page.
type set struct {
	printer *words.Printer
	pages   map[string]*template.Template
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

// New parses the templates.
func New(o Options) (*Look, error) {
	l := &Look{Options: o, sets: map[string]*set{}, base: access.Base(o.URL)}
	var err error
	if l.Assets, err = assets.New(); err != nil {
		return nil, err
	}
	for _, lang := range words.Languages() {
		if l.sets[lang], err = l.parse(words.For(lang)); err != nil {
			return nil, err
		}
	}
	l.made = sync.OnceValues(func() (*set, error) { return l.parse(words.MadeUp()) })
	return l, nil
}

// in is the templates in a language; nil where it is none of ours. The made-up one is offered to nobody: it costs
// nothing until a cookie asks for it.
func (l *Look) in(lang string) *set {
	if s := l.sets[lang]; s != nil || lang != words.MadeUpLang {
		return s
	}
	s, err := l.made()
	if err != nil {
		return nil
	}
	return s
}

// shared are the files that every page is parsed with.
func shared() []string { return []string{"html/layout.html", "html/parts.html", "html/ledger.html"} }

// parse parses every page with the words of a language.
func (l *Look) parse(p *words.Printer) (*set, error) {
	common, err := template.New("layout").Funcs(l.funcs(p)).ParseFS(files, shared()...)
	if err != nil {
		return nil, err
	}
	names, err := files.ReadDir("html")
	if err != nil {
		return nil, err
	}
	s := &set{printer: p, pages: map[string]*template.Template{}}
	for _, entry := range names {
		name := strings.TrimSuffix(entry.Name(), ".html")
		if slices.Contains(shared(), "html/"+entry.Name()) {
			continue
		}
		one, err := template.Must(common.Clone()).ParseFS(files, "html/"+entry.Name())
		if err != nil {
			return nil, err
		}
		s.pages[name] = one
	}
	return s, nil
}

// Render answers a request with a page.
func (l *Look) Render(w http.ResponseWriter, r *http.Request, v View) error {
	p := l.page(r, v)
	var out bytes.Buffer
	page := l.in(p.Lang()).pages[v.Page]
	if page == nil {
		return fmt.Errorf("there is no page %s", v.Page)
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
