package providertest

import (
	"countersign/model"
	"countersign/provider/providertest/recorded"
)

// samples reads the recorded callbacks.
func (b *bench) samples() []recorded.Callback {
	list, err := recorded.Callbacks(b.Callbacks, b.ReceivedAt)
	if err != nil {
		b.failf("%w", err)
	}
	return list
}

// golden holds what something means against the file that says so, or writes the file.
func (b *bench) golden(path string, v any, err error) {
	if err := recorded.Compare(path, v, err, b.Update); err != nil {
		b.failf("%w", err)
	}
}

// zeroWork says whether an observation leaves alone what is the worker's to say.
func zeroWork(o model.Observation) bool {
	return o.At.IsZero() && o.AskedAt.IsZero() && o.Version == 0 && o.Asked == ""
}
