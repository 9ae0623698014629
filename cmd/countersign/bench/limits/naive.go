package limits

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"countersign/cmd/countersign/engine/web"
)

// HandlerOptions is what a handler that is no daemon of ours is.
type HandlerOptions struct {
	Kind    string // careful, careless, or answer: nothing but 200
	Service string
	File    string        // its database
	Delay   time.Duration // that each commit takes longer
}

// handler is what people write first. The careful one looks for a copy, writes the row and its history in one immediate
// transaction a request, on settings that lose nothing; the careless one has the driver's. Both keep bodies as they came,
// which spares them compressing and has them write about twice the bytes, and keep no headers and no outbox.
type handler struct {
	db      *gorm.DB
	service string
	careful bool
}

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

// Handle serves until ctx ends, with the limits of time that the daemon has. say is told the address.
func Handle(ctx context.Context, o HandlerOptions, say func(address string) error) (err error) {
	var h http.Handler = http.HandlerFunc(answerOnly)
	if o.Kind != "answer" {
		n, err := newHandler(o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, n.close()) }()
		h = n
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := say(ln.Addr().String()); err != nil {
		return errors.Join(err, ln.Close())
	}
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 50 * time.Second,
		IdleTimeout: 2 * time.Minute,
	}
	return web.Serve(ctx, srv, ln, 0)
}

func answerOnly(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)            //nolint:errcheck // the caller may be gone
	io.WriteString(w, `{"received":true}`) //nolint:errcheck // the same
}

func newHandler(o HandlerOptions) (*handler, error) {
	settings := careful
	if o.Kind != "careful" {
		settings = "_busy_timeout=5000" // without it most requests of a newcomer would fail
	}
	raw := open(o.File, settings, o.Delay)
	if o.Kind == "careful" {
		raw.SetMaxOpenConns(1)
	}
	config := &gorm.Config{Logger: logger.Discard}
	if o.Kind == "careful" {
		config.SkipDefaultTransaction, config.TranslateError = true, true
	} else {
		raw.SetMaxOpenConns(1)
	}
	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: raw}), config)
	if err == nil {
		err = db.AutoMigrate(&naiveCallback{}, &naiveTransaction{}, &naiveHistory{})
	}
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &handler{db, o.Service, o.Kind == "careful"}, nil
}

func (h *handler) close() error {
	raw, err := h.db.DB()
	if err != nil {
		return err
	}
	return raw.Close()
}

// ServeHTTP verifies, parses and stores one callback.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := h.read(w, r)
	if err != nil {
		http.Error(w, "body", http.StatusBadRequest)
		return
	}
	if h.careful {
		err = h.db.WithContext(r.Context()).Transaction(func(tx *gorm.DB) error { return c.store(tx) })
	} else {
		err = c.store(h.db.WithContext(r.Context()))
	}
	if err != nil {
		http.Error(w, "database", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"received":true}`) //nolint:errcheck // the caller may be gone
}

// read takes what a callback says. The proof costs what a proof costs, whatever the service: one HMAC over the body.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (c naiveCallback, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, 10<<20)
	var body []byte
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		body = []byte(r.FormValue("json"))
	} else if body, err = io.ReadAll(r.Body); err != nil {
		return c, err
	}
	mac := hmac.New(sha256.New, []byte("a key"))
	mac.Write(body)
	proof := mac.Sum(nil)
	var e map[string]any
	if err := json.Unmarshal(body, &e); err != nil {
		return c, err
	}
	ref, kind := said(h.service)
	c = naiveCallback{Ref: at(e, ref), Type: at(e, kind), Dedupe: hex.EncodeToString(proof), Body: body,
		At: time.Now().UTC()}
	if c.Ref == "" || c.Type == "" {
		return c, fmt.Errorf("%s: no transaction or no type", h.service)
	}
	return c, nil
}

// said is where a service's callback names its transaction and its type.
func said(service string) (ref, kind string) {
	p := map[string][2]string{
		"onespan": {"packageId", "name"}, "dropboxsign": {"signature_request.signature_request_id", "event.event_type"},
		"allsign": {"data.documentId", "eventType"}, "autosign": {"data.id", "type"},
		"documenso": {"payload.envelopeId", "event"},
	}[service]
	return p[0], p[1]
}

func at(e map[string]any, path string) string {
	first, rest, more := strings.Cut(path, ".")
	if more {
		inner, _ := e[first].(map[string]any)
		return at(inner, rest)
	}
	s, _ := e[first].(string)
	return s
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

// CountNaive is how many callbacks a handler's database has.
func CountNaive(ctx context.Context, file string) (n int64, err error) {
	db := open(file, "mode=ro&_busy_timeout=5000", 0)
	defer db.Close() //nolint:errcheck // only read
	err = db.QueryRowContext(ctx, "SELECT COUNT(*) FROM naive_callbacks").Scan(&n)
	return n, err
}
