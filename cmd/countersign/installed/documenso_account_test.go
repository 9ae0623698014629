package installed

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/installtest"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// Whoever has a recipient's token can sign as that person: it stays nowhere. The secret itself is the proof.
func TestDocumensoProofs(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountDocumenso, "envelope_once"
	d := documensoing(t, simulator.Options{})
	d.in.Edit(t, `(?m)^      webhook_secret: .*$`, "$0\n      team_id: \""+strconv.Itoa(d.team)+"\"")
	d.in.Polling(t, simulator.AccountDocumenso)
	d.is(ref, "PENDING", nil)
	payload := d.payload(ref, "PENDING", nil)
	body := installtest.JSONOf(t, installtest.Said{"event": "DOCUMENT_SENT", "payload": payload, "createdAt": isoStamp(time.Now()),
		"webhookEndpoint": "http://user:hush-endpoint@x.example.org/"})
	for _, h := range []map[string]string{nil, {"X-Documenso-Secret": ""}, {"X-Documenso-Secret": d.key + "x"},
		{"X-Documenso-Secret": d.key[1:]}, {"Authorization": d.key}} {
		got := d.in.Came(t, account, h, body, model.Refused, "")
		require.Equal(t, ref, got["ref"])
	}
	require.Zero(t, d.in.Rows(t))
	require.Zero(t, d.Count("GET "+documensoPath+"envelope/"+ref)+d.Count("POST "+documensoPath+"envelope/get-many"),
		"nobody is asked for a forgery")

	// The same three times, with another time of the attempt and the recipients in another order.
	d.tells(t, "DOCUMENT_SENT", payload, model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_SENT", shuffled(payload), model.Duplicate, model.NothingNew)
	d.tells(t, "DOCUMENT_SENT", payload, model.Duplicate, model.NothingNew)
	d.in.Polls(t, account, ref)
	d.in.Becomes(t, ref, installtest.Said{"status": "in_progress", "confirmed": true, "signers_done": 0, "signers_total": 2})

	// What another team's envelope does is not ours.
	other := d.payload("envelope_theirs", "COMPLETED", installtest.Said{"teamId": d.team + 1})
	d.tells(t, "DOCUMENT_COMPLETED", other, model.Accepted, model.Ignored)
	require.Equal(t, 1, d.in.Rows(t))
	require.Zero(t, d.Count("GET "+documensoPath+"envelope/envelope_theirs"))

	for _, id := range append(append(ids(t, d.in, model.Accepted), ids(t, d.in, model.Refused)...),
		ids(t, d.in, model.Duplicate)...) {
		text := d.in.Said(t, "callbacks", "show", "--json", id) + d.in.Said(t, "callbacks", "show", id)
		require.NotContains(t, text, "hush-")
		require.NotContains(t, text, d.key)
	}
	require.NotContains(t, d.in.Said(t, "show", ref)+d.in.Said(t, "show", "--json", ref), "hush-")
	for _, text := range []string{"hush-ana", "hush-cleo", "hush-endpoint", d.key} {
		d.in.Nowhere(t, text)
	}
}

// The list shows only what lies in no folder: the poll walks the folders too, however deep.
func TestDocumensoFolders(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	for _, ref := range []string{"envelope_root", "envelope_deep"} {
		d.is(ref, "PENDING", nil)
	}
	d.listed[""] = []string{"envelope_root"}
	d.listed["inner"] = []string{"envelope_deep"}
	d.lists(map[string][]string{"": {"outer"}, "outer": {"inner"}})
	d.in.Polling(t, simulator.AccountDocumenso)
	d.in.Said(t, "poll", "--account", simulator.AccountDocumenso, "--tier", "active")
	for _, ref := range []string{"envelope_root", "envelope_deep"} {
		d.in.Becomes(t, ref, installtest.Said{"status": "in_progress", "confirmed": true, "signers_total": 2})
	}
	d.in.Nowhere(t, "hush-ana")
	// The team that the list told: another's event is ignored without a setting.
	d.tells(t, "DOCUMENT_SENT", d.payload("envelope_theirs", "PENDING", installtest.Said{"teamId": d.team + 2}), model.Accepted,
		model.Ignored)
	require.Equal(t, 2, d.in.Rows(t))
}

// An expired key is a refusal though it answers 400; callbacks go on being taken.
func TestDocumensoExpiredKey(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountDocumenso, "envelope_k"
	d := documensoing(t, simulator.Options{KeyLife: time.Millisecond})
	d.On("POST "+documensoPath+"envelope/get-many", nil)
	d.in.Daemon(t)
	_, stderr, code := d.in.Verb(t, "poll", "--account", account, "--tier", "active")
	require.Equal(t, output.ExitFailed, code, stderr)
	installtest.Eventually(t, "an incident", func() bool { return len(d.in.Incidents(t)) > 0 })
	require.Equal(t, []string{account + " " + model.CredentialsRefused}, d.in.Incidents(t))
	stdout, _, code := d.in.Verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	require.True(t, strings.Contains(stdout, "credentials refused"), stdout)
	d.tells(t, "DOCUMENT_SENT", d.payload(ref, "PENDING", nil), model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", nil), model.Accepted, model.Applied)
	d.in.Is(t, ref, installtest.Said{"status": "completed", "confirmed": false, "documents_total": 0})
}
