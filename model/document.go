package model

import "time"

// Document is one file that belongs to a transaction.
type Document struct {
	ID        string `gorm:"primaryKey"` // ours
	Account   string
	Ref       string
	DocID     string // the provider's
	Kind      DocumentKind
	Name      string
	Version   int // 1, 2 … where a later file differed
	State     DocumentState
	Reason    string // why it is quarantined, failed or unobtainable, or what it waits for
	SHA256    string `gorm:"column:sha256"`
	Size      int64
	Path      string // in the document store, slash-separated
	Attempts  int
	NextTryAt *time.Time // nil: not due
	StoredAt  *time.Time
	CreatedAt time.Time  `gorm:"autoCreateTime:false"`
	Link      string     `gorm:"-"` // where the file lies, if only a callback said so; rests encrypted
	LinkAt    *time.Time // when the link came; nil without one
	Mark      string     // the provider's mark of the file's content; "" where it has none
	// LinkFile is the SHA-256 of the file that a link brought and that waits for the provider to confirm; "" if none.
	LinkFile string `gorm:"column:held"`
	// What is known of the signatures in the file; the zero value until they are checked.
	Facts SignatureFacts `gorm:"embedded"`
}

// Key is the key of the document's transaction.
func (d Document) Key() Key { return Key{Account: d.Account, Ref: d.Ref} }
