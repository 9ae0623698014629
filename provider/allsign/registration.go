package allsign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

const (
	restName    = "webhook" // of what rests with Tokens
	listedMost  = 20        // endpoints that the list shows, the newest
	keptSecrets = 3         // of registrations of ours, the newest first
)

// endpoint is a registration of ours, as it rests with Tokens. The service shows a secret once.
type endpoint struct {
	ID      string            `json:"id"`
	Secrets []provider.Secret `json:"-"`
	Plain   []string          `json:"secrets"`
}

// webhook is an endpoint as the service shows it. Events are not attested in an answer.
type webhook struct {
	ID     lenient.Text `json:"id"`
	URL    lenient.Text `json:"url"`
	Status lenient.Text `json:"status"`
	Secret lenient.Text `json:"secret"`
	Events []string     `json:"events"`
}

func (w webhook) registration() provider.Registration {
	r := provider.Registration{
		ID: string(w.ID), URL: string(w.URL), Scope: strings.TrimSpace("endpoint " + string(w.ID)), Events: w.Events,
		Disabled: strings.EqualFold(string(w.Status), "disabled"),
	}
	if r.Disabled {
		r.Warnings = []string{"the service has switched the endpoint off, as it does after failed deliveries: `registration set` switches it on again"}
	}
	return r
}

// UseTokens gives the functions that load and save what a registration of ours was given.
func (s *v3) UseTokens(t provider.Tokens) { s.rest = t }

// Prepare loads the secrets of a registration of ours, which count beside webhook_secrets.
func (s *v3) Prepare(ctx context.Context) error {
	if s.rest.Load == nil {
		return nil
	}
	raw, err := s.rest.Load(ctx, restName)
	if err != nil {
		return fmt.Errorf("load the registration's secret: %w", err)
	}
	if raw == nil {
		return nil
	}
	var e endpoint
	if json.Unmarshal(raw, &e) != nil || e.ID == "" {
		return errors.New("load the registration's secret: what was saved cannot be read")
	}
	for _, p := range e.Plain {
		e.Secrets = append(e.Secrets, provider.Secret(p))
	}
	s.saved.Store(&e)
	return nil
}

