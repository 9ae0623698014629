package autosign

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// registrar is what an account with settings.webhook_list_path can do besides.
type registrar struct{ s *service }

// setter is what an account with settings.webhook_create_path can do besides.
type setter struct{ registrar }

// mostPages is more pages of webhooks than anybody has.
const mostPages = 100

// webhook is a registration as a list shows it. The name of its URL is documented for making one
// only (dossier: 2a); it may show none.
type webhook struct {
	ID       lenient.Text               `json:"id"`
	Name     lenient.Text               `json:"name"`
	Endpoint lenient.Text               `json:"endpoint"`
	URL      lenient.Text               `json:"url"`
	Events   lenient.List[lenient.Text] `json:"events"`
	Enabled  lenient.Bool               `json:"enabled"`
}

// Registration reads the account's webhooks: the first that is enabled, and the others beside it.
func (r registrar) Registration(ctx context.Context) (provider.Registration, error) {
	all, err := r.webhooks(ctx)
	if err != nil || len(all) == 0 {
		return provider.Registration{Scope: "account"}, err
	}
	i := max(0, slices.IndexFunc(all, func(g provider.Registration) bool { return !g.Disabled }))
	first := all[i]
	first.Others = slices.Delete(all, i, i+1)
	return first, nil
}

// webhooks reads every page.
func (r registrar) webhooks(ctx context.Context) ([]provider.Registration, error) {
	var out []provider.Registration
	for page, n := 1, 0; page > 0 && n < mostPages; n++ {
		var got struct {
			Items lenient.List[webhook] `json:"items"`
			Meta  *paging               `json:"meta"`
		}
		if err := r.s.page(ctx, r.s.set.WebhookListPath, page, &got); err != nil {
			return nil, err
		}
		if !got.Items.Present {
			return nil, errors.New("registration: the answer has no items")
		}
		for _, w := range got.Items.Items {
			out = append(out, w.registration())
		}
		page = got.Meta.after(page)
	}
	return out, nil
}

func (w webhook) registration() provider.Registration {
	g := provider.Registration{
		ID: string(w.ID), URL: string(cmp.Or(w.Endpoint, w.URL)), Scope: "account", Disabled: w.Enabled == lenient.No,
	}
	for _, e := range w.Events.Items {
		g.Events = append(g.Events, string(e))
	}
	if g.URL == "" {
		g.Warnings = append(g.Warnings, "the list does not show what it calls: look in the dashboard")
	}
	if g.Disabled {
		g.Warnings = append(g.Warnings, "it is disabled: only the dashboard can enable it")
	}
	return g
}

// Register makes a webhook that calls want.URL. Webhooks stand beside each other: nobody else's is
// touched. There is no call to change one, so that ours with a fault is an error that says what to
// do. The service shows no secret: it must be copied from the dashboard.
func (r setter) Register(ctx context.Context, want provider.Registration, replace bool) (provider.Registration, error) {
	if u, err := url.Parse(want.URL); err != nil || u.Scheme != "https" || u.Host == "" {
		return provider.Registration{}, errors.New("register: the URL must begin with https://")
	}
	if want.Scope != "" && want.Scope != "account" {
		return provider.Registration{}, errors.New("register: webhooks are of the account, there is no other scope")
	}
	events := want.Events
	if events == nil {
		events = types()
	}
	all, err := r.webhooks(ctx)
	if err != nil {
		return provider.Registration{}, err
	}
	for _, g := range all {
		switch {
		case g.URL == "" && !replace:
			return g, fmt.Errorf("%w, or ours: the list does not show what webhook %s calls", provider.ErrDisplaces, g.ID)
		case strings.TrimRight(g.URL, "/") == strings.TrimRight(want.URL, "/"):
			return g, fits(g, events)
		}
	}
	return r.make(ctx, want.URL, events)
}

// make makes a webhook.
func (r setter) make(ctx context.Context, address string, events []string) (provider.Registration, error) {
	body, err := json.Marshal(map[string]any{"name": "countersign", "endpoint": address, "events": events})
	if err != nil {
		return provider.Registration{}, err
	}
	ctx = provider.WithClass(ctx, provider.ClassRead)
	resp, err := r.s.send(ctx, http.MethodPost, r.s.base+r.s.set.WebhookCreatePath, body, "application/json")
	if err != nil {
		return provider.Registration{}, err
	}
	var made struct {
		ID lenient.Text `json:"id"`
	}
	if err := transport.ReadJSON(resp, &made); err != nil {
		return provider.Registration{}, err
	}
	if made.ID == "" {
		return provider.Registration{},
			errors.New("register: the answer holds no id: look in the dashboard whether a webhook was made")
	}
	return provider.Registration{ID: string(made.ID), URL: address, Scope: "account", Events: events, Warnings: []string{
		"the service does not tell the new webhook's signature: copy it from the dashboard into settings.webhook_secrets",
	}}, nil
}

// fits says what keeps a webhook of ours from telling all that it should.
func fits(g provider.Registration, events []string) error {
	var missing []string
	for _, e := range events {
		if g.Events != nil && !slices.Contains(g.Events, e) {
			missing = append(missing, e)
		}
	}
	switch {
	case g.Disabled:
		return fmt.Errorf("webhook %s calls us and is disabled: enable it in the dashboard, there is no call for that", g.ID)
	case len(missing) > 0:
		return fmt.Errorf("webhook %s calls us without %s: change it in the dashboard, there is no call for that", g.ID,
			strings.Join(missing, ", "))
	}
	return nil
}
