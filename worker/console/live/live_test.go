package live

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/feed"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is a Live with its table, served.
type stage struct {
	*httptest.Server
	t    *testing.T
	live *Live
	feed *feed.Feed
}

func newStage(t *testing.T, every, beat time.Duration) *stage {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: "sqlite:" + filepath.Join(t.TempDir(), "x.db"),
		Key: bytes.Repeat([]byte{1}, 32), Now: time.Now})
	require.NoError(t, err)
	_, _, err = s.Migrate(t.Context())
	require.NoError(t, err)
	quiet := logrus.New()
	quiet.SetOutput(io.Discard)
	f := feed.New(feed.Options{Store: s, Now: time.Now, Every: 10 * time.Millisecond})
	l := New(Options{Store: s, Feed: f, Now: time.Now, Log: logrus.NewEntry(quiet), Version: "v7", Every: every, Beat: beat})
	st := &stage{httptest.NewServer(http.HandlerFunc(l.Serve)), t, l, f}
	t.Cleanup(func() {
		f.Stop()
		st.CloseClientConnections()
		st.Close()
		l.Stop()
		require.NoError(t, s.Close())
	})
	return st
}

// change writes n changes, each of a row of its own.
func (s *stage) change(from, n int) {
	s.t.Helper()
	var keys []model.Key
	for i := from; i < from+n; i++ {
		keys = append(keys, model.Key{Account: "sales", Ref: fmt.Sprintf("r-%d", i)})
	}
	require.NoError(s.t, s.live.Store.Do(s.t.Context(), store.Unit{Keys: keys, Apply: func(b *store.Batch) error {
		for _, k := range keys {
			b.AddChange(model.Change{Account: k.Account, Ref: k.Ref, Kind: model.KindStatus, To: "draft", Source: "test"})
		}
		return nil
	}}))
}

// browser is one that watches.
type browser struct {
	t    *testing.T
	body io.Closer
	in   *bufio.Scanner
}

func (s *stage) watch(header ...string) *browser {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL, nil)
	require.NoError(s.t, err)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := (&http.Transport{DisableCompression: true}).RoundTrip(r)
	require.NoError(s.t, err)
	require.Equal(s.t, "no-store, no-transform", resp.Header.Get("Cache-Control"))
	require.Equal(s.t, "no", resp.Header.Get("X-Accel-Buffering"))
	require.Equal(s.t, "text/event-stream", resp.Header.Get("Content-Type"))
	s.t.Cleanup(func() { resp.Body.Close() }) //nolint:errcheck // over
	return &browser{s.t, resp.Body, bufio.NewScanner(resp.Body)}
}

// next is the next line that begins so; "" where the stream has ended.
func (b *browser) next(begins string) string {
	for b.in.Scan() {
		if line, ok := strings.CutPrefix(b.in.Text(), begins); ok {
			return line
		}
	}
	return ""
}

func TestWhatMovesIsSummedUp(t *testing.T) {
	t.Parallel()
	s := newStage(t, 20*time.Millisecond, time.Hour)
	first, second := s.watch(), s.watch()
	for _, b := range []*browser{first, second} {
		require.Equal(t, "v7", b.next("data: "))
		require.JSONEq(t, `{"seq":0,"accounts":[],"kinds":[],"rows":[],"more":false}`, b.next("data: "), "the first event, at once")
	}
	s.change(0, 1)
	for _, b := range []*browser{first, second} {
		require.JSONEq(t, `{"seq":1,"accounts":["sales"],"kinds":["status"],"rows":["sales/r-0"],"more":false}`, b.next("data: "))
	}
	s.change(1, 60)
	text := first.next("data: ")
	require.Contains(t, text, `"seq":61,`)
	require.Contains(t, text, `"more":true`)
	require.Equal(t, 50, strings.Count(text, "sales/r-"))

	again := s.watch("Last-Event-ID", "60")
	again.next("data: ")
	require.Contains(t, again.next("data: "), `"rows":["sales/r-60"]`, "a browser that comes again is told what it missed")
}

func TestAskingInsteadOfStreaming(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Second, time.Hour)
	s.change(0, 3)
	ask := func(after string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"?after="+after, nil)
		require.NoError(t, err)
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close() //nolint:errcheck // read
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	code, text := ask("1")
	require.Equal(t, 200, code)
	require.JSONEq(t, `{"seq":3,"accounts":["sales"],"kinds":["status"],"rows":["sales/r-1","sales/r-2"],"more":false}`, text)
	for _, wrong := range []string{"x", "-1", "1e9", "99999999999999999999"} {
		code, _ = ask(wrong)
		require.Equal(t, 422, code, wrong)
	}
	_, text = ask("5000")
	require.JSONEq(t, `{"seq":3,"accounts":[],"kinds":[],"rows":[],"more":false}`, text, "a seq of a table that was restored")
}

func TestAStreamBeats(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Second, 20*time.Millisecond)
	b := s.watch()
	require.Equal(t, "at", b.next("event: be"))
	require.Equal(t, "1", b.next("data: "), "an event without data does not reach a page")
}

func TestStreamsEndAtOnceWhenTheDaemonStops(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Second, time.Hour)
	b := s.watch()
	b.next("data: {")
	s.feed.Stop()
	require.Empty(t, b.next("never"), "the stream is over")
	s.live.Stop()
	require.Eventually(t, func() bool { return s.live.Watching() == 0 }, 5*time.Second, time.Millisecond)
}

// One that reads too slowly costs nobody anything: it is dropped.
func TestASlowBrowserIsDropped(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Millisecond, time.Hour)
	slow, quick := s.live.join(0), s.live.join(0)
	told := 0
	for i := int64(1); told <= waiting+1; i++ {
		s.change(int(i), 1)
		for (<-quick).seq < i {
		}
		told++
	}
	n := 0
	for range slow {
		n++
	}
	require.Equal(t, waiting, n, "what it was sent before it was dropped")
	s.live.leave(quick)
	require.Zero(t, s.live.Watching())
}

// What is too much to be read is said to have moved altogether.
func TestMuchIsSaidToHaveMovedAltogether(t *testing.T) {
	t.Parallel()
	s := newStage(t, time.Second, time.Hour)
	for i := range mostParts + 1 {
		s.change(i*atOnce, atOnce)
	}
	sum, err := s.live.After(context.WithoutCancel(t.Context()), 0)
	require.NoError(t, err)
	require.Equal(t, int64((mostParts+1)*atOnce), sum.Seq)
	require.True(t, sum.More)
	require.Len(t, sum.Kinds, len(kinds()))
}
