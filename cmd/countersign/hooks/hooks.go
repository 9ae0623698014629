// Package hooks is what can be done with hooks by hand: look at them, try one, send announcements again. The verbs and
// the console do the same.
package hooks

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"countersign/cmd/countersign/config"
	receivers "countersign/cmd/countersign/config/hooks"
	engine "countersign/cmd/countersign/engine/hooks"
	"countersign/model/announced"
	"countersign/model/store"
	"countersign/worker/console/acts"
	"countersign/worker/console/objects"
	"countersign/worker/console/rows"
	"countersign/worker/deliver"
	"countersign/worker/hook"
)

// ErrUnknown is of a hook that is not in the config.
var ErrUnknown = errors.New("no such hook in the config")

// List says how each hook does: those of the config in their order, then those that only the database knows.
func List(ctx context.Context, c *config.Config, s *store.Store) ([]objects.Hook, error) {
	known, err := s.Hooks(ctx)
	if err != nil {
		return nil, err
	}
	at := map[string]store.Hook{}
	for _, h := range known {
		at[h.ID] = h
	}
	out := []objects.Hook{}
	add := func(h store.Hook, kind, receiver string) error {
		b, err := s.Backlog(ctx, h.ID)
		o := rows.OfHook(h, b)
		o.Type, o.Receiver = kind, receiver
		if kind == "" {
			o.State = objects.HookRemoved
		}
		out = append(out, o)
		return err
	}
	for i := range c.Hooks {
		h := &c.Hooks[i]
		is, ok := at[h.ID]
		if !ok {
			is = store.Hook{ID: h.ID}
		}
		delete(at, h.ID)
		if err := add(is, h.Type, Receiver(h)); err != nil {
			return nil, err
		}
	}
	for _, h := range known {
		if _, left := at[h.ID]; !left {
			continue
		}
		kind := ""
		if strings.HasPrefix(h.ID, engine.FunctionPrefix) {
			kind = "function"
		}
		if err := add(h, kind, ""); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Receiver is where a hook's announcements go, without what may be a secret.
func Receiver(h *receivers.Hook) string {
	switch h.Type {
	case "command":
		return filepath.Base(h.Command[0])
	case "nats":
		return h.Subject
	}
	_, rest, _ := strings.Cut(h.URL, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// Test sends an event that tells of nothing, once. A hook that was gone, or rests, goes on where it is taken.
func Test(ctx context.Context, t *engine.Table, s *store.Store, h *receivers.Hook, now func() time.Time) (
	out objects.HookTested, err error,
) {
	one, done, err := t.One(h)
	if err != nil {
		return out, err
	}
	defer done()
	e, err := hook.TestEvent(h.ID, now())
	if err != nil {
		return out, err
	}
	began := now()
	a := one.Send(ctx, e)
	out = objects.HookTested{Hook: h.ID, ID: e.ID, Taken: a.Taken, Answer: a.Note, LatencyMS: now().Sub(began).Milliseconds()}
	if !a.Taken {
		return out, nil
	}
	return out, s.WakeHook(ctx, h.ID)
}

// Order says what is sent again.
type Order struct {
	Since time.Time // changes since; zero: all
	Dead  bool      // only what was given up
	Dry   bool      // only count
}

// atOnce is how many changes are looked through together.
const atOnce = 500

// Replay has announcements sent again, in order, with the ids that they had. Those that wait go on waiting.
func Replay(ctx context.Context, s *store.Store, one *deliver.Hook, o Order) (out objects.HookReplayed, err error) {
	out = objects.HookReplayed{Hook: one.ID, DryRun: o.Dry}
	h, err := s.Hook(ctx, one.ID)
	if errors.Is(err, store.ErrNoRow) {
		return out, acts.Refusal{Why: "The daemon has not seen this hook yet: it is told what changes from then on."}
	}
	if err != nil {
		return out, err
	}
	queue := func(list []*announced.Change) error {
		if o.Dry {
			out.Queued += len(list)
			return nil
		}
		n, err := s.Requeue(ctx, one.ID, list)
		out.Queued += n
		return err
	}
	if o.Dead {
		return out, eachDead(ctx, s, h, o, queue)
	}
	return out, eachChange(ctx, s, one, h, o, queue)
}

// eachDead goes through what was given up.
func eachDead(ctx context.Context, s *store.Store, h store.Hook, o Order, queue func([]*announced.Change) error) error {
	f := store.DeliveryFilter{Hook: h.ID, States: []string{string(store.DeliveryDead)}, Oldest: true, Limit: atOnce}
	if !o.Since.IsZero() {
		f.Since = &o.Since
	}
	for {
		list, next, err := s.Deliveries(ctx, f)
		if err != nil {
			return err
		}
		var dead []*announced.Change
		for i := range list {
			if list[i].Change.Kind != "" { // else retention has taken it
				dead = append(dead, &announced.Change{Change: list[i].Change})
			}
		}
		if err := queue(dead); err != nil || next == "" {
			return err
		}
		f.Cursor = next
	}
}

// eachChange goes through the changes that the hook has looked at.
func eachChange(
	ctx context.Context, s *store.Store, one *deliver.Hook, h store.Hook, o Order, queue func([]*announced.Change) error,
) error {
	at, err := s.SeqSince(ctx, o.Since)
	if err != nil {
		return err
	}
	for at < h.Reached {
		list, err := s.Announced(ctx, at, atOnce)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		var chosen []*announced.Change
		for i := range list {
			if list[i].Seq <= h.Reached && one.Filter.Takes(&list[i]) {
				chosen = append(chosen, &list[i])
			}
		}
		if err := queue(chosen); err != nil {
			return err
		}
		at = list[len(list)-1].Seq
	}
	return nil
}
