package main

import (
	"bytes"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/configtest"
)

// nine is the moment in which these tests live.
var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testApp is an app with a clock that stands, an environment of its own and a made-up provider.
func testApp(env map[string]string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp(strings.NewReader(""), stdout, stderr)
	a.Now = func() time.Time { return nine }
	a.Lookup = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	a.Providers = map[string]config.Factory{"onespan": configtest.Paper, "dropboxsign": configtest.Paper}
	return a, stdout, stderr
}
