package ledger

import (
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/problem"
	"countersign/worker/console/story"
)

// DocumentsView is what the page of documents shows.
type DocumentsView struct {
	List[File]
	States []State
	At     time.Time  // when the states were counted
	Oldest *time.Time // since when the oldest waits
	First  []File     // what is in quarantine, where the filter chooses nothing
	Held   bool       // the filter chooses those in quarantine and no others
}

// State is how many files have a state, with the list of them.
type State struct {
	State model.DocumentState
	Files int
	Href  string
}

// File is a document with what is to be done about it.
type File struct {
	model.Document
	Title string // of its transaction
	File  string // its name
	Cure  string // a key of the words; "": nothing is to be done
	May   FileMay
}

// Why is the reason, without what it says to do about it: beside it stands Cure.
func (f File) Why() string {
	for _, end := range []string{"; `documents ", ": `documents "} {
		if why, _, found := strings.Cut(f.Reason, end); found && f.Cure != "" {
			return why
		}
	}
	return f.Reason
}

// FileMay is what may be done with a file, as it stands.
type FileMay struct{ Get, Retry, Release bool }

// firstFiles is how many files in quarantine stand before the list.
const firstFiles = 10

func (p *Pages) documents(r *page.Request) (view look.View, err error) {
	f, list, err := read(p, r, reading[filter.Documents, store.PageFilter, model.Document]{
		list: p.Reads.Documents(), path: "/documents", export: "documents",
	})
	if err != nil {
		return view, err
	}
	accounts, err := p.accounts(r)
	if err != nil {
		return view, err
	}
	files, err := p.files(r, list.Rows)
	if err != nil {
		return view, err
	}
	v := DocumentsView{List: as(list, files), Held: single(f.State) == string(model.DocumentQuarantined)}
	v.choose(accounts, Field{Name: "state", Label: r.Words.Say("documents.state"),
		Options: options(r.Words, "documentstate", model.DocumentStates())},
		Field{Name: "signature", Label: r.Words.Say("documents.signature"), Options: options(r.Words, "signature",
			[]model.Signature{model.SignatureIntact, model.SignatureAltered, model.SignatureUnsigned, model.SignatureUnknown})})
	if err := p.countStates(r, &v); err != nil {
		return view, err
	}
	if len(v.Chips) == 0 && list.First == "" {
		held, _, err := p.Reads.Store.DocumentPage(r.Context(), store.PageFilter{
			States: []string{string(model.DocumentQuarantined)}, Limit: firstFiles})
		if err != nil {
			return view, err
		}
		if v.First, err = p.files(r, held); err != nil {
			return view, err
		}
	}
	return look.View{Page: "documents", Nav: "documents", Title: r.Words.Say("nav.documents"), Data: v, Live: "document",
		JSON: page.With("/api/v1/documents", v.Values),
		Verb: page.Verb("documents list", "account", single(f.Account), "state", single(f.State))}, nil
}

// countStates counts the files by their state, those first that somebody has to do something about.
func (p *Pages) countStates(r *page.Request, v *DocumentsView) error {
	counts, err := p.Reads.Counts(r.Context())
	if err != nil {
		return err
	}
	stored, err := p.Reads.Stored(r.Context())
	v.At, v.Oldest = counts.At, counts.OldestWaiting
	for _, s := range []model.DocumentState{model.DocumentQuarantined, model.DocumentWaiting, model.DocumentUnobtainable,
		model.DocumentFailed, model.DocumentStored} {
		n := counts.Documents[string(s)]
		if s == model.DocumentStored {
			n = stored
		}
		v.States = append(v.States, State{s, n, page.With(v.Path, nil, "state", string(s))})
	}
	return err
}

// files says of each document what is to be done about it.
func (p *Pages) files(r *page.Request, list []model.Document) (out []File, err error) {
	of, err := rowsOf(p, r, list, model.Document.Key)
	for _, d := range list {
		out = append(out, FileOf(d, nameOf(of, d.Key())))
	}
	return out, err
}

// FileOf says what is to be done about a document.
func FileOf(d model.Document, title string) File {
	return File{d, title, objects.FileName(d), cure(d), FileMay{
		Get:     d.Path != "" && (d.State == model.DocumentStored || d.State == model.DocumentQuarantined),
		Retry:   d.State != model.DocumentStored && d.State != model.DocumentUnobtainable,
		Release: d.State == model.DocumentQuarantined && d.Path != "",
	}}
}

// cure is the key of what to do about a document.
func cure(d model.Document) string {
	switch d.State {
	case model.DocumentQuarantined:
		switch d.Facts.Signature {
		case model.SignatureAltered:
			return "documents.cure.altered"
		case model.SignatureUnsigned:
			return "documents.cure.unsigned"
		case model.SignatureUnknown:
			return "documents.cure.unknown"
		}
		return "documents.cure.broken"
	case model.DocumentUnobtainable:
		return "documents.cure.unobtainable"
	case model.DocumentFailed:
		return "documents.cure.failed"
	case model.DocumentWaiting:
		return "documents.cure.waiting"
	}
	return ""
}

// DocumentView is what the page of one document shows.
type DocumentView struct {
	File
	Row    model.Transaction
	Events []Event // of its history, the newest first
	Verbs  []string
}

// Event is a change of a document, and who says so.
type Event struct {
	model.Change
	By   story.Source
	Said string
}

