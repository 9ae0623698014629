package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/words"
	"countersign/worker/console/objects"
)

// ledgerDesk has, beside a desk's rows, of every kind of gap, file, callback, run and incident one, with texts that try
// to break out of a page.
func ledgerDesk(t *testing.T, token string) *desk {
	t.Helper()
	d := newDesk(t, token)
	now := time.Now().UTC().Truncate(time.Millisecond)
	k := model.Key{Account: "sales", Ref: "c-1"}
	bad := `<b2 onclick="x">` + "\u202e\x1b[31m`" + strings.Repeat("long", 3000)
	err := d.store.Do(t.Context(), store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		r, _ := b.Transaction(k)
		r.Status, r.Confirmed, r.ConfirmedAt, r.AskedAt = model.Completed, true, &now, &now
		r.ProviderStatus, r.Reason, r.OpenGaps = bad, bad, 1
		r.Signers, r.SignersSet = []model.Signer{{Ref: "s1", Name: bad, Email: bad, Role: bad, Status: model.SignerSigned,
			Reason: bad, SignedAt: &now}}, true
		r.Attention = []model.Attention{{Kind: model.FileError, Signer: "s1", Message: bad, Since: now}}
		b.Put(r, model.Decision{Next: r, Grew: true})
		d.ledgerOf(b, k, bad, now)
		return nil
	}})
	require.NoError(t, err)
	return d
}

// ledgerOf puts one of every kind.
func (d *desk) ledgerOf(b *store.Batch, k model.Key, bad string, now time.Time) {
	of := func(c model.Change) {
		c.Account, c.Ref, c.At, c.Status = k.Account, k.Ref, now, model.Completed
		b.AddChange(c)
	}
	of(model.Change{Kind: model.KindStatus, From: "in_progress", To: "completed", Source: "callback c000000000001"})
	of(model.Change{Kind: model.KindConfirmed, From: "completed", To: "completed", Source: "confirm", Confirmed: true})
	of(model.Change{Kind: model.KindFlag, To: "archived", Source: "operator " + bad[:40]})
	run := b.PutRun(model.Run{Account: k.Account, Kind: "ref", State: model.RunActive, Total: 10, Asked: 4, StartedAt: &now,
		Note: bad, Params: fmt.Sprintf(`{"by":"operator ana","refs":[%q,"../x","a/b"]}`, k.Ref)})
	for i, kind := range []model.GapKind{model.GapPending, model.GapMissed, model.GapLate, model.GapRefused,
		model.GapUnsubscribed, model.GapNoEvent} {
		wait := time.Minute
		b.AddGap(model.Gap{Account: k.Account, Ref: k.Ref, Kind: kind, Change: model.ChangeSigner, To: "signed", Signer: "s1",
			After: &now, Before: now, FoundBy: "ref " + run, FoundAt: now.Add(time.Duration(i)), SettleAt: now, Latency: &wait,
			HappenedAt: &now})
	}
	for i, state := range model.DocumentStates() {
		b.PutDocument(model.Document{Account: k.Account, Ref: k.Ref, DocID: fmt.Sprint("x", i), Kind: model.SignedDocument,
			Name: bad, State: state, Reason: bad, Path: "whole.pdf", SHA256: strings.Repeat("cd", 32), StoredAt: &now,
			Facts: model.SignatureFacts{Signature: model.SignatureAltered, Note: bad, Signatures: []model.EmbeddedSignature{
				{Signer: bad, Reason: bad, Note: bad, Changed: []string{bad}, Chain: []model.Certificate{{Subject: bad}}}},
				File: model.FileFacts{Changed: []string{bad}}}})
	}
	for _, verdict := range []model.Verdict{model.Accepted, model.Duplicate, model.Refused, model.NotUnderstood} {
		b.AddCallback(store.Packed{Callback: model.Callback{Account: k.Account, Ref: k.Ref, Type: bad[:200], Verdict: verdict,
			Outcome: model.NothingNew, Note: bad, At: now, EventID: bad[:60], RemoteAddr: "192.0.2.1"}})
	}
}

