package console

import (
	"github.com/prometheus/client_golang/prometheus"

	"countersign/model"
)

// CounterOptions is what Counters needs.
type CounterOptions struct {
	Objective  float64        // the share of changes that callbacks should tell, 0 to 1
	OddKinds   []string       // the kinds of odd requests, each shown from the start
	LogDropped func() float64 // how many lines the log lacks
	Commits    func() int64   // how many transactions the database wrote
}

// Counters are the metrics that the daemon counts itself, from its start. They are safe for concurrent use.
type Counters struct {
	callbacks *prometheus.CounterVec
	odd       *prometheus.CounterVec
	objective prometheus.Gauge
	dropped   prometheus.CounterFunc
	commits   prometheus.CounterFunc
}

// NewCounters returns counters that stand at 0.
func NewCounters(o CounterOptions) *Counters {
	c := &Counters{
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "countersign_callbacks_total", Help: "Callbacks by account and verdict.",
		}, []string{"account", "verdict"}),
		odd: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "countersign_odd_requests_total", Help: "Requests to the public listener that can be none of ours, by kind.",
		}, []string{"kind"}),
		objective: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "countersign_callback_objective",
			Help: "The share of changes that callbacks should tell (callback_objective).",
		}),
		dropped: prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "countersign_log_lines_dropped_total", Help: "Lines of the log that could not be written.",
		}, o.LogDropped),
		commits: prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "countersign_commits_total", Help: "Transactions that the database wrote, each with a sync.",
		}, func() float64 {
			if o.Commits == nil {
				return 0
			}
			return float64(o.Commits())
		}),
	}
	c.objective.Set(o.Objective)
	for _, kind := range o.OddKinds {
		c.odd.WithLabelValues(kind)
	}
	return c
}

// Callback counts one callback.
func (c *Counters) Callback(account string, v model.Verdict) {
	c.callbacks.WithLabelValues(account, string(v)).Inc()
}

// Odd counts one odd request.
func (c *Counters) Odd(kind string) { c.odd.WithLabelValues(kind).Inc() }

// Describe is for prometheus.Collector.
func (c *Counters) Describe(ch chan<- *prometheus.Desc) {
	for _, m := range c.collectors() {
		m.Describe(ch)
	}
}

// Collect is for prometheus.Collector.
func (c *Counters) Collect(ch chan<- prometheus.Metric) {
	for _, m := range c.collectors() {
		m.Collect(ch)
	}
}

func (c *Counters) collectors() []prometheus.Collector {
	return []prometheus.Collector{c.callbacks, c.odd, c.objective, c.dropped, c.commits}
}
