package tables

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
	"countersign/model/store"
	"countersign/worker/console/access"
)

// visitors are tokens: each may ask and watch no more than one browser.
const visitors = 40

// seen is a page that is measured, and how many bytes it may take, compressed.
type seen struct {
	name, path string
	most       float64
}

func pages(account string) []seen {
	const kb = 1024
	row := "/accounts/" + account + "/transactions/" + manyChanges
	return []seen{
		{"overview", "/", 8 * kb}, {"list of 50", "/transactions", 8 * kb},
		{"list of one status", "/transactions?status=in_progress", 8 * kb},
		{"list of what is checked", "/transactions?checking=true", 8 * kb},
		{"list of what is archived", "/transactions?flag=archived", 8 * kb},
		{"one transaction with 60 changes", row, 12 * kb}, {"evidence sheet of it", row + "?view=evidence", 12 * kb},
		{"gaps", "/gaps", 8 * kb}, {"documents", "/documents", 8 * kb}, {"callbacks", "/callbacks", 8 * kb},
		{"runs", "/runs", 8 * kb}, {"incidents", "/incidents", 8 * kb}, {"hooks", "/hooks", 8 * kb},
		{"accounts", "/accounts", 8 * kb}, {"one account", "/accounts/" + account, 8 * kb}, {"settings", "/settings", 8 * kb},
	}
}

// Console measures the console of the real daemon over HTTP: bytes and requests of pages, how long the daemon takes for
// each at many rows, the first answer of a search, what many watching browsers cost, and the largest paint.
func Console(ctx context.Context, env *engine.Env, o Options) (Figures, error) {
	rows := large(&o)
	return measured(ctx, env, "console", o, func(ctx context.Context, s *stage.Stage) (out []Figure, err error) {
		if err := fillLarge(ctx, s, rows); err != nil {
			return nil, err
		}
		if _, err := s.Serve(ctx); err != nil {
			return nil, err
		}
		v := &visitor{base: s.Console(), visits: o.Rounds, client: &http.Client{Transport: &http.Transport{DisableCompression: true,
			MaxIdleConnsPerHost: 300}}}
		if err := s.Daemon.Until(ctx, "console", func() bool { a, err := v.get(ctx, "/healthz"); return err == nil && a.status == 200 }); err != nil {
			return nil, err
		}
		account := stage.Loaded("onespan")
		for _, part := range []func() ([]Figure, error){
			func() ([]Figure, error) { return paints(ctx, v.base, account, o.Rounds) }, // without a token, as on one's own machine
			func() ([]Figure, error) { return nil, v.register(ctx, s) },
			func() ([]Figure, error) { return v.sizes(ctx, account) },
			func() ([]Figure, error) { return v.times(ctx, account) },
			func() ([]Figure, error) { return v.searches(ctx, rows) },
			func() ([]Figure, error) { return watched(ctx, s, v, o.For) },
		} {
			found, err := part()
			out = append(out, found...)
			if err != nil {
				return out, err
			}
		}
		return out, nil
	})
}

// visitor asks the console, each time with another token.
type visitor struct {
	base   string
	client *http.Client
	visits int // of each page
	tokens []string
	asked  atomic.Int64
}

// register makes tokens. The daemon takes a second to know them.
func (v *visitor) register(ctx context.Context, s *stage.Stage) error {
	c, err := s.Env.Config()
	if err != nil {
		return err
	}
	st, err := s.Env.OpenStore(ctx, c, false)
	if err != nil {
		return err
	}
	for i := range visitors {
		token, err := access.NewToken()
		if err == nil {
			_, err = st.AddConsoleToken(ctx, store.ConsoleToken{Name: fmt.Sprint("bench", i), Hash: access.HashOf(token),
				Role: string(access.Operate), CreatedAt: s.Env.UTC()})
		}
		if err != nil {
			return errors.Join(err, st.Close())
		}
		v.tokens = append(v.tokens, token)
	}
	return errors.Join(st.Close(), s.Daemon.Until(ctx, "tokens", func() bool {
		a, err := v.get(ctx, "/api/v1/accounts")
		return err == nil && a.status == http.StatusOK
	}))
}

// reply is one answer, compressed as it came.
type reply struct {
	status int
	body   []byte
	took   time.Duration
}

