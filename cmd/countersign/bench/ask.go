package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// get reads a page of the daemon's console.
func (a *arrangement) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.console+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("console%s answered %s: %s", path, resp.Status, b)
	}
	return b, err
}

// commits is how many transactions the daemon has written, each with a sync.
func (a *arrangement) commits(ctx context.Context) (int64, error) {
	const name = "countersign_commits_total "
	b, err := a.get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return int64(n), err
		}
	}
	return 0, fmt.Errorf("the daemon's metrics lack %s", name)
}

// profiled is how long a round lasts whose profiles are kept.
const profiled = 8 * time.Second

// profile keeps what the daemon did in rounds of their own that count for nothing: processor, then allocations, and what
// waited for what.
func (s *stand) profile(ctx context.Context, service string, connections int) error {
	if err := os.MkdirAll(s.o.Profile, 0o700); err != nil {
		return err
	}
	for _, names := range [][]string{{"profile"}, {"allocs", "mutex", "block"}} {
		var wg sync.WaitGroup
		failed := make(chan error, len(names))
		for _, name := range names {
			wg.Go(func() {
				b, err := s.get(ctx, fmt.Sprintf("/debug/pprof/%s?seconds=%d", name, int(profiled.Seconds())-1))
				if err == nil {
					file := fmt.Sprintf("%s-%d-%s.pprof", service, connections, strings.Replace(name, "profile", "cpu", 1))
					err = os.WriteFile(filepath.Join(s.o.Profile, file), b, 0o600)
				}
				failed <- err
			})
		}
		_, err := s.list[0].round(ctx, service, connections, profiled)
		wg.Wait()
		close(failed)
		for e := range failed {
			err = errors.Join(err, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
