// Package simulator plays e-signature services as HTTP servers: a seeded world of transactions
// that live their lives, the callbacks those lives cause, and seeded faults in both.
//
// It is an adversary. It is written from the services' own papers only and imports nothing of
// countersign, so that one misreading does not pass twice.
package simulator

import (
	"encoding/json"
	"net/http"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/wire"
)

// World is a set of simulated services under one handler.
type World struct {
	*world.World
	mux *http.ServeMux
}

// New makes a world. Its history is in place at once; the rest happens in Run.
func New(o world.Options) *World {
	names := o.Services
	if len(names) == 0 {
		names = []string{"onespan", "dropboxsign"}
	}
	var open []func(*world.World) *world.Desk
	for _, name := range names {
		for _, s := range services() {
			if s.name == name {
				open = append(open, s.open)
			}
		}
	}
	w := &World{World: world.New(o, open...)}
	w.mux = w.routes()
	return w
}

// Handler serves every service under its base path, and /truth, /faults and /accounts.
func (w *World) Handler() http.Handler { return w.mux }

// Transport answers requests in process, without sockets, and breaks as a connection would: what a
// fault cuts off ends in an error. It fits tests in a bubble of fake time.
func (w *World) Transport() http.RoundTripper { return wire.Transport(w.mux) }

// routes puts every service and the world's own pages under one handler.
func (w *World) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, d := range w.Desks() {
		d.Routes(mux)
	}
	mux.HandleFunc("GET /truth", func(rw http.ResponseWriter, r *http.Request) {
		wire.ReplyJSON(http.StatusOK, "application/json", w.Truth()).Write(rw, r)
	})
	mux.HandleFunc("GET /accounts", func(rw http.ResponseWriter, r *http.Request) {
		wire.ReplyJSON(http.StatusOK, "application/json", w.Accounts()).Write(rw, r)
	})
	mux.HandleFunc("GET /faults", func(rw http.ResponseWriter, r *http.Request) {
		wire.ReplyJSON(http.StatusOK, "application/json", w.Faults()).Write(rw, r)
	})
	mux.HandleFunc("POST /faults", func(rw http.ResponseWriter, r *http.Request) {
		var f world.Faults
		decoder := json.NewDecoder(http.MaxBytesReader(rw, r.Body, 1<<16))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&f); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.SetFaults(f)
		wire.ReplyJSON(http.StatusOK, "application/json", f).Write(rw, r)
	})
	return mux
}
