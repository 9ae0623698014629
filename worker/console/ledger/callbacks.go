package ledger

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/story"
)

// CallbacksView is what the page of callbacks shows.
type CallbacksView struct {
	List[Call]
	Today []VerdictCount
	At    time.Time         // when today was counted
	Calls []objects.Account // what providers should call, where nothing has come yet
}

// VerdictCount is how many callbacks of today have a verdict, with the list of them.
type VerdictCount struct {
	Verdict   model.Verdict
	Callbacks int
	Href      string
}

// Call is a callback with the name of its transaction.
type Call struct {
	model.Callback
	Name string // "": it has no row
}

func (p *Pages) callbacks(r *page.Request) (view look.View, err error) {
	f, list, err := read(p, r, reading[filter.Callbacks, store.CallbackFilter, model.Callback]{
		list: p.Reads.Callbacks(), path: "/callbacks",
	})
	if err != nil {
		return view, err
	}
	accounts, err := p.accounts(r)
	if err != nil {
		return view, err
	}
	key := func(c model.Callback) model.Key { return model.Key{Account: c.Account, Ref: c.Ref} }
	of, err := rowsOf(p, r, list.Rows, key)
	if err != nil {
		return view, err
	}
	v := CallbacksView{List: as[model.Callback, Call](list, nil)}
	for _, c := range list.Rows {
		call := Call{Callback: c}
		if _, ok := of[key(c)]; ok {
			call.Name = nameOf(of, key(c))
		}
		v.Rows = append(v.Rows, call)
	}
	v.choose(accounts, Field{Name: "verdict", Label: r.Words.Say("callbacks.verdict"),
		Options: options(r.Words, "verdict", verdicts())},
		Field{Name: "outcome", Label: r.Words.Say("callbacks.outcome"), Options: options(r.Words, "outcome", []model.Outcome{
			model.Applied, model.NothingNew, model.Checking, model.Ignored, model.ClaimUnresolved, model.TestEvent})},
		Field{Name: "type", Label: r.Words.Say("callbacks.type")}, Field{Name: "ref", Label: r.Words.Say("common.ref")})
	v.over(p, r)
	if err := p.today(r, &v, f); err != nil {
		return view, err
	}
	if len(v.Rows) == 0 && len(v.Chips) == 0 {
		if v.Calls, err = p.Reads.Accounts(r.Context()); err != nil {
			return view, err
		}
	}
	return look.View{Page: "callbacks", Nav: "callbacks", Title: r.Words.Say("nav.callbacks"), Data: v,
		Live: "status confirmed", JSON: page.With("/api/v1/callbacks", v.Values),
		Verb: page.Verb("callbacks list", "account", f.Account, "verdict", f.Verdict, "ref", f.Ref, "since", f.Since)}, nil
}

func verdicts() []model.Verdict {
	return []model.Verdict{model.Accepted, model.Duplicate, model.Refused, model.NotUnderstood}
}

// today counts the callbacks of today, UTC, by their verdict.
func (p *Pages) today(r *page.Request, v *CallbacksView, f filter.Callbacks) error {
	days, err := p.Reads.Days(r.Context())
	if err != nil {
		return err
	}
	today := days.At.UTC().Format(time.DateOnly)
	v.At = days.At
	for _, verdict := range verdicts() {
		n := VerdictCount{Verdict: verdict}
		for _, c := range days.Callbacks {
			if c.Day == today && c.Verdict == verdict && (f.Account == "" || f.Account == c.Account) {
				n.Callbacks += c.Callbacks
			}
		}
		only := filter.Callbacks{Account: f.Account, Verdict: string(verdict), Since: today}
		n.Href = page.With(v.Path, filter.Values(&only))
		v.Today = append(v.Today, n)
	}
	return nil
}

// CallbackView is what the page of one callback shows.
type CallbackView struct {
	model.Callback
	Name      string // of its transaction; "": it has no row
	Body      string // cut
	Cut       bool
	Header    []Header
	Whole     bool // headers and body are shown
	Explained *objects.Explained
	Why       string // why it cannot be explained
	MayReplay bool
	Verbs     []string
}

// Header is one line of a callback's header.
type Header struct{ Name, Value string }

// shownBody is how much of a body the page shows; the API has all of it.
const shownBody = 4000

