package allsign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"countersign/provider"
	"countersign/provider/lenient"
)

// catalogued is one event that the service knows. A reserved one may be subscribed to and never fires.
type catalogued struct {
	Event  lenient.Text `json:"event"`
	Status lenient.Text `json:"status"`
}

// me is who the key belongs to. The scopes were seen in both places.
type me struct {
	Scopes []string `json:"scopes"`
	Data   *struct {
		Scopes []string `json:"scopes"`
	} `json:"data"`
}

// Check reads whose key it is, which proves it, and warns of what it may not do and of events that the service
// has and our table lacks. The service names no account of its own in what is attested.
func (s *v3) Check(ctx context.Context) (provider.Identity, error) {
	var who provider.Identity
	var got me
	err := s.get(ctx, "/v3/users/me", nil, &got)
	switch statusOf(err) {
	case http.StatusForbidden, http.StatusNotFound:
		if err := s.get(ctx, "/v3/documents", url.Values{"limit": {"1"}}, new(struct{})); err != nil {
			return who, err
		}
		who.Warnings = append(who.Warnings, "the key may not read its own scopes: see to it that it has document:* and webhook:read")
	default:
		if err != nil {
			return who, err
		}
	}
	scopes := got.Scopes
	if scopes == nil && got.Data != nil {
		scopes = got.Data.Scopes
	}
	who.Warnings = append(who.Warnings, missingScopes(scopes)...)
	list, err := s.catalogue(ctx)
	switch {
	case err == nil:
		who.Warnings = append(who.Warnings, s.unmapped(list)...)
	case ctx.Err() != nil, errors.Is(err, provider.ErrDenied):
		return who, err
	default:
		s.warn("the list of events cannot be read", err.Error())
	}
	if len(s.secrets()) == 0 {
		who.Warnings = append(who.Warnings, "no webhook secret is known: every callback is refused until webhook_secrets is set or `registration set` makes an endpoint")
	}
	return who, nil
}

// missingScopes warns of what is needed and not granted. Where no scopes are told there is nothing to warn of.
func missingScopes(granted []string) []string {
	if granted == nil {
		return nil
	}
	var list []string
	for _, need := range []struct{ scope, what string }{
		{"document:read", "documents cannot be asked about"}, {"webhook:read", "the registration cannot be watched"}, {"webhook:write", "`registration set` cannot work"},
	} {
		group, _, _ := strings.Cut(need.scope, ":")
		if !slices.ContainsFunc(granted, func(g string) bool { return g == need.scope || g == group+":*" || g == "*" }) {
			list = append(list, fmt.Sprintf("the key lacks the scope %s: %s", need.scope, need.what))
		}
	}
	return list
}

// catalogue reads the events that the service has.
func (s *v3) catalogue(ctx context.Context) ([]catalogued, error) {
	var got struct {
		Data lenient.List[catalogued] `json:"data"`
	}
	if err := s.get(ctx, "/v3/webhooks/events", nil, &got); err != nil {
		return nil, err
	}
	if !got.Data.Present {
		return nil, errors.New("the answer is no list of events")
	}
	return got.Data.Items, nil
}

// unmapped warns of events that our table lacks.
func (s *v3) unmapped(list []catalogued) []string {
	var names []string
	for _, e := range list {
		if _, known := s.events[string(e.Event)]; !known && isName(string(e.Event)) {
			names = append(names, string(e.Event))
		}
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	s.warn("the service has events that the table lacks", strings.Join(names, " "))
	return []string{"events that the table lacks, each of which only has its document asked about (settings.events): " + strings.Join(names, ", ")}
}

// activeEvents are those that fire and that our table knows.
func (s *v3) activeEvents(ctx context.Context) ([]string, error) {
	list, err := s.catalogue(ctx)
	if err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	active := map[string]bool{}
	for _, e := range list {
		if _, known := s.events[string(e.Event)]; known && strings.EqualFold(string(e.Status), "active") {
			active[string(e.Event)] = true
		}
	}
	if len(active) == 0 {
		return nil, errors.New("events: the service names none that is active and that the table knows")
	}
	return slices.Sorted(maps.Keys(active)), nil
}
