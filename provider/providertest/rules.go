package providertest

import (
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

// reply holds that an acknowledgement, where the service insists on one, has a type and a body.
func (b *bench) reply() {
	if r := b.offline(b.New).Traits.Reply; r != (provider.Reply{}) && (r.ContentType == "" || r.Body == "") {
		b.failf("Traits.Reply is %q %q", r.ContentType, r.Body)
	}
}
