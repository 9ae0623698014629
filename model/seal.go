package model

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Seal says how the seal of a file compares with those that the account's files carried before.
type Seal string

// The words of a seal. "" is a file without a signature that computes as intact, or one that was not compared.
const (
	SealNew     Seal = "new"     // too few files came before to compare with
	SealVaries  Seal = "varies"  // the account's files carry too many seals for one to be the usual one
	SealUsual   Seal = "usual"   // it sealed others before
	SealRenewed Seal = "renewed" // another key, certified by the same issuer for the same owner as one before
	SealOther   Seal = "other"   // always another has sealed the account's files, or the account does not trust this one
)

// Sealer is a seal that an account's signed files carry. It holds hashes alone, since a seal may be a person's.
type Sealer struct {
	Account   string
	Key       string // SHA-256 of the certificate's public key
	Name      string // SHA-256 of whose certificate it is and who issued it
	IssuerKey string // SHA-256 of the issuer's public key; "" where the files do not hold its certificate
	Documents int    // files that carry it
	Other     bool   // it stood where always another had stood, and nobody has accepted it
	Document  string // the id of the first one
	FirstAt   time.Time
}

// SealOf is the last signature of a file that computes as intact: whoever made it has sealed what stands there. A time
// stamp is none. False where there is none, or where its certificate is not in the file.
func (f SignatureFacts) SealOf() (EmbeddedSignature, bool) {
	for i := len(f.Signatures) - 1; i >= 0; i-- {
		if s := f.Signatures[i]; s.holds() {
			return s, s.Certificate().Key != ""
		}
	}
	return EmbeddedSignature{}, false
}

// Sealer is what an account remembers of a seal.
func (s EmbeddedSignature) Sealer(account string) Sealer {
	c := s.Certificate()
	name := sha256.Sum256([]byte(c.Subject + "\x00" + c.Issuer))
	out := Sealer{Account: account, Key: c.Key, Name: hex.EncodeToString(name[:])}
	if len(s.Chain) > 1 {
		out.IssuerKey = s.Chain[1].Key
	}
	return out
}
