package poll

import (
	"context"
	"time"

	"github.com/robfig/cron/v3"
	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/apply"
	"countersign/worker/ask"
	"countersign/worker/ask/runs"
	"countersign/worker/jobs"
)

// SlotsOptions is what Slots needs. All of it is required, but for what says otherwise.
type SlotsOptions struct {
	Store    *store.Store
	Runs     *runs.Runs
	Accounts func() []*apply.Account // the current ones; a reload swaps them
	Now      func() time.Time
	Rand     func() float64 // 0 ≤ x < 1, for jitter
	Log      *logrus.Entry
	Jitter   time.Duration // delays each slot by a random time up to this; zero: none
	Jobs     jobs.Queue    // shares slots with other processes; nil: the process works alone
	Tick     time.Duration // accounts and slots are looked at no more often than this; zero: each second
}

// Slots queues a run for each slot of each account's tiers.
type Slots struct{ o SlotsOptions }

// NewSlots returns Slots that have queued nothing yet.
func NewSlots(o SlotsOptions) *Slots { return &Slots{o} }

// Run queues a run for each slot as it comes, first for those that were missed while the daemon was down. It returns
// when ctx ends.
func (sl *Slots) Run(ctx context.Context) error {
	logger := cronLog{sl.o.Log.WithField("loop", "slots")}
	// The order matters: Recover must be inside SkipIfStillRunning, or one panic ends the job for good.
	c := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(logger),
		cron.WithChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)))
	var added []cron.EntryID
	var sum string
	arrange := func() {
		if now := sl.scheduleSum(); now != sum {
			for _, id := range added {
				c.Remove(id)
			}
			added, sum = sl.schedule(ctx, c), now
		}
	}
	arrange()
	if err := sl.catchUp(ctx); err != nil {
		sl.o.Log.WithField("err", err).Warn("catching up on missed slots failed")
	}
	c.Start()
	defer func() { <-c.Stop().Done() }()
	t := time.NewTicker(max(time.Second, sl.o.Tick))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			arrange() // a reload may have changed accounts or slots
		}
	}
}

// scheduleSum changes when accounts or their slots do.
func (sl *Slots) scheduleSum() string {
	s := ""
	for _, a := range sl.o.Accounts() {
		for _, t := range apply.Tiers() {
			s += a.ID + "\x00"
			if slot := a.Polling[t]; slot != nil {
				s += slot.String()
			}
			s += "\x00"
		}
	}
	return s
}

// schedule adds one cron entry for each account and tier.
func (sl *Slots) schedule(ctx context.Context, c *cron.Cron) []cron.EntryID {
	var ids []cron.EntryID
	for _, a := range sl.o.Accounts() {
		for _, tier := range apply.Tiers() {
			slot := a.Polling[tier]
			if slot == nil {
				continue
			}
			ids = append(ids, c.Schedule(slot, cron.FuncJob(func() {
				slotAt := sl.slotOf(a, tier, sl.o.Now())
				if ask.Sleep(ctx, time.Duration(sl.o.Rand()*float64(sl.o.Jitter))) != nil {
					return
				}
				if err := sl.come(ctx, a.ID, tier, slotAt); err != nil {
					log := sl.o.Log.WithFields(logrus.Fields{"account": a.ID, "loop": string(tier), "err": err})
					log.Warn("slot not queued, the catch-up will find it")
				}
			})))
		}
	}
	return ids
}

// catchUp queues each tier whose slot has passed since its last run; a new account gets its first
// active run at once.
func (sl *Slots) catchUp(ctx context.Context) error {
	now := sl.o.Now()
	for _, a := range sl.o.Accounts() {
		for _, tier := range apply.Tiers() {
			runs, err := sl.o.Store.Runs(ctx, store.RunFilter{Account: a.ID, Kind: string(tier), Limit: 1})
			if err != nil {
				return err
			}
			missed := len(runs) == 0 && tier == apply.Active
			if len(runs) > 0 {
				next := a.Polling.Next(tier, runs[0].CreatedAt)
				missed = !next.IsZero() && next.Before(now)
			}
			if !missed {
				continue
			}
			if err := sl.come(ctx, a.ID, tier, sl.slotOf(a, tier, now)); err != nil {
				return err
			}
		}
	}
	return nil
}

