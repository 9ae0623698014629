package documenso_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/documenso"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

func TestEachKindOfEnvelopeEndsAsTheTableSays(t *testing.T) {
	t.Parallel()
	ends := map[string]string{
		"completed": "completed", "sequential": "completed", "draft": "draft", "draft_deleted": "cancelled deleted absent",
		"open":   "in_progress",
		"partly": "in_progress", "rejected": "declined", "rejected_partly": "declined", "rejected_by_sender": "declined",
		"cancelled":        "cancelled",
		"cancelled_partly": "cancelled", "pending_deleted": "cancelled deleted absent",
		"completed_deleted": "completed deleted",
		"rejected_deleted":  "declined deleted", "cancelled_deleted": "cancelled deleted",
		"deleted_twice": "completed deleted", "resealed": "completed",
		"sealed_late": "completed", "seal_failing": "in_progress", "recipient_expired": "in_progress",
		"renewed": "completed", "reminded": "completed",
		"filed": "completed", "filed_early": "in_progress", "from_template": "completed",
	}
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), &simulatortest.Listener{}, 20*24*time.Hour,
		func(t *testing.T, w *simulator.World) {
			if !w.Idle() {
				t.Error("the world is not idle after twenty days")
			}
			h, seen := simulatortest.DocumensoHeader(w), map[string]bool{}
			for _, row := range w.Truth().Transactions {
				seen[row.Kind] = true
				is := row.Status
				for i, set := range []bool{row.Archived, row.Trashed, row.Deleted, row.Absent} {
					if set {
						is += []string{" archived", " trashed", " deleted", " absent"}[i]
					}
				}
				if is != ends[row.Kind] {
					t.Errorf("%s ended %q, want %q", row.Kind, is, ends[row.Kind])
				}
				if (len(row.Documents) > 0) != (row.Status == "completed") {
					t.Errorf("%s has %d documents", row.Kind, len(row.Documents))
				}
				if row.Listed != !row.Deleted {
					t.Errorf("%s: listed %v", row.Kind, row.Listed)
				}
				holdsUp(t, w, h, row)
			}
			for kind := range ends {
				if !seen[kind] {
					t.Errorf("no life of kind %q", kind)
				}
			}
		})
}

// holdsUp holds what the detail says against the truth.
func holdsUp(t *testing.T, w *simulator.World, h http.Header, row simulator.TruthTransaction) {
	t.Helper()
	status, _, body := simulatortest.Asks(t, w, "GET", "/api/v2/envelope/"+row.Ref, "", h)
	if row.Absent {
		if status != http.StatusNotFound {
			t.Errorf("%s: %d", row.Kind, status)
		}
		return
	}
	e := body.(map[string]any)
	if e["status"] != row.ProviderStatus || (e["deletedAt"] != nil) != row.Deleted {
		t.Errorf("%s: %v, deleted at %v", row.Kind, e["status"], e["deletedAt"])
	}
	done, total := 0, 0
	for _, r := range e["recipients"].([]any) {
		p := r.(map[string]any)
		if p["role"] == "CC" {
			if p["signingStatus"] != "SIGNED" && row.Status != "draft" {
				t.Errorf("%s: who gets a copy is %v", row.Kind, p["signingStatus"])
			}
			continue
		}
		total++
		if p["signingStatus"] == "SIGNED" {
			done++
		}
	}
	if done != row.SignersDone || total != row.SignersTotal {
		t.Errorf("%s: %d of %d signed, the truth says %d of %d", row.Kind, done, total, row.SignersDone, row.SignersTotal)
	}
	ranOut := slices.ContainsFunc(e["recipients"].([]any),
		func(r any) bool { return r.(map[string]any)["expirationNotifiedAt"] != nil })
	if ranOut != (row.Kind == "recipient_expired") {
		t.Errorf("%s: a link ran out: %v", row.Kind, ranOut)
	}
}

