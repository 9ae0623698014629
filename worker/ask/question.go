package ask

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/apply"
)

// leaseFor is how long a row stays out of other hands; a dead process gives it back after.
const leaseFor = 10 * time.Minute

// Options is what an Asker needs. All of it is required.
type Options struct {
	Store   *store.Store
	Table   *apply.Table
	Gate    *Gate
	Now     func() time.Time
	Log     *logrus.Entry
	Owner   string // names this process in leases
	Workers int    // questions under way per account
}

// Asker asks providers about rows and has the answers applied. It is safe for concurrent use.
type Asker struct {
	o     Options
	skips *skipped
}

// New returns an asker.
func New(o Options) *Asker { return &Asker{o, newSkipped()} }

// Gate returns what says whether an account may be asked.
func (q *Asker) Gate() *Gate { return q.o.Gate }

// Workers is how many questions may be under way for an account.
func (q *Asker) Workers() int { return q.o.Workers }

// Question is what stood when a question was sent: by that its answer is applied.
type Question struct {
	Version int64     // of the row, or of the table
	AskedAt time.Time // when it was sent
}

// Answer stamps what the provider said to a question.
func (q Question) Answer(ref string, o model.Observation, now time.Time) model.Observation {
	if o.Alias != ref || o.Ref == "" { // else ref was an alias, and the answer tells the transaction's own
		o.Ref = ref
	}
	o.Evidence, o.Version, o.AskedAt, o.At = model.Verified, q.Version, q.AskedAt, now
	return o
}

// Unverified reports whether only callbacks or hints have named a row. Such refs have a tenth of the account's budget.
func Unverified(t model.Transaction) bool {
	if t.Status != model.Unknown {
		return false
	}
	switch t.Origin {
	case model.OriginTrack, model.OriginPoll, model.OriginBackfill:
		return false
	}
	return true
}

// Fetch asks the provider about one row, in the class and with the share of the budget that are the row's. The answer
// is stamped and not yet applied.
func (q *Asker) Fetch(
	ctx context.Context, a *apply.Account, t model.Transaction, work provider.Work,
) (model.Observation, error) {
	asked := Question{t.Version, q.o.Now()}
	if Unverified(t) {
		work = provider.WorkUnknown
	}
	ctx = provider.WithWork(ctx, work)
	if t.Test {
		ctx = provider.WithClass(ctx, provider.ClassTest)
	}
	o, err := a.Provider.Fetch(ctx, t.Ref)
	if err != nil {
		return model.Observation{}, err
	}
	return asked.Answer(t.Ref, o, q.o.Now()), nil
}

// FetchBatch puts one question about several rows. left are the rows that the answer does not tell of; all of them
// where there is only one, or where the service does not take this batch. The answers are stamped and not yet applied.
func (q *Asker) FetchBatch(
	ctx context.Context, a *apply.Account, rows []model.Transaction, work provider.Work,
) (obs []model.Observation, left []model.Transaction, err error) {
	b := a.Provider.Batcher
	if b == nil || len(rows) == 1 {
		return nil, rows, nil
	}
	refs, of := make([]string, len(rows)), map[string]model.Transaction{}
	for i, t := range rows {
		refs[i], of[t.Ref] = t.Ref, t
	}
	if Unverified(rows[0]) { // and so are all: see Batches
		work = provider.WorkUnknown
	}
	asked := q.o.Now()
	found, err := b.FetchBatch(provider.WithWork(ctx, work), refs)
	if err != nil {
		if ctx.Err() != nil || ofTheAccount(err) {
			return nil, nil, err
		}
		return nil, rows, nil // one of them may be at fault: asked one by one it is seen which
	}
	for _, o := range found {
		t, ok := of[o.Ref]
		if !ok {
			continue // not asked about, or told twice
		}
		delete(of, o.Ref)
		obs = append(obs, Question{t.Version, asked}.Answer(o.Ref, o, q.o.Now()))
	}
	for _, t := range rows {
		if _, ok := of[t.Ref]; ok {
			left = append(left, t)
		}
	}
	return obs, left, nil
}

// ofTheAccount says whether an error would meet every question of the account.
func ofTheAccount(err error) bool {
	var after *provider.RetryAfter
	return errors.Is(err, provider.ErrDenied) || errors.Is(err, provider.ErrUnavailable) || errors.As(err, &after) ||
		errors.Is(err, store.ErrUnavailable)
}

// Apply applies answers, one or a page of them, and notes that the account answers. apply.ErrSuperseded: a reload has
// changed the account since it was asked, and the answers may be another server's.
func (q *Asker) Apply(
	ctx context.Context, a *apply.Account, src apply.Source, obs []model.Observation,
) (dids []apply.Applied, err error) {
	if len(obs) == 0 {
		return nil, nil
	}
	err = a.Generation.Learn(func() (err error) {
		if dids, err = q.o.Table.Answers(ctx, a, src, obs); err != nil {
			return err
		}
		if err := q.noteAnswers(ctx, a, obs); err != nil {
			return err
		}
		keys := make([]model.Key, len(dids))
		for i, did := range dids {
			keys[i] = did.Key
			q.log(a, did, src)
		}
		return q.o.Gate.answered(ctx, a, keys)
	})
	return dids, err
}

// log tells of a status that moved; everything else is debug.
func (q *Asker) log(a *apply.Account, did apply.Applied, src apply.Source) {
	if did.Next.Status == did.Before.Status && !q.o.Log.Logger.IsLevelEnabled(logrus.DebugLevel) {
		return
	}
	entry := q.o.Log.WithFields(logrus.Fields{
		"account": a.ID, "txn": did.Key.Ref, "source": src.String(), "reason": string(did.Reason),
	})
	if did.Next.Status != did.Before.Status {
		entry.WithFields(logrus.Fields{"from": did.Before.Status, "status": did.Next.Status}).Info("status changed")
		return
	}
	entry.Debug("answer applied")
}
