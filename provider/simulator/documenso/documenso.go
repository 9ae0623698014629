// Package documenso plays Documenso 2.17 as its dossier has it: its accounts, its callbacks and its API.
package documenso

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
)

// AccountID is the id of the account that is played.
const AccountID = "sim-documenso"

// service plays Documenso 2.17 as its dossier has it.
type service struct {
	desk      *world.Desk
	team      int
	otherTeam int // of the same owner
	owner     life.Person
	ownerID   int
	teamURL   string
	folders   []folder
	numbers   map[string]int // the last number given, by what is numbered
	items     map[string]*world.Transaction
}

// envelope is what an envelope has beside what all transactions have.
type envelope struct {
	number     int // the older id
	team       int
	templateID int
	folder     string // "" lies in none
	sequential bool
	byHand     bool // the links are handed out by the sender, not by mail
	meta       string
	copies     []life.Person // they get a copy and sign nothing
	copied     bool          // the copies count as signed from creation on, not from sending on
}

// dataOf is the rest of an envelope.
func dataOf(t *world.Transaction) *envelope {
	data, _ := t.Own.(*envelope) // each has one from its conception on
	return data
}

// folder is a folder for envelopes, perhaps in another one.
type folder struct {
	id, name, parent, form string
	made                   time.Time
}

// Open adds an account of Documenso to a world.
func Open(w *world.World) *world.Desk {
	r := chance.Source(w.Options.Seed, "documenso account")
	d := world.NewDesk(w, world.Account{
		ID: AccountID, Provider: "documenso", BasePath: "/documenso", Email: "owner@sim-documenso.example",
	})
	x := &service{
		desk: d, team: 100 + r.IntN(800), ownerID: 10 + r.IntN(80), owner: life.Someone(r, 0), teamURL: "personal_" +
			chance.Letters(r, 16, cuidLetters),
		numbers: map[string]int{}, items: map[string]*world.Transaction{},
	}
	x.otherTeam, x.owner.Email = x.team+2, d.Account.Email
	d.Account.AccountID = strconv.Itoa(x.team)
	d.Key = "whsec-" + chance.Letters(r, 24, chance.Alphanum)
	d.Account.Settings = map[string]any{"api_key": "api_" + chance.Letters(r, 16, cuidLetters), "webhook_secret": d.Key}
	d.Deck = []string{
		"completed", "completed", "completed", "completed", "sequential", "draft", "draft_deleted", "open", "partly",
		"rejected",
		"rejected_partly", "rejected_by_sender", "cancelled", "cancelled_partly", "pending_deleted", "completed_deleted",
		"rejected_deleted",
		"cancelled_deleted", "deleted_twice", "resealed", "sealed_late", "seal_failing", "recipient_expired", "renewed",
		"reminded", "filed", "filed_early",
		"from_template",
	}
	d.Extras = []string{"template", "template_deleted", "other_team"}
	d.Retries = []time.Duration{50 * time.Millisecond, 60 * time.Millisecond, 60 * time.Millisecond}
	d.Exact, d.Patience, d.Minutes = true, 10*time.Second, true
	d.Limits = map[string]int{"api": 1000}
	for i, name := range []string{"Contracts", "Signed", "Archive", "Templates"} {
		f := folder{id: newID(r), name: name, form: "DOCUMENT", made: w.Epoch.AddDate(0, -3, i)}
		switch name {
		case "Signed", "Archive": // each within the one before
			f.parent = x.folders[i-1].id
		case "Templates":
			f.form = "TEMPLATE"
		}
		x.folders = append(x.folders, f)
	}
	d.Actor, d.Caller, d.Server = x, x, api{x}
	return d
}

// next is the next number of a kind.
func (x *service) next(of string) int {
	x.numbers[of]++
	return x.numbers[of]
}

