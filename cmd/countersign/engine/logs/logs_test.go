package logs

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config"
	"countersign/provider"
)

// noVariable is an empty environment.
func noVariable(string) (string, bool) { return "", false }

func TestLogIsDiscreet(t *testing.T) {
	t.Parallel()
	stderr := &bytes.Buffer{}
	log := New(config.Log{Level: "debug", Format: "auto"}, stderr, noVariable, time.Now)
	log.WithFields(logrus.Fields{
		"account": "sales", "txn": "8f3a", "status": "completed", "callback": "c1", "wait": time.Second.String(),
		"email": "ana@example.com", "signer": "Ana Pop", "name": "Ana's contract", "body": "{}",
		"Authorization": "Basic s3cret",
		"api_key":       "s3cret", "g.token": "s3cret", "callback_secret": "s3cret", "signer_name": "Ana Pop",
		"when": time.Date(2026, 1, 1, 2, 0, 0, 0, time.FixedZone("", 7200)), "settings": provider.Secret("s3cret"),
	}).Warn("status changed")
	line := stderr.String()
	for _, bad := range []string{"s3cret", "Ana", "ana@", `"body"`} {
		if strings.Contains(line, bad) {
			t.Errorf("the log holds %s: %s", bad, line)
		}
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(line), &fields); err != nil {
		t.Fatalf("not JSON where nobody watches: %v", err)
	}
	for name, want := range map[string]string{"account": "sales", "txn": "8f3a", "msg": "status changed",
		"level": "warning", "when": "2026-01-01T00:00:00Z"} {
		if fields[name] != want {
			t.Errorf("%s is %v, want %s", name, fields[name], want)
		}
	}
	if at, _ := fields["time"].(string); !strings.HasSuffix(at, "Z") {
		t.Errorf("time %q is not UTC", at)
	}
}

func TestLogLevelAndFormat(t *testing.T) {
	t.Parallel()
	stderr := &bytes.Buffer{}
	log := New(config.Log{Level: "error", Format: "text"}, stderr, noVariable, time.Now)
	log.Warn("quiet")
	log.WithField("account", "sales").Error("loud")
	if s := stderr.String(); strings.Contains(s, "quiet") || !strings.Contains(s, "level=error msg=loud account=sales") {
		t.Errorf("text log: %s", s)
	}
}
