package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

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
				b, err := s.Get(ctx, fmt.Sprintf("/debug/pprof/%s?seconds=%d", name, int(profiled.Seconds())-1))
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