// ledgerPaths are the addresses of the pages of one row, of its files and callbacks, and of the lists.
func (d *desk) ledgerPaths() []string {
	d.t.Helper()
	out := []string{
		"/gaps", "/gaps?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&account=sales&kind=missed&change=status",
		"/gaps?view=card", "/gaps?kind=nonsense", "/gaps?sinse=30d", "/documents", "/documents?state=quarantined&signature=altered",
		"/documents?account=hr", "/documents/nothing", "/callbacks", "/callbacks?verdict=refused&type=%3Cb%3E&ref=x",
		"/callbacks/nothing", "/runs", "/runs?kind=ref&state=running&account=sales", "/runs/nothing", "/incidents",
		"/incidents?state=closed", "/incidents?state=open&kind=callbacks_silent", "/resolve?account=sales&ref=c-1",
		"/runs?cursor=nonsense", "/documents/%00", "/runs/%00", "/hooks", "/hooks/crm", "/hooks/crm?state=dead",
		"/hooks/crm?tested=%3Cb2%3E%E2%80%AE", "/hooks/nothing", "/hooks/crm/test", "/hooks/crm/replay?dead=true",
		"/hooks/crm/replay?since=30d", "/hooks/crm/replay?since=nonsense", "/hooks/crm?state=nonsense",
	}
	for _, ref := range append(hostile(), "c-1") {
		at := "/accounts/sales/transactions/" + strings.ReplaceAll(url.PathEscape(ref), ".", "%2E")
		out = append(out, at, at+"?show=all", at+"?view=evidence", at+"?shwo=all")
	}
	docs, err := d.store.Documents(d.t.Context(), store.DocumentFilter{})
	require.NoError(d.t, err)
	for _, doc := range docs {
		out = append(out, "/documents/"+doc.ID, "/documents/"+doc.ID+"/release", "/documents/"+doc.ID+"/retry")
	}
	calls, _, err := d.store.Callbacks(d.t.Context(), store.CallbackFilter{})
	require.NoError(d.t, err)
	for _, c := range calls {
		out = append(out, "/callbacks/"+c.ID, "/callbacks/"+c.ID+"/replay")
	}
	runs, err := d.store.Runs(d.t.Context(), store.RunFilter{})
	require.NoError(d.t, err)
	for _, r := range runs {
		out = append(out, "/runs/"+r.ID)
	}
	return out
}

func TestLedgerPagesOfHostileData(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	for _, path := range d.ledgerPaths() {
		for _, lang := range []string{"en", "es", "xx"} {
			r := d.page(path, "Cookie", "cs_lang="+lang)
			text := bodyOf(t, r)
			require.Contains(t, []int{200, 404, 400, 422}, r.StatusCode, "%s: %s", path, text)
			checkPage(t, path, lang, text)
		}
	}
}

// What may be misspelt shows nothing else, and says what is wrong.
func TestLedgerPagesRefuseWhatTheyDoNotKnow(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	for path, want := range map[string]int{
		"/gaps?sinse=30d": 422, "/gaps?kind=nonsense": 422, "/documents?stat=stored": 422, "/runs?cursor=nonsense": 400,
		"/callbacks/nothing": 404, "/runs/nothing": 404, "/documents/nothing": 404, "/accounts/sales/transactions/nothing": 404,
		"/accounts/sales/transactions/c-1?shwo=all": 422, "/incidents?state=perhaps": 422,
	} {
		r := d.page(path)
		text := bodyOf(t, r)
		require.Equal(t, want, r.StatusCode, path)
		require.NotContains(t, text, "<table", path)
	}
}

func TestRowPageTellsItsStory(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	text := bodyOf(t, d.page("/accounts/sales/transactions/c-1"))
	for _, want := range []string{
		"How do you know?", "in_progress → completed", "one that named the transaction was refused", "one may until", "told 1 min late",
		"is in quarantine", "who signed, in law", `action="/transactions/ask"`, `href="/api/v1/accounts/sales/transactions/c-1"`,
		"countersign show sales c-1", "asked by ana",
	} {
		require.Contains(t, strings.ReplaceAll(text, `action="/transactions/ask"`, `action="/transactions/ask"`), want)
	}
	paper := bodyOf(t, d.page("/accounts/sales/transactions/c-1?view=evidence"))
	require.Contains(t, paper, strings.Repeat("cd", 32), "the whole hash")
	require.NotContains(t, paper, "<nav", "no menu on paper")
	require.Contains(t, paper, "local, countersign")
}