// walkEnvelopes reads a list to its end, and gives the refs in order.
func walkEnvelopes(t *testing.T, w *simulator.World, query string) (refs []string) {
	t.Helper()
	for page := 1; ; page++ {
		status, _, body := simulatortest.Asks(t, w, "GET", fmt.Sprintf("/api/v2/envelope?perPage=7&page=%d&%s", page,
			query), "", simulatortest.DocumensoHeader(w))
		if status != http.StatusOK {
			t.Fatalf("%s: %d", query, status)
		}
		all := body.(map[string]any)
		for _, e := range all["data"].([]any) {
			one := e.(map[string]any)
			if one["envelopeItems"] != nil || one["fields"] != nil ||
				one["recipients"].([]any)[0].(map[string]any)["token"] == "" {
				t.Errorf("the list shows items or no token: %v", one)
			}
			refs = append(refs, one["id"].(string))
		}
		if len(all["data"].([]any)) == 0 {
			if int(all["count"].(float64)) != len(refs) || int(all["totalPages"].(float64)) != page-1 {
				t.Errorf("%s: count %v on %v pages, found %d on %d", query, all["count"], all["totalPages"], len(refs), page-1)
			}
			return refs
		}
	}
}

func TestAnEnvelopeInAFolderIsListedThereAndNowhereElse(t *testing.T) {
	t.Parallel()
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), nil, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		root := walkEnvelopes(t, w, "type=DOCUMENT")
		found := map[string]int{}
		for _, ref := range root {
			found[ref]++
		}
		var folders func(parent string) []string
		folders = func(parent string) (all []string) {
			_, _, body := simulatortest.Asks(t, w, "GET", "/api/v2/folder?type=DOCUMENT&parentId="+parent, "",
				simulatortest.DocumensoHeader(w))
			for _, f := range body.(map[string]any)["data"].([]any) {
				id := f.(map[string]any)["id"].(string)
				all = append(append(all, id), folders(id)...)
			}
			return all
		}
		all, filed := folders(""), 0
		for _, folder := range all {
			for _, ref := range walkEnvelopes(t, w, "folderId="+folder) {
				found[ref]++
				filed++
			}
		}
		if len(all) != 3 || filed == 0 {
			t.Errorf("%d folders, %d envelopes in them", len(all), filed)
		}
		for _, row := range w.Truth().Transactions {
			if want := map[bool]int{true: 1}[row.Listed]; found[row.Ref] != want {
				t.Errorf("%s is listed %d times", row.Kind, found[row.Ref])
			}
			delete(found, row.Ref)
		}
		if len(found) != 0 {
			t.Errorf("%d envelopes are listed and not in the truth", len(found))
		}
		if got := walkEnvelopes(t, w, "folderId="); len(got) != 0 {
			t.Errorf("an empty folderId finds %d", len(got))
		}
		if got := walkEnvelopes(t, w, "type=TEMPLATE"); len(got) != 1 {
			t.Errorf("%d templates", len(got))
		}
		if got := walkEnvelopes(t, w, "orderByDirection=asc&type=DOCUMENT&updatedSince=2030-01-01"); !slices.Equal(got,
			root) {
			t.Error("a direction without a column, or an unknown parameter, changes the list")
		}
		up := walkEnvelopes(t, w, "orderByColumn=createdAt&orderByDirection=asc&type=DOCUMENT")
		slices.Reverse(up)
		if !slices.Equal(up, root) {
			t.Error("the ascending list is not the descending one turned round")
		}
	})
}

