package model

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Announced is a change with what hooks choose by.
type Announced struct {
	Change
	Provider   string
	ExternalID string
	Test       bool
	Marked     bool // an outbox row was written with it
}

// AnnouncementID names a change to receivers: the same however often it is sent. What the change says is part of it:
// after a restore of an older backup the same seq is given to another change.
func (c *Change) AnnouncementID() string {
	text := fmt.Sprintf("%q %q %q %q %q %q %q %q %d", c.Account, c.Ref, c.Kind, c.From, c.To, c.Source, c.Signer,
		c.Document, c.At.UnixMilli())
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("chg_%d_%s", c.Seq, hex.EncodeToString(sum[:8]))
}
