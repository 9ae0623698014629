package apply

import (
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

func TestWhatChangedOfARegistrationIsNamed(t *testing.T) {
	t.Parallel()
	at := func(url string, events ...string) registered {
		return registered{Registration: provider.Registration{URL: url, Events: events}}
	}
	off := at("u", "a")
	off.Disabled = true
	lost := at("u", "a")
	lost.Lost = []string{"b", "c"}
	for _, c := range []struct {
		name  string
		was   registered
		now   registered
		keep  registered
		wrong string
	}{
		{name: "first seen", now: at("u", "a"), keep: at("u", "a")},
		{name: "nothing was there", now: at("u"), keep: at("u")},
		{name: "the same", was: at("u", "a"), now: at("u", "a"), keep: at("u", "a")},
		{name: "more events", was: at("u", "a"), now: at("u", "a", "b"), keep: at("u", "a", "b")},
		{name: "another URL", was: at("u", "a"), now: at("v", "a"), keep: at("u", "a"), wrong: "another URL"},
		{name: "no URL", was: at("u", "a"), now: at(""), keep: at("u", "a"), wrong: "no callback URL"},
		{name: "turned off", was: at("u", "a"), now: off, keep: off, wrong: "off"},
		{name: "still off", was: off, now: off, keep: off, wrong: "off"},
		{name: "on again", was: off, now: at("u", "a"), keep: at("u", "a")},
		{name: "fewer events", was: at("u", "c", "b", "a"), now: at("u", "a"), keep: lost, wrong: "no longer tells of b c"},
		{name: "still fewer", was: lost, now: at("u", "a"), keep: lost, wrong: "no longer tells of b c"},
		{name: "all again", was: lost, now: at("u", "a", "b", "c"), keep: at("u", "a", "b", "c")},
		{name: "it does not tell any more", was: at("u", "a"), now: at("u"), keep: at("u")},
	} {
		keep, wrong := c.was.compare(c.now.Registration)
		if !reflect.DeepEqual(keep, c.keep) || (wrong != "") != (c.wrong != "") || !strings.Contains(wrong, c.wrong) {
			t.Errorf("%s: keeps %+v, says %q", c.name, keep, wrong)
		}
	}
}

// An operator's `registration set` runs in another process: the daemon's memory of the incident must not be in the way.
func TestARegistrationThatAnOperatorMadeSettlesTheIncident(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	now := func() time.Time { return noon }
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	made := func() *Table {
		return New(Options{Store: s, Accounts: func() []*Account { return nil }, Now: now, Log: logrus.NewEntry(log)})
	}
	daemon, verb := made(), made()
	audit := func(r provider.Registration) {
		t.Helper()
		if err := daemon.noteRegistration(t.Context(), "a",
			func(was registered) (registered, string) { return was.compare(r) }); err != nil {
			t.Fatal(err)
		}
	}
	open := func(want int) {
		t.Helper()
		list, err := s.Incidents(t.Context(), true)
		if err != nil || len(list) != want || want == 1 && list[0].Kind != model.RegistrationChanged {
			t.Fatalf("open: %+v, %v, want %d", list, err, want)
		}
	}
	ours := provider.Registration{URL: "https://sign.example.org/callbacks/a", Events: []string{"x", "y"}}
	theirs := provider.Registration{URL: "https://crm.example.org"}
	audit(ours)
	open(0)
	audit(theirs)
	open(1)
	audit(theirs)
	open(1)
	for range 2 { // and once more after that
		if err := verb.Registered(t.Context(), "a", ours); err != nil {
			t.Fatal(err)
		}
		open(0)
		audit(theirs)
		open(1)
	}
	audit(ours)
	open(0)
	audit(provider.Registration{URL: ours.URL, Events: []string{"x"}})
	open(1)
	acc, err := s.Account(t.Context(), "a")
	if err != nil || !reflect.DeepEqual(events(acc.Registration), []string{"x"}) {
		t.Errorf("known to be registered: %v, %v", events(acc.Registration), err)
	}
	audit(ours)
	open(0)
}

func TestARegistrationOfAnAppThatCalledUsIsWatchedToo(t *testing.T) {
	const ours, theirs = "https://sign.example.com/callbacks/acc", "https://else.example.com"
	app := func(scope, url string) provider.Registration { return provider.Registration{Scope: scope, URL: url} }
	before := registered{Registration: provider.Registration{Others: []provider.Registration{app("app one", ours),
		app("app two", theirs)}}}
	for name, c := range map[string]struct {
		now   []provider.Registration
		wrong string
	}{
		"as before":             {[]provider.Registration{app("app two", theirs), app("app one", ours)}, ""},
		"another's has changed": {[]provider.Registration{app("app one", ours), app("app two", "https://x")}, ""},
		"ours calls another URL": {[]provider.Registration{app("app one", theirs), app("app two", theirs)},
			"the provider calls another URL than before for app one"},
		"ours is gone": {nil, "the provider has no callback URL registered any more for app one"},
		"ours is turned off": {[]provider.Registration{{Scope: "app one", URL: ours, Disabled: true}},
			"the provider has turned the calls to our URL off for app one"},
	} {
		next := registered{Registration: provider.Registration{Others: slices.Clone(c.now)}}
		for what, got := range map[string][2]string{
			name:                           {before.apps(&next, ours), c.wrong},
			name + ", looked at once more": {next.apps(&registered{Registration: provider.Registration{Others: slices.Clone(c.now)}}, ours), c.wrong},
			name + ", with no URL of ours": {before.apps(&registered{}, ""), ""},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %q, want %q", what, got[0], got[1])
			}
		}
	}
}
