// Package row is the pages of one transaction: its state with how we know it, its timeline, and its evidence sheet.
package row

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/ledger"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
	"countersign/worker/console/rows"
	"countersign/worker/console/story"
)

// Pages are the pages of one transaction. They are safe for concurrent use.
type Pages struct{ *page.Server }

// New registers the pages on r, whose requests have been let in already.
func New(r chi.Router, s *page.Server) *Pages {
	p := &Pages{s}
	r.Get("/accounts/{account}/transactions/{ref}", s.Get(func(r *page.Request) (look.View, error) {
		return p.Page(r, r.Key())
	}))
	r.Get("/resolve", s.Get(p.resolveSheet))
	r.Post("/resolve", s.Post(p.resolve))
	return p
}

// shownCallbacks is how many callbacks the page lists; the rest is a link.
const shownCallbacks = 20

// View is what the page and the sheet show.
type View struct {
	Row        objects.Row
	Provider   string
	Days       []story.Day
	Changed    []story.Entry // on paper: all of it, the oldest first
	Knowledge  story.Knowledge
	All        bool // every callback has its entry
	Files      []ledger.File
	Held       []Held // those that did not come or are kept apart, by state
	Callbacks  []model.Callback
	More       int // callbacks that are not listed
	Gaps       []ledger.Gap
	Open       bool // the account is in the config, so that it may be asked
	Resolvable bool // nobody will ever say what became of it
	Verbs      []string
	Final      []string // verbs that cannot be undone

	Changes, Every, Evidence string // addresses of this page
	story                    story.Input
	base                     string
}

// Who is what people call a signer.
func (v View) Who(ref string) string { return v.story.Who(ref) }

// At is the address of what says something: a part of this page, or another page.
func (v View) At(path string) string {
	if strings.HasPrefix(path, "#") {
		return path
	}
	return v.base + path
}

// Exact is a time as it stands on paper.
func (v View) Exact(at any) string { return v.story.Exactly(at) }

// Views of the page.
const (
	showAll  = "all"
	evidence = "evidence"
)

// Page is the page of a transaction, or its evidence sheet.
func (p *Pages) Page(r *page.Request, k model.Key) (view look.View, err error) {
	if err := r.None("show", "view", "account", "ref"); err != nil {
		return view, err
	}
	v, err := p.view(r, k, r.Query.Get("view") == evidence)
	if err != nil {
		return view, err
	}
	t := v.Row.Transaction
	title := t.Name
	if title == "" {
		title = t.Ref
	}
	view = look.View{Page: "transaction", Nav: "transactions", Title: title, Data: v, JSON: p.Look.API(t.Account, t.Ref),
		Verb: v.Verbs[0], Live: "status confirmed flag attention document gap"}
	if r.Query.Get("view") == evidence {
		view.Page, view.Sheet, view.Live = "evidence", true, ""
	}
	return view, nil
}

// view reads all that the page says.
func (p *Pages) view(r *page.Request, k model.Key, paper bool) (v View, err error) {
	if v.Row, err = p.read(r.Context(), k); err != nil {
		return v, err
	}
	account, err := p.Reads.Account(r.Context(), k.Account)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return v, err
	}
	t := v.Row.Transaction
	v.Open, v.Provider = account.Configured, r.Words.Word("provider", t.Provider)
	v.story = story.Input{Row: v.Row, Slots: slots(account), Provider: v.Provider, Words: r.Words,
		Zone: look.ZoneOf(r.Request), Now: r.Now, Exact: paper}
	if v.story.Runs, err = p.runs(r.Context(), v.Row); err != nil {
		return v, err
	}
	v.All = r.Query.Get("show") == showAll || paper
	v.Days, v.Knowledge = story.Timeline(v.story, v.All), story.Know(v.story)
	if paper {
		v.Changed = story.Changed(v.story)
	}
	v.parts()
	self := p.Look.RowPath(k.Account, k.Ref)
	v.Changes, v.Every, v.Evidence = self, also(self, "show", showAll), also(self, "view", evidence)
	v.Resolvable = v.Open && (t.NotFound || t.Status == model.Unknown) && !t.Deleted
	v.base = p.Look.Base()
	v.Verbs, v.Final = verbs(t)
	return v, nil
}

// parts are the lists below the timeline.
func (v *View) parts() {
	v.Held = held(v.Row.Documents)
	for _, d := range v.Row.Documents {
		v.Files = append(v.Files, ledger.FileOf(d, ""))
	}
	v.Callbacks = v.Row.Callbacks[:min(len(v.Row.Callbacks), shownCallbacks)]
	v.More = len(v.Row.Callbacks) - len(v.Callbacks)
	for _, g := range v.Row.Gaps {
		v.Gaps = append(v.Gaps, ledger.GapOf(v.story, g))
	}
}