// Buttons do what verbs do, and say who asked.
func TestLedgerPagesAct(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	docs, err := d.store.Documents(t.Context(), store.DocumentFilter{State: model.DocumentQuarantined})
	require.NoError(t, err)
	calls, _, err := d.store.Callbacks(t.Context(), store.CallbackFilter{Verdict: model.Refused})
	require.NoError(t, err)
	held := "/documents/" + docs[0].ID
	for _, c := range []struct {
		path string
		form url.Values
		code int
		to   string
		did  string
	}{
		{held + "/retry", nil, 303, held + "?asked=r1", "retry by operator local sales 1"},
		{held + "/release", url.Values{"reason": {"the provider says so"}}, 303, held, "release by operator local c-1 the provider says so"},
		{held + "/release", url.Values{"reason": {"ok"}}, 422, "", ""},
		{held + "/release", url.Values{"reason": {"\u202ea\x00b reason"}}, 303, held, "release by operator local c-1 a b reason"},
		{"/callbacks/" + calls[0].ID + "/replay", nil, 303, "/callbacks/" + calls[0].ID, "replay by operator local 1 false"},
		{"/resolve", url.Values{"account": {"sales"}, "ref": {"c-1"}}, 303, "/accounts/sales/transactions/c-1", "resolve by operator local sales/c-1"},
		{"/resolve", url.Values{"account": {"sales"}}, 422, "", ""},
		{"/resolve", url.Values{"account": {"sales"}, "ref": {"nothing"}}, 404, "", ""},
		{"/documents/nothing/retry", nil, 404, "", ""},
		{"/hooks/crm/test", nil, 303, "/hooks/crm", "testhook by operator local crm"},
		{"/hooks/crm/replay", url.Values{"dead": {"true"}}, 303, "/hooks/crm?state=waiting", "replayhook by operator local crm true true false"},
		{"/hooks/crm/replay", url.Values{"since": {"30d"}}, 303, "/hooks/crm?state=waiting", "replayhook by operator local crm false false false"},
		{"/hooks/crm/replay", url.Values{"since": {"nonsense"}}, 422, "", ""},
		{"/hooks/nothing/test", nil, 404, "", ""},
	} {
		d.asked = nil
		r := d.post(c.path, c.form)
		require.Equal(t, c.code, r.StatusCode, c.path)
		require.Equal(t, c.to, r.Header.Get("Location"), c.path)
		require.Equal(t, c.did, strings.Join(d.asked, "\n"), c.path)
	}
}

// Pages are small: 8 KB compressed, a transaction with a long story 12 KB.
func TestLedgerPagesAreSmall(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	k := model.Key{Account: "sales", Ref: "c-2"}
	now := time.Now().UTC().Truncate(time.Millisecond)
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Keys: []model.Key{k}, Apply: func(b *store.Batch) error {
		for i := range 60 {
			b.AddChange(model.Change{Account: k.Account, Ref: k.Ref, Kind: model.KindStatus, From: "draft", To: "in_progress",
				Source: fmt.Sprintf("callback c%012d", i*7919%100_000), At: now.Add(time.Duration(i) * time.Second)})
			b.AddGap(model.Gap{Account: k.Account, Ref: fmt.Sprint("r", i*7919), Kind: model.GapMissed,
				Change: model.ChangeStatus, To: "completed", Before: now, FoundAt: now.Add(time.Duration(i)), SettleAt: now})
			b.AddCallback(store.Packed{Callback: model.Callback{Account: k.Account, Ref: k.Ref, Type: "PACKAGE_COMPLETE",
				Verdict: model.Accepted, Outcome: model.Applied, At: now}})
			b.PutRun(model.Run{Account: k.Account, Kind: "active", State: model.RunDone, StartedAt: &now, FinishedAt: &now})
		}
		return nil
	}}))
	for path, most := range map[string]int64{
		"/accounts/sales/transactions/c-2": 12 << 10, "/gaps": 8 << 10, "/documents": 8 << 10, "/callbacks": 8 << 10,
		"/runs": 8 << 10, "/incidents": 8 << 10, "/hooks": 8 << 10,
	} {
		r := d.page(path, "Accept-Encoding", "gzip")
		size, err := io.Copy(io.Discard, r.Body)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
		t.Log(path, size)
		require.LessOrEqual(t, size, most, path)
	}
}

