package ledger

import (
	"net/url"
	"slices"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/acts"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/page"
	"countersign/worker/console/rows"
)

// HookView is what the page of one hook shows.
type HookView struct {
	List[Delivery]
	Hook   objects.Hook
	Tested string // the event that the receiver has just taken; "": none
	Verbs  []string
}

// Delivery is an announcement with the name of its transaction.
type Delivery struct {
	objects.Delivery
	Name string
}

func (p *Pages) hooks(r *page.Request) (view look.View, err error) {
	if err := r.None(); err != nil {
		return view, err
	}
	list, err := p.Reads.Acts.Hooks(r.Context())
	return look.View{Page: "hooks", Nav: "hooks", Title: r.Words.Say("nav.hooks"), Data: list, Live: "status confirmed flag",
		JSON: "/api/v1/hooks", Verb: page.Verb("hooks list")}, err
}

// oneHook reads the hook that an address names.
func (p *Pages) oneHook(r *page.Request) (objects.Hook, error) {
	list, err := p.Reads.Acts.Hooks(r.Context())
	if err != nil {
		return objects.Hook{}, err
	}
	i := slices.IndexFunc(list, func(h objects.Hook) bool { return h.ID == r.Part("hook") })
	if i < 0 {
		return objects.Hook{}, store.ErrNoRow
	}
	return list[i], nil
}

func (p *Pages) hook(r *page.Request) (view look.View, err error) {
	v := HookView{Tested: objects.Plain(r.Query.Get("tested"))}
	if v.Hook, err = p.oneHook(r); err != nil {
		return view, err
	}
	id := v.Hook.ID
	f, list, err := read(p, r, reading[filter.Deliveries, store.DeliveryFilter, store.ListedDelivery]{
		list: p.Reads.Deliveries(id), path: hookPath(id), also: []string{"tested"},
	})
	if err != nil {
		return view, err
	}
	v.List = as[store.ListedDelivery, Delivery](list, nil)
	key := func(d store.ListedDelivery) model.Key { return model.Key{Account: d.Account, Ref: d.Ref} }
	of, err := rowsOf(p, r, list.Rows, key)
	if err != nil {
		return view, err
	}
	for _, d := range list.Rows {
		v.Rows = append(v.Rows, Delivery{rows.OfDelivery(d), nameOf(of, key(d))})
	}
	v.choose(Field{Name: "state", Label: r.Words.Say("hooks.state"), Options: options(r.Words, "deliverystate",
		[]store.DeliveryState{store.DeliveryWaiting, store.DeliverySent, store.DeliveryDead})})
	v.Verbs = []string{page.Verb("hooks test " + look.Quote(id)), page.Verb("hooks replay " + look.Quote(id) + " --dead")}
	verb := "hooks list " + look.Quote(id)
	if s := single(f.State); s != "" {
		verb += " --state " + look.Quote(s)
	}
	return look.View{Page: "hook", Nav: "hooks", Title: id, Data: v, Live: "status confirmed flag", Verb: page.Verb(verb),
		JSON: page.With("/api/v1"+hookPath(id)+"/deliveries", v.Values)}, nil
}

func hookPath(id string) string { return "/hooks/" + url.PathEscape(id) }

// testSheet says what a test sends.
func (p *Pages) testSheet(r *page.Request) (view look.View, err error) {
	h, err := p.oneHook(r)
	if err == nil {
		err = access.MayOperate(r.Context(), "")
	}
	if err != nil {
		return view, err
	}
	return page.Sheet{Action: hookPath(h.ID) + "/test", Back: hookPath(h.ID), Do: r.Words.Say("hooks.test"),
		Text: []string{r.Words.Say("hooks.test.text", "hook", h.ID, "receiver", h.Receiver)},
		Verb: page.Verb("hooks test " + look.Quote(h.ID))}.View(r.Words.Say("hooks.test.title"), "hooks"), nil
}

// testHook sends a hook an event that tells of nothing.
func (p *Pages) testHook(r *page.Request) (to string, err error) {
	h, err := p.oneHook(r)
	if err != nil {
		return "", err
	}
	did, err := p.Reads.Acts.TestHook(r.Context(), r.By(), h.ID)
	if err == nil && !did.Taken {
		err = acts.Refusal{Why: r.Words.Say("hooks.test.refused", "hook", h.ID, "answer", objects.Plain(did.Answer))}
	}
	return page.With(hookPath(h.ID), nil, "tested", did.ID), err
}

// replayed is which announcements a person wants to be sent again.
type replayed struct {
	hook  objects.Hook
	since time.Time
	dead  bool
	again url.Values // what the form repeats
}

func (p *Pages) toReplay(r *page.Request) (out replayed, err error) {
	if out.hook, err = p.oneHook(r); err != nil {
		return out, err
	}
	out.again = url.Values{}
	since := r.Query.Get("since")
	if since == "" {
		out.dead = true
		out.again.Set("dead", "true")
		return out, nil
	}
	out.again.Set("since", since)
	reader, err := p.Reads.Filters(r.Context(), "query")
	if err != nil {
		return out, err
	}
	if out.since, err = p.Reads.Acts.Span(since, r.Now); err != nil {
		reader.Fault("since", "%s", r.Words.Say("hooks.replay.since.fault"))
		return out, reader.Err()
	}
	return out, nil
}

// hookReplaySheet counts what would be sent again.
func (p *Pages) hookReplaySheet(r *page.Request) (view look.View, err error) {
	if err = access.MayOperate(r.Context(), ""); err != nil {
		return view, err
	}
	if err = r.None("since", "dead"); err != nil {
		return view, err
	}
	c, err := p.toReplay(r)
	if err != nil {
		return view, err
	}
	did, err := p.Reads.Acts.ReplayHook(r.Context(), r.By(), c.hook.ID, c.since, c.dead, true)
	if err != nil {
		return view, err
	}
	verb := "hooks replay " + look.Quote(c.hook.ID)
	s := page.Sheet{Action: hookPath(c.hook.ID) + "/replay", Back: hookPath(c.hook.ID), Do: r.Words.Say("hooks.replay"),
		Text: []string{r.Words.Count("hooks.replay.text", did.Queued, "hook", c.hook.ID)}, Hidden: c.again,
		Warn: r.Words.Say("hooks.replay.warn"), Verb: page.Verb(verb, "since", c.again.Get("since"), "dead", c.dead)}
	return s.View(r.Words.Say("hooks.replay.title"), "hooks"), nil
}

// replayHook has announcements sent again.
func (p *Pages) replayHook(r *page.Request) (to string, err error) {
	c, err := p.toReplay(r)
	if err != nil {
		return "", err
	}
	_, err = p.Reads.Acts.ReplayHook(r.Context(), r.By(), c.hook.ID, c.since, c.dead, false)
	return page.With(hookPath(c.hook.ID), nil, "state", string(store.DeliveryWaiting)), err
}
