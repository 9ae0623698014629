package tables

import (
	"context"
	"time"

	"countersign/cmd/countersign/bench/stage"
	"countersign/cmd/countersign/engine"
)

// Start measures from the start of the daemon's process to its listening, and what it holds when nothing happens.
func Start(ctx context.Context, env *engine.Env, o Options) (Figures, error) {
	o.Idle = true
	return measured(ctx, env, "start", o, func(ctx context.Context, s *stage.Stage) (out []Figure, err error) {
		var starts, rest, resident []float64
		for range o.Rounds {
			took, err := s.Serve(ctx)
			if err != nil {
				return nil, err
			}
			starts = append(starts, float64(took.Nanoseconds())/1e6)
			if !env.Wait(ctx, resting) {
				return nil, ctx.Err()
			}
			m, err := s.Daemon.Memory()
			if err != nil {
				return nil, err
			}
			rest, resident = append(rest, float64(m.Anonymous)/1e6), append(resident, float64(m.Resident)/1e6)
			if err := s.StopDaemon(); err != nil {
				return nil, err
			}
		}
		return []Figure{
			spread("from the start of the process to listening", "ms", starts, 50),
			spread("anonymous memory after 5 s of rest", "MB", rest, 30),
			spread("resident memory after 5 s of rest, page cache included", "MB", resident, 0),
		}, nil
	})
}

const resting = 5 * time.Second
