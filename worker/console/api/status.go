package api

import (
	"context"
	"time"

	"countersign/worker/console/objects"
)

// overview is how all stands, in one answer.
type overview struct {
	Version      string             `json:"version"`
	Seq          int64              `json:"seq" doc:"the newest change"`
	OldestSeq    int64              `json:"oldest_seq" doc:"the oldest change that is kept"`
	CountedAt    objects.Stamp      `json:"counted_at" doc:"when what follows was counted"`
	Transactions map[string]int     `json:"transactions" doc:"how many have each status"`
	Attention    int                `json:"attention" doc:"how many somebody must act on"`
	Checking     int                `json:"checking" doc:"of how many a callback says what no answer has confirmed yet"`
	Documents    map[string]int     `json:"documents" doc:"how many that are not stored have each state"`
	Overdue      int                `json:"overdue" doc:"how many rows have been due for more than five minutes"`
	Incidents    []objects.Incident `json:"incidents" doc:"those that are open"`
}

// none is the input of what takes no parameter.
type none struct{}

func (a *API) readStatus() {
	get(a, op("get-status", "/status", "status", "How all stands, in one answer"),
		func(ctx context.Context, _ *none) (overview, error) { return a.overview(ctx) })
	get(a, op("list-accounts", "/accounts", "accounts", "How each account does"),
		func(ctx context.Context, _ *none) (Page[objects.Account], error) {
			all, err := a.Reads.Accounts(ctx)
			return Page[objects.Account]{Items: all}, err
		})
	type accountInput struct {
		Account string `path:"account" maxLength:"63"`
	}
	get(a, op("get-account", "/accounts/{account}", "accounts", "How one account does"),
		func(ctx context.Context, in *accountInput) (objects.Account, error) {
			return a.Reads.Account(ctx, in.Account)
		})
	get(a, op("summarize-gaps", "/gaps/summary", "gaps", "What callbacks told of each account's changes"), a.summaries)
}

func (a *API) overview(ctx context.Context) (o overview, err error) {
	c, err := a.Reads.Counts(ctx)
	if err != nil {
		return o, err
	}
	o = overview{
		Version: a.Version, CountedAt: objects.At(c.At), Transactions: c.Statuses, Documents: c.Documents,
		Attention: c.Attention, Checking: c.Checking, Overdue: c.Overdue, Incidents: []objects.Incident{},
	}
	if o.OldestSeq, o.Seq, err = a.Store.Feed(ctx); err != nil {
		return o, err
	}
	open, err := a.Store.Incidents(ctx, true)
	for _, i := range open {
		o.Incidents = append(o.Incidents, objects.OfIncident(i))
	}
	return o, err
}

type summaryInput struct {
	Account []string `query:"account,explode" doc:"only these accounts"`
	Since   string   `query:"since" doc:"since when: 30d (the default), 2w, 720h, a date or a time"`
}

func (a *API) summaries(ctx context.Context, in *summaryInput) (out Page[objects.Summary], err error) {
	r, err := a.Reads.Filters(ctx, "query")
	if err != nil {
		return out, err
	}
	since := a.Now().UTC().Add(-30 * 24 * time.Hour)
	if in.Since != "" {
		at, err := a.Acts.Span(in.Since, r.Now)
		if err != nil {
			r.Fault("since", "is not a span such as 30d, 2w, 720h, 2026-01-31 or 2026-01-31T12:00:00Z")
		}
		since = at
	}
	accounts := r.Accounts
	if len(in.Account) > 0 {
		accounts = in.Account
	}
	r.Known(accounts)
	if err := r.Err(); err != nil {
		return out, err
	}
	out.Items = []objects.Summary{}
	for _, account := range accounts {
		l, err := a.Acts.Ledger(ctx, account, since)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, objects.OfLedger(l))
	}
	return out, nil
}
