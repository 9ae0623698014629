package stage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Get reads a page of the daemon's console.
func (a *Stage) Get(ctx context.Context, path string) ([]byte, error) {
	return get(ctx, a.console, path)
}

func get(ctx context.Context, console, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+console+path, nil)
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

// Commits is how many transactions the daemons have written, each with a sync.
func (a *Stage) Commits(ctx context.Context) (sum int64, err error) {
	consoles := []string{a.console}
	for _, r := range a.more {
		consoles = append(consoles, r.console)
	}
	for _, console := range consoles {
		n, err := commits(ctx, console)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

func commits(ctx context.Context, console string) (int64, error) {
	const name = "countersign_commits_total "
	b, err := get(ctx, console, "/metrics")
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
