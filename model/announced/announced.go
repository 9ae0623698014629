// Package announced is a change as hooks are told of it.
package announced

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"countersign/model"
)

// Change is a change with what hooks choose by.
type Change struct {
	model.Change
	Provider   string
	ExternalID string
	Test       bool
	Marked     bool // an outbox row was written with it
}

// ID names a change to receivers: the same however often it is sent. What the change says is part of it: after a restore
// of an older backup the same seq is given to another change.
func ID(c *model.Change) string {
	text := fmt.Sprintf("%q %q %q %q %q %q %q %q %d", c.Account, c.Ref, c.Kind, c.From, c.To, c.Source, c.Signer,
		c.Document, c.At.UnixMilli())
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("chg_%d_%s", c.Seq, hex.EncodeToString(sum[:8]))
}
