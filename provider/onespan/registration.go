package onespan

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"countersign/provider"
)

// listened are the events that tell us something, as the service's own document lists them. Of the others,
// TEMPLATE_CREATE is about no transaction, PACKAGE_ATTACHMENT about nothing that is kept, and those that
// came later (DOCUMENT_VIEWED, COBROWSE_REQUEST) may be refused by older servers.
func listened() []string {
	return []string{
		packageCreate, packageActivate, packageDeactivate, packageReady, packageComplete, packageDecline, packageOptOut,
		packageExpire, packageArchive, packageTrash, packageRestore, packageDelete, documentSigned, signerComplete,
		signerLocked, kbaFailure, emailBounce, roleReassign,
	}
}

// Registration reads the account's one registration.
func (s *service) Registration(ctx context.Context) (provider.Registration, error) {
	got, err := s.registered(ctx)
	return got.shown(), err
}

func (s *service) registered(ctx context.Context) (got registration, err error) {
	err = s.get(ctx, "/api/callback", nil, &got)
	for i, e := range got.Events {
		if e == packageReadySDK {
			got.Events[i] = packageReady
		}
	}
	return got, err
}

func (r registration) shown() provider.Registration {
	out := provider.Registration{URL: r.URL, Events: r.Events, Scope: "account"}
	if r.URL == "" && r.Events == nil {
		out.Events = []string{} // nothing is registered: all events are off until they are chosen
	}
	return out
}

// Register makes the service call want.URL with the first of our callback keys. There is one registration an
// account, and writing replaces it whole: it is read before, and events that were on stay on unless
// want.Events says which are wanted. (Dossier 2.1; that a POST replaces is an inference there.)
func (s *service) Register(ctx context.Context, want provider.Registration, replace bool) (
	provider.Registration, error,
) {
	if want.Scope != "" && want.Scope != "account" {
		return provider.Registration{}, fmt.Errorf("scope %q: OneSpan Sign has one registration for the whole account",
			want.Scope)
	}
	got, err := s.registered(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	ours := strings.TrimRight(got.URL, "/") == strings.TrimRight(want.URL, "/")
	if got.URL != "" && !ours && !replace {
		return got.shown(), provider.ErrDisplaces
	}
	next := registration{URL: want.URL, Key: got.Key, Events: want.Events}
	if want.Events == nil {
		next.Events = listened()
		if ours {
			next.Events = append(next.Events, got.Events...)
		}
	}
	slices.Sort(next.Events)
	next.Events = slices.Compact(next.Events)
	if len(s.keys) > 0 && !provider.SameSecret(got.Key, s.keys...) {
		next.Key = s.keys[0].Reveal()
	}
	have := slices.Sorted(slices.Values(got.Events))
	if !ours || next.Key != got.Key || !slices.Equal(have, next.Events) {
		if err := s.register(ctx, next); err != nil {
			return provider.Registration{}, err
		}
		if got, err = s.registered(ctx); err != nil { // what stands there now, not what was asked for
			return provider.Registration{}, err
		}
	}
	out := got.shown()
	if len(s.keys) == 0 {
		out.Warnings = append(out.Warnings,
			"settings.callback_key is not set: anybody may send callbacks, so they only hurry a question")
	}
	return out, nil
}

func (s *service) register(ctx context.Context, r registration) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	resp, err := s.send(provider.WithClass(ctx, provider.ClassRead), http.MethodPost, s.base+"/api/callback", body,
		"application/json")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
