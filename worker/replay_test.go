package worker

import (
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

func TestAReplayedCallbacksLinkIsFollowedWhileItMayLive(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for _, after := range []time.Duration{time.Hour, linkLives} {
			ref := after.String()
			cb := store.Callback{Account: "acc", Ref: ref, Type: "moved", Verdict: store.Refused, At: b.Now(), Body: []byte("{}")}
			res, err := b.Callback(t.Context(), Incoming{Callback: cb, Links: []provider.Link{linkTo(ref, link)}})
			check(t, err)
			same(t, "documents of a refused one", len(b.documents(t, ref)), 0)
			b.move(after)
			was, err := b.Store.Callback(t.Context(), res.ID)
			check(t, err)
			cb.Verdict = store.Accepted
			again := Incoming{Callback: cb, Rules: b.account.Rules, Observations: []model.Observation{claim(ref, model.Completed)}, Links: []provider.Link{linkTo(ref, link)}}
			for range 2 {
				_, _, err = b.Replay(t.Context(), was, again)
				check(t, err)
			}
			want := 1
			if after >= linkLives {
				want = 0
			}
			same(t, "documents after "+ref, len(b.documents(t, ref)), want)
		}
	})
}
