package callback

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"countersign/model/store"
	"countersign/provider"
)

// Judge verifies and parses a callback, one that has just come or one that was kept (Callback.Sealed set). What it
// returns is as it would be stored, but for its headers and outcome. An error says that nothing is proved and nothing
// can be stored: provider.ErrUnreadable, or what no provider should return.
func Judge(acc Account, c provider.Callback) (Incoming, error) {
	sum := sha256.Sum256(c.Body)
	in := Incoming{Provider: acc.Provider, Callback: store.Callback{
		Account: acc.ID, Verdict: store.Accepted, At: c.ReceivedAt, RemoteAddr: c.RemoteAddr, Body: c.Body, BodyHash: hex.EncodeToString(sum[:]),
	}}
	got, err := acc.Provider.Receive(c)
	switch {
	case errors.Is(err, provider.ErrUnverified):
		in.refuse(acc, c, err)
	case errors.Is(err, provider.ErrNotUnderstood):
		in.keep(got)
		in.puzzle(acc, c, err.Error())
	case err != nil:
		return in, err
	case !storable(got):
		in.keep(got)
		in.puzzle(acc, c, "an id holds bytes that no text may hold")
		in.Callback.DedupeKey = ""
	default:
		in.keep(got)
		in.Observations, in.Links, in.Test, in.Ignored = cleaned(got.Observations), got.Links, got.Test, got.Ignored
	}
	return in, nil
}

// keep notes what a verified callback says of itself.
func (in *Incoming) keep(got provider.Received) {
	cb := &in.Callback
	cb.Ref, cb.Type, cb.EventID, cb.DedupeKey = clean(got.Ref), clean(got.Type), clean(got.EventID), clean(got.DedupeKey)
	if got.Clean != nil {
		cb.Body, in.cut = got.Clean, true
	}
}

// puzzle makes it one that is proved and not understood. What it named is worth knowing. A body that nobody has cut,
// since nobody could read it, may hold links to files and what else must not lie open: it is sealed, and kept whole,
// since its proof covers all of it.
func (in *Incoming) puzzle(acc Account, c provider.Callback, why string) {
	cb := &in.Callback
	cb.Verdict, cb.Note = store.NotUnderstood, clean(why)
	cb.Sealed = len(c.Body) > 0 && !in.cut
	if cb.Ref == "" {
		ref, typ := acc.Provider.Peek(c)
		cb.Ref = clean(ref)
		if cb.Type == "" {
			cb.Type = clean(typ)
		}
	}
}

// refuse makes it one that proves nothing: kept whole and sealed, with ref and type for the ledger.
func (in *Incoming) refuse(acc Account, c provider.Callback, err error) {
	in.Provider = provider.Service{}
	cb := &in.Callback
	cb.Verdict, cb.Sealed, cb.Note = store.Refused, true, clean(err.Error())
	ref, typ := acc.Provider.Peek(c)
	cb.Ref, cb.Type = clean(ref), clean(typ)
}
