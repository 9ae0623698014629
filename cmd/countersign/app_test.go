package main

import (
	"bytes"
	"strings"
	"time"

	"countersign/cmd/countersign/config/configtest"
	"countersign/provider"
)

// nine is the moment in which these tests live.
var nine = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// testApp is an app with a clock that stands, an environment of its own and a made-up provider.
func testApp(env map[string]string) (a *app, stdout, stderr *bytes.Buffer) {
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	a = newApp(strings.NewReader(""), stdout, stderr)
	a.Now = func() time.Time { return nine }
	a.Lookup = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	a.Providers = onPaper("onespan", "dropboxsign")
	return a, stdout, stderr
}

// onPaper are providers on paper with the traits of those of the names.
func onPaper(names ...string) map[string]provider.Driver {
	all := map[string]provider.Driver{}
	for _, name := range names {
		all[name] = provider.Driver{Traits: providers()[name].Traits, New: configtest.Paper}
	}
	return all
}