// Truth maps an envelope to countersign's words, by a table of the simulator's own. An open one
// that was deleted is cancelled; one that had ended keeps how it ended.
func (x *service) Truth(s *life.State) world.Standing {
	words := map[string]string{
		"DRAFT": "draft", "PENDING": "in_progress", "COMPLETED": "completed", "REJECTED": "declined",
		"CANCELLED": "cancelled",
	}
	status, known := words[s.Word]
	switch {
	case !known:
		status = "unknown"
	case s.Gone:
		status = "cancelled"
	}
	return world.Standing{Status: status, Provider: s.Word}
}

func (x *service) Listable(s *life.State) bool { return !s.Deleted }

// Admits takes the key bare, or after Bearer with a capital letter.
func (x *service) Admits(r *http.Request, _ time.Time) bool {
	key, _ := x.desk.Account.Settings["api_key"].(string)
	given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	return hmac.Equal([]byte(given), []byte(key))
}

// expired says whether the key's life has ended.
func (x *service) expired(now time.Time) bool {
	w := x.desk.World
	return w.Options.KeyLife > 0 && !now.Before(w.Epoch.Add(w.Options.KeyLife))
}

// Conceive makes up an envelope and the life that its kind names.
func (x *service) Conceive(t *world.Transaction) {
	r := t.Rand
	t.Ref, t.Name, t.Sender, t.Fraction = "envelope_"+chance.Letters(r, 16, lowercase), life.Title(r), x.owner, true
	t.Own = &envelope{number: x.next("document"), team: x.team, meta: newID(r), byHand: r.IntN(8) == 0}
	if r.IntN(3) > 0 {
		t.ExternalID = fmt.Sprintf("C-%05d", r.IntN(100000))
	}
	files := 1
	if r.IntN(3) == 0 {
		files = 2
	}
	for i := range files {
		item := life.Document{ID: "envelope_item_" + chance.Letters(r, 16, lowercase),
			Name: fmt.Sprintf("%s-%d.pdf", chance.Pick(r, "contract", "annex", "terms"), i+1), Pages: 1 +
				r.IntN(3), Sealed: true}
		t.Docs = append(t.Docs, item)
		x.items[item.ID] = t
	}
	for i := range signerCount(t.Kind, r.IntN(3)) {
		p := x.recipient(t, i+1)
		p.Role = "SIGNER"
		if i > 0 {
			p.Role = chance.Pick(r, "SIGNER", "SIGNER", "APPROVER", "VIEWER")
		}
		t.State.People = append(t.State.People, p)
	}
	if t.Kind == "sequential" || t.Kind == "from_template" || r.IntN(4) == 0 {
		p := x.recipient(t, len(t.State.People)+1)
		p.Role = "CC"
		dataOf(t).copies = append(dataOf(t).copies, p)
	}
	x.arrange(t)
	t.Steps = x.life(t)
}

// arrange is what some kinds have of their own.
func (x *service) arrange(t *world.Transaction) {
	switch t.Kind {
	case "sequential":
		dataOf(t).sequential = true
	case "filed_early":
		dataOf(t).folder = x.folders[0].id
	case "from_template":
		dataOf(t).templateID, dataOf(t).copied = 1, true
	case "template", "template_deleted":
		t.Form, dataOf(t).number, dataOf(t).copied = "TEMPLATE", x.next("template"), true
	case "other_team":
		t.Form, dataOf(t).team = "OTHER", x.otherTeam
	}
}

func (x *service) recipient(t *world.Transaction, order int) life.Person {
	p := life.Someone(t.Rand, order)
	p.ID, p.Token = strconv.Itoa(x.next("recipient")), chance.Letters(t.Rand, 21, chance.Base64URL)
	return p
}

func signerCount(kind string, some int) int {
	switch kind {
	case "partly", "sequential", "rejected_partly", "cancelled_partly", "seal_failing":
		return 2 + some%2
	}
	return 1 + some
}