// Held is how many files have a state that asks something of somebody.
type Held struct {
	State model.DocumentState
	Files int
}

// held counts the files that did not come or are kept apart, the newest version of each. all are those of one row, as
// the store lists them.
func held(all []model.Document) (out []Held) {
	for _, s := range []model.DocumentState{model.DocumentQuarantined, model.DocumentFailed, model.DocumentUnobtainable} {
		n := 0
		for i, d := range all {
			if newer := i + 1; newer < len(all) && all[newer].DocID == d.DocID && all[newer].Kind == d.Kind {
				continue
			}
			if d.State == s {
				n++
			}
		}
		if n > 0 {
			out = append(out, Held{s, n})
		}
	}
	return out
}

// verbs are what the command line does with a transaction, and what of it cannot be undone.
func verbs(t model.Transaction) (out, final []string) {
	at := look.Quote(t.Account) + " " + look.Quote(t.Ref)
	if strings.HasPrefix(t.Ref, "-") {
		at = look.Quote(t.Account) + " -- " + look.Quote(t.Ref)
	}
	return []string{"countersign show " + at, page.Verb("poll", "account", t.Account, "ref", t.Ref),
		"countersign verify --account " + look.Quote(t.Account)}, []string{"countersign forget " + at}
}

// also is an address of a page with one more parameter.
func also(path, name, value string) string {
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	return path + sign + url.Values{name: {value}}.Encode()
}

// read reads a row with all that belongs to it, and the gaps that a callback may still explain.
func (p *Pages) read(ctx context.Context, k model.Key) (objects.Row, error) {
	t, err := p.Reads.Transaction(ctx, k)
	if err != nil {
		return objects.Row{}, err
	}
	row, err := rows.Whole(ctx, p.Reads.Store, t)
	if err != nil || t.OpenGaps == 0 {
		return row, err
	}
	row.Gaps, err = p.Reads.Store.Gaps(ctx, store.GapFilter{Account: k.Account, Ref: k.Ref, IncludePending: true})
	return row, err
}

// runs are those that a row's history and gaps name, the newest first.
func (p *Pages) runs(ctx context.Context, row objects.Row) (map[string]model.Run, error) {
	var sources []string
	for _, c := range slices.Backward(row.History) {
		sources = append(sources, c.Source)
	}
	for _, g := range row.Gaps {
		sources = append(sources, g.FoundBy)
	}
	return ledger.RunsNamed(ctx, p.Reads.Store, sources)
}

// slots are an account's next polls by tier; nil where it is not in the config.
func slots(a objects.Account) map[string]time.Time {
	if !a.Configured {
		return nil
	}
	out := map[string]time.Time{}
	for _, s := range a.Next {
		if at := s.At.Time(); at != nil {
			out[s.Tier] = *at
		}
	}
	return out
}

// resolveSheet asks before a transaction counts as deleted.
func (p *Pages) resolveSheet(r *page.Request) (view look.View, err error) {
	if err := r.None("account", "ref"); err != nil {
		return view, err
	}
	k := model.Key{Account: r.Query.Get("account"), Ref: r.Query.Get("ref")}
	if err = access.MayOperate(r.Context(), ""); err != nil {
		return view, err
	}
	t, err := p.Reads.Transaction(r.Context(), k)
	if err != nil {
		return view, err
	}
	provider := r.Words.Word("provider", t.Provider)
	s := page.Sheet{Action: "/resolve", Do: r.Words.Say("row.resolve"), Text: []string{r.Words.Say("row.resolve.means",
		"provider", provider)}, Warn: r.Words.Say("row.resolve.warn", "provider", provider),
		Hidden: url.Values{"account": {k.Account}, "ref": {k.Ref}}, Back: p.below(k),
		Verb: "countersign resolve " + look.Quote(k.Account) + " " + look.Quote(k.Ref) + " deleted"}
	return s.View(r.Words.Say("row.resolve.title"), "transactions"), nil
}

// below is a row's page below the outside address.
func (p *Pages) below(k model.Key) string {
	return strings.TrimPrefix(p.Look.RowPath(k.Account, k.Ref), p.Look.Base())
}

// resolve says that a transaction is deleted, where no provider will.
func (p *Pages) resolve(r *page.Request) (to string, err error) {
	k := model.Key{Account: r.Query.Get("account"), Ref: r.Query.Get("ref")}
	if k.Ref == "" {
		return "", problem.Of(http.StatusUnprocessableEntity, "")
	}
	if _, err := p.Reads.Transaction(r.Context(), k); err != nil {
		return "", err
	}
	return p.below(k), p.Reads.Acts.Resolve(r.Context(), r.By(), k)
}
