package verify

import (
	"container/heap"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"countersign/model"
)

// lot is a ref with the number that it drew.
type lot struct {
	number uint64
	ref    string
}

// lots is a heap of the lowest numbers so far, the highest of them on top.
type lots []lot

func (l lots) Len() int           { return len(l) }
func (l lots) Less(i, j int) bool { return l[i].number > l[j].number }
func (l lots) Swap(i, j int)      { l[i], l[j] = l[j], l[i] }

// Push is for container/heap.
func (l *lots) Push(x any) { *l = append(*l, x.(lot)) }

// Pop is for container/heap.
func (l *lots) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// choose draws n of the account's rows, each with the same probability: every ref gets a number from the run's seed,
// and the n lowest numbers are chosen. It reads only refs, a page at a time, and the same seed chooses the same rows
// again.
func (v *verifier) choose(ctx context.Context, n int) ([]string, error) {
	seed := v.pass.Params.Seed
	if seed == "" {
		seed = v.pass.Run.ID
	}
	var won lots
	for after := (model.Key{Account: v.account().ID}); ; {
		refs, err := v.o.Store.Refs(ctx, after, 5000)
		if err != nil {
			return nil, err
		}
		if len(refs) == 0 {
			break
		}
		for _, ref := range refs {
			sum := sha256.Sum256([]byte(seed + "\x00" + ref))
			l := lot{binary.BigEndian.Uint64(sum[:8]), ref}
			switch {
			case len(won) < n:
				heap.Push(&won, l)
			case l.number < won[0].number:
				won[0] = l
				heap.Fix(&won, 0)
			}
		}
		after.Ref = refs[len(refs)-1]
	}
	out := make([]string, len(won))
	for i, l := range won {
		out[i] = l.ref
	}
	slices.Sort(out)
	return out, nil
}
