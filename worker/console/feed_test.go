package console

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"countersign/model"
	"countersign/model/store"
)

// change writes so many changes, of one account and kind.
func (d *desk) change(account string, kind model.ChangeKind, n int) {
	d.t.Helper()
	err := d.store.Do(d.t.Context(), store.Unit{Apply: func(b *store.Batch) error {
		for range n {
			b.AddChange(model.Change{Account: account, Kind: kind, Source: "test"})
		}
		return nil
	}})
	if err != nil {
		d.t.Error(err)
	}
}

// reader reads a stream as a client does.
type reader struct {
	t    *testing.T
	body *bufio.Scanner
	last string // the id of the last event
	stop context.CancelFunc
}

// stream opens a stream; last is the id that it goes on from.
func stream(t *testing.T, base, query, last string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v1/changes/stream"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" ||
		resp.Header.Get("X-Accel-Buffering") != "no" || resp.Header.Get("Cache-Control") != "no-store, no-transform" {
		t.Fatal(resp, err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() }) //nolint:errcheck // it is over
	return &reader{t: t, body: bufio.NewScanner(resp.Body), last: last, stop: cancel}
}

// next is the next event: its type, its id and its data; "" at the end.
func (r *reader) next() (kind, id, data string) {
	for r.body.Scan() {
		name, value, _ := strings.Cut(r.body.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "event":
			kind = value
		case "data":
			data = value
		case "":
			if value == "beat" {
				return "beat", "", ""
			}
			if kind != "" {
				r.last = id
				return kind, id, data
			}
		}
	}
	return "", "", ""
}

func TestTheStreamLosesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	_, first, err := d.store.Feed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slow := stream(t, d.URL, "?kind=flag", fmt.Sprint(first))
	const many = 3000
	for range many / 500 { // more than a socket holds, and nobody reads
		d.change("sales", model.KindFlag, 500)
	}
	want := first + 1
	read := func(r *reader, n int64) {
		t.Helper()
		for end := want + n; want < end; want++ {
			kind, id, data := r.next()
			var c struct{ Seq int64 }
			if err := json.Unmarshal([]byte(data), &c); err != nil || kind != "change" || id != fmt.Sprint(want) || c.Seq != want {
				t.Fatalf("event %d is %s %s %s", want, kind, id, data)
			}
		}
	}
	read(slow, many/2)
	slow.stop()

	again := stream(t, d.URL, "?kind=flag&after=0", slow.last) // the id goes before after
	read(again, many/2)
	d.server.feed.Stop() // the daemon ends
	if kind, _, _ := again.next(); kind != "" {
		t.Errorf("after the end: %s", kind)
	}

	d.change("sales", model.KindFlag, 10) // while nobody is there
	next := httptest.NewServer(newServer(t, Options{Address: "127.0.0.1:0", Registry: prometheus.NewRegistry(),
		Store: d.store, Acts: d.acts()}).Handler())
	defer next.Close()
	after := stream(t, next.URL, "", again.last)
	read(after, 10)
	after.stop()
	next.CloseClientConnections()
}

func TestTheStreamTellsWhatAFilterLeavesOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	r := stream(t, d.URL, "?account=hr", "")
	d.change("sales", model.KindFlag, 3)
	if kind, id, data := r.next(); kind != "seq" || data != `{"seq":`+id+`}` {
		t.Errorf("left out: %s %s %s", kind, id, data)
	}
	d.change("hr", model.KindFlag, 1)
	for {
		kind, _, data := r.next()
		if kind == "change" {
			if !strings.Contains(data, `"account":"hr"`) {
				t.Error(data)
			}
			break
		}
		if kind != "seq" { // of the three, if they were read apart
			t.Fatal(kind, data)
		}
	}
	r.stop()
}

func TestAQuestionWaitsForChanges(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	_, last, err := d.store.Feed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(query string) (n int, seq int64) {
		a := d.ask("GET", fmt.Sprintf("/api/v1/changes?after=%d&%s", last, query), "", "")
		var page struct {
			Items []json.RawMessage
			Seq   int64
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Error(a.status, a.body)
		}
		return len(page.Items), page.Seq
	}
	if n, seq := ask("wait=50ms"); n != 0 || seq != last {
		t.Errorf("nothing came: %d %d", n, seq)
	}
	got := make(chan int, 1)
	go func() { n, _ := ask("wait=20s&kind=flag"); got <- n }()
	for d.server.feed.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	d.change("sales", model.KindAttention, 1)
	d.change("sales", model.KindFlag, 2)
	if n := <-got; n == 0 {
		t.Error("what came was not told")
	}
	if n, seq := ask("kind=gap"); n != 0 || seq != last+3 {
		t.Errorf("none of the kind: %d, looked up to %d", n, seq)
	}
}

func TestChangesThatAreGoneSayWhereToGoOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t, "")
	soon := time.Now().Add(time.Hour)
	if _, err := d.store.Prune(t.Context(), store.PruneBefore{History: &soon}); err != nil {
		t.Fatal(err)
	}
	d.change("sales", model.KindFlag, 1)
	first, _, err := d.store.Feed(t.Context())
	if err != nil || first < 2 {
		t.Fatal(first, err)
	}
	for _, path := range []string{"/api/v1/changes?after=0", "/api/v1/changes/stream?after=0"} {
		a := d.ask("GET", path, "", "")
		if a.status != 410 || a.problem() != "changes-gone" || !strings.Contains(a.body, fmt.Sprintf(`"oldest_seq":%d`, first)) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	if got := d.items("/api/v1/changes", ""); len(got) != 1 {
		t.Errorf("from the oldest that is kept: %v", got)
	}
}
