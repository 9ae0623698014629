package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"time"

	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/model"
	"countersign/model/store"
)

// seedKey is the installation key of seeded databases.
var seedKey = bytes.Repeat([]byte{1}, keyfile.Size)

// seed makes a database and a document store in dir that hold something of everything, as it would
// be at a moment.
func seed(ctx context.Context, dir string, at time.Time, incident bool) (err error) {
	file := filepath.Join(dir, "countersign.db")
	s, err := store.Open(ctx, store.Options{DSN: "sqlite:" + file, Key: seedKey, Now: func() time.Time { return at }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if _, _, err := s.Migrate(ctx); err != nil {
		return err
	}
	pdf := []byte("%PDF-1.7 made up %%EOF")
	path := "sales/2026/03/p-1/doc1.pdf"
	if err := os.MkdirAll(filepath.Join(dir, "documents", filepath.Dir(path)), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "documents", path), pdf, 0o600); err != nil {
		return err
	}
	sum := sha256.Sum256(pdf)
	w := world{at: at, path: path, sum: hex.EncodeToString(sum[:]), size: int64(len(pdf))}
	for _, part := range []func(*store.Batch){w.accounts, w.rows, w.details, w.callbacks, w.progress} {
		if err := s.Do(ctx, store.Unit{Apply: func(b *store.Batch) error { part(b); return nil }}); err != nil {
			return err
		}
	}
	if !incident {
		return nil
	}
	return s.Do(ctx, store.Unit{Apply: func(b *store.Batch) error {
		_, err := b.OpenIncident("sales", model.CallbacksSilent,
			"a poll found a change that no callback told, and none came since")
		return err
	}})
}

type world struct {
	at        time.Time
	path, sum string
	size      int64
}

func (w world) ago(d time.Duration) *time.Time {
	t := w.at.Add(-d).UTC()
	return &t
}

func (w world) accounts(b *store.Batch) {
	b.PutAccount(model.Account{
		ID: "sales", Provider: "onespan", FirstStartAt: *w.ago(40 * values.Day), LastCallbackAt: w.ago(4 * time.Minute),
		LastPollAt: w.ago(3 * time.Hour),
	})
	b.PutAccount(model.Account{ID: "hr", Provider: "dropboxsign", FirstStartAt: *w.ago(40 * values.Day)})
	b.PutAccount(model.Account{ID: "old", Provider: "onespan", FirstStartAt: *w.ago(400 * values.Day),
		LastPollAt: w.ago(100 * values.Day)})
	for range 9 {
		b.AddReported("sales", model.ChangeStatus, w.at.Add(-2*values.Day))
		b.AddFirst("sales", model.ChangeStatus, model.ByCallback, w.at.Add(-2*values.Day))
	}
	for range 2 {
		b.AddFirst("sales", model.ChangeSigner, model.ByStream, w.at.Add(-2*values.Day))
	}
	b.AddFirst("sales", model.ChangeStatus, model.ByActive, w.at.Add(-4*values.Day))
}

func (w world) rows(b *store.Batch) {
	for _, t := range []model.Transaction{
		{
			Account: "sales", Ref: "p-1", Provider: "onespan", ExternalID: "X-1", Name: "Contract for Ana",
			Status: model.Completed, ProviderStatus: "COMPLETED",
			Confirmed: true, Archived: true, ConfirmedAt: w.ago(3 * time.Minute), ChangedAt: *w.ago(4 * time.Minute),
			FirstSeenAt: *w.ago(5 * values.Day),
			CreatedAt:   w.ago(5 * values.Day), SentAt: w.ago(4 * values.Day), Origin: model.OriginClaim,
			Metadata: `{"contract_id":"X-1"}`, SignersSet: true,
			SignersDone: 2, SignersAll: 2,
			Signers: []model.Signer{
				{Ref: "s1", Name: "Ana Pop", Email: "ana@example.com", Role: "signer", Order: 1, Status: model.SignerSigned,
					SignedAt: w.ago(time.Hour)},
				{Ref: "s2", Name: "Ion Rus", Email: "ion@example.com", Order: 2, Status: model.SignerSigned,
					SignedAt: w.ago(4 * time.Minute)},
			},
		},
		{
			Account: "sales", Ref: "p-2", Provider: "onespan", Name: "Lease", Status: model.InProgress, ProviderStatus: "SENT",
			ReportedStatus: model.Completed,
			ConfirmedAt:    w.ago(2 * values.Day), ChangedAt: *w.ago(2 * values.Day), FirstSeenAt: *w.ago(3 * values.Day),
			Origin:      model.OriginPoll,
			NextCheckAt: w.ago(10 * time.Minute), DueReason: model.DueConfirm, ExpiresAt: w.ago(-5 * values.Day),
		},
		{
			Account: "sales", Ref: "p-3", Provider: "onespan", Name: "Trial\x1b[31m", Status: model.Draft, Confirmed: true,
			ConfirmedAt: w.ago(20 * values.Day),
			ChangedAt:   *w.ago(20 * values.Day), FirstSeenAt: *w.ago(20 * values.Day), Test: true, Origin: model.OriginBackfill,
		},
		{
			Account: "hr", Ref: "same", Provider: "dropboxsign", Name: "Offer", Status: model.InProgress, Confirmed: true,
			ConfirmedAt: w.ago(time.Hour),
			ChangedAt:   *w.ago(values.Day), FirstSeenAt: *w.ago(values.Day), Origin: model.OriginTrack,
			Attention: []model.Attention{{Kind: model.EmailBounced, Signer: "a", Message: "no such mailbox",
				Since: *w.ago(2 * time.Hour)}},
		},
		{
			Account: "sales", Ref: "same", Provider: "onespan", Status: model.Declined, Confirmed: true,
			ConfirmedAt: w.ago(50 * values.Day), Reason: "too dear",
			ChangedAt: *w.ago(50 * values.Day), FirstSeenAt: *w.ago(60 * values.Day), Origin: model.OriginPoll,
		},
		{Account: "sales", Ref: "hidden", Provider: "onespan", Status: model.Unknown, Hidden: true, FirstSeenAt: w.at,
			ChangedAt: w.at, Origin: model.OriginHint},
	} {
		b.Put(t, model.Decision{Next: t, Grew: true})
	}
}

func (w world) details(b *store.Batch) {
	for _, c := range []model.Change{
		{Account: "sales", Ref: "p-1", Kind: model.KindStatus, From: "unknown", To: "in_progress", Status: model.InProgress,
			Confirmed: true, Source: "poll r1", At: *w.ago(4 * values.Day)},
		{Account: "sales", Ref: "p-1", Kind: model.KindStatus, From: "in_progress", To: "completed",
			Status: model.Completed, Source: "callback c000000000001", At: *w.ago(4 * time.Minute)},
		{Account: "sales", Ref: "p-1", Kind: model.KindConfirmed, From: "completed", To: "completed",
			Status: model.Completed, Confirmed: true, Source: "confirm", At: *w.ago(3 * time.Minute)},
		{Account: "sales", Ref: "p-1", Kind: model.KindFlag, To: "archived", Status: model.Completed, Confirmed: true,
			Source: "confirm", At: *w.ago(3 * time.Minute)},
		{Account: "hr", Ref: "same", Kind: model.KindAttention, To: "email_bounced", Status: model.InProgress,
			Confirmed: true, Source: "callback c000000000004", At: *w.ago(2 * time.Hour)},
	} {
		b.AddChange(c)
	}
	for _, d := range []model.Document{
		{Account: "sales", Ref: "p-1", DocID: "doc1", Kind: model.SignedDocument, Name: "Contract/../Ana.pdf", Version: 1,
			State: model.DocumentStored, SHA256: w.sum, Size: w.size, Path: w.path, StoredAt: w.ago(2 * time.Minute),
			CreatedAt: *w.ago(3 * time.Minute), Facts: model.SignatureFacts{Signature: "intact", Integrity: "intact",
				Coverage: "whole", Trust: "unknown", File: model.FileFacts{Judge: model.Judge}}},
		{Account: "sales", Ref: "p-1", DocID: "evidence", Kind: model.EvidenceDocument, Name: "Evidence Summary",
			Version: 1, State: model.DocumentQuarantined, Reason: "not a whole PDF: ask for it again with `documents retry`",
			CreatedAt: *w.ago(3 * time.Minute)},
	} {
		b.PutDocument(d)
	}
	late := 3 * time.Minute
	for _, g := range []model.Gap{
		{Account: "sales", Ref: "p-1", Kind: model.GapMissed, Change: model.ChangeStatus, From: "draft", To: "in_progress",
			After: w.ago(5 * values.Day), Before: *w.ago(4 * values.Day), FoundBy: "r1", FoundAt: *w.ago(4 * values.Day),
			SettleAt: *w.ago(4 * values.Day)},
		{Account: "hr", Ref: "same", Kind: model.GapLate, Change: model.ChangeSigner, From: "waiting", To: "viewed",
			Before: *w.ago(values.Day), FoundBy: "r2", FoundAt: *w.ago(values.Day), SettleAt: *w.ago(values.Day),
			Latency: &late},
	} {
		b.AddGap(g)
	}
}

func (w world) progress(b *store.Batch) {
	b.AddProgress(model.Key{Account: "hr", Ref: "same"},
		[]model.Step{{Name: "otp", At: *w.ago(5 * time.Minute)}, {Name: "signature", At: *w.ago(4 * time.Minute)}})
}

func (w world) callbacks(b *store.Batch) {
	long := append([]byte(`{"name":"PACKAGE_COMPLETE","packageId":"p-2","padding":"`), bytes.Repeat([]byte("x"), 3000)...)
	for _, c := range []model.Callback{
		{Account: "sales", Ref: "p-1", Type: "PACKAGE_COMPLETE", EventID: "e1", DedupeKey: "k1", Verdict: model.Accepted,
			Outcome: model.Applied, At: *w.ago(4 * time.Minute), RemoteAddr: "192.0.2.1",
			Headers: map[string]string{"Content-Type": "application/json"},
			Body:    []byte(`{"name":"PACKAGE_COMPLETE","packageId":"p-1"}`)},
		{Account: "sales", Ref: "p-1", Type: "PACKAGE_COMPLETE", EventID: "e1", Verdict: model.Duplicate,
			At: *w.ago(3 * time.Minute), RemoteAddr: "192.0.2.1", Body: []byte(`{}`)},
		{Account: "sales", Ref: "p-2", Type: "PACKAGE_COMPLETE", Verdict: model.Refused,
			Note: "the callback key is another", At: *w.ago(2 * time.Minute), RemoteAddr: "198.51.100.7", Body: long,
			Sealed: true},
		{Account: "hr", Ref: "same", Type: "signature_request_email_bounce", Verdict: model.Accepted,
			Outcome: model.Checking, At: *w.ago(2 * time.Hour), RemoteAddr: "192.0.2.9", Body: []byte("json=…")},
	} {
		b.AddCallback(store.Packed{Callback: c})
	}
}
