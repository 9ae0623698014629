package console

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign/model"
)

// docs/metrics.md names each metric with its labels and says what it is, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	ours := map[string]string{}
	descs := make(chan *prometheus.Desc, 100)
	TableMetrics(nil, time.Now).Describe(descs)
	NewCounters(CounterOptions{LogDropped: func() float64 { return 0 }}).Describe(descs)
	close(descs)
	desc := regexp.MustCompile(`fqName: "(\w+)", help: "([^"]+)".*variableLabels: \{([^}]*)\}`)
	for d := range descs {
		m := desc.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("not read: %s", d)
		}
		ours[m[1]] = m[3]
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	explained := map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `(countersign_\\w+)(?:\\{([^}]*)\\})?` \\| (.+) \\|.*\\|$")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		if explained[m[1]] = m[2]; len(m[3]) < 10 {
			t.Errorf("%s is not explained: %q", m[1], m[3])
		}
	}
	if len(ours) < 15 {
		t.Errorf("only %d metrics", len(ours))
	}
	for name, labels := range ours {
		if got, ok := explained[name]; !ok || got != labels {
			t.Errorf("%s has the labels %q, and docs/metrics.md says %q", name, labels, got)
		}
	}
	for name := range explained {
		if _, ok := ours[name]; !ok {
			t.Errorf("docs/metrics.md has %s, which is no metric of ours", name)
		}
	}
	for _, kind := range model.IncidentKinds() {
		operating, err := os.ReadFile("../../docs/operating.md")
		if err != nil || !strings.Contains(string(operating), "\n| `"+kind+"` |") {
			t.Errorf("docs/operating.md does not explain the incident %s (%v)", kind, err)
		}
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	c := NewCounters(CounterOptions{
		Objective: 0.99, OddKinds: []string{"http2", "not_http"}, LogDropped: func() float64 { return 7 },
	})
	c.Callback("sales", model.Accepted)
	c.Odd("http2")
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(c)
	text := get(newServer(t, Options{Address: "localhost:1", Registry: reg}), "/metrics", "").Body.String()
	lines := strings.Split(text, "\n")
	for _, want := range []string{
		`countersign_callbacks_total{account="sales",verdict="accepted"} 1`,
		`countersign_odd_requests_total{kind="http2"} 1`,
		`countersign_odd_requests_total{kind="not_http"} 0`,
		`countersign_callback_objective 0.99`,
		`countersign_log_lines_dropped_total 7`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
}