// life is what happens to an envelope of each kind, and how long after one another.
func (x *service) life(t *world.Transaction) []life.Step {
	gap := func(from, to time.Duration) time.Duration { return from + time.Duration(t.Rand.Int64N(int64(to-from))) }
	soon := func(act string) life.Step { return life.Then(gap(20*time.Minute, 4*time.Hour), act, 0) }
	opening := []life.Step{life.Then(0, "create", 0), life.Then(gap(200*time.Millisecond, 30*time.Minute), "send", 0)}
	seal := life.Then(gap(310*time.Millisecond, 360*time.Millisecond), "seal", 0)
	var signing []life.Step
	for i := range t.State.People {
		signing = append(signing, life.Then(gap(10*time.Minute, 3*time.Hour), "view", i),
			life.Then(gap(time.Minute, 30*time.Minute), "sign", i))
	}
	last := len(t.State.People) - 1
	some := signing[:2*max(last, 1)] // all but the last, where there are several
	done := func(more ...life.Step) []life.Step {
		return append(append(append([]life.Step{}, opening...), append(signing, seal)...), more...)
	}
	open := func(more ...life.Step) []life.Step { return append(append([]life.Step{}, opening...), more...) }
	half := func(more ...life.Step) []life.Step { return open(append(append([]life.Step{}, some...), more...)...) }
	switch t.Kind {
	case "draft":
		return opening[:1]
	case "draft_deleted":
		return []life.Step{opening[0], soon("remove")}
	case "open", "filed_early":
		return open(signing[0])
	case "partly":
		return half()
	case "rejected":
		return open(signing[0], soon("reject"))
	case "rejected_partly":
		return half(life.Then(gap(time.Hour, 3*time.Hour), "reject", last))
	case "rejected_by_sender":
		return open(soon("reject"))
	case "cancelled":
		return open(signing[0], soon("cancel"))
	case "cancelled_partly":
		return half(soon("cancel"))
	case "pending_deleted":
		return open(signing[0], soon("remove"))
	case "completed_deleted":
		return done(life.Then(gap(20*time.Hour, 24*time.Hour), "erase", 0))
	case "rejected_deleted":
		return open(soon("reject"), life.Then(gap(20*time.Hour, 24*time.Hour), "erase", 0))
	case "cancelled_deleted":
		return open(soon("cancel"), soon("erase"))
	case "deleted_twice":
		return done(soon("erase"), soon("erase"))
	default:
		return x.longLife(t.Kind, open, done, signing, soon, gap)
	}
}

// longLife is the life of those that take a turn on the way to their end.
func (x *service) longLife(kind string, open, done func(...life.Step) []life.Step, signing []life.Step,
	soon func(string) life.Step, gap func(from, to time.Duration) time.Duration) []life.Step {
	switch kind {
	case "resealed":
		return done(life.Then(gap(20*time.Hour, 24*time.Hour), "reseal", 0))
	case "sealed_late": // a job tries again each 15 minutes
		return open(append(signing, life.Then(15*time.Minute*time.Duration(1+gap(0, 20)), "seal", 0))...)
	case "seal_failing": // all have signed, and the envelope stays open
		return open(signing...)
	case "recipient_expired":
		return open(life.Then(gap(16*time.Hour, 24*time.Hour), "expire", 0))
	case "renewed":
		return append(open(life.Then(gap(16*time.Hour, 24*time.Hour), "expire", 0), soon("remind")), done()[2:]...)
	case "reminded":
		return append(open(soon("remind")), done()[2:]...)
	case "filed":
		return append(open(soon("file")), done(soon("file"))[2:]...)
	case "template", "template_deleted": // born a day and some hours before the world
		all := []life.Step{life.Then(0, "create", 0), life.Then(gap(30*time.Hour, 40*time.Hour), "edit", 0)}
		if kind == "template_deleted" {
			all = append(all, soon("remove"))
		}
		return all
	case "other_team":
		return open(life.Then(gap(30*time.Hour, 40*time.Hour), "cancel", 0))
	default: // completed, sequential, from_template
		return done()
	}
}
