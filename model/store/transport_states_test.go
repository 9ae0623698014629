package store

import (
	"strconv"
	"sync"
	"testing"
	"time"
)

// The states of an account's calls are replaced one by one, and ride with the groups of others.
func TestTransportStatesAreReplacedOneByOne(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.running(t)
		for _, s := range [][3]string{
			{"sales", "read", `{"at":1}`}, {"sales", "breaker", `{"rests":1}`}, {"hr", "read", `{"at":2}`}, {"sales", "read",
				`{"at":3}`},
		} {
			check(t, d.SetTransportState(t.Context(), s[0], s[1], []byte(s[2])))
		}
		got, err := d.TransportStates(t.Context(), "sales")
		check(t, err)
		same(t, "states", got, map[string][]byte{"read": []byte(`{"at":3}`), "breaker": []byte(`{"rests":1}`)})
		none, err := d.TransportStates(t.Context(), "nobody")
		check(t, err)
		same(t, "of nobody", len(none), 0)
	})
}

// Two stores that exchange a state at a time lose nothing of each other, and see one clock that does not go back.
func TestAStateIsExchangedByOneAtATime(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		stores := []*Store{d.Store, d.again(t)}
		if !d.Postgres() {
			stores = []*Store{d.Store, d.Store}
		}
		const each = 25
		var last time.Time
		var wg sync.WaitGroup
		for _, s := range stores {
			for range 2 {
				wg.Go(func() {
					for range each {
						err := s.ExchangeTransportState(t.Context(), "sales", "read", func(state []byte, now time.Time) []byte {
							n, _ := strconv.Atoi(string(state))
							if now.Before(last) {
								t.Errorf("%s is before %s", now, last)
							}
							last = now // the row guards it
							return []byte(strconv.Itoa(n + 1))
						})
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		wg.Wait()
		check(t, d.ExchangeTransportState(t.Context(), "sales", "read", func([]byte, time.Time) []byte { return nil }))
		got, now, err := d.TransportStatesNamed(t.Context(), "read")
		check(t, err)
		same(t, "exchanges", string(got["sales"]), strconv.Itoa(4*each))
		if now.Before(last) {
			t.Errorf("%s is before %s", now, last)
		}
	})
}
