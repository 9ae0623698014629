// Package ledger is the pages of what came, what was missed, and what was done about it: gaps, documents, callbacks, runs,
// incidents and hooks.
package ledger

import (
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/filter"
	"countersign/worker/console/page"
	"countersign/worker/console/reads"
)

// Pages are the pages. They are safe for concurrent use.
type Pages struct{ *page.Server }

// New registers the pages on r, whose requests have been let in already.
func New(r chi.Router, s *page.Server) *Pages {
	p := &Pages{s}
	r.Get("/gaps", s.Get(p.gaps))
	r.Get("/documents", s.Get(p.documents))
	r.Get("/documents/{id}", s.Get(p.document))
	r.Get("/documents/{id}/retry", s.Get(p.retrySheet))
	r.Post("/documents/{id}/retry", s.Post(p.retry))
	r.Get("/documents/{id}/release", s.Get(p.releaseSheet))
	r.Post("/documents/{id}/release", s.Post(p.release))
	r.Get("/callbacks", s.Get(p.callbacks))
	r.Get("/callbacks/{id}", s.Get(p.callback))
	r.Get("/callbacks/{id}/replay", s.Get(p.replaySheet))
	r.Post("/callbacks/{id}/replay", s.Post(p.replay))
	r.Get("/runs", s.Get(p.runs))
	r.Get("/runs/{id}", s.Get(p.run))
	r.Get("/incidents", s.Get(p.incidents))
	r.Get("/hooks", s.Get(p.hooks))
	r.Get("/hooks/{hook}", s.Get(p.hook))
	r.Get("/hooks/{hook}/test", s.Get(p.testSheet))
	r.Post("/hooks/{hook}/test", s.Post(p.testHook))
	r.Get("/hooks/{hook}/replay", s.Get(p.hookReplaySheet))
	r.Post("/hooks/{hook}/replay", s.Post(p.replayHook))
	return p
}

// perPage is how many rows a list shows.
const perPage = 50

// List is a page of a list, as its template takes it. Addresses are below the outside one.
type List[T any] struct {
	Path   string // of the list, without a filter
	Values url.Values
	Fields []Field     // what may be chosen
	Range  *page.Range // the time that is chosen; nil: it cannot be
	Chips  []page.Chip // what is chosen
	Rows   []T
	Count  page.Counted
	Short  bool // not all was looked through: the next page goes on
	page.Turns
	Export map[string]string // by format; nil: there is none
}

// Field is something by which a list may be filtered: words to tick, or a text.
type Field struct {
	Name, Label string
	Options     []Option
	Text        string
	Chosen      int
}

// Option is a word to tick.
type Option struct {
	Value, Text string
	On          bool
}

// reading is a list with its filter.
type reading[F, S, T any] struct {
	list    reads.Listing[F, S, T]
	path    string   // of its page
	also    []string // further parameters of the page
	without func(*F) // chooses where the address does not
	export  string   // what of it may be exported
}

// read reads the page of a list that an address asks for, with the filter of that address.
func read[F, S, T any](p *Pages, r *page.Request, l reading[F, S, T]) (f F, out List[T], err error) {
	cursor, err := r.Filter(&f, l.also...)
	if err != nil {
		return f, out, err
	}
	if l.without != nil {
		l.without(&f)
	}
	rows, next, err := reads.Page(r.Context(), p.Reads, l.list, &f, perPage, cursor)
	if err != nil {
		return f, out, err
	}
	out = List[T]{Path: l.path, Values: filter.Values(&f), Rows: rows}
	out.Turns = page.TurnsOf(l.path, out.Values, cursor, next)
	out.Short = next != "" && len(rows) < perPage
	if cursor == "" && next == "" {
		out.Count = page.Counted{N: len(rows), Known: true}
	}
	if l.export != "" {
		out.Export = page.Exports(l.export, out.Values)
	}
	return f, out, nil
}

// as is a list of other rows on the same page.
func as[T, O any](l List[T], rows []O) List[O] {
	return List[O]{Path: l.Path, Values: l.Values, Count: l.Count, Short: l.Short, Turns: l.Turns, Export: l.Export, Rows: rows}
}

// choose fills in what may be chosen and what is.
func (l *List[T]) choose(fields ...Field) {
	for _, field := range fields {
		for _, value := range l.Values[field.Name] {
			text, at := value, slices.IndexFunc(field.Options, func(o Option) bool { return o.Value == value })
			if at >= 0 {
				field.Options[at].On = true
				field.Chosen++
				text = field.Options[at].Text
			} else {
				field.Text = value
			}
			l.Chips = append(l.Chips, page.Chip{Name: field.Label, Value: text, Without: page.With(l.Path,
				without(l.Values, field.Name, value))})
		}
		if field.Name != "since" && field.Name != "until" {
			l.Fields = append(l.Fields, field)
		}
	}
}

// over lets a list be filtered by time.
func (l *List[T]) over(p *Pages, r *page.Request) {
	span := page.Ranges(r, l.Path, l.Values, "since", "until", p.Reads.Acts.Span)
	l.Range = &span
	l.choose(Field{Name: "since", Label: r.Words.Say("common.since")}, Field{Name: "until", Label: r.Words.Say("common.until")})
}

// without are values but for one of them.
func without(values url.Values, name, value string) url.Values {
	out := url.Values{}
	for n, all := range values {
		for _, v := range all {
			if n != name || v != value {
				out.Add(n, v)
			}
		}
	}
	return out
}

// options are words to choose from, as people read them.
func options[W ~string](p *words.Printer, area string, all []W) (out []Option) {
	for _, w := range all {
		out = append(out, Option{Value: string(w), Text: p.Word(area, string(w))})
	}
	return out
}

// accounts is the choice of accounts.
func (p *Pages) accounts(r *page.Request) (Field, error) {
	out := Field{Name: "account", Label: r.Words.Say("common.account")}
	known, err := p.Reads.Store.Accounts(r.Context())
	for _, a := range known {
		out.Options = append(out.Options, Option{Value: a.ID, Text: a.ID})
	}
	return out, err
}

// rowsOf reads the transactions that a list names.
func rowsOf[T any](p *Pages, r *page.Request, list []T, key func(T) model.Key) (map[model.Key]model.Transaction, error) {
	var keys []model.Key
	for _, v := range list {
		if k := key(v); k.Ref != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return map[model.Key]model.Transaction{}, nil
	}
	return p.Reads.Store.Rows(r.Context(), keys)
}

// nameOf is what people call a transaction.
func nameOf(of map[model.Key]model.Transaction, k model.Key) string {
	if t, ok := of[k]; ok && t.Name != "" {
		return t.Name
	}
	return k.Ref
}
