package console

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign/model"
	"countersign/model/store"
)

// tableMetrics reads the table when it is scraped, at most every few seconds.
type tableMetrics struct {
	store *store.Store
	now   func() time.Time
	parts []*part
}

// part is what is read together. Reading may cost a share of the time: a table with many millions
// of rows is read less often.
type part struct {
	share time.Duration // one part in share of the time may be spent
	read  func(context.Context) []prometheus.Metric

	mu     sync.Mutex
	nextAt time.Time
	last   []prometheus.Metric
}

const (
	scrapeEvery = 5 * time.Second
	// mostCounted bounds what is counted by listing. There are few such rows, or an incident is open.
	mostCounted = 1000
	pendingTime = 365 * 24 * time.Hour // beyond any gap_grace
)

// TableMetrics returns a collector of what stands in the database. Its labels name accounts,
// statuses and kinds, never a transaction or a person.
func TableMetrics(s *store.Store, now func() time.Time) prometheus.Collector {
	m := &tableMetrics{store: s, now: now}
	m.parts = []*part{{share: 20, read: m.readTable}, {share: 100, read: m.readDocuments}}
	return m
}

// Describe is for prometheus.Collector: the metrics differ with the accounts.
func (m *tableMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect is for prometheus.Collector.
func (m *tableMetrics) Collect(ch chan<- prometheus.Metric) {
	for _, p := range m.parts {
		for _, x := range p.collect(m.now) {
			ch <- x
		}
	}
}

func (p *part) collect(now func() time.Time) []prometheus.Metric {
	p.mu.Lock()
	defer p.mu.Unlock()
	if began := now(); !began.Before(p.nextAt) {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeEvery)
		defer cancel()
		p.last = p.read(ctx)
		p.nextAt = now().Add(max(scrapeEvery, p.share*now().Sub(began)))
	}
	return p.last
}

// reading is what one look at the table finds.
type reading struct {
	*tableMetrics
	ctx context.Context
	out []prometheus.Metric
	err error
}

// readDocuments has a time of its own: the store scans its documents for it. What fails lacks.
func (m *tableMetrics) readDocuments(ctx context.Context) []prometheus.Metric {
	r := &reading{tableMetrics: m, ctx: ctx}
	if r.documents() != nil {
		return nil
	}
	return r.out
}

func (m *tableMetrics) readTable(ctx context.Context) []prometheus.Metric {
	r := &reading{tableMetrics: m, ctx: ctx}
	accounts, err := m.store.Accounts(ctx)
	for _, step := range []func() error{
		func() error { return err }, r.transactions, r.due, r.incidents, r.pending,
	} {
		if err := step(); err != nil && r.err == nil {
			r.err = err
		}
	}
	for _, a := range accounts {
		if err := r.account(a); err != nil && r.err == nil {
			r.err = err
		}
	}
	readable := 1.0
	if r.err != nil {
		readable = 0
	}
	r.add("database_readable", "1 if the numbers here could be read, else some lack.", readable)
	return r.out
}

// add adds a gauge; labels are names and values in turn.
func (r *reading) add(name, help string, value float64, labels ...string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	desc := prometheus.NewDesc("countersign_"+name, help, names, nil)
	metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, values...)
	if err != nil { // a label that is no text; a panic here would end the process
		metric = prometheus.NewInvalidMetric(desc, err)
	}
	r.out = append(r.out, metric)
}

func (r *reading) transactions() error {
	counts, err := r.store.Counts(r.ctx)
	for _, c := range counts {
		r.add("transactions", "Transactions by account and status.", float64(c.Rows), "account", c.Account, "status", string(c.Status))
	}
	return err
}

func (r *reading) due() error {
	due, err := r.store.DueCount(r.ctx, r.now())
	for account, n := range due {
		r.add("due", "Rows whose time to be asked has come.", float64(n), "account", account)
	}
	return err
}

func (r *reading) incidents() error {
	open, err := r.store.Incidents(r.ctx, true)
	for _, i := range open {
		r.add("incident_open", "Incidents that are open.", 1, "account", i.Account, "kind", i.Kind)
	}
	return err
}

// documents counts the files that are not simply there: the store has no count by state, and those
// that are stored would be many.
func (r *reading) documents() error {
	for _, state := range []model.DocumentState{
		model.DocumentWaiting, model.DocumentQuarantined, model.DocumentUnobtainable, model.DocumentFailed,
	} {
		list, err := r.store.Documents(r.ctx, store.DocumentFilter{State: state, Limit: mostCounted})
		if err != nil {
			return err
		}
		by := map[string]int{}
		for _, d := range list {
			by[d.Account]++
		}
		for account, n := range by {
			r.add("documents", "Documents that are not stored, by state; the newest 1000 of each are counted.", float64(n), "account", account, "state", string(state))
		}
	}
	return nil
}

// pending counts the gaps that a callback may still explain.
func (r *reading) pending() error {
	list, err := r.store.DueGaps(r.ctx, r.now().Add(pendingTime), mostCounted)
	if err != nil {
		return err
	}
	by := map[string]int{}
	for _, g := range list {
		by[g.Account]++
	}
	for account, n := range by {
		r.add("gaps_pending", "Gaps that a callback may still explain; the first 1000 are counted.", float64(n), "account", account)
	}
	return nil
}

// account adds what is known of one account, and what the ledger says of it.
func (r *reading) account(a model.Account) error {
	if a.LastCallbackAt != nil {
		r.add("last_callback_timestamp_seconds", "When a callback was last accepted.", float64(a.LastCallbackAt.Unix()), "account", a.ID)
	}
	if a.LastPollAt != nil {
		r.add("last_poll_timestamp_seconds", "When an active poll last ended well.", float64(a.LastPollAt.Unix()), "account", a.ID)
	}
	s, err := r.store.Share(r.ctx, a.ID, nil)
	if err != nil {
		return err
	}
	for kind, n := range map[model.GapKind]int{
		"told": s.Reported, model.GapMissed: s.Missed, model.GapLate: s.Late, model.GapRefused: s.Refused,
		model.GapUnsubscribed: s.Unsubscribed, model.GapNoEvent: s.NoEvent,
	} {
		r.add("changes", "Changes by how callbacks told of them.", float64(n), "account", a.ID, "kind", string(kind))
	}
	return r.month(a)
}

// month adds what is held against the objective: the last 30 days, as `status` and `gaps` show them.
func (r *reading) month(a model.Account) error {
	since := r.now().Add(-30 * 24 * time.Hour)
	s, err := r.store.Share(r.ctx, a.ID, &since)
	if err != nil {
		return err
	}
	if s.All() > 0 {
		r.add("told_share", "Share of the changes of the last 30 days that callbacks told; none where nothing changed.", s.Fraction(), "account", a.ID)
	}
	firsts, err := r.store.Firsts(r.ctx, a.ID, nil)
	for by, n := range firsts {
		r.add("changes_first", "Changes by the channel that told of them first.", float64(n), "account", a.ID, "channel", string(by))
	}
	return err
}