func TestOpeningAndSigningDoNotMoveUpdatedAt(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		updated, orders, stale := map[string]string{}, map[string]map[string]bool{}, 0
		filed := map[string]bool{} // moving it is an edit, which moves updatedAt and tells nobody
		for _, row := range w.Truth().Transactions {
			filed[row.Ref] = row.Kind == "filed"
		}
		for _, h := range l.Heard() {
			event, p := payload(t, h)
			ref, _ := p["envelopeId"].(string)
			switch event {
			case "DOCUMENT_OPENED", "DOCUMENT_RECIPIENT_COMPLETED", "DOCUMENT_SIGNED", "RECIPIENT_EXPIRED",
				"DOCUMENT_REMINDER_SENT":
				if (p["updatedAt"] != updated[ref] && !filed[ref]) || p["status"] != "PENDING" {
					t.Errorf("%s: updatedAt moved from %s to %v, status %v", event, updated[ref], p["updatedAt"], p["status"])
				}
			case "DOCUMENT_CANCELLED":
				if p["status"] == "CANCELLED" && p["updatedAt"].(string) < p["completedAt"].(string) {
					stale++
				}
			default:
				updated[ref] = p["updatedAt"].(string)
			}
			ids := ""
			for _, r := range p["recipients"].([]any) {
				ids += fmt.Sprint(r.(map[string]any)["id"], " ")
			}
			if orders[ref] == nil {
				orders[ref] = map[string]bool{}
			}
			orders[ref][ids] = true
		}
		moved := 0
		for _, o := range orders {
			if len(o) > 1 {
				moved++
			}
		}
		if moved < 5 || stale == 0 {
			t.Errorf("%d envelopes whose recipients change their order, %d cancelled with a stale time", moved, stale)
		}
	})
}

// payload takes a callback apart.
func payload(t *testing.T, h simulatortest.Heard) (string, map[string]any) {
	t.Helper()
	var body struct {
		Event   string         `json:"event"`
		Payload map[string]any `json:"payload"`
	}
	if err := json.Unmarshal(h.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Event, body.Payload
}

func TestDocumensoTellsTheLastSignatureInThreeCallbacks(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	simulatortest.Play(t, simulatortest.DocumensoWorld(nil), l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		causes, others := map[string]bool{}, 0
		eventsOf := map[string][]string{}
		at := map[string][]time.Time{}
		for _, h := range l.Heard() {
			event, p := payload(t, h)
			ref, _ := p["envelopeId"].(string)
			eventsOf[ref], at[ref] = append(eventsOf[ref], event), append(at[ref], h.At)
			if event == "DOCUMENT_CANCELLED" {
				causes[fmt.Sprint(p["status"], " ", p["deletedAt"] != nil)] = true
				if fmt.Sprint(p["teamId"]) != w.Accounts()[0].AccountID {
					others++
					status, _, e := simulatortest.Asks(t, w, "GET", "/api/v2/envelope/"+ref, "", simulatortest.DocumensoHeader(w))
					item := e.(map[string]any)["envelopeItems"].([]any)[0].(map[string]any)["id"].(string)
					file, _, _ := simulatortest.Asks(t, w, "GET", "/api/v2/envelope/item/"+item+"/download", "",
						simulatortest.DocumensoHeader(w))
					if status != http.StatusOK || file != http.StatusNotFound {
						t.Errorf("an envelope of the other team: detail %d, file %d", status, file)
					}
				}
			}
		}
		if len(causes) != 6 || others != 1 {
			t.Errorf("DOCUMENT_CANCELLED: %v, %d of another team", causes, others)
		}
		for _, row := range w.Truth().Transactions {
			if row.Kind != "completed" {
				continue
			}
			events, n := eventsOf[row.Ref], len(eventsOf[row.Ref])
			if got := strings.Join(events[n-3:], " "); got != "DOCUMENT_RECIPIENT_COMPLETED DOCUMENT_SIGNED DOCUMENT_COMPLETED" {
				t.Errorf("the last signature: %s", got)
			}
			if first, gap := at[row.Ref][n-2].Sub(at[row.Ref][n-3]),
				at[row.Ref][n-1].Sub(at[row.Ref][n-2]); first != 300*time.Millisecond || gap < 10*time.Millisecond ||
				gap > 60*time.Millisecond {
				t.Errorf("the last three came %v and %v after one another", first, gap)
			}
		}
	})
}

