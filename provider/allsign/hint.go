package allsign

import (
	"bytes"
	"cmp"
	"encoding/json"
	"time"

	"countersign/provider"
	"countersign/provider/lenient"
)

// browserEvent is what the service's browser SDK and pages say: onSuccess, onExit and onEvent (dossier, 4e).
// What it says of an end is about the signing session, which lives for 15 minutes, and never about the document.
type browserEvent struct {
	DocumentID  lenient.Text `json:"documentId"`
	DocumentID2 lenient.Text `json:"document_id"`
	Name        lenient.Text `json:"name"`
	LastStep    lenient.Text `json:"lastStep"`
	LastStep2   lenient.Text `json:"last_step"`
	SignatureID lenient.Text `json:"signatureId"`
	Metadata    struct {
		DocumentID  lenient.Text `json:"documentId"`
		DocumentID2 lenient.Text `json:"document_id"`
	} `json:"metadata"`
}

// stepOf are the events that end a step, by the steps' own names. Others go by the event's name.
func stepOf(name string) string {
	switch name {
	case "OTP_VERIFIED":
		return "otp"
	case "ID_SCAN_COMPLETED":
		return "id_scan"
	case "SIGNATURE_SUBMITTED":
		return "signature"
	}
	return name
}

// Hint reads a return URL's query or what a page posts: one object or a list of them. A status, a reason or
// an end in it is not read: all it can do is to have the document asked about.
func (a *account) Hint(h provider.Hint, at time.Time) provider.Hinted {
	var said provider.Hinted
	step := func(name string) {
		if isStep(name) {
			said.Steps = append(said.Steps, provider.Step{Name: name, At: at})
		}
	}
	if h.Query != nil {
		said.Ref = h.Query.Get("document_id")
		if h.Query.Get("signature_id") != "" {
			step("signature")
		} else {
			step(h.Query.Get("last_step"))
		}
	}
	for _, e := range browserEvents(h.Body) {
		said.Ref = cmp.Or(said.Ref,
			string(cmp.Or(e.DocumentID, e.DocumentID2, e.Metadata.DocumentID, e.Metadata.DocumentID2)))
		switch {
		case e.SignatureID != "":
			step("signature")
		case e.Name != "":
			step(stepOf(string(e.Name)))
		default:
			step(string(cmp.Or(e.LastStep, e.LastStep2)))
		}
	}
	if !isName(said.Ref) {
		return provider.Hinted{}
	}
	return said
}

// browserEvents reads a body; none where it cannot be read, is too large or holds too many.
func browserEvents(body []byte) []browserEvent {
	const mostEvents = 100
	body, err := lenient.Bare(body)
	if body = bytes.TrimSpace(body); err != nil || len(body) == 0 || len(body) > mostBody {
		return nil
	}
	if body[0] != '[' {
		body = append(append([]byte("["), body...), ']')
	}
	var list lenient.List[browserEvent]
	if json.Unmarshal(body, &list) != nil || len(list.Items) > mostEvents {
		return nil
	}
	return list.Items
}

// isStep says whether s may be a step's name: what a browser sends is anybody's.
func isStep(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_') {
			return false
		}
	}
	return true
}
