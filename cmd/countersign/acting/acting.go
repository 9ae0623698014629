// Package acting gives the console the functions that the verbs use: a button and a verb do the same.
package acting

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/queue"
	"countersign/cmd/countersign/export"
	"countersign/cmd/countersign/health"
	"countersign/cmd/countersign/replay"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/ask/runs"
	"countersign/worker/console/acts"
	"countersign/worker/console/objects"
	"countersign/worker/documents"
	"countersign/worker/files"
)

// New returns the functions, which work with the engine of a daemon.
func New(e *engine.Engine) acts.Acts {
	d := daemon{e}
	return acts.Acts{
		IsRef: provider.IsRef, Track: d.track, PollRows: d.pollRows, PollTiers: d.pollTiers, Retry: d.retry, Resolve: d.resolve,
		Release: d.release, Explain: d.explain, Replay: d.replay,
		Export: func(ctx context.Context, w io.Writer, what, format string, f store.ExportFilter) error {
			return export.Rows(ctx, w, e.Store, what, f, format)
		},
		Open:  func(ctx context.Context, name string) (*os.File, error) { return e.Files.Open(ctx, name) },
		Link:  d.link,
		Hooks: d.hooks, TestHook: d.testHook, ReplayHook: d.replayHook,
		Accounts: d.accounts, Ledger: d.ledger, Span: config.ParseSpan, Config: d.config,
	}
}

// daemon is the engine of a daemon.
type daemon struct{ *engine.Engine }

// link is none where documents_links is 0s, or the document store knows no links.
func (d daemon) link(ctx context.Context, name, saveAs, contentType string) (string, error) {
	in, ok := d.Files.(files.Linker)
	lasts := time.Duration(d.Engine.Config.DocumentsLinks)
	if !ok || lasts == 0 {
		return "", nil
	}
	return in.Link(ctx, name, saveAs, contentType, lasts)
}

func (d daemon) track(ctx context.Context, by, account string, refs []string) (int, error) {
	a := d.Engine.Accounts.Find(account)
	if a == nil {
		return 0, acts.ErrUnknownAccount
	}
	return d.Worker.Table.Track(ctx, by, a.ID, a.ProviderName, refs)
}

func (d daemon) pollRows(ctx context.Context, by, account string, refs []string) (model.Run, error) {
	p := runs.Params{By: by, Refs: refs}
	return d.queue(ctx, account, runs.KindRefs, p, func(was runs.Params) bool { return slices.Equal(was.Refs, refs) })
}

func (d daemon) pollTiers(ctx context.Context, by, account string, tiers []string) (out []model.Run, err error) {
	for _, tier := range tiers {
		r, err := d.queue(ctx, account, tier, runs.Params{By: by, Whole: true},
			func(was runs.Params) bool { return was.Whole })
		if err != nil {
			return out, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (d daemon) retry(ctx context.Context, by, account string, ids []string) (model.Run, error) {
	p := runs.Params{By: by, Only: ids}
	for _, id := range ids {
		doc, err := d.Store.Document(ctx, id)
		if err != nil {
			return model.Run{}, err
		}
		if !slices.Contains(p.Refs, doc.Ref) {
			p.Refs = append(p.Refs, doc.Ref)
		}
	}
	return d.queue(ctx, account, runs.KindRetry, p, func(was runs.Params) bool { return slices.Equal(was.Only, ids) })
}

// queue queues a run, unless one that is the same waits already.
func (d daemon) queue(ctx context.Context, account, kind string, p runs.Params, same func(runs.Params) bool) (
	model.Run, error,
) {
	if d.Engine.Accounts.Find(account) == nil {
		return model.Run{}, acts.ErrUnknownAccount
	}
	r := model.Run{Account: account, Kind: kind, Params: queue.Params(p)}
	return d.Worker.Runs.QueueUnless(ctx, r, func(was model.Run) bool { return same(runs.ParamsOf(was)) })
}

func (d daemon) resolve(ctx context.Context, by string, k model.Key) error {
	return d.Worker.Table.Resolve(ctx, k, by)
}

func (d daemon) release(ctx context.Context, by string, doc model.Document, reason string) (model.Document, error) {
	doc, err := d.Worker.Documents.Release(ctx, doc, documents.Order{By: by, Reason: reason})
	if errors.Is(err, documents.ErrNotQuarantined) {
		err = acts.Refusal{Why: "The document is not in quarantine."}
	}
	return doc, err
}

func (d daemon) explain(ctx context.Context, id string) (objects.Explained, error) {
	c, err := d.Env.Config() // secrets too, as they are now: they are what is tried
	if err != nil {
		return objects.Explained{}, acts.Refusal{Why: "The config cannot be read: `countersign config check` says why."}
	}
	return replay.Explained(ctx, d.Env, c, d.Store, id)
}

func (d daemon) replay(ctx context.Context, _ string, ids []string, dry bool) (out []objects.Replayed, err error) {
	c, err := d.Env.Config()
	if err != nil {
		return nil, acts.Refusal{Why: "The config cannot be read: `countersign config check` says why."}
	}
	p := &replay.Replayer{Env: d.Env, Config: c, Store: d.Store, Table: d.Worker.Table}
	if err := p.Begin(); err != nil {
		return nil, err
	}
	out = []objects.Replayed{}
	for _, id := range ids {
		did, err := p.One(ctx, id, dry)
		var refused acts.Refusal
		switch {
		case errors.As(err, &refused) && len(ids) > 1:
			did = objects.Replayed{ID: id, Note: refused.Why}
		case err != nil:
			return out, err
		}
		out = append(out, did)
	}
	return out, nil
}

func (d daemon) accounts(ctx context.Context) ([]objects.Account, error) {
	c := d.Current()
	h, err := health.Inside(ctx, d.Env, c, d.Store)
	if err != nil {
		return nil, err
	}
	out := h.Objects(d.Env, c)
	for i := range out {
		d.left(&out[i])
	}
	return out, nil
}

// left fills in what is left of an account's budgets, which its calls know.
func (d daemon) left(o *objects.Account) {
	a := d.Engine.Accounts.Find(o.ID)
	if a == nil {
		return
	}
	meter, ok := a.Meter.(interface {
		BudgetLeft(class provider.Class) int
		PausedUntil(class provider.Class) time.Time
	})
	for i := range o.BudgetUse {
		if u := &o.BudgetUse[i]; ok && u.Limit > 0 {
			left := max(0, min(u.Limit, meter.BudgetLeft(provider.Class(u.Class))))
			u.Left = &left
			if paused := meter.PausedUntil(provider.Class(u.Class)); paused.After(d.Env.Now()) {
				u.PausedUntil = objects.At(paused)
			}
		}
	}
}

// config is the config as it was understood, of one account or of all.
func (d daemon) config(account string) (string, error) {
	shown := d.Current().Fingerprinted(account)
	if shown == nil {
		return "", acts.ErrUnknownAccount
	}
	text, err := yaml.Marshal(shown)
	return string(text), err
}

func (d daemon) ledger(ctx context.Context, account string, since time.Time) (objects.Ledger, error) {
	return health.SumLedger(ctx, d.Env, d.Store, account, since, float64(d.Current().CallbackObjective))
}