// save puts a registration of ours to rest, then uses it.
func (s *v3) save(ctx context.Context, e endpoint) error {
	if s.rest.Save == nil {
		return errors.New("there is no place to save the registration's secret in")
	}
	e.Plain = nil
	for _, p := range e.Secrets {
		e.Plain = append(e.Plain, p.Reveal())
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := s.rest.Save(ctx, restName, raw); err != nil {
		return fmt.Errorf("save the registration's secret: %w", err)
	}
	s.saved.Store(&e)
	return nil
}

// Registration reads our own endpoint by its id, since the list shows only the 20 newest; the others of the
// list stand beside it. Where no endpoint is known to be ours, all of them are others.
func (s *v3) Registration(ctx context.Context) (provider.Registration, error) {
	own, found, err := s.own(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	list, err := s.webhooks(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	r := provider.Registration{Scope: "account"}
	if found {
		r = own.registration()
	}
	if len(list) >= listedMost {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the service lists the %d newest endpoints only: there may be more", listedMost))
	}
	for _, w := range list {
		if !found || w.ID != own.ID {
			r.Others = append(r.Others, w.registration())
		}
	}
	if !found && len(r.Others) == 1 {
		only := r.Others[0]
		only.Warnings = append(r.Warnings, only.Warnings...)
		return only, nil
	}
	return r, nil
}

// own reads the endpoint that we know to be ours. A 404 says that it is gone.
func (s *v3) own(ctx context.Context) (w webhook, found bool, err error) {
	k := s.saved.Load()
	if k == nil {
		return w, false, nil
	}
	var raw json.RawMessage
	err = s.get(ctx, provider.JoinPath("/v3/webhooks", k.ID), nil, &raw)
	switch statusOf(err) {
	case http.StatusNotFound, http.StatusGone:
		return w, false, nil
	}
	if err != nil {
		return w, false, err
	}
	if lenient.Unmarshal(unwrapped(raw), &w) != nil || string(w.ID) != k.ID {
		return w, false, errors.New("the answer is not the endpoint that was asked for")
	}
	return w, true, nil
}

// webhooks is the list of endpoints.
func (s *v3) webhooks(ctx context.Context) ([]webhook, error) {
	var got struct {
		Data lenient.List[webhook] `json:"data"`
	}
	if err := s.get(ctx, "/v3/webhooks", nil, &got); err != nil {
		return nil, err
	}
	if !got.Data.Present {
		return nil, errors.New("the answer is no list of endpoints")
	}
	got.Data.Only(func(w webhook) bool { return w.ID != "" })
	return got.Data.Items, nil
}

// Register makes the service call want.URL. Many endpoints may stand beside each other, so nothing is
// displaced; a second one for the same URL is never made. One of ours that was switched off is switched on
// again, which keeps its id and secret. The secret of a new one is kept before Register returns; where that
// fails the endpoint is taken back, since nobody could ever verify its callbacks.
func (s *v3) Register(ctx context.Context, want provider.Registration, _ bool) (provider.Registration, error) {
	if !strings.HasPrefix(want.URL, "https://") {
		return provider.Registration{}, errors.New("the service takes https addresses only")
	}
	if s.rest.Save == nil {
		return provider.Registration{}, errors.New("there is no place to save the registration's secret in")
	}
	own, found, err := s.own(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	var warnings []string
	if found && string(own.URL) != want.URL {
		warnings = append(warnings, fmt.Sprintf("our former endpoint %s, for another URL, still stands: delete it at AllSign when it is no longer needed", own.ID))
	}
	if !found || string(own.URL) != want.URL {
		if own, found, err = s.sameURL(ctx, want.URL); err != nil {
			return provider.Registration{}, err
		}
	}
	if !found {
		own, err = s.create(ctx, want)
	} else {
		own, err = s.mend(ctx, own, want, &warnings)
	}
	if err != nil {
		return provider.Registration{}, err
	}
	r := own.registration()
	r.Warnings = append(r.Warnings, warnings...)
	return r, nil
}

// sameURL finds an endpoint with the URL that is not known to be ours, and remembers it. Its secret was
// shown to somebody, once: it must be in the settings.
func (s *v3) sameURL(ctx context.Context, url string) (webhook, bool, error) {
	list, err := s.webhooks(ctx)
	if err != nil {
		return webhook{}, false, err
	}
	i := slices.IndexFunc(list, func(w webhook) bool { return string(w.URL) == url && w.ID != "" })
	if i < 0 {
		return webhook{}, false, nil
	}
	if len(s.secrets()) == 0 {
		return webhook{}, false, fmt.Errorf("endpoint %s for this URL stands already and its secret is not known here: put it into webhook_secrets, or delete the endpoint at AllSign and register again", list[i].ID)
	}
	e := endpoint{ID: string(list[i].ID)}
	if k := s.saved.Load(); k != nil {
		e.Secrets = k.Secrets
	}
	return list[i], true, s.save(ctx, e)
}

// mend switches an endpoint on again. Which events it has been given is not attested in any answer, nor how
// to change them: what lacks is told.
func (s *v3) mend(ctx context.Context, w webhook, want provider.Registration, warnings *[]string) (webhook, error) {
	if strings.EqualFold(string(w.Status), "disabled") {
		resp, err := s.send(provider.WithCall(ctx, provider.Call{Retry: true}), http.MethodPatch, provider.JoinPath("/v3/webhooks", string(w.ID)), nil, map[string]any{"disabled": false})
		if err != nil {
			return w, err
		}
		if resp.StatusCode/100 != 2 {
			return w, transport.StatusError(resp)
		}
		resp.Body.Close()
		w.Status = "enabled"
	}
	for _, e := range want.Events {
		if w.Events != nil && !slices.Contains(w.Events, e) {
			*warnings = append(*warnings, "the endpoint lacks the event "+e+": add it at AllSign")
		}
	}
	return w, nil
}

// create makes a new endpoint and keeps its secret. It is sent once: a second try could make a second one.
func (s *v3) create(ctx context.Context, want provider.Registration) (webhook, error) {
	events := want.Events
	if events == nil {
		var err error
		if events, err = s.activeEvents(ctx); err != nil {
			return webhook{}, err
		}
	}
	body := map[string]any{"url": want.URL, "events": events, "description": "countersign"}
	resp, err := s.send(ctx, http.MethodPost, "/v3/webhooks", nil, body)
	if err != nil {
		return webhook{}, err
	}
	var raw json.RawMessage
	if err := transport.ReadJSON(resp, &raw); err != nil {
		return webhook{}, err
	}
	var made webhook
	if lenient.Unmarshal(unwrapped(raw), &made) != nil || made.ID == "" {
		return webhook{}, errors.New("the answer is no endpoint: look at AllSign whether one was made")
	}
	after := context.WithoutCancel(ctx) // what is made must be kept or taken back
	e := endpoint{ID: string(made.ID), Secrets: []provider.Secret{provider.Secret(made.Secret)}}
	if k := s.saved.Load(); k != nil {
		e.Secrets = append(e.Secrets, k.Secrets...)
		e.Secrets = e.Secrets[:min(len(e.Secrets), keptSecrets)]
	}
	err = errors.New("the answer holds no secret that could be one")
	if secretKey(provider.Secret(made.Secret)) != nil {
		err = s.save(after, e)
	}
	if err != nil {
		return webhook{}, errors.Join(err, s.takeBack(after, string(made.ID)))
	}
	made.URL, made.Status, made.Events = lenient.Text(want.URL), "enabled", events
	return made, nil
}

// takeBack deletes an endpoint that was just made.
func (s *v3) takeBack(ctx context.Context, id string) error {
	resp, err := s.send(provider.WithCall(ctx, provider.Call{Retry: true}), http.MethodDelete, provider.JoinPath("/v3/webhooks", id), nil, nil)
	if err == nil && resp.StatusCode/100 != 2 {
		err = transport.StatusError(resp)
	} else if err == nil {
		resp.Body.Close()
	}
	if err == nil || statusOf(err) == http.StatusNotFound {
		return nil
	}
	return fmt.Errorf("endpoint %s was made and could not be deleted again, delete it at AllSign: %w", id, err)
}
