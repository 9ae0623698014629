package simulator

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// documenso plays Documenso 2.17 as its dossier has it.
type documenso struct {
	desk      *desk
	team      int
	otherTeam int // of the same owner
	owner     person
	ownerID   int
	teamURL   string
	folders   []documensoFolder
	numbers   map[string]int // the last number given, by what is numbered
	items     map[string]*transaction
}

// documensoPaper is what an envelope has beside what all transactions have.
type documensoPaper struct {
	number     int // the older id
	team       int
	templateID int
	folder     string // "" lies in none
	sequential bool
	byHand     bool // the links are handed out by the sender, not by mail
	meta       string
	copies     []person // they get a copy and sign nothing
	copied     bool     // the copies count as signed from creation on, not from sending on
}

// documensoFolder is a folder for envelopes, perhaps in another one.
type documensoFolder struct {
	id, name, parent, form string
	made                   time.Time
}

func openDocumenso(w *World) *desk {
	r := w.source("documenso account")
	d := newDesk(w, Account{
		ID: AccountDocumenso, Provider: "documenso", BasePath: "/documenso", Email: "owner@sim-documenso.example",
	})
	x := &documenso{
		desk: d, team: 100 + r.IntN(800), ownerID: 10 + r.IntN(80), owner: someone(r, 0), teamURL: "personal_" + letters(r, 16, cuidLetters),
		numbers: map[string]int{}, items: map[string]*transaction{},
	}
	x.otherTeam, x.owner.email = x.team+2, d.account.Email
	d.account.AccountID = strconv.Itoa(x.team)
	d.key = "whsec-" + letters(r, 24, alphanum)
	d.account.Settings = map[string]any{"api_key": "api_" + letters(r, 16, cuidLetters), "webhook_secret": d.key}
	d.deck = []string{
		"completed", "completed", "completed", "completed", "sequential", "draft", "draft_deleted", "open", "partly", "rejected",
		"rejected_partly", "rejected_by_sender", "cancelled", "cancelled_partly", "pending_deleted", "completed_deleted", "rejected_deleted",
		"cancelled_deleted", "deleted_twice", "resealed", "sealed_late", "seal_failing", "recipient_expired", "renewed", "reminded", "filed", "filed_early",
		"from_template",
	}
	d.extras = []string{"template", "template_deleted", "other_team"}
	d.retries = []time.Duration{50 * time.Millisecond, 60 * time.Millisecond, 60 * time.Millisecond}
	d.exact, d.patience, d.minutes = true, 10*time.Second, true
	d.limits = map[string]int{"api": 1000}
	for i, name := range []string{"Contracts", "Signed", "Archive", "Templates"} {
		f := documensoFolder{id: documensoID(r), name: name, form: "DOCUMENT", made: w.epoch.AddDate(0, -3, i)}
		switch name {
		case "Signed", "Archive": // each within the one before
			f.parent = x.folders[i-1].id
		case "Templates":
			f.form = "TEMPLATE"
		}
		x.folders = append(x.folders, f)
	}
	d.actor, d.caller, d.keeper = x, x, x
	return d
}

// next is the next number of a kind.
func (x *documenso) next(of string) int {
	x.numbers[of]++
	return x.numbers[of]
}

// truth maps an envelope to countersign's words, by a table of the simulator's own. An open one
// that was deleted is cancelled; one that had ended keeps how it ended.
func (x *documenso) truth(s *state) standing {
	words := map[string]string{
		"DRAFT": "draft", "PENDING": "in_progress", "COMPLETED": "completed", "REJECTED": "declined", "CANCELLED": "cancelled",
	}
	status, known := words[s.word]
	switch {
	case !known:
		status = "unknown"
	case s.gone:
		status = "cancelled"
	}
	return standing{status: status, provider: s.word}
}

func (x *documenso) listable(s *state) bool { return !s.deleted }

// admits takes the key bare, or after Bearer with a capital letter.
func (x *documenso) admits(r *http.Request, _ time.Time) bool {
	key, _ := x.desk.account.Settings["api_key"].(string)
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return hmac.Equal([]byte(given), []byte(key))
}

// expired says whether the key's life has ended.
func (x *documenso) expired(now time.Time) bool {
	w := x.desk.world
	return w.opts.KeyLife > 0 && !now.Before(w.epoch.Add(w.opts.KeyLife))
}