func TestDocumensoTriesFourTimesAtOnceAndNeverAgain(t *testing.T) {
	t.Parallel()
	for _, speed := range []float64{1, 8640} {
		l := &simulatortest.Listener{Answer: func(n int, _ simulatortest.Heard) (int,
			string) {
			return []int{302, 404, 500, 503}[n%4], ""
		}}
		o := simulatortest.DocumensoWorld(func(o *world.Options) { o.Transactions, o.Speed = 20, speed })
		simulatortest.Play(t, o, l, 5*24*time.Hour, func(t *testing.T, w *simulator.World) {
			for _, row := range w.Truth().Transactions {
				for _, c := range row.Changes {
					for _, callback := range c.Callbacks {
						var waits []time.Duration
						for _, a := range callback.Attempts {
							waits = append(waits, a.At.Sub(callback.Attempts[0].At))
						}
						want := []time.Duration{0, 50 * time.Millisecond, 110 * time.Millisecond, 170 * time.Millisecond}
						if speed == 1 && !slices.Equal(waits, want) {
							t.Errorf("%s: attempts after %v", callback.Type, waits)
						}
						if len(waits) != 4 || waits[3] < want[3] { // at speed, others are in the way
							t.Errorf("%s: attempts after %v", callback.Type, waits)
						}
					}
				}
			}
		})
		times, payloads := map[string]bool{}, map[string]int{}
		for _, h := range l.Heard() {
			var body documenso.Event
			if err := json.Unmarshal(h.Body, &body); err != nil {
				t.Fatal(err)
			}
			times[body.CreatedAt.(string)] = true
			if body.CreatedAt != documenso.Milliseconds(h.At) {
				t.Errorf("createdAt %v of an attempt at %v", body.CreatedAt, h.At)
			}
			payloads[body.Event+string(body.Payload)]++
		}
		for p, n := range payloads {
			if n%4 != 0 {
				t.Errorf("one payload came %d times: %.60s", n, p)
			}
		}
		if len(times) <= len(payloads) {
			t.Errorf("%d times for %d payloads", len(times), len(payloads))
		}
	}
}

func TestAResentCallbackIsTheSameButForItsTime(t *testing.T) {
	t.Parallel()
	l := &simulatortest.Listener{}
	o := simulatortest.DocumensoWorld(func(o *world.Options) {
		o.Transactions, o.Faults = 20,
			world.Faults{Duplicate: 1, Forge: 1}
	})
	simulatortest.Play(t, o, l, 5*24*time.Hour, func(t *testing.T, w *simulator.World) {
		secret := w.Accounts()[0].Settings["webhook_secret"].(string)
		seen, bodies, proofs, twice := map[string]int{}, map[string]bool{}, map[string]bool{}, 0
		forged := 0
		for _, h := range l.Heard() {
			var body documenso.Event
			if err := json.Unmarshal(h.Body, &body); err != nil {
				t.Fatal(err)
			}
			if got := h.Header.Get("X-Documenso-Secret"); got != secret {
				forged++
				_, some := h.Header["X-Documenso-Secret"]
				proofs[fmt.Sprint(some, got == "")] = true
				continue
			}
			if body.Endpoint != "http://listener.example/callbacks/sim-documenso" || h.Header.Get("User-Agent") != "node" {
				t.Errorf("%s %v", body.Endpoint, h.Header)
			}
			if bodies[string(h.Body)] {
				t.Error("a body came twice byte for byte")
			}
			bodies[string(h.Body)] = true
			if seen[body.Event+string(body.Payload)]++; seen[body.Event+string(body.Payload)] == 2 {
				twice++
			}
		}
		if truth := w.Truth(); truth.Forged != forged || forged == 0 || len(proofs) != 3 || twice == 0 {
			t.Errorf("%d forged, heard %d of kinds %v; %d came again", truth.Forged, forged, proofs, twice)
		}
	})
}
