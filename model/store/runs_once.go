package store

import (
	"slices"
	"time"

	"countersign/model"
)

// UnfinishedRun returns the oldest run of an account and kind that waits or is in work, one that this group has put
// too; false if there is none. Groups take turns, so that what it says holds until the group is written.
func (b *Batch) UnfinishedRun(account, kind string) (r model.Run, ok bool, err error) {
	found, err := b.UnfinishedRuns(account, kind)
	if err != nil || len(found) == 0 {
		return r, false, err
	}
	return found[0], true, nil
}

// UnfinishedRuns returns all of them, the oldest first.
func (b *Batch) UnfinishedRuns(account, kind string) ([]model.Run, error) {
	open := []model.RunState{model.RunQueued, model.RunActive}
	var found []model.Run
	query := `SELECT * FROM runs WHERE account = ? AND kind = ? AND state IN ('queued', 'running') ORDER BY created_at, id`
	if err := b.q.Find(&found, query, account, kind); err != nil {
		return nil, b.fail(err)
	}
	for _, put := range b.runs {
		found = slices.DeleteFunc(found, func(r model.Run) bool { return r.ID == put.ID })
		if put.Account == account && put.Kind == kind && slices.Contains(open, put.State) {
			found = append(found, put)
		}
	}
	return found, nil
}

// SlotDone says whether a run of an account and kind was queued for a slot, or for a later one, whatever became of it.
func (b *Batch) SlotDone(account, kind string, slot time.Time) (done bool, err error) {
	for _, put := range b.runs {
		if put.Account == account && put.Kind == kind && put.Slot != nil && !put.Slot.Before(slot) {
			return true, nil
		}
	}
	err = b.q.QueryRow(`SELECT EXISTS (SELECT 1 FROM runs WHERE account = ? AND kind = ? AND slot >= ? AND created_at >= ?)`,
		account, kind, slot, slot.Add(-time.Hour)).Scan(&done)
	return done, b.fail(err)
}
