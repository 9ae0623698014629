package store

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store/sqlitefile"
)

var growTo = flag.String("growth", "", "numbers of callbacks at which an event is measured: 100000,1000000")

const (
	grownTogether = 1024 // transactions that are told of side by side
	grownSteps    = 4    // callbacks of each
)

// grown is the n-th callback of a table that grows: transactions are told of side by side, four callbacks each.
func (d *db) grown(t testing.TB, n int64, at time.Time) event {
	txn, step := n/(grownSteps*grownTogether)*grownTogether+n%grownTogether, n/grownTogether%grownSteps
	return d.told(t, txn, int(step), n, at)
}

var (
	grownWords = strings.Fields(`the of a lease contract agreement party tenant landlord signature date term clause payment
month year amount notice address property rent deposit account bank service provider client supplier order delivery
invoice price tax total quantity annex schedule please review sign document before return copy original witness notary
office company limited registered number street city country postal code phone mail contact person manager director
board approval purchase sale transfer title deed insurance policy premium cover claim loss damage liability warranty`)
	grownTypes = [...]string{"transaction_created", "transaction_started", "recipient_submitted", "transaction_completed"}
)

// told is a callback about a transaction: 2 KiB that compress as a service's do.
func (d *db) told(t testing.TB, txn int64, step int, n int64, at time.Time) event {
	t.Helper()
	random := rand.New(rand.NewPCG(uint64(txn), 7))
	k := model.Key{Account: "sales", Ref: fmt.Sprintf("ck%016x%07x", random.Uint64(), random.Uint64()&0xfffffff)}
	text := rand.New(rand.NewPCG(uint64(n), 8))
	id := fmt.Sprintf("cm%016x%06x", text.Uint64(), text.Uint64()&0xffffff)
	body := fmt.Appendf(make([]byte, 0, 2048), `{"created":%q,"id":%q,"type":%q,"data":{"id":%q,"status":"started",`+
		`"recipient":{"id":"cl%022x","email":"p%d@clients.example","name":"P %d","role":"signer","submitted_at":%q},"note":"`,
		at.Format(time.RFC3339Nano), id, grownTypes[step], k.Ref, random.Uint64(), txn, txn, at.Format(time.RFC3339Nano))
	for len(body) < 2040 {
		body = append(append(body, grownWords[text.IntN(len(grownWords))]...), ' ')
	}
	c := model.Callback{
		Account: k.Account, Ref: k.Ref, Type: grownTypes[step], EventID: id, DedupeKey: id, Verdict: model.Accepted,
		Outcome: model.Applied, At: at, RemoteAddr: "192.0.2.7",
		Headers: map[string]string{"Content-Type": "application/json", "User-Agent": "axios/1.6.7",
			"Autosign-Signature": fmt.Sprintf("%016x%016x%016x%016x", text.Uint64(), text.Uint64(), text.Uint64(), text.Uint64())},
		Body: append(body, `"}}`...), BodyHash: fmt.Sprintf("%016x%016x%016x%016x", text.Uint64(), text.Uint64(), text.Uint64(), text.Uint64()),
	}
	p, err := d.Pack(c)
	check(t, err)
	return event{k, id, p}
}

// takes writes events as the listener does, many callers at once.
func (d *db) takes(e *event) error {
	dedupe := DedupeKey{e.k.Account, e.k.Ref, e.dedupe}
	return d.Do(context.Background(), Unit{Keys: []model.Key{e.k}, Dedupe: []DedupeKey{dedupe},
		Apply: func(b *Batch) error { return e.apply(b) }})
}

func (e *event) apply(b *Batch) error {
	at := e.packed.At
	if _, _, seen := b.Seen(DedupeKey{e.k.Account, e.k.Ref, e.dedupe}); seen {
		return fmt.Errorf("%s is a copy", e.dedupe)
	}
	id := b.AddCallback(e.packed)
	acc, err := b.Account(e.k.Account)
	if err != nil {
		return err
	}
	acc.Provider, acc.LastCallbackAt = "autosign", &at
	b.PutAccount(acc)
	r, ok := b.Transaction(e.k)
	if !ok {
		r = model.Transaction{Account: e.k.Account, Ref: e.k.Ref, Provider: "autosign", FirstSeenAt: at, CreatedAt: &at,
			Status: model.Unknown, Origin: model.OriginClaim, SignersSet: true, Name: "Lease of " + e.k.Ref[:5]}
	}
	from, is := r.Status, map[string]model.Status{grownTypes[0]: model.Draft}[e.packed.Type]
	if is == "" {
		is = model.InProgress
	}
	r.Status, r.ProviderStatus, r.ChangedAt, r.ProviderTime = is, "started", at, &at
	r.SignersSet = true
	r.Signers = []model.Signer{{Ref: "cl" + e.k.Ref[2:], Name: "P", Email: e.k.Ref[2:9] + "@clients.example", Status: model.SignerWaiting}}
	if e.packed.Type == grownTypes[3] {
		r.ReportedStatus, r.NextCheckAt, r.DueReason, r.DueSince = model.Completed, &at, model.DueConfirm, &at
		r.Signers[0].Status, r.SignersDone = "signed", 1
	}
	r.SignersAll = 1
	b.Put(r, model.Decision{Next: r, Grew: true})
	if from != is {
		b.AddChange(model.Change{Account: e.k.Account, Ref: e.k.Ref, Kind: model.KindStatus, From: string(from),
			To: string(is), Status: is, Source: "callback " + id, At: at, Announce: true})
	}
	return nil
}

