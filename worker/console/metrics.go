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

	mu     sync.Mutex
	readAt time.Time
	last   []prometheus.Metric
}

const scrapeEvery = 5 * time.Second

// TableMetrics returns a collector of what stands in the database. Its labels name accounts,
// statuses and kinds, never a transaction or a person.
func TableMetrics(s *store.Store, now func() time.Time) prometheus.Collector {
	return &tableMetrics{store: s, now: now}
}

// Describe is for prometheus.Collector: the metrics differ with the accounts.
func (m *tableMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect is for prometheus.Collector.
func (m *tableMetrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.now().Sub(m.readAt) > scrapeEvery {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeEvery)
		defer cancel()
		m.readAt, m.last = m.now(), m.read(ctx)
	}
	for _, x := range m.last {
		ch <- x
	}
}

func (m *tableMetrics) read(ctx context.Context) (out []prometheus.Metric) {
	add := func(name, help string, value float64, labels map[string]string) {
		names, values := []string{}, []string{}
		for _, n := range []string{"account", "status", "kind", "state"} {
			if v, ok := labels[n]; ok {
				names, values = append(names, n), append(values, v)
			}
		}
		out = append(out, prometheus.MustNewConstMetric(prometheus.NewDesc("countersign_"+name, help, names, nil), prometheus.GaugeValue, value, values...))
	}
	counts, err := m.store.Counts(ctx)
	readable := 1.0
	if err != nil {
		readable = 0
	}
	add("database_readable", "1 if the numbers here could be read, else they lack.", readable, nil)
	if err == nil {
		for _, c := range counts {
			add("transactions", "Transactions by account and status.", float64(c.Rows), map[string]string{"account": c.Account, "status": string(c.Status)})
		}
	}
	if due, err := m.store.DueCount(ctx, m.now()); err == nil {
		for account, n := range due {
			add("due", "Rows whose time to be asked has come.", float64(n), map[string]string{"account": account})
		}
	}
	if open, err := m.store.Incidents(ctx, true); err == nil {
		for _, i := range open {
			add("incident_open", "Incidents that are open.", 1, map[string]string{"account": i.Account, "kind": i.Kind})
		}
	}
	accounts, err := m.store.Accounts(ctx)
	if err != nil {
		return out
	}
	for _, a := range accounts {
		labels := map[string]string{"account": a.ID}
		if a.LastCallbackAt != nil {
			add("last_callback_timestamp_seconds", "When a callback was last accepted.", float64(a.LastCallbackAt.Unix()), labels)
		}
		if a.LastPollAt != nil {
			add("last_poll_timestamp_seconds", "When an active poll last ended well.", float64(a.LastPollAt.Unix()), labels)
		}
		m.share(ctx, a.ID, add)
	}
	return out
}

// share adds what the ledger says of one account.
func (m *tableMetrics) share(ctx context.Context, account string, add func(string, string, float64, map[string]string)) {
	s, err := m.store.Share(ctx, account, nil)
	if err != nil {
		return
	}
	for kind, n := range map[string]int{
		"told": s.Told, string(model.GapMissed): s.Missed, string(model.GapLate): s.Late, string(model.GapRefused): s.Refused,
	} {
		add("changes", "Changes by how callbacks told of them.", float64(n), map[string]string{"account": account, "kind": kind})
	}
}
