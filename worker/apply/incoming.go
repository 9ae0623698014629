package apply

import (
	"slices"

	"countersign/model"
	"countersign/provider"
)

// Incoming is one callback whose proof was checked, with its content. Its verdict is decided, its outcome is not.
type Incoming struct {
	Callback     model.Callback // verdict accepted, refused or not_understood; ID empty
	Rules        model.Rules    // the account's
	Observations []model.Observation
	Links        []provider.Link // documents that can only be fetched by a link in this callback
	Test         bool
	Ignored      string // why the callback is of no interest
}

// Unproved reports whether all that a callback says is a hint.
func (in Incoming) Unproved() bool {
	proved := func(o model.Observation) bool { return o.Evidence != model.Hint }
	return len(in.Observations) > 0 && !slices.ContainsFunc(in.Observations, proved)
}

// Result is what became of a callback.
type Result struct {
	ID      string
	Verdict model.Verdict
	Outcome model.Outcome
}
