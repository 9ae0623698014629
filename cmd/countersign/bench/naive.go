package bench

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"countersign/cmd/countersign/engine/web"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// naive is the handler that a careful person writes first: one immediate transaction a request, with
// a look for a copy, the row and its history. It keeps bodies as they came, which spares it compressing
// and has it write about twice the bytes; it keeps no headers and no outbox.
type naive struct{ db *gorm.DB }

type naiveCallback struct {
	ID     int64
	Ref    string
	Dedupe string `gorm:"uniqueIndex"`
	Type   string
	Body   []byte
	At     time.Time
}

type naiveTransaction struct {
	ID        int64
	Ref       string `gorm:"uniqueIndex"`
	Status    string `gorm:"index"`
	ChangedAt time.Time
	DueAt     time.Time `gorm:"index"`
}

type naiveHistory struct {
	ID       int64
	Ref      string `gorm:"index"`
	From, To string
	At       time.Time
}

func newNaive(dir string) (*naive, error) {
	raw, err := openPlain(filepath.Join(dir, "naive.db"))
	if err != nil {
		return nil, err
	}
	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: raw}),
		&gorm.Config{SkipDefaultTransaction: true, TranslateError: true, Logger: logger.Discard})
	if err == nil {
		err = db.AutoMigrate(&naiveCallback{}, &naiveTransaction{}, &naiveHistory{})
	}
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &naive{db}, nil
}

func (n *naive) close() error {
	raw, err := n.db.DB()
	if err != nil {
		return err
	}
	return raw.Close()
}

// run serves on ln until ctx ends, with the limits of time that ours has.
func (n *naive) run(ctx context.Context, ln net.Listener) error {
	srv := &http.Server{
		Handler: n, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 50 * time.Second,
		IdleTimeout: 2 * time.Minute,
	}
	return web.Serve(ctx, srv, ln, 0)
}

func (n *naive) count(ctx context.Context) (c int64, err error) {
	err = n.db.WithContext(ctx).Model(&naiveCallback{}).Count(&c).Error
	return c, err
}

func (n *naive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10<<20))
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Basic bench-key")) != 1 {
		http.Error(w, "key", http.StatusUnauthorized)
		return
	}
	var e struct{ Name, PackageID, CreatedDate string }
	if err := json.Unmarshal(body, &e); err != nil {
		http.Error(w, "json", http.StatusBadRequest)
		return
	}
	sum := sha256.Sum256(body)
	c := naiveCallback{Ref: e.PackageID, Type: e.Name, Dedupe: hex.EncodeToString(sum[:]), Body: body,
		At: time.Now().UTC()}
	if err := n.db.WithContext(r.Context()).Transaction(func(tx *gorm.DB) error { return c.store(tx) }); err != nil {
		http.Error(w, "database", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"received":true}`) //nolint:errcheck // the caller may be gone
}

func (c *naiveCallback) store(tx *gorm.DB) error {
	var copies int64
	if err := tx.Model(&naiveCallback{}).Where("dedupe = ?", c.Dedupe).Count(&copies).Error; err != nil || copies > 0 {
		return err
	}
	if err := tx.Create(c).Error; err != nil {
		return err
	}
	var t naiveTransaction
	err := tx.Where("ref = ?", c.Ref).Take(&t).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return err
	}
	from := t.Status
	t.Ref, t.Status, t.ChangedAt, t.DueAt = c.Ref, c.Type, c.At, c.At
	if err := tx.Save(&t).Error; err != nil {
		return err
	}
	return tx.Create(&naiveHistory{Ref: c.Ref, From: from, To: t.Status, At: c.At}).Error
}
