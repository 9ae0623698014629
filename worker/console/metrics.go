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
	descs descs
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

const scrapeEvery = 5 * time.Second

// descs names and explains the metrics that are read from the table.
type descs struct {
	readable, transactions, due, incidents, documents, pending, callback, poll, changes, share, first, log,
	hookAnnouncements, hookFailures, hookOldest *prometheus.Desc
}

func newDescs() descs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("countersign_"+name, help, labels, nil)
	}
	return descs{
		readable:     desc("database_readable", "1 if the numbers here could be read, else some are missing."),
		transactions: desc("transactions", "Transactions by account and status.", "account", "status"),
		due:          desc("due", "Transactions whose time to be asked about has come.", "account"),
		incidents:    desc("incident_open", "1 while an incident of the kind is open, else 0.", "account", "kind"),
		documents:    desc("documents", "Documents that are not stored, by state.", "account", "state"),
		pending:      desc("gaps_pending", "Gaps that a callback may still explain.", "account"),
		callback:     desc("last_callback_timestamp_seconds", "When a callback was last accepted.", "account"),
		poll:         desc("last_poll_timestamp_seconds", "When an active poll last ended well.", "account"),
		changes:      desc("changes", "Changes by how callbacks told of them.", "account", "kind"),
		share:        desc("told_share", "Share of the changes of the last 30 days that callbacks told.", "account"),
		first:        desc("changes_first", "Changes by the channel that told of them first.", "account", "channel"),
		log:          desc("database_log_bytes", "Size of the log beside a SQLite database."),

		hookAnnouncements: desc("hook_announcements", "Announcements of a hook by state.", "hook", "state"),
		hookFailures:      desc("hook_failures", "Attempts of a hook that failed since one went well.", "hook"),
		hookOldest: desc("hook_oldest_waiting_timestamp_seconds",
			"Since when the oldest announcement of a hook waits; absent where none does.", "hook"),
	}
}

// TableMetrics returns a collector of what stands in the database. Its labels name accounts,
// statuses and kinds, never a transaction or a person.
func TableMetrics(s *store.Store, now func() time.Time) prometheus.Collector {
	m := &tableMetrics{store: s, now: now, descs: newDescs()}
	m.parts = []*part{{share: 20, read: m.readTable}, {share: 100, read: m.readDocuments}}
	return m
}

// Describe is for prometheus.Collector.
func (m *tableMetrics) Describe(ch chan<- *prometheus.Desc) {
	d := m.descs
	for _, desc := range []*prometheus.Desc{
		d.readable, d.transactions, d.due, d.incidents, d.documents, d.pending, d.callback, d.poll, d.changes, d.share,
		d.first, d.log, d.hookAnnouncements, d.hookFailures, d.hookOldest,
	} {
		ch <- desc
	}
}

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
	ctx      context.Context
	accounts []model.Account
	out      []prometheus.Metric
	err      error
}

// readDocuments has a time of its own, for the number of documents that are not stored knows no bound. What cannot be
// read is missing.
func (m *tableMetrics) readDocuments(ctx context.Context) []prometheus.Metric {
	r := &reading{tableMetrics: m, ctx: ctx}
	if r.documents() != nil {
		return nil
	}
	return r.out
}

func (m *tableMetrics) readTable(ctx context.Context) []prometheus.Metric {
	r := &reading{tableMetrics: m, ctx: ctx}
	r.accounts, r.err = m.store.Accounts(ctx)
	for _, step := range []func() error{r.transactions, r.due, r.incidents, r.pending, r.hooks} {
		if err := step(); err != nil && r.err == nil {
			r.err = err
		}
	}
	for _, a := range r.accounts {
		if err := r.account(a); err != nil && r.err == nil {
			r.err = err
		}
	}
	readable := 1.0
	if r.err != nil {
		readable = 0
	}
	r.add(m.descs.readable, readable)
	r.add(m.descs.log, float64(m.store.LogSize()))
	return r.out
}

// add adds a gauge.
func (r *reading) add(desc *prometheus.Desc, value float64, labels ...string) {
	metric, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	if err != nil { // a label that is no text; a panic here would end the process
		metric = prometheus.NewInvalidMetric(desc, err)
	}
	r.out = append(r.out, metric)
}

func (r *reading) transactions() error {
	counts, err := r.store.Counts(r.ctx)
	for _, c := range counts {
		r.add(r.descs.transactions, float64(c.Rows), c.Account, string(c.Status))
	}
	return err
}

