package providertest

import (
	"errors"
	"net/http"
	"time"

	"countersign/provider"
)

// Able makes a service of a provider that a test wrote, with each ability whose methods the provider has.
func Able(p provider.Provider) provider.Service {
	s := provider.Service{Provider: p}
	s.Lister, _ = p.(provider.Lister)       //nolint:errcheck // nil: it cannot
	s.Batcher, _ = p.(provider.Batcher)     //nolint:errcheck // nil: it cannot
	s.Linker, _ = p.(provider.Linker)       //nolint:errcheck // nil: it cannot
	s.Checker, _ = p.(provider.Checker)     //nolint:errcheck // nil: it cannot
	s.Registrar, _ = p.(provider.Registrar) //nolint:errcheck // nil: it cannot
	s.Setter, _ = p.(provider.Setter)       //nolint:errcheck // nil: it cannot
	s.Starter, _ = p.(provider.Starter)     //nolint:errcheck // nil: it cannot
	s.Login, _ = p.(provider.Login)         //nolint:errcheck // nil: it cannot
	s.Hinter, _ = p.(provider.Hinter)       //nolint:errcheck // nil: it cannot
	s.Streamer, _ = p.(provider.Streamer)   //nolint:errcheck // nil: it cannot
	return s
}

// Unproved is the Prover of a provider that a test wrote without proofs.
type Unproved struct{}

// Peek reads nothing.
func (Unproved) Peek(provider.Callback) (ref, typ string) { return "", "" }

// Canary refuses: there is no secret to sign with.
func (Unproved) Canary(string, time.Time) (http.Header, []byte, error) {
	return nil, nil, errors.New("no secret")
}

// Explain tries nothing.
func (Unproved) Explain(provider.Callback) []provider.Trial { return nil }