// conceive makes up an envelope and the life that its kind names.
func (x *documenso) conceive(t *transaction) {
	r := t.rng
	t.ref, t.name, t.sender, t.fraction = "envelope_"+letters(r, 16, lowercase), title(r), x.owner, true
	t.paper = &documensoPaper{number: x.next("document"), team: x.team, meta: documensoID(r), byHand: r.IntN(8) == 0}
	if r.IntN(3) > 0 {
		t.externalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	files := 1
	if r.IntN(3) == 0 {
		files = 2
	}
	for i := range files {
		item := document{id: "envelope_item_" + letters(r, 16, lowercase), name: fmt.Sprintf("%s-%d.pdf", pick(r, "contract", "annex", "terms"), i+1), pages: 1 + r.IntN(3), sealed: true}
		t.docs = append(t.docs, item)
		x.items[item.id] = t
	}
	for i := range documensoSigners(t.kind, r.IntN(3)) {
		p := x.recipient(t, i+1)
		p.role = "SIGNER"
		if i > 0 {
			p.role = pick(r, "SIGNER", "SIGNER", "APPROVER", "VIEWER")
		}
		t.state.people = append(t.state.people, p)
	}
	if t.kind == "sequential" || t.kind == "from_template" || r.IntN(4) == 0 {
		p := x.recipient(t, len(t.state.people)+1)
		p.role = "CC"
		t.paper.copies = append(t.paper.copies, p)
	}
	x.arrange(t)
	t.steps = x.life(t)
}

// arrange is what some kinds have of their own.
func (x *documenso) arrange(t *transaction) {
	switch t.kind {
	case "sequential":
		t.paper.sequential = true
	case "filed_early":
		t.paper.folder = x.folders[0].id
	case "from_template":
		t.paper.templateID, t.paper.copied = 1, true
	case "template", "template_deleted":
		t.form, t.paper.number, t.paper.copied = "TEMPLATE", x.next("template"), true
	case "other_team":
		t.form, t.paper.team = "OTHER", x.otherTeam
	}
}

func (x *documenso) recipient(t *transaction, order int) person {
	p := someone(t.rng, order)
	p.id, p.token = strconv.Itoa(x.next("recipient")), letters(t.rng, 21, base64url)
	return p
}

func documensoSigners(kind string, chance int) int {
	switch kind {
	case "partly", "sequential", "rejected_partly", "cancelled_partly", "seal_failing":
		return 2 + chance%2
	}
	return 1 + chance
}

// life is what happens to an envelope of each kind, and how long after one another.
func (x *documenso) life(t *transaction) []step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.rng.Int64N(int64(to-from))) }
	soon := func(act string) step { return then(gap(20*time.Minute, 4*time.Hour), act, 0) }
	opening := []step{then(0, "create", 0), then(gap(200*time.Millisecond, 30*time.Minute), "send", 0)}
	seal := then(gap(310*time.Millisecond, 360*time.Millisecond), "seal", 0)
	var signing []step
	for i := range t.state.people {
		signing = append(signing, then(gap(10*time.Minute, 3*time.Hour), "view", i), then(gap(time.Minute, 30*time.Minute), "sign", i))
	}
	last := len(t.state.people) - 1
	some := signing[:2*max(last, 1)] // all but the last, where there are several
	done := func(more ...step) []step {
		return append(append(append([]step{}, opening...), append(signing, seal)...), more...)
	}
	open := func(more ...step) []step { return append(append([]step{}, opening...), more...) }
	half := func(more ...step) []step { return open(append(append([]step{}, some...), more...)...) }
	switch t.kind {
	case "draft":
		return opening[:1]
	case "draft_deleted":
		return []step{opening[0], soon("remove")}
	case "open", "filed_early":
		return open(signing[0])
	case "partly":
		return half()
	case "rejected":
		return open(signing[0], soon("reject"))
	case "rejected_partly":
		return half(then(gap(time.Hour, 3*time.Hour), "reject", last))
	case "rejected_by_sender":
		return open(soon("reject"))
	case "cancelled":
		return open(signing[0], soon("cancel"))
	case "cancelled_partly":
		return half(soon("cancel"))
	case "pending_deleted":
		return open(signing[0], soon("remove"))
	case "completed_deleted":
		return done(then(gap(20*time.Hour, 24*time.Hour), "erase", 0))
	case "rejected_deleted":
		return open(soon("reject"), then(gap(20*time.Hour, 24*time.Hour), "erase", 0))
	case "cancelled_deleted":
		return open(soon("cancel"), soon("erase"))
	case "deleted_twice":
		return done(soon("erase"), soon("erase"))
	default:
		return x.longLife(t.kind, open, done, signing, soon, gap)
	}
}

// longLife is the life of those that take a turn on the way to their end.
func (x *documenso) longLife(kind string, open, done func(...step) []step, signing []step, soon func(string) step, gap func(from, to time.Duration) time.Duration) []step {
	switch kind {
	case "resealed":
		return done(then(gap(20*time.Hour, 24*time.Hour), "reseal", 0))
	case "sealed_late": // a job tries again each 15 minutes
		return open(append(signing, then(15 * time.Minute * time.Duration(1+gap(0, 20)), "seal", 0))...)
	case "seal_failing": // all have signed, and the envelope stays open
		return open(signing...)
	case "recipient_expired":
		return open(then(gap(16*time.Hour, 24*time.Hour), "expire", 0))
	case "renewed":
		return append(open(then(gap(16*time.Hour, 24*time.Hour), "expire", 0), soon("remind")), done()[2:]...)
	case "reminded":
		return append(open(soon("remind")), done()[2:]...)
	case "filed":
		return append(open(soon("file")), done(soon("file"))[2:]...)
	case "template", "template_deleted": // born a day and some hours before the world
		all := []step{then(0, "create", 0), then(gap(30*time.Hour, 40*time.Hour), "edit", 0)}
		if kind == "template_deleted" {
			all = append(all, soon("remove"))
		}
		return all
	case "other_team":
		return open(then(gap(30*time.Hour, 40*time.Hour), "cancel", 0))
	default: // completed, sequential, from_template
		return done()
	}
}
