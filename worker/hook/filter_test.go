package hook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/model"
	"countersign/model/announced"
	"countersign/worker/hook"
)

func TestWhichChangesAHookAnnounces(t *testing.T) {
	t.Parallel()
	change := func(kind model.ChangeKind, s model.Status, confirmed bool) announced.Change {
		return announced.Change{Change: model.Change{Account: "sales", Ref: "a", Kind: kind, Status: s, Confirmed: confirmed,
			Source: "callback c1"}, Provider: "onespan", Marked: true}
	}
	status, confirmed := model.KindStatus, model.KindConfirmed
	other, test, history := change(status, model.Completed, true), change(status, model.Completed, true),
		change(status, model.Completed, true)
	other.Account, other.Provider = "hr", "dropboxsign"
	test.Test = true
	history.Marked, history.Source = false, "backfill r1"
	for name, one := range map[string]struct {
		filter hook.Filter
		change announced.Change
		want   bool
	}{
		"a final status that the provider confirmed": {hook.Filter{}, change(status, model.Completed, true), true},
		"a final status that a callback claims":      {hook.Filter{}, change(status, model.Completed, false), false},
		"and its confirmation":                       {hook.Filter{}, change(confirmed, model.Completed, true), true},
		"and its confirmation, of who wants statuses": {hook.Filter{Kinds: []model.ChangeKind{status}},
			change(confirmed, model.Completed, true), true},
		"another status that a callback claims": {hook.Filter{}, change(status, model.InProgress, false), true},
		"another's confirmation, of who wants statuses": {hook.Filter{Kinds: []model.ChangeKind{status}},
			change(confirmed, model.InProgress, true), false},
		"waiting for the provider with all": {hook.Filter{Wait: hook.WaitAll}, change(status, model.InProgress, false), false},
		"waiting with all, its confirmation": {hook.Filter{Wait: hook.WaitAll, Kinds: []model.ChangeKind{status}},
			change(confirmed, model.InProgress, true), true},
		"waiting with none": {hook.Filter{Wait: hook.WaitNone}, change(status, model.Completed, false), true},
		"waiting with none, its confirmation, of who wants statuses": {hook.Filter{Wait: hook.WaitNone,
			Kinds: []model.ChangeKind{status}}, change(confirmed, model.Completed, true), false},
		"a gap":                          {hook.Filter{}, change(model.KindGap, model.Completed, true), false},
		"a gap that was asked for":       {hook.Filter{Kinds: []model.ChangeKind{model.KindGap}}, change(model.KindGap, model.Completed, true), true},
		"an incident that was asked for": {hook.Filter{Kinds: []model.ChangeKind{model.KindIncident}, Statuses: []model.Status{model.Completed}}, change(model.KindIncident, "", false), true},
		"forgotten, whatever the status": {hook.Filter{Statuses: []model.Status{model.Completed}}, change(model.KindForgotten, model.Unknown, true), true},
		"a document":                     {hook.Filter{}, change(model.KindDocument, model.Completed, true), true},
		"another status":                 {hook.Filter{Statuses: []model.Status{model.Declined}}, change(status, model.Completed, true), false},
		"another account":                {hook.Filter{Accounts: []string{"sales"}}, other, false},
		"another provider":               {hook.Filter{Providers: []string{"onespan"}}, other, false},
		"a test":                         {hook.Filter{}, test, false},
		"a test that was asked for":      {hook.Filter{Tests: true}, test, true},
		"history":                        {hook.Filter{}, history, false},
		"history that was asked for":     {hook.Filter{Backfills: true}, history, true},
	} {
		require.Equal(t, one.want, one.filter.Takes(&one.change), name)
	}
}
