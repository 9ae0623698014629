package callback

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"countersign/model"
	"countersign/provider"
)

// Judge verifies and parses a callback, one that has just come or a stored one (Callback.Sealed set). It returns the
// callback as it would be stored, without headers and outcome. After an error nothing is proved and nothing can be
// stored: provider.ErrUnreadable, or an error that no provider should return.
func Judge(acc *Account, c provider.Callback) (Incoming, error) {
	sum := sha256.Sum256(c.Body)
	in := judged{Incoming: Incoming{Rules: acc.Rules, Callback: model.Callback{
		Account: acc.ID, Verdict: model.Accepted, At: c.ReceivedAt, RemoteAddr: c.RemoteAddr,
		Body: c.Body, BodyHash: hex.EncodeToString(sum[:]),
	}}}
	got, err := acc.Provider.Receive(c)
	switch {
	case errors.Is(err, provider.ErrUnverified):
		in.refuse(acc, c, err)
	case errors.Is(err, provider.ErrNotUnderstood):
		in.describe(got)
		in.notUnderstood(acc, c, err.Error())
	case err != nil:
		return in.Incoming, err
	case !fits(got):
		in.describe(got)
		in.notUnderstood(acc, c, "an id holds bytes that no text may hold")
		in.Callback.DedupeKey = ""
	default:
		in.describe(got)
		for i := range got.Observations {
			provider.LegibleObservation(&got.Observations[i])
		}
		in.Observations, in.Links, in.Test, in.Ignored = got.Observations, got.Links, got.Test, got.Ignored
	}
	return in.Incoming, nil
}

// judged is a callback that is being judged.
type judged struct {
	Incoming
	cut bool // the provider has cut what must not be stored out of the body
}

// describe notes what a verified callback says of itself.
func (in *judged) describe(got provider.Received) {
	cb := &in.Callback
	cb.Ref, cb.Type, cb.EventID, cb.DedupeKey = clip(got.Ref), clip(got.Type), clip(got.EventID), clip(got.DedupeKey)
	if got.Clean != nil {
		cb.Body, in.cut = got.Clean, true
	}
}

// notUnderstood gives a proved callback that verdict, and notes what it named. Where the provider could not read the
// body, nothing was cut out of it and it may hold links to files: it is stored encrypted, and whole, for its proof
// covers all of it.
func (in *judged) notUnderstood(acc *Account, c provider.Callback, why string) {
	cb := &in.Callback
	cb.Verdict, cb.Note = model.NotUnderstood, clip(why)
	cb.Sealed = len(c.Body) > 0 && !in.cut
	if cb.Ref == "" {
		ref, typ := acc.Provider.Peek(c)
		cb.Ref = clip(ref)
		if cb.Type == "" {
			cb.Type = clip(typ)
		}
	}
}

// refuse gives a callback that proves nothing its verdict: it is stored whole and encrypted, with ref and type for the
// ledger.
func (in *judged) refuse(acc *Account, c provider.Callback, err error) {
	cb := &in.Callback
	cb.Verdict, cb.Sealed, cb.Note = model.Refused, true, clip(err.Error())
	ref, typ := acc.Provider.Peek(c)
	cb.Ref, cb.Type = clip(ref), clip(typ)
}
