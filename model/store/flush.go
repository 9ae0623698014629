package store

import (
	"countersign/model"
	"countersign/model/store/durable"
)

// flush writes what the group has changed.
func (b *Batch) flush() error {
	steps := []func() error{
		func() error { return deleteRows(b.q, b.order) },
		func() error { return b.s.writeRows(b.q, b.order) },
		func() error { return b.s.sql.writeSigners(b.q, b.order) },
		b.writeConfirmations,
		b.writeRecalled,
		b.queueSearch,
		b.nameRows,
		b.releaseCopies,
		b.writeDictionaries,
		b.writeCallbacks,
		b.writeAmended,
		b.writeCallbackDays,
		b.writeOutcomes,
		b.writeChanges,
		b.writeGaps,
		b.writeReported,
		b.writeFirsts,
		b.writeDocuments,
		b.writeSeals,
		b.writeProgress,
		b.writeAccounts,
		b.writeIncidents,
		b.writeRuns,
		b.writeTransportStates,
		b.writeDrift,
		b.writeCounters,
		b.writeJobs,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	b.crashPoints()
	return nil
}

// crashPoints names what a group has written and not committed yet.
func (b *Batch) crashPoints() {
	if len(b.changes) > 0 {
		durable.CrashPoint("outbox written")
	}
	if len(b.gaps) > 0 {
		durable.CrashPoint("gap written")
	}
	if len(b.documents) > 0 {
		durable.CrashPoint("document written")
	}
	if len(b.runs) > 0 {
		durable.CrashPoint("run written")
	}
}

func (b *Batch) writeCounters() error {
	if b.counters == b.began {
		return nil
	}
	c := b.counters
	return b.q.Exec(`UPDATE counters SET seq = ?, version = ?, ordinal = ? WHERE id = 1`, c.seq, c.version, c.ordinal)
}

// nameRows fetches the rows that callbacks and changes name and no change of the group has looked at.
func (b *Batch) nameRows() error {
	var keys []model.Key
	for _, c := range b.callbacks {
		keys = append(keys, model.Key{Account: c.Account, Ref: c.Ref})
	}
	for _, c := range b.amended {
		keys = append(keys, model.Key{Account: c.Account, Ref: c.Ref})
	}
	for _, c := range b.changes {
		keys = append(keys, model.Key{Account: c.Account, Ref: c.Ref})
	}
	return b.know(keys)
}
