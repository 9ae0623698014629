// Package onespan plays OneSpan Sign: its accounts, its callbacks and its API.
package onespan

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// AccountID is the id of the account that is played.
const AccountID = "sim-onespan"

// service plays OneSpan Sign.
type service struct {
	desk       *world.Desk
	owner      life.Person
	colleagues []life.Person // senders whose packages the key's own list leaves out
	tokens     map[string]time.Time
}

// Open adds an account of OneSpan Sign to a world.
func Open(w *world.World) *world.Desk {
	r := chance.Source(w.Options.Seed, "onespan account")
	d := world.NewDesk(w, world.Account{
		ID: AccountID, Provider: "onespan", BasePath: "/onespan",
		AccountID: chance.Letters(r, 12, chance.Alphanum), Email: "owner@sim-onespan.example",
		ClientID: chance.Letters(r, 32, chance.HexDigits), ClientSecret: chance.Letters(r, 43, chance.Alphanum),
		TokenPath:     "/onespan/oauth2/token",
		OAuthClientID: chance.Letters(r, 20, chance.Alphanum), OAuthClientSecret: chance.Letters(r, 43, chance.Alphanum),
	})
	d.Key = "cb-" + chance.Letters(r, 24, chance.Alphanum)
	d.Account.Settings = map[string]any{"api_key": chance.Letters(r, 44, chance.Alphanum) + "=", "callback_key": d.Key}
	d.Events = map[string]bool{}
	for _, e := range eventNames() {
		d.Events[e] = true
	}
	d.Deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "draft", "open", "partly", "declined",
		"expired", "opted_out", "archived", "unarchived", "trashed", "restored", "deactivated", "deleted",
		"deleted_completed",
		"locked", "still_locked", "identity", "bounced", "reassigned", "manual", "waiting_for_sender", "attachment",
	}
	d.Extras = []string{"template", "template", "layout"}
	o := &service{desk: d, owner: life.Someone(r, 0), tokens: map[string]time.Time{}}
	o.owner.ID, o.owner.Email = chance.Letters(r, 12, chance.Alphanum), d.Account.Email
	for range 2 {
		c := life.Someone(r, 0)
		c.ID = chance.Letters(r, 12, chance.Alphanum)
		o.colleagues = append(o.colleagues, c)
	}
	d.Actor, d.Caller, d.Server = o, o, api{o}
	return d
}

// eventNames are those that a registration may name, by the specification and, for the last
// two, by what was documented since.
func eventNames() []string {
	return []string{
		"DOCUMENT_SIGNED", "EMAIL_BOUNCE", "KBA_FAILURE", "PACKAGE_ACTIVATE", "PACKAGE_ARCHIVE", "PACKAGE_ATTACHMENT",
		"PACKAGE_COMPLETE", "PACKAGE_CREATE", "PACKAGE_DEACTIVATE", "PACKAGE_DECLINE", "PACKAGE_DELETE", "PACKAGE_EXPIRE",
		"PACKAGE_OPT_OUT", "PACKAGE_READY_FOR_COMPLETE", "PACKAGE_RESTORE", "PACKAGE_TRASH", "ROLE_REASSIGN",
		"SIGNER_COMPLETE", "SIGNER_LOCKED", "TEMPLATE_CREATE", "DOCUMENT_VIEWED", "COBROWSE_REQUEST",
	}
}

// Truth maps OneSpan's words to countersign's, by a table of the simulator's own.
func (o *service) Truth(s *life.State) world.Standing {
	words := map[string]string{
		"DRAFT": "draft", "SENT": "in_progress", "COMPLETED": "completed", "ARCHIVED": "completed",
		"DECLINED": "declined", "EXPIRED": "expired", "OPTED_OUT": "opted_out",
	}
	status, known := words[s.Word]
	if !known {
		status = "unknown"
	}
	return world.Standing{Status: status, Provider: s.Word, Archived: s.Word == "ARCHIVED"}
}

func (o *service) Listable(s *life.State) bool { return !s.Deleted }

// Admits takes the bare API key, a client app's token or an OAuth token.
func (o *service) Admits(r *http.Request, now time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		key, _ := o.desk.Account.Settings["api_key"].(string)
		return hmac.Equal([]byte(proof), []byte(key))
	case strings.EqualFold(scheme, "Bearer"):
		until, known := o.tokens[proof]
		return known && now.Before(until)
	}
	return false
}