// early is how much sooner than ours another clock's slot may come.
const early = time.Second

// slotOf names the slot that has come: the same in every process, however late one notices it. An account's first run
// comes before its first slot.
func (sl *Slots) slotOf(a *apply.Account, tier apply.Tier, now time.Time) time.Time {
	if slot := lastOf(a.Polling[tier], now.Add(early).UTC()); !slot.IsZero() {
		return slot
	}
	return now.UTC().Truncate(time.Minute)
}

// mostBack is how far lastOf looks for a slot.
const mostBack = 400 * 24 * time.Hour

// lastOf returns the newest slot that is not after now; zero where there is none.
func lastOf(slot apply.Slot, now time.Time) time.Time {
	for back := time.Hour; slot != nil && back < 2*mostBack; back *= 4 {
		last := slot.Next(now.Add(-min(back, mostBack)))
		if last.IsZero() || last.After(now) {
			continue
		}
		for next := slot.Next(last); !next.IsZero() && !next.After(now); next = slot.Next(next) {
			last = next
		}
		return last
	}
	return time.Time{}
}

// closer is how many polls of the active tier an account gets in one slot while its callbacks are silent.
const closer = 6

// PollCloser queues an active run for each account whose callbacks are silent and whose last active run began at least
// a sixth of a slot ago: polls must find what callbacks do not report. The budget limits these polls like any others.
func (sl *Slots) PollCloser(ctx context.Context) error {
	open, err := sl.o.Store.Incidents(ctx, true)
	if err != nil {
		return err
	}
	now := sl.o.Now()
	for _, i := range open {
		a := sl.account(i.Account)
		if i.Kind != model.CallbacksSilent || a == nil || a.Polling[apply.Active] == nil {
			continue
		}
		runs, err := sl.o.Store.Runs(ctx, store.RunFilter{Account: a.ID, Kind: string(apply.Active), Limit: 1})
		if err != nil {
			return err
		}
		between := a.Polling.Interval(apply.Active, now) / closer
		if len(runs) > 0 && now.Sub(runs[0].CreatedAt) < between {
			continue
		}
		if err := sl.Queue(ctx, a.ID, apply.Active, now); err != nil {
			return err
		}
	}
	return nil
}

// account finds a configured account; nil if it was taken out.
func (sl *Slots) account(id string) *apply.Account {
	for _, a := range sl.o.Accounts() {
		if a.ID == id {
			return a
		}
	}
	return nil
}

// come queues the run of a slot that has come. Each process sees it come, and one of them gets its job.
func (sl *Slots) come(ctx context.Context, account string, tier apply.Tier, slot time.Time) error {
	if sl.o.Jobs == nil {
		return sl.Queue(ctx, account, tier, slot)
	}
	return sl.o.Jobs.Add(ctx, jobs.Job{Kind: jobs.Slot, Account: account, ID: string(tier), At: slot})
}

// Queue writes the run of a slot, unless somebody has, or a run of the same kind is waiting or in progress.
func (sl *Slots) Queue(ctx context.Context, account string, tier apply.Tier, slot time.Time) error {
	_, err := sl.o.Runs.Queue(ctx, model.Run{Account: account, Kind: string(tier), Slot: &slot}, true)
	return err
}

// cronLog passes cron's messages on to logrus.
type cronLog struct{ log *logrus.Entry }

// Info logs cron's routine messages at debug level, but for a skipped slot.
func (l cronLog) Info(msg string, kv ...any) {
	if msg == "skip" {
		l.log.Warn("slot skipped: the one before is still being queued")
		return
	}
	l.log.Trace("cron: " + msg)
}

// Error logs a panic that cron recovered from.
func (l cronLog) Error(err error, msg string, kv ...any) {
	l.log.WithField("err", err).Error("slot failed")
}
