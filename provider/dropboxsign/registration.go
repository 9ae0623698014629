package dropboxsign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"countersign/provider"
)

// Registration reads the account's callback URL and those of the configured API apps.
func (s *service) Registration(ctx context.Context) (provider.Registration, error) {
	got, err := s.account(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	r := provider.Registration{URL: string(got.Account.CallbackURL), Scope: "account"}
	for _, id := range s.settings.AppClientIDs {
		app, err := s.app(ctx, id)
		switch statusOf(err) {
		case http.StatusForbidden, http.StatusNotFound, http.StatusGone:
			app = provider.Registration{Scope: "app " + id + " (not readable with this key)"}
		default:
			if err != nil {
				return provider.Registration{}, err
			}
		}
		r.Others = append(r.Others, app)
	}
	return r, nil
}

// app reads the registration of one API app.
func (s *service) app(ctx context.Context, id string) (provider.Registration, error) {
	var got appReply
	if err := s.get(ctx, "/v3/api_app/"+provider.PathEscape(id), nil, &got); err != nil {
		return provider.Registration{}, fmt.Errorf("app %s: %w", id, err)
	}
	return provider.Registration{URL: string(got.App.CallbackURL), Scope: "app " + id}, nil
}

// Register sets the callback URL of the account, or of the API app that want.Scope names as app:ID. Which events
// come cannot be chosen. The service may try the URL before it takes it (the settings page does; whether the API
// does was not found, dossier section 2.1): the listener must answer then.
func (s *service) Register(ctx context.Context, want provider.Registration, replace bool) (
	provider.Registration, error,
) {
	if len(want.Events) > 0 {
		return provider.Registration{}, errors.New("events: Dropbox Sign sends all of them, none can be chosen")
	}
	id, ofApp := strings.CutPrefix(want.Scope, "app:")
	if !ofApp && want.Scope != "" && want.Scope != "account" || ofApp && (id == "" || id == "list") {
		return provider.Registration{}, fmt.Errorf("scope %q is neither account nor app:CLIENT_ID", want.Scope)
	}
	path, read := "/v3/account", s.Registration
	if ofApp {
		path = "/v3/api_app/" + provider.PathEscape(id)
		read = func(ctx context.Context) (provider.Registration, error) { return s.app(ctx, id) }
	}
	now, err := read(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	switch ours := strings.TrimRight(now.URL, "/") == strings.TrimRight(want.URL, "/"); {
	case ours:
		return now, nil
	case now.URL != "" && !replace:
		return now, provider.ErrDisplaces
	}
	body, err := json.Marshal(map[string]string{"callback_url": want.URL})
	if err != nil {
		return provider.Registration{}, err
	}
	resp, err := s.request(provider.WithClass(ctx, provider.ClassRead), http.MethodPut, s.base+path, body)
	if err != nil {
		return provider.Registration{}, err
	}
	if resp.StatusCode != http.StatusOK {
		err := refused(resp)
		if statusOf(err) == http.StatusBadRequest {
			err = fmt.Errorf("the service did not take the URL: the listener must answer there while it is set: %w", err)
		}
		return provider.Registration{}, err
	}
	if err := resp.Body.Close(); err != nil {
		return provider.Registration{}, err
	}
	return read(ctx) // what stands there now, not what was asked for
}
