package simulator

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// oneSpan plays OneSpan Sign.
type oneSpan struct {
	desk       *desk
	owner      person
	colleagues []person // senders whose packages the key's own list leaves out
	tokens     map[string]time.Time
}

func openOneSpan(w *World) *desk {
	r := w.source("onespan account")
	d := newDesk(w, Account{
		ID: AccountOneSpan, Provider: "onespan", BasePath: "/onespan",
		AccountID: letters(r, 12, alphanum), Email: "owner@sim-onespan.example",
		ClientID: letters(r, 32, hexDigits), ClientSecret: letters(r, 43, alphanum), TokenPath: "/onespan/oauth2/token",
		OAuthClientID: letters(r, 20, alphanum), OAuthClientSecret: letters(r, 43, alphanum),
	})
	d.key = "cb-" + letters(r, 24, alphanum)
	d.account.Settings = map[string]any{"api_key": letters(r, 44, alphanum) + "=", "callback_key": d.key}
	d.events = map[string]bool{}
	for _, e := range oneSpanEvents() {
		d.events[e] = true
	}
	d.deck = []string{
		"completed", "completed", "completed", "completed", "direct", "direct", "draft", "open", "partly", "declined",
		"expired", "opted_out", "archived", "unarchived", "trashed", "restored", "deactivated", "deleted", "deleted_completed",
		"locked", "still_locked", "identity", "bounced", "reassigned", "manual", "waiting_for_sender", "attachment",
	}
	d.extras = []string{"template", "template", "layout"}
	o := &oneSpan{desk: d, owner: someone(r, 0), tokens: map[string]time.Time{}}
	o.owner.id, o.owner.email = letters(r, 12, alphanum), d.account.Email
	for range 2 {
		c := someone(r, 0)
		c.id = letters(r, 12, alphanum)
		o.colleagues = append(o.colleagues, c)
	}
	d.actor, d.caller, d.keeper = o, o, o
	return d
}

// oneSpanEvents are those that a registration may name, by the specification and, for the last
// two, by what was documented since.
func oneSpanEvents() []string {
	return []string{
		"DOCUMENT_SIGNED", "EMAIL_BOUNCE", "KBA_FAILURE", "PACKAGE_ACTIVATE", "PACKAGE_ARCHIVE", "PACKAGE_ATTACHMENT",
		"PACKAGE_COMPLETE", "PACKAGE_CREATE", "PACKAGE_DEACTIVATE", "PACKAGE_DECLINE", "PACKAGE_DELETE", "PACKAGE_EXPIRE",
		"PACKAGE_OPT_OUT", "PACKAGE_READY_FOR_COMPLETE", "PACKAGE_RESTORE", "PACKAGE_TRASH", "ROLE_REASSIGN",
		"SIGNER_COMPLETE", "SIGNER_LOCKED", "TEMPLATE_CREATE", "DOCUMENT_VIEWED", "COBROWSE_REQUEST",
	}
}

// truth maps OneSpan's words to countersign's, by a table of the simulator's own.
func (o *oneSpan) truth(s *state) standing {
	words := map[string]string{
		"DRAFT": "draft", "SENT": "in_progress", "COMPLETED": "completed", "ARCHIVED": "completed",
		"DECLINED": "declined", "EXPIRED": "expired", "OPTED_OUT": "opted_out",
	}
	status, known := words[s.word]
	if !known {
		status = "unknown"
	}
	return standing{status: status, provider: s.word, archived: s.word == "ARCHIVED"}
}

func (o *oneSpan) listable(s *state) bool { return !s.deleted }

// admits takes the bare API key, a client app's token or an OAuth token.
func (o *oneSpan) admits(r *http.Request, now time.Time) bool {
	scheme, proof, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		key, _ := o.desk.account.Settings["api_key"].(string)
		return hmac.Equal([]byte(proof), []byte(key))
	case strings.EqualFold(scheme, "Bearer"):
		until, known := o.tokens[proof]
		return known && now.Before(until)
	}
	return false
}

