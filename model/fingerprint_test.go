package model

import (
	"fmt"
	"hash/fnv"
	"io"
	"testing"
	"time"
)

// formatted is the fingerprint as fmt would write it.
func formatted(o Observation) string {
	h := fnv.New128a()
	for _, s := range []string{string(o.Status), o.ProviderStatus, o.ExternalID, o.Name, o.Reason, o.Metadata, o.Mark} {
		io.WriteString(h, s) //nolint:errcheck // a hash never fails
		h.Write([]byte{0})
	}
	h.Write([]byte{byte(o.Archived), byte(o.Trashed), byte(o.Test), byte(o.Absence), byte(o.Deleted)})
	for _, t := range []*time.Time{o.SentAt, o.CreatedAt, o.ExpiresAt} {
		formatTime(h, t)
	}
	for _, s := range o.Signers {
		fmt.Fprintf(h, "\x01%s\x00%s\x00%s\x00%s\x00%d\x00%s\x00%s\x00", s.Ref, s.Name, s.Email, s.Role, s.Order, s.Status,
			s.Reason)
		formatTime(h, s.ViewedAt)
		formatTime(h, s.SignedAt)
	}
	for _, a := range o.Attention {
		fmt.Fprintf(h, "\x02%s\x00%s\x00%s\x00", a.Kind, a.Signer, a.Message)
	}
	for _, d := range o.Documents {
		fmt.Fprintf(h, "\x03%s\x00%s\x00%s\x00%s\x00", d.ID, d.Kind, d.Name, d.Mark)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func formatTime(w io.Writer, t *time.Time) {
	if t != nil {
		fmt.Fprintf(w, "%d", t.UnixNano())
	}
	w.Write([]byte{0}) //nolint:errcheck // a hash never fails
}

func TestAFingerprintIsWhatItWas(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	whole := Observation{
		Status: Completed, ProviderStatus: "COMPLETED", ExternalID: "x", Name: "Ein Vertrag", Reason: "r", Metadata: "{}", Mark: "m",
		Archived: Yes, Test: Yes, SentAt: &noon, ExpiresAt: &noon,
		Signers: []Signer{{Ref: "1", Name: "Ann", Email: "a@example.org", Role: "signer", Order: -2, Status: SignerSigned,
			SignedAt: &noon, Reason: "why"}, {}},
		Attention: []Attention{{Kind: FileError, Signer: "1", Message: "m"}, {}},
		Documents: []DocumentRef{{ID: "d", Kind: SignedDocument, Name: "n", Mark: "k"}, {}},
	}
	for name, o := range map[string]Observation{"nothing": {}, "all": whole} {
		if got, want := o.fingerprint(), formatted(o); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// BenchmarkFingerprint is what comparing an answer that changes nothing costs before anything is read.
func BenchmarkFingerprint(b *testing.B) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	o := Observation{Status: InProgress, ProviderStatus: "SENT", Name: "A contract", CreatedAt: &noon,
		Signers: []Signer{{Ref: "one", Name: "One", Email: "one@clients.example", Status: SignerWaiting}}}
	b.ReportAllocs()
	for b.Loop() {
		o.fingerprint()
	}
}