// A file that is stored is neither fetched again nor released; the whole ledger can be chosen.
func TestLedgerPagesOfferWhatMayBeDone(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	docs, err := d.store.Documents(t.Context(), store.DocumentFilter{State: model.DocumentStored})
	require.NoError(t, err)
	require.Equal(t, 422, d.page("/documents/"+docs[0].ID+"/release").StatusCode)
	require.Equal(t, 422, d.page("/documents/"+docs[0].ID+"/retry").StatusCode)
	text := bodyOf(t, d.page("/documents/"+docs[0].ID))
	require.NotContains(t, text, "/release")
	require.Contains(t, text, "/content")
	docs, err = d.store.Documents(t.Context(), store.DocumentFilter{State: model.DocumentUnobtainable})
	require.NoError(t, err)
	text = bodyOf(t, d.page("/documents/"+docs[0].ID))
	require.Contains(t, text, "there is no way to ask for this file")
	require.NotContains(t, text, "/retry", "where there is no way, no button")
	require.Contains(t, text, "countersign documents retry sales c-1")
	text = bodyOf(t, d.page("/gaps"))
	require.Contains(t, text, "/gaps?since=2000-01-01")
	require.NotContains(t, text, `class="chips"`, "the month that nobody chose is no filter")
}

// Beside an incident stands how many callbacks did not get through since its day: the list says the same number. An
// incident of a hook leads to its hook.
func TestNumbersStandOnTheListsTheyLeadTo(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	now := time.Now().UTC()
	before := now.AddDate(0, 0, -2)
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		b.AddCallback(store.Packed{Callback: model.Callback{Account: "sales", Verdict: model.Refused, At: before}})
		for account, kinds := range map[string][]string{"sales": {model.CallbacksSilent, model.CallbacksNotUnderstood},
			"hook:crm": {"hook_gone"}} {
			for _, kind := range kinds {
				if _, err := b.OpenIncident(account, kind, "m"); err != nil {
					return err
				}
			}
		}
		return nil
	}}))
	number := func(path, re string) string {
		t.Helper()
		text := bodyOf(t, d.page(path))
		found := regexp.MustCompile(re).FindStringSubmatch(text)
		require.NotNil(t, found, "%s has no %s:\n%s", path, re, text)
		return found[1]
	}
	for _, path := range []string{"/", "/incidents", "/accounts/sales"} {
		for verdict, called := range map[string]string{"refused": "Callbacks refused", "not_understood": "Callbacks not understood"} {
			to := number(path, `href="(/callbacks\?account=sales&amp;since=[0-9-]+&amp;verdict=`+verdict+`)"`)
			n := number(path, called+` since `+words.For("en").Date(now)+`: (\d+)</a>`)
			require.NotEqual(t, "0", n)
			to = strings.ReplaceAll(to, "&amp;", "&")
			require.Equal(t, n, number(to, `verdict=`+verdict+`"><b>(\d+)</b>`), path)
			require.Contains(t, to, "since="+now.Format(time.DateOnly))
		}
	}
	const refused = `verdict=refused"><b>(\d+)</b>`
	today, since := number("/callbacks", refused), "/callbacks?since="+before.Format(time.DateOnly)
	require.Equal(t, "1", today)
	require.Equal(t, "2", number(since, refused), "from another day on")
	require.Equal(t, "2", fmt.Sprint(strings.Count(bodyOf(t, d.page(since+"&verdict=refused")), `<tr id="c0`)))
	missed := strings.ReplaceAll(number("/", `href="(/gaps\?account=sales&amp;kind=missed&amp;since=[0-9-]+)"`), "&amp;", "&")
	n := strings.Count(bodyOf(t, d.page(missed)), `<tr id="gap-`)
	require.Positive(t, n)
	require.Equal(t, fmt.Sprint(n), number("/incidents", `Changes no callback told: (\d+)</a>`))
	require.Equal(t, "/hooks/crm", number("/", `href="(/hooks/[^"]*)"`))
	require.NotContains(t, bodyOf(t, d.page("/")), "/accounts/hook")
}

// Each link of the time that a list is filtered by leads to a list.
func TestTimesOfListsMayBeChosen(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	since, until := time.Now().UTC().AddDate(0, 0, -2), time.Now().UTC().AddDate(0, 0, -1)
	for _, list := range []string{"/callbacks", "/runs", "/incidents", "/gaps", "/transactions"} {
		names := []string{"since", "until"}
		if list == "/transactions" {
			names = []string{"changed_since", "changed_until"}
		}
		at := list + "?" + url.Values{names[0]: {since.Format(time.RFC3339)}, names[1]: {until.Format(time.RFC3339)}}.Encode()
		links := regexp.MustCompile(`href="(`+list+`\?[^"]*`+names[0]+`=[^"]*)"`).FindAllStringSubmatch(bodyOf(t, d.page(at)), -1)
		require.Greater(t, len(links), 3, at)
		for _, link := range links {
			require.Equal(t, 200, d.page(strings.ReplaceAll(link[1], "&amp;", "&")).StatusCode, link[1])
		}
	}
	for _, list := range []string{"/callbacks", "/runs"} {
		all, before := list+"?since="+since.Format(time.DateOnly), "&until="+until.Format(time.DateOnly)
		require.NotEmpty(t, d.items("/api/v1"+all, ""))
		require.Empty(t, d.items("/api/v1"+all+before, ""))
		require.NotEmpty(t, d.items("/api/v1"+all+"&until="+until.AddDate(0, 0, 2).Format(time.DateOnly), ""))
		require.Contains(t, bodyOf(t, d.page(all+before)), "Nothing matches")
	}
}