func (p *Pages) document(r *page.Request) (view look.View, err error) {
	if err := r.None(); err != nil {
		return view, err
	}
	d, t, err := p.oneDocument(r)
	if err != nil {
		return view, err
	}
	v := DocumentView{File: FileOf(d, nameOf(map[model.Key]model.Transaction{t.Key(): t}, t.Key())), Row: t}
	history, err := p.Reads.Store.ChangesOf(r.Context(), d.Key())
	if err != nil {
		return view, err
	}
	in := story.Input{Words: r.Words, Provider: r.Words.Word("provider", t.Provider)}
	for _, c := range slices.Backward(history) {
		if c.Document == d.ID {
			v.Events = append(v.Events, Event{c, in.Source(c.Source), in.Said(c)})
		}
	}
	v.Verbs = v.verbs()
	return look.View{Page: "document", Nav: "documents", Title: v.File.File, Data: v, Live: "document", Verb: v.Verbs[0],
		JSON: p.Look.API(d.Account, d.Ref) + "/documents/" + url.PathEscape(d.ID)}, nil
}

// verbs are what the command line does with the file.
func (f File) verbs() []string {
	at := look.Quote(f.Account) + " " + look.Quote(f.Ref)
	out := []string{page.Verb("documents show " + at)}
	if f.State != model.DocumentStored {
		out = append(out, page.Verb("documents retry "+at))
	}
	if f.May.Release {
		out = append(out, page.Verb("documents release "+at+" "+look.Quote(f.ID)))
	}
	return out
}

// oneDocument reads the document that an address names, and its transaction.
func (p *Pages) oneDocument(r *page.Request) (d model.Document, t model.Transaction, err error) {
	id := r.Part("id")
	if !filter.IsText(id) {
		return d, t, store.ErrNoRow
	}
	if d, err = p.Reads.Store.Document(r.Context(), id); err != nil {
		return d, t, err
	}
	t, err = p.Reads.Transaction(r.Context(), d.Key())
	return d, t, err
}

// retrySheet says what fetching a document again costs.
func (p *Pages) retrySheet(r *page.Request) (view look.View, err error) {
	d, _, err := p.oneDocument(r)
	if err == nil {
		err = access.MayOperate(r.Context(), "")
	}
	if err != nil {
		return view, err
	}
	f := FileOf(d, "")
	if f.State == model.DocumentStored {
		return view, acts.Refusal{Why: r.Words.Say("documents.retry.stored")}
	}
	s := page.Sheet{Action: pathOf(d) + "/retry", Back: pathOf(d), Do: r.Words.Say("documents.retry"),
		Text: []string{r.Words.Say("documents.retry.text", "name", f.File, "account", d.Account)}, Verb: f.verbs()[1]}
	if s.Costs, err = p.Costs(r, map[string]int{d.Account: 2}); err != nil {
		return view, err
	}
	return s.View(r.Words.Say("documents.retry.title"), "documents"), nil
}

func pathOf(d model.Document) string { return "/documents/" + url.PathEscape(d.ID) }

// retry has a document fetched again.
func (p *Pages) retry(r *page.Request) (to string, err error) {
	d, _, err := p.oneDocument(r)
	if err == nil && d.State == model.DocumentStored {
		err = acts.Refusal{Why: r.Words.Say("documents.retry.stored")}
	}
	if err != nil {
		return "", err
	}
	run, err := p.Reads.Acts.Retry(r.Context(), r.By(), d.Account, []string{d.ID})
	return page.Asked(pathOf(d), []model.Run{run}), err
}

// releaseSheet asks why a file is to be released.
func (p *Pages) releaseSheet(r *page.Request) (view look.View, err error) {
	d, _, err := p.oneDocument(r)
	if err == nil {
		err = access.MayOperate(r.Context(), "")
	}
	if err != nil {
		return view, err
	}
	f := FileOf(d, "")
	if !f.May.Release {
		return view, acts.Refusal{Why: r.Words.Say("documents.release.not")}
	}
	verbs := f.verbs()
	s := page.Sheet{Action: pathOf(d) + "/release", Back: pathOf(d), Do: r.Words.Say("documents.release.do"),
		Text: []string{r.Words.Say("documents.release.text", "name", f.File, "reason", objects.Plain(r.Words.Stored(f.Why())))},
		Warn: r.Words.Say("documents.release.warn"), Verb: verbs[len(verbs)-1],
		Fields: []page.Field{{Name: "reason", Kind: "text", Label: r.Words.Say("documents.release.reason"),
			Hint: r.Words.Say("documents.release.hint")}}}
	return s.View(r.Words.Say("documents.release.title"), "documents"), nil
}

// The bounds of a reason, as the API has them.
const (
	leastReason = 3
	mostReason  = 500
)

// release takes a file out of quarantine. Asked twice it is done once.
func (p *Pages) release(r *page.Request) (to string, err error) {
	d, _, err := p.oneDocument(r)
	if err != nil {
		return "", err
	}
	reason := strings.TrimSpace(objects.Plain(r.Query.Get("reason")))
	if n := utf8.RuneCountInString(reason); n < leastReason || n > mostReason || !filter.IsText(reason) {
		return "", problem.New(problem.Invalid, r.Words.Say("documents.release.short"),
			problem.Fault{Location: "reason", Message: r.Words.Say("documents.release.hint")})
	}
	if d.State != model.DocumentStored {
		_, err = p.Reads.Acts.Release(r.Context(), r.By(), d, reason)
	}
	return pathOf(d), err
}
