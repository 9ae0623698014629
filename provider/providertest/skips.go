package providertest

import (
	"testing"

	"countersign/model"
)

// Skips holds an observation against the signers that it must show and how many records of each kind it must have
// skipped.
func Skips(t *testing.T, name string, o model.Observation, signers []string, skipped map[string]int) {
	t.Helper()
	var refs []string
	for _, s := range o.Signers {
		refs = append(refs, s.Ref)
	}
	got := map[string]int{}
	for _, s := range o.Skipped {
		got[s.Kind] += s.Count
		if s.Sample == "" {
			t.Errorf("%s: no sample of a %s", name, s.Kind)
		}
	}
	Same(t, name+": signers", refs, signers)
	Same(t, name+": skipped", got, skipped)
}