// fill brings the table to n callbacks, many in a commit.
func (d *db) fill(t testing.TB, from, to int64, at func(int64) time.Time) {
	t.Helper()
	const together = 2000
	for ; from < to; from += together {
		n := min(together, to-from)
		list := make([]event, n)
		ch := make(chan int64, n)
		for i := range n {
			ch <- i
		}
		close(ch)
		done := make(chan struct{})
		for range 2 {
			go func() {
				for i := range ch {
					list[i] = d.grown(t, from+i, at(from+i))
				}
				done <- struct{}{}
			}()
		}
		<-done
		<-done
		u := Unit{Apply: func(b *Batch) error {
			for i := range list {
				if err := list[i].apply(b); err != nil {
					return err
				}
			}
			return nil
		}}
		for i := range list {
			u.Keys = append(u.Keys, list[i].k)
			u.Dedupe = append(u.Dedupe, DedupeKey{list[i].k.Account, list[i].k.Ref, list[i].dedupe})
		}
		check(t, d.Do(t.Context(), u))
	}
}

// TestGrowth measures what an event costs at some numbers of rows: go test -run TestGrowth -growth 100000,1000000.
func TestGrowth(t *testing.T) {
	if *growTo == "" {
		t.Skip("-growth names no number of callbacks")
	}
	d := openSQLiteTest(t)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int64) time.Time { return base.Add(time.Duration(n) * 97 * time.Millisecond) }
	d.running(t)
	var have, extra int64
	for _, text := range strings.Split(*growTo, ",") {
		to, err := strconv.ParseInt(text, 10, 64)
		check(t, err)
		began := time.Now()
		d.fill(t, have, to, at)
		fmt.Printf("filled to %d: %.0f/s\n", to, float64(to-have)/time.Since(began).Seconds())
		have = to
		for _, uniform := range []bool{false, true} {
			const events = 20000
			list := make([]event, events)
			random := rand.New(rand.NewPCG(9, 9))
			for i := range list {
				extra++
				txn := have/grownSteps - 1 - random.Int64N(5000)
				if uniform {
					txn = random.Int64N(have / grownSteps)
				}
				list[i] = d.told(t, txn, 2, 1e12+extra, at(have).Add(time.Duration(extra)*time.Millisecond))
			}
			runtime.GC()
			was := d.bytes(t)
			s := produce(t, list, d.takes)
			fmt.Printf("%9d uniform=%-5v %6.1f µs wall %6.1f µs cpu an event, %5.0f B\n", have, uniform,
				float64(s.wall.Nanoseconds())/1e3/events, float64(s.cpu.Nanoseconds())/1e3/events, float64(d.bytes(t)-was)/events)
		}
		fmt.Printf("%9d in all %.0f B a callback\n", have, float64(d.bytes(t))/float64(have+extra))
	}
	if keep := os.Getenv("COUNTERSIGN_KEEP"); keep != "" {
		_, err := d.raw(t).Exec("VACUUM INTO ?", keep+".vacuumed")
		check(t, err)
		_, err = d.raw(t).Exec("PRAGMA wal_checkpoint(TRUNCATE)")
		check(t, err)
		check(t, os.Rename(d.Path(), keep))
	}
}

// bytes are the pages of the database that are in use.
func (d *db) bytes(t testing.TB) (n int64) {
	t.Helper()
	check(t, d.raw(t).QueryRow(`SELECT (SELECT page_count FROM pragma_page_count) * 4096`).Scan(&n))
	return n
}

// TestHeldUp measures how long answers take beside retention and a backup: go test -run TestHeldUp -growth 300000.
func TestHeldUp(t *testing.T) {
	if *growTo == "" {
		t.Skip("-growth names no number of callbacks")
	}
	d := openSQLiteTest(t)
	n, err := strconv.ParseInt(*growTo, 10, 64)
	check(t, err)
	d.running(t)
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	d.fill(t, 0, n, func(n int64) time.Time { return base.Add(time.Duration(n) * time.Millisecond) })
	half := base.Add(time.Duration(n/2) * time.Millisecond)
	var extra int64
	for _, beside := range []struct {
		name string
		run  func() error
	}{
		{"nothing", func() error { time.Sleep(3 * time.Second); return nil }},
		{"retention", func() error {
			took, err := d.Prune(t.Context(), PruneBefore{Bodies: &half, Outbox: &half, History: &half})
			fmt.Println("took", took)
			return err
		}},
		{"a backup", func() error { return sqlitefile.Copy(t.Context(), d.Path(), d.Path()+".copy", false) }},
		{"nothing again", func() error { time.Sleep(3 * time.Second); return nil }},
	} {
		took := make(chan time.Duration, 1<<20)
		stop := make(chan struct{})
		ended := make(chan struct{})
		const callers = 8
		for c := range callers {
			go func() {
				random := rand.New(rand.NewPCG(uint64(c), 1))
				for {
					select {
					case <-stop:
						ended <- struct{}{}
						return
					default:
					}
					e := d.told(t, random.Int64N(n/grownSteps), 2, 1e12+atomic.AddInt64(&extra, 1), base.Add(time.Hour))
					began := time.Now()
					if err := d.takes(&e); err != nil {
						t.Error(err)
					}
					took <- time.Since(began)
				}
			}()
		}
		began := time.Now()
		check(t, beside.run())
		spent := time.Since(began)
		close(stop)
		for range callers {
			<-ended
		}
		close(took)
		var all []time.Duration
		for x := range took {
			all = append(all, x)
		}
		slices.Sort(all)
		fmt.Printf("beside %-14s %6.1f s, %5d answers, p50 %v, p99 %v, longest %v\n", beside.name, spent.Seconds(), len(all),
			all[len(all)/2], all[len(all)*99/100], all[len(all)-1])
	}
}
