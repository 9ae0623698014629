package documenso

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/lenient"
	"countersign/provider/transport"
)

// Every document has a number besides its envelope's id, from the time before envelopes. Servers of 2.0 to the middle
// of 2026 call with the number only. Its name is what the service itself calls it, the envelope's secondaryId.
const (
	numberPrefix = "document_"
	mostDigits   = 15
	testNumber   = "10" // of the test button's document, which is none
)

// alias is the name of a document's number; "" where it is none.
func alias(number lenient.Text) string {
	n := string(number)
	if n == "" || len(n) > mostDigits || strings.Trim(n, "0123456789") != "" || n[0] == '0' {
		return ""
	}
	return numberPrefix + n
}

// named is how a payload without an envelopeId names its envelope: by its recipients' envelopeId, or by its number.
func (e envelope) named() string {
	for _, r := range e.Recipients.Items {
		if plausible(string(r.EnvelopeID)) {
			return string(r.EnvelopeID)
		}
	}
	return alias(e.ID)
}

// isAlias says whether a ref is the name of a number.
func isAlias(ref string) bool {
	n, ok := strings.CutPrefix(ref, numberPrefix)
	return ok && alias(lenient.Text(n)) == ref
}

// fetchAlias asks which envelope a number belongs to, and where that envelope stands: one call.
func (s *service) fetchAlias(ctx context.Context, ref string) (model.Observation, error) {
	absent := notFound(ref)
	absent.Alias = ref
	number := json.Number(strings.TrimPrefix(ref, numberPrefix))
	got, err := s.getMany(ctx, "documentId", number)
	if unknownRef(err) {
		return absent, nil
	}
	if err != nil {
		return model.Observation{}, err
	}
	for _, raw := range got.Items {
		var e envelope
		if lenient.Unmarshal(raw, &e) != nil || string(e.SecondaryID) != ref {
			continue // another one's, or a template with the same number
		}
		o, ours, err := s.read(raw)
		if err == nil && ours {
			o.Alias = ref
			return o, nil
		}
	}
	return absent, nil
}

// getMany asks for the details of several envelopes by their ids or numbers. It changes nothing, so that it may be sent
// twice.
func (s *service) getMany(ctx context.Context, kind string, ids ...any) (
	list lenient.List[json.RawMessage], err error,
) {
	body, err := json.Marshal(map[string]any{"ids": map[string]any{"type": kind, "ids": ids}})
	if err != nil {
		return list, err
	}
	ctx = provider.WithCall(ctx, provider.Call{Retry: true, JSON: true})
	resp, err := s.send(ctx, http.MethodPost, "/envelope/get-many", nil, body)
	if err != nil {
		return list, err
	}
	var got envelopeList
	if err := transport.ReadJSON(resp, &got); err != nil {
		return list, err
	}
	if !got.Data.Present {
		return list, fmt.Errorf("get many by %s: the answer is no list", kind)
	}
	return got.Data, nil
}