// text is what was compressed.
func (a reply) text() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(a.body))
	if errors.Is(err, gzip.ErrHeader) {
		return a.body, nil
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// request asks for a path by the next token.
func (v *visitor) request(ctx context.Context, path string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.base+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "gzip")
	r.Header.Set("Accept-Language", "en")
	if n := len(v.tokens); n > 0 {
		r.Header.Set("Authorization", "Bearer "+v.tokens[int(v.asked.Add(1))%n])
	}
	return r, nil
}

func (v *visitor) get(ctx context.Context, path string) (a reply, err error) {
	r, err := v.request(ctx, path)
	if err != nil {
		return a, err
	}
	began := time.Now()
	resp, err := v.client.Do(r)
	if err != nil {
		return a, err
	}
	a.status = resp.StatusCode
	a.body, err = io.ReadAll(resp.Body)
	a.took = time.Since(began)
	return a, errors.Join(err, resp.Body.Close())
}

// missing is what cannot be measured, for the console does not have it.
func missing(what string, status int) Figure {
	return Figure{What: what, Unit: "status", Value: float64(status), Times: 1, Want: "is there", Met: false}
}

// sizes counts the bytes of pages, and of what the first view fetches with one.
func (v *visitor) sizes(ctx context.Context, account string) (out []Figure, err error) {
	for _, p := range pages(account) {
		a, err := v.get(ctx, p.path)
		if err != nil {
			return out, err
		}
		if a.status != http.StatusOK {
			out = append(out, missing("page: "+p.name, a.status))
			continue
		}
		out = append(out, atMost("bytes, compressed: "+p.name, "bytes", float64(len(a.body)), p.most))
	}
	first, err := v.get(ctx, "/")
	if err != nil {
		return out, err
	}
	text, err := first.text()
	if err != nil {
		return out, err
	}
	kinds := map[string]float64{}
	assets := map[string]bool{}
	for _, m := range regexp.MustCompile(`"(/assets/[^"#]+)`).FindAllSubmatch(text, -1) {
		path := string(m[1])
		if assets[path] {
			continue
		}
		assets[path] = true
		a, err := v.get(ctx, path)
		if err != nil || a.status != http.StatusOK {
			return out, errors.Join(err, fmt.Errorf("%s: status %d", path, a.status))
		}
		kinds[path[strings.LastIndexByte(path, '.'):]] += float64(len(a.body))
	}
	const kb = 1024
	return append(out, atMost("bytes, compressed: script", "bytes", kinds[".js"], 21*kb),
		atMost("bytes, compressed: style", "bytes", kinds[".css"], 8*kb),
		atMost("bytes, compressed: icons", "bytes", kinds[".svg"], 3*kb),
		atMost("requests that the overview names, itself among them", "requests", float64(1+len(assets)), 8)), nil
}

// times is how long each page takes, as one asks who has a connection.
func (v *visitor) times(ctx context.Context, account string) (out []Figure, err error) {
	for _, p := range pages(account) {
		var took []float64
		status := http.StatusOK
		for range v.visits {
			a, err := v.get(ctx, p.path)
			if err != nil {
				return out, err
			}
			if status = a.status; status != http.StatusOK {
				break
			}
			took = append(took, float64(a.took.Nanoseconds())/1e6)
		}
		if status != http.StatusOK {
			out = append(out, missing("time of page: "+p.name, status))
			continue
		}
		out = append(out, spread("time of page: "+p.name, "ms", took, 5))
	}
	return out, nil
}

// searches is how long the first answer of a search takes, as a page.
func (v *visitor) searches(ctx context.Context, rows int) (out []Figure, err error) {
	for _, one := range []struct {
		what string
		text func() string
	}{
		{"a name", func() string { return oneOf(given) + " " + oneOf(family) }},
		{"three letters", func() string { return oneOf(family)[:3] }},
		{"an own id", func() string { return fmt.Sprint("C-", rand.IntN(rows)) }},                         //nolint:gosec // any will do
		{"an e-mail", func() string { return fmt.Sprint(oneOf(given), rand.IntN(rows), "@example.com") }}, //nolint:gosec // any
		{"what every row has", func() string { return "agreement" }},
		{"what no row has", func() string { return "nowhere" }},
	} {
		var took []float64
		for range v.visits {
			a, err := v.get(ctx, "/transactions?search="+url.QueryEscape(one.text()))
			if err != nil || a.status != http.StatusOK {
				return out, errors.Join(err, fmt.Errorf("search for %s: status %d", one.what, a.status))
			}
			took = append(took, float64(a.took.Nanoseconds())/1e6)
		}
		out = append(out, spread("first answer of a search for "+one.what, "ms", took, 50))
	}
	return out, nil
}
