package ask

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"countersign/model"
	"countersign/worker/apply"
)

// skipped remembers where records of an account could not be read, so that the incident about them ends when they can
// be. What an earlier process knew is found again by asking.
type skipped struct {
	mu   sync.Mutex
	list map[string]bool            // accounts whose list holds some
	rows map[string]map[string]bool // refs, by account, whose newest answer held some
}

func newSkipped() *skipped {
	return &skipped{list: map[string]bool{}, rows: map[string]map[string]bool{}}
}

// noteList notes what a page of a list had skipped; clean is the end of a whole walk that had nothing skipped.
func (q *Asker) noteList(ctx context.Context, a *apply.Account, records []model.Skipped, clean bool) error {
	if len(records) == 0 && !clean {
		return nil
	}
	q.skips.mu.Lock()
	q.skips.list[a.ID] = len(records) > 0
	q.skips.mu.Unlock()
	return q.tellSkipped(ctx, a, "its list", records)
}

// noteAnswers notes what answers had skipped.
func (q *Asker) noteAnswers(ctx context.Context, a *apply.Account, obs []model.Observation) error {
	q.skips.mu.Lock()
	rows := q.skips.rows[a.ID]
	if rows == nil {
		rows = map[string]bool{}
		q.skips.rows[a.ID] = rows
	}
	var records []model.Skipped
	in, mended := "", false
	for _, o := range obs {
		switch {
		case len(o.Skipped) > 0:
			rows[o.Ref], records, in = true, o.Skipped, o.Ref
		case rows[o.Ref]:
			delete(rows, o.Ref)
			mended = true
		}
	}
	q.skips.mu.Unlock()
	if len(records) == 0 && !mended {
		return nil
	}
	return q.tellSkipped(ctx, a, in, records)
}

// tellSkipped opens the incident about records that cannot be read, or closes it once none is left.
func (q *Asker) tellSkipped(ctx context.Context, a *apply.Account, in string, records []model.Skipped) error {
	q.skips.mu.Lock()
	bad := q.skips.list[a.ID] || len(q.skips.rows[a.ID]) > 0
	q.skips.mu.Unlock()
	var said []string
	for _, r := range records {
		said = append(said, fmt.Sprintf("%d of kind %s, such as %s", r.Count, r.Kind, r.Sample))
	}
	message := fmt.Sprintf("records in %s cannot be read and are left out: %s", in, strings.Join(said, "; "))
	return q.o.Table.Incidents().Set(ctx, a.ID, model.RecordsSkipped, message, bad)
}