// conceive makes up a package and the life that its kind names.
func (o *oneSpan) conceive(t *transaction) {
	r := t.rng
	t.form, t.name, t.sender = "PACKAGE", title(r), o.owner
	t.ref = letters(r, 27, base64url) + "="
	if r.IntN(4) == 0 {
		t.ref = uuid(r)
	}
	if r.IntN(3) > 0 {
		t.externalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	t.fraction, t.nulls, t.quiet = r.IntN(3) == 0, r.IntN(2) == 0, r.IntN(4) == 0
	t.text = "Please sign by the end of the week."
	t.unlisted = r.IntN(10) == 0
	if t.unlisted {
		t.sender = pick(r, o.colleagues...)
	}
	for i := range 1 + r.IntN(3) {
		t.docs = append(t.docs, document{
			id:   pick(r, letters(r, 32, hexDigits), fmt.Sprintf("contract %d & annex", i+1), fmt.Sprintf("doc-%d", i+1)) + strings.Repeat("_", i),
			name: fmt.Sprintf("%s %d.pdf", pick(r, "Vertrag", "Terms", "Annexe n° 2", "Schedule"), i+1), pages: 2 + r.IntN(3), sealed: r.IntN(2) == 0,
		})
	}
	for i := range oneSpanSigners(t.kind, r.IntN(3)) {
		p := someone(r, i+1)
		p.id, p.role, p.roleName = uuid(r), letters(r, 12, alphanum), fmt.Sprintf("Signer%d", i+1)
		if i == 0 && r.IntN(8) == 0 {
			p.name, p.email, p.id, p.sender, p.roleName = t.sender.name, t.sender.email, t.sender.id, true, "Owner"
		}
		t.state.people = append(t.state.people, p)
	}
	t.manual = t.kind == "manual" || t.kind == "waiting_for_sender"
	switch t.kind {
	case "template", "layout":
		t.form, t.unlisted, t.steps = strings.ToUpper(t.kind), false, []step{then(0, "create", 0)}
		return
	}
	t.steps = o.life(t)
}

func oneSpanSigners(kind string, chance int) int {
	if kind == "partly" || kind == "expired" {
		return 2 + chance%2
	}
	return 1 + chance
}

// life is what happens to a package of each kind, and how long after one another.
func (o *oneSpan) life(t *transaction) []step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.rng.Int64N(int64(to-from))) }
	opening := []step{then(0, "create", 0), then(gap(5*time.Minute, time.Hour), "send", 0)}
	viewed := then(gap(10*time.Minute, 2*time.Hour), "view", 0)
	soon := func(act string) step { return then(gap(20*time.Minute, 3*time.Hour), act, 0) }
	signing := o.signing(t, gap)
	join := func(parts ...[]step) (all []step) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	switch t.kind {
	case "direct":
		return join([]step{then(0, "create", 0), then(50 * time.Millisecond, "send", 0)}, signing)
	case "draft":
		return opening[:1]
	case "open":
		return join(opening, []step{viewed})
	case "partly":
		return join(opening, signing[:len(signing)/len(t.state.people)])
	case "declined":
		return join(opening, []step{viewed, soon("decline")})
	case "opted_out":
		return join(opening, []step{viewed, soon("opt_out")})
	case "expired":
		return join(opening, signing[:len(signing)/len(t.state.people)], []step{then(gap(16*time.Hour, 24*time.Hour), "expire", 0)})
	case "archived":
		return join(opening, signing, []step{soon("archive")})
	case "unarchived":
		return join(opening, signing, []step{soon("archive"), soon("unarchive")})
	case "trashed":
		return join(opening, []step{viewed, soon("trash")})
	case "restored":
		return join(opening, signing, []step{soon("trash"), soon("restore")})
	case "deactivated":
		return join(opening, []step{viewed, soon("deactivate"), soon("send")}, signing)
	case "deleted":
		return join(opening, []step{soon("trash"), soon("delete")})
	case "deleted_completed":
		return join(opening, signing, []step{then(gap(20*time.Hour, 24*time.Hour), "trash", 0), soon("delete")})
	case "locked":
		return join(opening, []step{viewed, soon("lock"), soon("unlock")}, signing)
	case "still_locked":
		return join(opening, []step{viewed, soon("lock")})
	case "identity":
		return join(opening, []step{viewed, soon("kba_fail"), soon("kba_pass")}, signing)
	case "bounced":
		return join(opening, []step{soon("bounce")}, signing)
	case "reassigned":
		return join(opening, []step{viewed, soon("reassign")}, signing)
	case "manual":
		return join(opening, signing, []step{soon("finish")})
	case "attachment":
		return join(opening, []step{viewed, soon("attach"), soon("help")}, signing)
	default: // completed, waiting_for_sender
		return join(opening, signing)
	}
}

// signing is everyone's part, one after the other: each looks, accepts the consent and signs,
// some of them one document first and the others later.
func (o *oneSpan) signing(t *transaction, gap func(from, to time.Duration) time.Duration) []step {
	var all []step
	for i := range t.state.people {
		all = append(all,
			then(gap(10*time.Minute, 2*time.Hour), "view", i),
			then(gap(time.Minute, 5*time.Minute), "consent", i),
			then(gap(time.Minute, 20*time.Minute), "begin", i),
			then(gap(time.Minute, 20*time.Minute), "sign", i))
	}
	return all
}