// Conceive makes up a package and the life that its kind names.
func (o *service) Conceive(t *world.Transaction) {
	r := t.Rand
	t.Form, t.Name, t.Sender = "PACKAGE", life.Title(r), o.owner
	t.Ref = chance.Letters(r, 27, chance.Base64URL) + "="
	if r.IntN(4) == 0 {
		t.Ref = chance.UUID(r)
	}
	if r.IntN(3) > 0 {
		t.ExternalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	t.Fraction, t.Nulls, t.Quiet = r.IntN(3) == 0, r.IntN(2) == 0, r.IntN(4) == 0
	t.Text = "Please sign by the end of the week."
	t.Unlisted = r.IntN(10) == 0
	if t.Unlisted {
		t.Sender = chance.Pick(r, o.colleagues...)
	}
	for i := range 1 + r.IntN(3) {
		t.Docs = append(t.Docs, life.Document{
			ID: chance.Pick(r, chance.Letters(r, 32, chance.HexDigits), fmt.Sprintf("contract %d & annex", i+1),
				fmt.Sprintf("doc-%d", i+1)) + strings.Repeat("_", i),
			Name: fmt.Sprintf("%s %d.pdf", chance.Pick(r, "Vertrag", "Terms", "Annexe n° 2", "Schedule"), i+1), Pages: 2 +
				r.IntN(3), Sealed: r.IntN(2) == 0,
		})
	}
	for i := range signerCount(t.Kind, r.IntN(3)) {
		p := life.Someone(r, i+1)
		p.ID, p.Role, p.RoleName = chance.UUID(r), chance.Letters(r, 12, chance.Alphanum), fmt.Sprintf("Signer%d", i+1)
		if i == 0 && r.IntN(8) == 0 {
			p.Name, p.Email, p.ID, p.Sender, p.RoleName = t.Sender.Name, t.Sender.Email, t.Sender.ID, true, "Owner"
		}
		t.State.People = append(t.State.People, p)
	}
	t.Manual = t.Kind == "manual" || t.Kind == "waiting_for_sender"
	switch t.Kind {
	case "template", "layout":
		t.Form, t.Unlisted, t.Steps = strings.ToUpper(t.Kind), false, []life.Step{life.Then(0, "create", 0)}
		return
	}
	t.Steps = o.life(t)
}

func signerCount(kind string, some int) int {
	if kind == "partly" || kind == "expired" {
		return 2 + some%2
	}
	return 1 + some
}

// life is what happens to a package of each kind, and how long after one another.
func (o *service) life(t *world.Transaction) []life.Step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.Rand.Int64N(int64(to-from))) }
	opening := []life.Step{life.Then(0, "create", 0), life.Then(gap(5*time.Minute, time.Hour), "send", 0)}
	viewed := life.Then(gap(10*time.Minute, 2*time.Hour), "view", 0)
	soon := func(act string) life.Step { return life.Then(gap(20*time.Minute, 3*time.Hour), act, 0) }
	signing := o.signing(t, gap)
	join := func(parts ...[]life.Step) (all []life.Step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.Kind {
	case "direct":
		return join([]life.Step{life.Then(0, "create", 0), life.Then(50*time.Millisecond, "send", 0)}, signing)
	case "draft":
		return opening[:1]
	case "open":
		return join(opening, []life.Step{viewed})
	case "partly":
		return join(opening, signing[:len(signing)/len(t.State.People)])
	case "declined":
		return join(opening, []life.Step{viewed, soon("decline")})
	case "opted_out":
		return join(opening, []life.Step{viewed, soon("opt_out")})
	case "expired":
		return join(opening, signing[:len(signing)/len(t.State.People)],
			[]life.Step{life.Then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "archived":
		return join(opening, signing, []life.Step{soon("archive")})
	case "unarchived":
		return join(opening, signing, []life.Step{soon("archive"), soon("unarchive")})
	case "trashed":
		return join(opening, []life.Step{viewed, soon("trash")})
	case "restored":
		return join(opening, signing, []life.Step{soon("trash"), soon("restore")})
	case "deactivated":
		return join(opening, []life.Step{viewed, soon("deactivate"), soon("send")}, signing)
	case "deleted":
		return join(opening, []life.Step{soon("trash"), soon("delete")})
	case "deleted_completed":
		return join(opening, signing, []life.Step{life.Then(gap(20*time.Hour, 24*time.Hour), "trash", 0), soon("delete")})
	case "locked":
		return join(opening, []life.Step{viewed, soon("lock"), soon("unlock")}, signing)
	case "still_locked":
		return join(opening, []life.Step{viewed, soon("lock")})
	case "identity":
		return join(opening, []life.Step{viewed, soon("kba_fail"), soon("kba_pass")}, signing)
	case "bounced":
		return join(opening, []life.Step{soon("bounce")}, signing)
	case "reassigned":
		return join(opening, []life.Step{viewed, soon("reassign")}, signing)
	case "manual":
		return join(opening, signing, []life.Step{soon("finish")})
	case "attachment":
		return join(opening, []life.Step{viewed, soon("attach"), soon("help")}, signing)
	default: // completed, waiting_for_sender
		return join(opening, signing)
	}
}

// signing is everyone's part, one after the other: each looks, accepts the consent and signs,
// some of them one document first and the others later.
func (o *service) signing(t *world.Transaction, gap func(from, to time.Duration) time.Duration) []life.Step {
	var all []life.Step
	for i := range t.State.People {
		all = append(all,
			life.Then(gap(10*time.Minute, 2*time.Hour), "view", i),
			life.Then(gap(time.Minute, 5*time.Minute), "consent", i),
			life.Then(gap(time.Minute, 20*time.Minute), "begin", i),
			life.Then(gap(time.Minute, 20*time.Minute), "sign", i))
	}
	return all
}
