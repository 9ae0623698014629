// Package simulator plays e-signature services as HTTP servers: a seeded world of transactions
// that live their lives, the callbacks those lives cause, and seeded faults in both.
//
// It is an adversary. It is written from the services' own papers only and imports nothing of
// countersign, so that one misreading does not pass twice.
package simulator

import (
	"encoding/json"
	"net/http"

	"countersign/provider/simulator/allsign"
	"countersign/provider/simulator/autosign"
	"countersign/provider/simulator/documenso"
	"countersign/provider/simulator/dropboxsign"
	"countersign/provider/simulator/onespan"
	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/wire"
)

// The accounts that the simulated services know.
const (
	AccountOneSpan     = onespan.AccountID
	AccountDropboxSign = dropboxsign.AccountID
	AccountAllSign     = allsign.AccountID
	AccountAutosign    = autosign.AccountID
	AccountDocumenso   = documenso.AccountID
)

// services are those that can be played. A further one is a further line.
func services() map[string]func(*world.World) *world.Desk {
	return map[string]func(*world.World) *world.Desk{
		"onespan":     onespan.Open,
		"dropboxsign": dropboxsign.Open,
		"allsign":     allsign.Open,
		"autosign":    autosign.Open,
		"documenso":   documenso.Open,
	}
}

// Services are the names of all services that can be played, in the order in which they get transactions.
func Services() []string {
	return []string{"onespan", "dropboxsign", "allsign", "autosign", "documenso"}
}

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
		if one, known := services()[name]; known {
			open = append(open, one)
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
