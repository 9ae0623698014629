package main

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/provider/simulator"
)

// Whoever has a recipient's token can sign as that person: it stays nowhere. The secret itself is the proof.
func TestWholeDocumensoProofs(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountDocumenso, "envelope_once"
	d := documensoing(t, simulator.Options{})
	d.in.edit(t, `(?m)^      webhook_secret: .*$`, "$0\n      team_id: \""+strconv.Itoa(d.team)+"\"")
	d.in.polling(t, simulator.AccountDocumenso)
	d.is(ref, "PENDING", nil)
	payload := d.payload(ref, "PENDING", nil)
	body := jsonOf(t, said{"event": "DOCUMENT_SENT", "payload": payload, "createdAt": isoStamp(time.Now()),
		"webhookEndpoint": "http://user:hush-endpoint@x.example.org/"})
	for _, h := range []map[string]string{nil, {"X-Documenso-Secret": ""}, {"X-Documenso-Secret": d.key + "x"},
		{"X-Documenso-Secret": d.key[1:]}, {"Authorization": d.key}} {
		got := d.in.came(t, account, h, body, model.Refused, "")
		require.Equal(t, ref, got["ref"])
	}
	require.Zero(t, d.in.rows(t))
	require.Zero(t, d.count("GET "+documensoPath+"envelope/"+ref)+d.count("POST "+documensoPath+"envelope/get-many"),
		"nobody is asked for a forgery")

	// The same three times, with another time of the attempt and the recipients in another order.
	d.tells(t, "DOCUMENT_SENT", payload, model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_SENT", shuffled(payload), model.Duplicate, model.NothingNew)
	d.tells(t, "DOCUMENT_SENT", payload, model.Duplicate, model.NothingNew)
	d.in.polls(t, account, ref)
	d.in.becomes(t, ref, said{"status": "in_progress", "confirmed": true, "signers_done": 0, "signers_total": 2})

	// What another team's envelope does is not ours.
	other := d.payload("envelope_theirs", "COMPLETED", said{"teamId": d.team + 1})
	d.tells(t, "DOCUMENT_COMPLETED", other, model.Accepted, model.Ignored)
	require.Equal(t, 1, d.in.rows(t))
	require.Zero(t, d.count("GET "+documensoPath+"envelope/envelope_theirs"))

	for _, id := range append(append(d.in.ids(t, model.Accepted), d.in.ids(t, model.Refused)...),
		d.in.ids(t, model.Duplicate)...) {
		text := d.in.said(t, "callbacks", "show", "--json", id) + d.in.said(t, "callbacks", "show", id)
		require.NotContains(t, text, "hush-")
		require.NotContains(t, text, d.key)
	}
	require.NotContains(t, d.in.said(t, "show", ref)+d.in.said(t, "show", "--json", ref), "hush-")
	for _, text := range []string{"hush-ana", "hush-cleo", "hush-endpoint", d.key} {
		d.in.nowhere(t, text)
	}
}

// The list shows only what lies in no folder: the poll walks the folders too, however deep.
func TestWholeDocumensoFolders(t *testing.T) {
	t.Parallel()
	d := documensoing(t, simulator.Options{})
	for _, ref := range []string{"envelope_root", "envelope_deep"} {
		d.is(ref, "PENDING", nil)
	}
	d.listed[""] = []string{"envelope_root"}
	d.listed["inner"] = []string{"envelope_deep"}
	d.lists(map[string][]string{"": {"outer"}, "outer": {"inner"}})
	d.in.polling(t, simulator.AccountDocumenso)
	d.in.said(t, "poll", "--account", simulator.AccountDocumenso, "--tier", "active")
	for _, ref := range []string{"envelope_root", "envelope_deep"} {
		d.in.becomes(t, ref, said{"status": "in_progress", "confirmed": true, "signers_total": 2})
	}
	d.in.nowhere(t, "hush-ana")
	// The team that the list told: another's event is ignored without a setting.
	d.tells(t, "DOCUMENT_SENT", d.payload("envelope_theirs", "PENDING", said{"teamId": d.team + 2}), model.Accepted,
		model.Ignored)
	require.Equal(t, 2, d.in.rows(t))
}

// An expired key is a refusal though it answers 400; callbacks go on being taken.
func TestWholeDocumensoExpiredKey(t *testing.T) {
	t.Parallel()
	const account, ref = simulator.AccountDocumenso, "envelope_k"
	d := documensoing(t, simulator.Options{KeyLife: time.Millisecond})
	d.on("POST "+documensoPath+"envelope/get-many", nil)
	d.in.daemon(t)
	_, stderr, code := d.in.verb(t, "poll", "--account", account, "--tier", "active")
	require.Equal(t, output.ExitFailed, code, stderr)
	eventually(t, "an incident", func() bool { return len(d.in.incidents(t)) > 0 })
	require.Equal(t, []string{account + " " + model.CredentialsRefused}, d.in.incidents(t))
	stdout, _, code := d.in.verb(t, "status")
	require.Equal(t, output.ExitDrift, code, stdout)
	require.True(t, strings.Contains(stdout, "credentials refused"), stdout)
	d.tells(t, "DOCUMENT_SENT", d.payload(ref, "PENDING", nil), model.Accepted, model.Applied)
	d.tells(t, "DOCUMENT_COMPLETED", d.payload(ref, "COMPLETED", nil), model.Accepted, model.Applied)
	d.in.is(t, ref, said{"status": "completed", "confirmed": false, "documents_total": 0})
}
