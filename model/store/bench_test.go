package store

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"countersign/model"
	"countersign/model/store/database"
)

const (
	producers      = 256
	eventsOfARow   = 4
	eventsInARound = 20000
)

// event is one callback of the benchmark: a body of 2 KiB about a row that has four of them.
type event struct {
	k      model.Key
	dedupe string
	packed Packed
}

func makeEvents(b testing.TB, s *Store, round int) []event {
	b.Helper()
	random := rand.New(rand.NewPCG(1, uint64(round)))
	out := make([]event, eventsInARound)
	for i := range out {
		k := model.Key{Account: "acc", Ref: fmt.Sprintf("%016x", random.Uint64())}
		if i >= producers && i%eventsOfARow != 0 {
			k = out[i-producers+i%7].k
		}
		c := model.Callback{
			Account: k.Account, Ref: k.Ref, Type: "signer_signed", EventID: fmt.Sprint(round,
				i), DedupeKey: fmt.Sprintf("%d-%d", round, i),
			Verdict: model.Accepted, Outcome: model.Applied, At: noon, RemoteAddr: "192.0.2.7",
			Headers: map[string]string{"Content-Type": "application/json"},
			Body:    body(random, k.Ref), BodyHash: fmt.Sprintf("%064x", random.Uint64()),
		}
		packed, err := s.Pack(c)
		check(b, err)
		out[i] = event{k, c.DedupeKey, packed}
	}
	return out
}

// body is JSON of 2 KiB that compresses as real ones do.
func body(random *rand.Rand, ref string) []byte {
	out := []byte(`{"event":{"event_type":"signature_request_signed","id":"` + ref + `"},"signatures":[`)
	for len(out) < 2000 {
		out = fmt.Appendf(out,
			`{"signature_id":"%016x%016x","signer_email_address":"p%d@example.org","status_code":"awaiting_signature","signed_at":%d},`,
			random.Uint64(), random.Uint64(), random.IntN(1e6), random.IntN(1e9))
	}
	return append(out[:2046], ']', '}')
}

// BenchmarkIngest measures the group commit beside the same rows written by plain SQL, in turns, and
// reports what part of the bare speed it reaches.
func BenchmarkIngest(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db{"sqlite": openSQLiteTest, "postgres": openPostgresTest} {
		b.Run(name, func(b *testing.B) {
			ours, bare := open(b), open(b)
			ours.now = utcClock(time.Now) // times that differ, as they do: equal ones would sort by their random refs
			ours.running(b)
			plain := newBareWriter(b, bare)
			var our, their []spent
			n := 0
			for round := 0; b.Loop(); round++ {
				events := makeEvents(b, ours.Store, round)
				their = append(their, produce(b, events, plain.do))
				our = append(our, produce(b, events, ours.ingest))
				n += len(events)
			}
			report(b, our, their)
			same(b, "callbacks", ours.count(b, "callbacks"), int64(n))
			same(b, "callbacks of the bare one", bare.count(b, "callbacks"), int64(n))
			same(b, "rows", ours.count(b, "transactions"), bare.count(b, "transactions"))
		})
	}
}

// spent is what a round took.
type spent struct{ wall, cpu time.Duration }

// report tells medians, and the ratio of rounds that followed each other.
func report(b *testing.B, our, their []spent) {
	median := func(of func(i int) float64) float64 {
		var list []float64
		for i := range our {
			list = append(list, of(i))
		}
		slices.Sort(list)
		return list[len(list)/2]
	}
	each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / eventsInARound }
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(func(i int) float64 { return each(our[i].wall) }), "µs/event")
	b.ReportMetric(median(func(i int) float64 { return each(their[i].wall) }), "µs/event-bare")
	b.ReportMetric(median(func(i int) float64 { return each(our[i].cpu) }), "cpu-µs/event")
	b.ReportMetric(median(func(i int) float64 { return each(their[i].cpu) }), "cpu-µs/event-bare")
	b.ReportMetric(median(func(i int) float64 { return float64(their[i].wall) / float64(our[i].wall) }), "of-bare")
	b.ReportMetric(median(func(i int) float64 { return float64(their[i].cpu) / float64(our[i].cpu) }), "of-bare-cpu")
}

