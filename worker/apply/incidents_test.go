package apply_test

import (
	"testing"

	"countersign/model"
	"countersign/worker/workertest"
)

// Three proved callbacks in a row that are not understood are an incident, whatever the reason. A test ends it as
// little as it ends silence; the next one that is understood does, and so does a replay.
func TestCallbacksThatAreNotUnderstood(t *testing.T) {
	workertest.Both(t, func(t *testing.T, b *workertest.Bench) {
		open := []string{model.CallbacksNotUnderstood}
		stored(t, b, model.NotUnderstood, "one")
		stored(t, b, model.NotUnderstood, "two")
		b.Accepted(t, false)
		stored(t, b, model.NotUnderstood, "three")
		stored(t, b, model.NotUnderstood, "four")
		workertest.Same(t, "two in a row", b.Open(t), nil)
		was := stored(t, b, model.NotUnderstood, "five")
		workertest.Same(t, "three in a row", b.Open(t), open)
		stored(t, b, model.NotUnderstood, "six")
		b.Accepted(t, true)
		workertest.Same(t, "after a test", b.Open(t), open)
		stored(t, b, model.Refused, "seven")
		workertest.Same(t, "after a refused one", b.Open(t), open)
		replay(t, b, was, model.Accepted, saying(model.InProgress))
		workertest.Same(t, "after a replay", b.Open(t), nil)

		for _, name := range []string{"a", "b", "c"} {
			stored(t, b, model.NotUnderstood, name)
		}
		workertest.Same(t, "again", b.Open(t), open)
		b.Accepted(t, false)
		workertest.Same(t, "after the next", b.Open(t), nil)
	})
}