// Where a filter takes one word its page offers one: of two that are ticked the second would be lost.
func TestWhatIsOneIsChosenOnce(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	text := bodyOf(t, d.page("/callbacks?verdict=refused&account=sales"))
	require.Contains(t, text, `type="radio" name="verdict" value="refused" checked`)
	require.Contains(t, text, `type="radio" name="outcome" value="" checked`)
	require.NotContains(t, text, `type="checkbox"`)
	require.Equal(t, 200, d.page("/callbacks?verdict=&outcome=&account=sales").StatusCode, "without script all of them are sent")
	text = bodyOf(t, d.page("/incidents"))
	require.Contains(t, text, `type="radio" name="state" value="open"`)
	require.Contains(t, text, `type="checkbox" name="account" value="sales"`)
}

// An account's card shows what callbacks told by day, once more than one day is known, with the ends of the line in words.
func TestCardsShowTheShareByDay(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	require.NotContains(t, bodyOf(t, d.page("/accounts")), "<polyline", "a day alone is no line")
	at := time.Now().UTC().AddDate(0, 0, -3)
	require.NoError(t, d.store.Do(t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		for range 3 {
			b.AddReported("sales", model.ChangeStatus, at)
		}
		b.AddGap(model.Gap{Account: "sales", Ref: "c-1", Kind: model.GapMissed, Change: model.ChangeStatus, Before: at,
			FoundAt: at, SettleAt: at})
		return nil
	}}))
	d = &desk{t: t, Server: httptest.NewServer(newServer(t, Options{Address: "127.0.0.1:0", Store: d.store, Version: "test",
		Acts: d.acts()}).Handler())} // which has counted nothing yet
	t.Cleanup(d.Close)
	for _, path := range []string{"/", "/accounts"} {
		require.Contains(t, bodyOf(t, d.page(path)), "first 75%, lowest 0%, last 0%", path)
	}
}

// The number of files that are stored stands on the page of documents, and leads to the list of as many.
func TestStoredFilesAreCounted(t *testing.T) {
	t.Parallel()
	d := ledgerDesk(t, "")
	n := strings.Count(bodyOf(t, d.page("/documents?state=stored")), `<tr id="file-`)
	require.Positive(t, n)
	require.Contains(t, bodyOf(t, d.page("/documents")), fmt.Sprintf(`href="/documents?state=stored"><b>%d</b>`, n))
}

// post sends a form as a page does.
func (d *desk) post(path string, form url.Values) *http.Response {
	d.t.Helper()
	client := *d.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r, err := client.PostForm(d.URL+path, form)
	require.NoError(d.t, err)
	require.NoError(d.t, r.Body.Close())
	return r
}

// The page of gaps says of one account how long changes stayed unknown; the table of report cards which channel tells
// first.
func TestReportsOfOneAccount(t *testing.T) {
	t.Parallel()
	d := newDeskOf(t, func(o *Options, _ string) {
		o.Acts.Ledger = func(_ context.Context, account string, since time.Time) (objects.Ledger, error) {
			return objects.Ledger{Account: account, Since: since, Wanted: 99, Share: model.Share{Reported: 5, Missed: 1, Late: 1},
				Firsts:  map[model.Channel]int{model.ByActive: 2, model.ByCallback: 5},
				Repairs: model.Repairs{Bound: model.Percentiles{Of: 3, P50: 2 * time.Hour, P90: 3 * time.Hour}},
			}, nil
		}
	})
	const unknown = "Unknown for at most half within 2 h"
	require.Contains(t, bodyOf(t, d.page("/gaps?account=sales")), unknown)
	require.NotContains(t, bodyOf(t, d.page("/gaps")), unknown, "of several accounts each card says it")
	require.Regexp(t, `data-label="Told first by">callbacks</td>`, bodyOf(t, d.page("/accounts")))
}
