package providertest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"reflect"

	"countersign/provider"
	"countersign/provider/providertest/rules"
)

// rules holds that the tables are sound and stay as they are.
func (b *bench) rules() {
	p := b.offline(b.New)
	r := p.Rules()
	if !reflect.DeepEqual(r, p.Rules()) {
		b.failf("Rules are not the same each time")
	}
	for _, err := range rules.Faults(r) {
		b.failf("%w", err)
	}
}

// recordedRules compares the rules with their file, or writes it. The tests of model read these files, so that they
// know the rules of every provider without naming one.
func (b *bench) recordedRules() {
	path := cmp.Or(b.Rules, "testdata/rules.json")
	now, err := json.MarshalIndent(b.offline(b.New).Rules(), "", "  ")
	if err != nil {
		b.failf("the rules are no JSON: %w", err)
		return
	}
	now = append(now, '\n')
	if b.Update {
		if err := os.WriteFile(path, now, 0o644); err != nil {
			b.failf("%w", err)
		}
		return
	}
	if recorded, err := os.ReadFile(path); err != nil || !bytes.Equal(recorded, now) {
		b.failf("%s differs from Rules: run the test with -update and read what changed", path)
	}
}

// reply holds that an acknowledgement, where the service insists on one, has a type and a body.
func (b *bench) reply() {
	if r := b.offline(b.New).Traits.Reply; r != (provider.Reply{}) && (r.ContentType == "" || r.Body == "") {
		b.failf("Traits.Reply is %q %q", r.ContentType, r.Body)
	}
}
