package store

import "testing"

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
