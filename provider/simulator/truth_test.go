package simulator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"countersign/provider/simulator"
	"countersign/provider/simulator/simulatortest"
	"countersign/provider/simulator/world"
)

// shownState is what an answer showed: the status, and each signer's.
type shownState map[string]string

// fromTruth rebuilds what each answer about a transaction showed, from the marks of its changes alone.
func fromTruth(row simulator.TruthTransaction) []shownState {
	all := make([]shownState, len(row.Answers))
	for i := range all {
		all[i] = shownState{}
	}
	for _, c := range row.Changes {
		for _, a := range c.Answers {
			switch {
			case !a.Newest:
			case c.Change == "created" && all[a.N]["status"] == "": // until a status says otherwise
				all[a.N]["status"] = c.To
			case c.Change == "status":
				all[a.N]["status"] = c.To
			case c.Change == "signer":
				all[a.N][c.Signer] = c.To
			}
		}
	}
	return all
}

// fromAnswer reads an envelope as a client would.
func fromAnswer(e map[string]any) shownState {
	s := shownState{"status": map[string]string{
		"DRAFT": "draft", "PENDING": "in_progress", "COMPLETED": "completed", "REJECTED": "declined",
		"CANCELLED": "cancelled",
	}[e["status"].(string)]}
	for _, r := range e["recipients"].([]any) {
		p := r.(map[string]any)
		is := map[any]string{"SIGNED": "signed", "REJECTED": "declined"}[p["signingStatus"]]
		if is == "" && p["readStatus"] == "OPENED" {
			is = "viewed"
		}
		if p["role"] != "CC" && is != "" {
			s[fmt.Sprint(p["id"])] = is
		}
	}
	return s
}

// A client that writes down what it is answered must find the very same in the truth, with states
// that lag and changes that share their time.
func TestTheTruthSaysWhatEachAnswerShowed(t *testing.T) {
	t.Parallel()
	o := simulatortest.DocumensoWorld(func(o *world.Options) {
		o.Speed, o.Faults = 8640, world.Faults{Stale: 0.3, SameSecond: true, ErrorRate: 0.1, RateLimit: 0.05}
	})
	simulatortest.Play(t, o, &simulatortest.Listener{}, 0, func(t *testing.T, w *simulator.World) {
		got, kinds := map[string][]shownState{}, map[string]int{}
		h := simulatortest.DocumensoHeader(w)
		for range 60 {
			time.Sleep(210 * time.Millisecond)
			for _, e := range listed(t, w, h) {
				got[e["id"].(string)] = append(got[e["id"].(string)], fromAnswer(e))
			}
			for ref, all := range got {
				status, e := whole(t, w, ref, h)
				switch status {
				case http.StatusOK:
					got[ref] = append(all, fromAnswer(e))
				case http.StatusNotFound:
					got[ref] = append(all, nil)
				}
			}
		}
		signers, equal, overtaken := 0, 0, 0
		for _, row := range w.Truth().Transactions {
			if len(got[row.Ref]) != len(row.Answers) {
				t.Errorf("%s: %d answers, the truth has %d", row.Kind, len(got[row.Ref]), len(row.Answers))
				continue
			}
			for i, want := range fromTruth(row) {
				kinds[row.Answers[i].Kind]++
				if is := got[row.Ref][i]; is == nil != (row.Answers[i].Kind == "absent") || is != nil && !maps.Equal(is, want) {
					t.Errorf("%s, answer %d (%s): %v, the truth says %v", row.Kind, i, row.Answers[i].Kind, is, want)
				}
			}
			for i, c := range row.Changes {
				if c.Change == "signer" && len(c.Shown) > 0 {
					signers++
				}
				if i > 0 && c.Change == "signer" && row.Changes[i-1].Change == "signer" && c.At.Equal(row.Changes[i-1].At) &&
					len(c.Shown) > 0 {
					equal++
				}
				if len(c.Answers) > 0 && !c.Answers[0].Newest {
					overtaken++
				}
			}
		}
		if signers < 30 || equal == 0 || overtaken == 0 || kinds["detail"] == 0 || kinds["list"] == 0 ||
			kinds["absent"] == 0 {
			t.Errorf("%d changes of signers shown, %d at equal times, %d overtaken before anybody asked, kinds %v", signers,
				equal, overtaken, kinds)
		}
	})
}

// listed is one page of the list, or nothing where a fault is in the way.
func listed(t *testing.T, w *simulator.World, h http.Header) (all []map[string]any) {
	t.Helper()
	status, body := tries(t, w, "/envelope?type=DOCUMENT&perPage=100", h)
	if status != http.StatusOK || body == nil {
		return nil
	}
	for _, e := range body["data"].([]any) {
		all = append(all, e.(map[string]any))
	}
	return all
}

// whole is one envelope; 0 where a fault is in the way.
func whole(t *testing.T, w *simulator.World, ref string, h http.Header) (int, map[string]any) {
	t.Helper()
	status, body := tries(t, w, "/envelope/"+ref, h)
	if body == nil {
		return 0, nil
	}
	return status, body
}

// tries asks where answers may be none.
func tries(t *testing.T, w *simulator.World, path string, h http.Header) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://sim.example/documenso/api/v2"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = h
	resp, err := w.Transport().RoundTrip(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var body map[string]any
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return 0, nil
	}
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}

func TestTheTruthNamesEachAttemptAndItsAnswer(t *testing.T) {
	t.Parallel()
	n := 0
	l := &simulatortest.Listener{Delay: 30 * time.Millisecond, Answer: func(int, simulatortest.Heard) (int, string) {
		n++
		return []int{http.StatusOK, http.StatusServiceUnavailable}[n%2], ""
	}}
	o := simulatortest.DocumensoWorld(func(o *world.Options) { o.Faults = world.Faults{Drop: 0.2, Forge: 0.5} })
	simulatortest.Play(t, o, l, 20*24*time.Hour, func(t *testing.T, w *simulator.World) {
		truth := w.Truth()
		callback, answers, forged := 0, map[int]int{}, 0
		for _, row := range truth.Transactions {
			all := map[string]int{}
			for _, c := range row.Callbacks {
				callback++
				if c.Forged {
					forged++
				}
				for _, a := range c.Attempts {
					answers[a.Answer]++
					took := a.Answered.Sub(a.At)
					if sent := a.Fault != "dropped"; sent != (took == 30*time.Millisecond) || sent == a.Answered.IsZero() {
						t.Errorf("%s: an attempt at %v, answered at %v, fault %q", c.Type, a.At, a.Answered, a.Fault)
					}
				}
				all[fmt.Sprint(c)]++
			}
			for _, c := range row.Changes {
				for _, one := range c.Callbacks {
					if all[fmt.Sprint(one)] == 0 {
						t.Errorf("%s of a change is not among all callbacks", one.Type)
					}
				}
			}
		}
		if answers[200] == 0 || answers[503] == 0 || answers[0] == 0 || forged == 0 || forged >= truth.Forged {
			t.Errorf("%d callbacks, answers %v, %d of %d forged ones name their ref", callback, answers, forged, truth.Forged)
		}
	})
}