func cpu() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func produce(b testing.TB, events []event, do func(*event) error) spent {
	b.Helper()
	runtime.GC()
	var next atomic.Int64
	var wg sync.WaitGroup
	began, used := time.Now(), cpu()
	for range producers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(events) {
					return
				}
				if err := do(&events[i]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return spent{time.Since(began), cpu() - used}
}

// ingest is what the listener does with a callback.
func (d *db) ingest(e *event) error {
	dedupe := DedupeKey{e.k.Account, e.k.Ref, e.dedupe}
	return d.Do(context.Background(),
		Unit{Keys: []model.Key{e.k}, Dedupe: []DedupeKey{dedupe}, Apply: func(b *Batch) error {
			if _, _, seen := b.Seen(dedupe); seen {
				return fmt.Errorf("%v is a copy", dedupe)
			}
			id := b.AddCallback(e.packed)
			acc, err := b.Account(e.k.Account)
			if err != nil {
				return err
			}
			acc.LastCallbackAt = &e.packed.At
			b.PutAccount(acc)
			r, ok := b.Transaction(e.k)
			if !ok {
				r = model.Transaction{Account: e.k.Account, Ref: e.k.Ref, Provider: "simulated", FirstSeenAt: b.Now(),
					Origin: model.OriginClaim, SignersSet: true}
			}
			from := r.Status
			now := b.Now()
			r.Status, r.ChangedAt, r.NextCheckAt, r.DueReason, r.DueSince, r.ProviderTime = model.InProgress, now, &now,
				model.DueConfirm, &now, &now
			b.Put(r, model.Decision{Next: r, Grew: true})
			b.AddChange(model.Change{Account: e.k.Account, Ref: e.k.Ref, Kind: model.KindStatus, From: string(from),
				To: string(r.Status), Status: r.Status,
				Source: "callback " + id, At: now, Announce: true})
			return nil
		}})
}

// bareWriter writes the same rows with prepared statements and group commit, and nothing else: one
// statement a row on SQLite, many rows a statement on PostgreSQL.
type bareWriter struct {
	db     *db
	raw    *sql.DB // SQLite's
	queue  chan bareUnit
	n      int64
	now    time.Time
	shapes *shapes
	multis []*database.Multi
	rows   map[model.Key]int64 // what the group commit has to look up, it knows
}

type bareUnit struct {
	e    *event
	done chan error
}

func newBareWriter(b testing.TB, d *db) *bareWriter {
	sh := newShapes()
	one := newStatements(sh)
	w := &bareWriter{
		db: d, queue: make(chan bareUnit, 4096), rows: map[model.Key]int64{}, shapes: sh,
		multis: []*database.Multi{one.addCallbacks, sh.add.upsert, sh.move.upsert, one.addHistory, one.addOutbox},
	}
	if !d.Postgres() {
		w.raw = d.raw(b)
		w.raw.SetMaxOpenConns(1)
		_, err := w.raw.Exec(`PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 0`)
		check(b, err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run()
	}()
	b.Cleanup(func() { close(w.queue); <-done })
	return w
}

func (w *bareWriter) do(e *event) error {
	u := bareUnit{e, make(chan error, 1)}
	w.queue <- u
	return <-u.done
}

func (w *bareWriter) run() {
	var statements []*sql.Stmt
	for _, m := range w.multis {
		if w.raw == nil {
			break
		}
		st, err := w.raw.Prepare(m.Text(1))
		if err != nil {
			panic(err)
		}
		defer st.Close()
		statements = append(statements, st)
	}
	for u := range w.queue {
		group := []bareUnit{u}
		for len(group) < 512 {
			select {
			case u, ok := <-w.queue:
				if ok {
					group = append(group, u)
					continue
				}
			default:
			}
			break
		}
		err := w.write(statements, group)
		for _, u := range group {
			u.done <- err
		}
	}
}

func (w *bareWriter) write(statements []*sql.Stmt, group []bareUnit) error {
	w.now = time.Now()
	of := func(statement int) (rows [][]any) {
		for g, u := range group {
			if args := w.values(statement, w.n+int64(g)+1, u.e); args != nil {
				rows = append(rows, args)
			}
		}
		return rows
	}
	defer func() { w.n += int64(len(group)) }()
	if w.raw == nil { // a statement a row would measure the way to the server
		return w.db.Write(context.Background(), func(q *database.Tx) error {
			for i, m := range w.multis {
				rows := of(i)
				if err := m.Insert(q, len(rows), func(args []any, i int) []any { return append(args, rows[i]...) }); err != nil {
					return err
				}
			}
			return nil
		})
	}
	tx, err := w.raw.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i, st := range statements {
		st := tx.Stmt(st)
		for _, args := range of(i) {
			for i, v := range args {
				switch at := v.(type) {
				case time.Time:
					args[i] = at.UnixMilli()
				case *time.Time:
					if args[i] = nil; at != nil {
						args[i] = at.UnixMilli()
					}
				}
			}
			if _, err := st.Exec(args...); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

func (w *bareWriter) values(statement int, n int64, e *event) []any {
	c := &e.packed
	txn, known := w.rows[e.k]
	switch statement {
	case 0:
		if !known {
			txn = n
		}
		return []any{n, txn, c.Account, c.Ref, c.DedupeKey, c.Type, c.EventID, string(c.Verdict), string(c.Outcome), c.Note,
			c.At, c.RemoteAddr, HexAtRest(w.raw == nil, c.BodyHash), c.Sealed, c.rested, c.Unproved}
	case 1, 2:
		r := row{n: txn, Transaction: model.Transaction{Account: e.k.Account, Ref: e.k.Ref, Provider: "simulated",
			FirstSeenAt: w.now, Origin: model.OriginClaim, Status: model.InProgress}}
		r.ChangedAt, r.NextCheckAt, r.DueReason, r.DueSince, r.ProviderTime, r.Version, r.Seq = w.now, &w.now,
			model.DueConfirm, &w.now, &w.now, n, n
		if statement == 1 && !known {
			r.n, w.rows[e.k] = n, n
			return w.shapes.add.values(nil, &r)
		}
		if statement == 2 && txn != n {
			return w.shapes.move.values(nil, &r)
		}
		return nil
	case 3:
		return []any{n, txn, c.Account, c.Ref, "status", "", "in_progress", "in_progress", false,
			"callback " + callbackID(n), w.now, "", ""}
	}
	return []any{n, w.now}
}
