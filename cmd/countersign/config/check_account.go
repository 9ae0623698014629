package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/model"
	"countersign/provider"
)

var (
	accountID    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	externalPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

// IsID says whether a word can name an account.
func IsID(word string) bool { return accountID.MatchString(word) }

func (r *checker) checkAccount(a *Account, known map[string]provider.Driver) {
	at := a.at
	switch {
	case a.ID == "":
		r.wrong(at+".id", "is missing: it names the account in URLs, rows and logs")
	case !IsID(a.ID):
		r.wrong(at+".id", "%s is not an id: lower case letters, digits, - and _, at most 63, a letter or digit first",
			r.said(at+".id"))
	}
	switch t := known[a.Provider].Traits; {
	case a.BaseURL != "":
		r.checkURL(at+".base_url", a.BaseURL)
		for _, own := range t.OwnPaths {
			if strings.HasSuffix(a.BaseURL, own) {
				r.wrong(at+".base_url", "ends in %s, which is ours to add: leave it out", own)
				break
			}
		}
	case t.SelfHosted && !r.lacks(at+".base_url"):
		r.wrong(at+".base_url", "is missing, and the key must not go to a server that nobody named: %s", t.BaseURLNote)
	}
	if a.ReturnPage != "" {
		r.checkPage(at+".return_page", a.ReturnPage)
	}
	r.oneOf(at+".scope", a.Scope, "all", "own")
	r.oneOf(at+".confirm", a.Confirm, "final", "all")
	if a.Signatures != "" { // else it goes by the provider
		r.oneOf(at+".signatures", a.Signatures, string(model.SignaturesRequired), string(model.SignaturesIfPresent),
			string(model.SignaturesNone))
	}
	r.checkTrust(a)
	r.oneOf(at+".on_bad_signature", a.OnBadSignature, "quarantine", "keep")
	if a.ExternalID != "" && !externalPath.MatchString(a.ExternalID) {
		r.wrong(at+".external_id", "%s is not a path such as metadata.contract_id", r.said(at+".external_id"))
	}
	if a.Download != nil {
		for i, kind := range *a.Download {
			r.oneOf(fmt.Sprintf("%s.download[%d]", at, i), kind, "signed", "evidence")
		}
	}
	r.checkTimes(a)
	for i, origin := range a.Hints.Origins {
		r.checkOrigin(fmt.Sprintf("%s.hints.origins[%d]", at, i), origin)
	}
	r.checkProvider(a, known)
}

func (r *checker) checkTimes(a *Account) {
	for _, b := range []struct {
		name string
		is   int
	}{{"read", a.Budget.Read}, {"files", a.Budget.Files}, {"test", a.Budget.Test}} {
		if b.is < 0 || b.is > 100_000 {
			r.wrong(a.at+".budget."+b.name, "%d is not a number of requests a minute", b.is)
		}
	}
	if len(a.RecheckAfter) > 10 {
		r.wrong(a.at+".recheck_after", "asks more than ten times")
	}
	for i, d := range a.RecheckAfter {
		if d <= 0 || time.Duration(d) > values.Day {
			r.wrong(fmt.Sprintf("%s.recheck_after[%d]", a.at, i), "%s is not between 1s and 1d", d)
		}
	}
	if time.Duration(a.GapGrace) > values.Day {
		r.wrong(a.at+".gap_grace", "%s is more than a day", a.GapGrace)
	}
}

// checkPage wants a page that people are sent to; it may have a query.
func (r *checker) checkPage(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		r.wrong(path, "%s is not a page that begins with https:// or http://", r.said(path))
	}
}

func (r *checker) checkOrigin(path, text string) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme+"://"+u.Host != text {
		r.wrong(path, "%s is not an origin such as https://www.example.com", r.said(path))
	}
}

// checkProvider builds the account's provider, which reads its settings and says what is wrong with
// them. Nothing is called.
func (r *checker) checkProvider(a *Account, known map[string]provider.Driver) {
	at := a.at + ".provider"
	build, ok := known[a.Provider]
	a.traits = build.Traits
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	switch {
	case a.Provider == "":
		r.wrong(at, "is missing: one of %s", names)
		return
	case !ok:
		r.wrong(at, "%s is not a provider: one of %s", r.said(at), names)
		return
	case r.lacks(a.at + ".settings"):
		a.Settings.lacking = true
		return
	}
	_, err := a.Dry(build)
	var list *tree.Faults
	switch {
	case errors.As(err, &list):
		r.found = append(r.found, list.All...)
	case err != nil:
		r.settingFaults(a.at+".settings", err)
	}
}

// settingFaults tells each fault that a provider finds in its settings. One that begins with its own
// path, settings.KEY:, stands at that path.
func (r *checker) settingFaults(at string, err error) {
	for line := range strings.SplitSeq(err.Error(), "\n") {
		path, what, found := strings.Cut(line, ": ")
		if key, ok := strings.CutPrefix(path, "settings."); found && ok && !strings.Contains(key, " ") {
			r.wrong(at+"."+key, "%s", what)
		} else {
			r.wrong(at, "%s", line)
		}
	}
}

// Dry builds an account's provider, for what it says without calling anybody.
func (a *Account) Dry(build provider.Driver) (provider.Service, error) {
	o := a.Options()
	o.Client, o.Foreign = &http.Client{Transport: offline{}}, &http.Client{Transport: offline{}}
	o.Now = func() time.Time { return time.Time{} }
	o.Log = Silent().WithField("account", a.ID)
	return build.New(o)
}

// Reach says in words whose transactions polls find; "" where the account's secrets are not at hand.
func (a *Account) Reach(known map[string]provider.Driver) string {
	build, ok := known[a.Provider]
	if !ok || a.Settings.lacking {
		return ""
	}
	p, err := a.Dry(build)
	if err != nil {
		return ""
	}
	if p.Lister == nil {
		return "nothing that is new: the provider lists nothing; callbacks and `track` name transactions"
	}
	return p.Lister.Reach()
}

// ListsNothing says whether the account's provider is known to list nothing: what the table has lost, only refs bring
// back.
func (a *Account) ListsNothing(known map[string]provider.Driver) bool {
	build, ok := known[a.Provider]
	if !ok || a.Settings.lacking {
		return false
	}
	p, err := a.Dry(build)
	return err == nil && p.Lister == nil
}

// offline refuses every call.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no calls while a config is read")
}

// Silent is a log that nobody reads.
func Silent() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}