// byAccount adds a number for each account, 0 for those that n does not name.
func (r *reading) byAccount(desc *prometheus.Desc, n map[string]int) {
	for _, a := range r.accounts {
		if _, ok := n[a.ID]; !ok {
			r.add(desc, 0, a.ID)
		}
	}
	for account, n := range n {
		r.add(desc, float64(n), account)
	}
}

func (r *reading) due() error {
	due, err := r.store.DueCount(r.ctx, r.now())
	if err == nil {
		r.byAccount(r.descs.due, due)
	}
	return err
}

// pending counts the gaps that a callback may still explain.
func (r *reading) pending() error {
	pending, err := r.store.CountPendingGaps(r.ctx)
	if err == nil {
		r.byAccount(r.descs.pending, pending)
	}
	return err
}

// incidents adds each kind of each account, so that an alert can tell "none is open" from "nothing is known".
func (r *reading) incidents() error {
	list, err := r.store.Incidents(r.ctx, true)
	if err != nil {
		return err
	}
	open := map[[2]string]float64{}
	for _, a := range r.accounts {
		for _, kind := range model.IncidentKinds() {
			if kind != model.HookGone && kind != model.HookOverdue {
				open[[2]string{a.ID, kind}] = 0
			}
		}
	}
	hooks, err := r.store.Hooks(r.ctx)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		open[[2]string{model.HookAccount(h.ID), model.HookGone}] = 0
		open[[2]string{model.HookAccount(h.ID), model.HookOverdue}] = 0
	}
	for _, i := range list {
		open[[2]string{i.Account, i.Kind}] = 1
	}
	for of, v := range open {
		r.add(r.descs.incidents, v, of[0], of[1])
	}
	return nil
}

// hooks adds what each hook was sent, and what waits.
func (r *reading) hooks() error {
	hooks, err := r.store.Hooks(r.ctx)
	if err != nil {
		return err
	}
	for _, h := range hooks {
		b, err := r.store.Backlog(r.ctx, h.ID)
		if err != nil {
			return err
		}
		r.add(r.descs.hookAnnouncements, float64(h.Sent), h.ID, string(store.DeliverySent))
		r.add(r.descs.hookAnnouncements, float64(b.Waiting), h.ID, string(store.DeliveryWaiting))
		r.add(r.descs.hookAnnouncements, float64(b.Dead), h.ID, string(store.DeliveryDead))
		r.add(r.descs.hookFailures, float64(h.Failures), h.ID)
		if b.Oldest != nil {
			r.add(r.descs.hookOldest, float64(b.Oldest.Unix()), h.ID)
		}
	}
	return nil
}

func (r *reading) documents() error {
	accounts, err := r.store.Accounts(r.ctx)
	if err != nil {
		return err
	}
	counts, err := r.store.CountDocuments(r.ctx)
	if err != nil {
		return err
	}
	n := map[[2]string]int{}
	for _, a := range accounts {
		for _, state := range []model.DocumentState{
			model.DocumentWaiting, model.DocumentQuarantined, model.DocumentUnobtainable, model.DocumentFailed,
		} {
			n[[2]string{a.ID, string(state)}] = 0
		}
	}
	for _, c := range counts {
		n[[2]string{c.Account, string(c.State)}] = c.Documents
	}
	for of, n := range n {
		r.add(r.descs.documents, float64(n), of[0], of[1])
	}
	return nil
}

// account adds what is known of one account, and what the ledger says of it.
func (r *reading) account(a model.Account) error {
	if a.LastCallbackAt != nil {
		r.add(r.descs.callback, float64(a.LastCallbackAt.Unix()), a.ID)
	}
	if a.LastPollAt != nil {
		r.add(r.descs.poll, float64(a.LastPollAt.Unix()), a.ID)
	}
	s, err := r.store.Share(r.ctx, a.ID, nil)
	if err != nil {
		return err
	}
	for kind, n := range map[model.GapKind]int{
		"told": s.Reported, model.GapMissed: s.Missed, model.GapLate: s.Late, model.GapRefused: s.Refused,
		model.GapUnsubscribed: s.Unsubscribed, model.GapNoEvent: s.NoEvent,
	} {
		r.add(r.descs.changes, float64(n), a.ID, string(kind))
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
		r.add(r.descs.share, s.Fraction(), a.ID)
	}
	firsts, err := r.store.Firsts(r.ctx, a.ID, nil)
	for by, n := range firsts {
		r.add(r.descs.first, float64(n), a.ID, string(by))
	}
	return err
}