func (p *Pages) callback(r *page.Request) (view look.View, err error) {
	if err := r.None(); err != nil {
		return view, err
	}
	c, err := p.Reads.Store.Callback(r.Context(), r.Part("id"))
	if err != nil {
		return view, err
	}
	may := access.WhoOf(r.Context()).May()
	v := CallbackView{Callback: c, Whole: may, MayReplay: may && c.Verdict != model.Duplicate && c.Body != nil}
	if t, err := p.Reads.Transaction(r.Context(), model.Key{Account: c.Account, Ref: c.Ref}); err == nil {
		v.Name = nameOf(map[model.Key]model.Transaction{t.Key(): t}, t.Key())
	}
	if v.Whole {
		v.contents()
	}
	if v.Explained, v.Why, err = p.explained(r, c.ID); err != nil {
		return view, err
	}
	v.Verbs = []string{page.Verb("callbacks explain " + c.ID), page.Verb("callbacks replay " + c.ID + " --dry-run")}
	return look.View{Page: "callback", Nav: "callbacks", Title: r.Words.Say("callback.title", "id", story.Short(c.ID)), Data: v,
		JSON: "/api/v1/callbacks/" + c.ID, Verb: page.Verb("callbacks show " + c.ID)}, nil
}

// contents is what an operator may see of headers and body.
func (v *CallbackView) contents() {
	for name, value := range v.Headers {
		v.Header = append(v.Header, Header{objects.Plain(name), objects.Plain(value)})
	}
	slices.SortFunc(v.Header, func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	body := string(objects.ShownBody(v.Callback))
	if len(body) > shownBody {
		body, v.Cut = body[:shownBody], true
	}
	lines := strings.Split(strings.ToValidUTF8(body, "\ufffd"), "\n")
	for i, line := range lines {
		lines[i] = objects.Plain(line)
	}
	v.Body = strings.Join(lines, "\n")
}

// explained says why a callback was judged so, or why that cannot be said.
func (p *Pages) explained(r *page.Request, id string) (*objects.Explained, string, error) {
	said, err := p.Reads.Acts.Explain(r.Context(), id)
	var refused acts.Refusal
	switch {
	case errors.As(err, &refused):
		return nil, refused.Why, nil
	case errors.Is(err, acts.ErrUnknownAccount), errors.Is(err, store.ErrNoRow):
		return nil, r.Words.Say("callback.no_account"), nil
	case err != nil:
		return nil, "", err
	}
	return &said, "", nil
}

// replaySheet says what would become of a callback that is handed in again. It is asked for by those who may operate,
// and changes nothing.
func (p *Pages) replaySheet(r *page.Request) (view look.View, err error) {
	if err := access.MayOperate(r.Context(), ""); err != nil {
		return view, err
	}
	id := r.Part("id")
	did, err := p.Reads.Acts.Replay(r.Context(), r.By(), []string{id}, true)
	if err != nil {
		return view, err
	}
	s := page.Sheet{Action: "/callbacks/" + url.PathEscape(id) + "/replay", Back: "/callbacks/" + url.PathEscape(id),
		Do: r.Words.Say("callback.replay"), Text: []string{r.Words.Say("callback.replay.text")},
		Verb: page.Verb("callbacks replay " + id)}
	for _, d := range did {
		s.Costs = append(s.Costs, would(r, d))
		if d.Note != "" {
			s.Costs = append(s.Costs, objects.Plain(r.Words.Stored(d.Note)))
		}
	}
	return s.View(r.Words.Say("callback.replay.title"), "callbacks"), nil
}

// would says what would become of a callback.
func would(r *page.Request, d objects.Replayed) string {
	places := []any{"before", r.Words.Word("verdict", d.Before), "after", r.Words.Word("verdict", d.After), "outcome",
		r.Words.Word("outcome", d.Outcome)}
	switch {
	case d.Before == d.After && (d.Outcome == "" || d.Outcome == string(model.NothingNew)):
		return r.Words.Say("callback.replay.same", places[2:4]...)
	case d.Before == d.After:
		return r.Words.Say("callback.replay.stays", places[2:]...)
	case d.Outcome == "":
		return r.Words.Say("callback.replay.becomes", places[:4]...)
	}
	return r.Words.Say("callback.replay.would", places...)
}

// replay hands a callback in again.
func (p *Pages) replay(r *page.Request) (to string, err error) {
	id := r.Part("id")
	_, err = p.Reads.Acts.Replay(r.Context(), r.By(), []string{id}, false)
	return "/callbacks/" + url.PathEscape(id), err
}
