package console

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"countersign/model"
	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/problem"
)

// Each example of docs/api.md is run as it stands, against a console with the rows that it speaks of.
func TestTheExamplesOfTheAPIPageRun(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here", tool)
		}
	}
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t, "")
	err = d.store.Do(t.Context(), store.Unit{Keys: []model.Key{{Account: "sales", Ref: "8f3a1c"}},
		Apply: func(b *store.Batch) error {
			r := model.Transaction{Account: "sales", Ref: "8f3a1c", Provider: "onespan", Status: model.Completed, Confirmed: true,
				ExternalID: "C-7781", Name: "Lease 12", FirstSeenAt: b.Now(), ChangedAt: b.Now(), Origin: model.OriginClaim, SignersSet: true}
			b.Put(r, model.Decision{Next: r, Grew: true})
			b.AddChange(model.Change{Account: "sales", Ref: "8f3a1c", Kind: model.KindStatus, From: "in_progress", To: "completed",
				Status: model.Completed, Confirmed: true, Source: "confirm"})
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	token := d.token("ana", access.Operate)
	examples := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	want := []string{"", "8f3a1c completed confirmed=true", `"status": "completed"`, "8f3a1c Lease 12\nlooked through ", "sales/8f3a1c completed confirmed=true\ngo on",
		"event: change", "account,provider,ref,", "sales retry operator ana", "! sales callbacks_silent"}
	if len(examples) != len(want) {
		t.Fatalf("%d examples, and %d are known here", len(examples), len(want))
	}
	for i, e := range examples {
		if i == 0 {
			continue // the variables
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-euc", e[1])
		cmd.Env = append(os.Environ(), "COUNTERSIGN="+d.URL, "TOKEN="+token, "NO_PROXY=*", "no_proxy=*")
		cmd.Dir = t.TempDir()
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want[i]) {
			t.Errorf("%s\n%v, want %q in\n%s", e[1], err, want[i], out)
		}
	}
	for _, k := range problem.Kinds() {
		if !strings.Contains(string(page), "| `"+string(k.Name)+"` | ") {
			t.Errorf("docs/api.md does not explain %s", k.Name)
		}
		if a := d.ask("GET", "/problems/"+string(k.Name), token, ""); a.status != 200 || !strings.Contains(a.body, k.Cure) {
			t.Errorf("/problems/%s: %d %s", k.Name, a.status, a.body)
		}
	}
}
