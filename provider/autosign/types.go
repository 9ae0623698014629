package autosign

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"

	"countersign/provider"
	"countersign/provider/lenient"
)

// longest is how many bytes of an id or a type are one: ids have 25 today.
const longest = provider.MaxRef

// plausible says whether s may be an id or a type.
func plausible(s string) bool {
	return s != "" && len(s) <= longest && !strings.ContainsFunc(s, unicode.IsControl)
}

// event is a callback's body (dossier: 2c). What data holds depends on the type, and is read by path.
type event struct {
	ID      lenient.Text `json:"id"`
	Type    lenient.Text `json:"type"`
	Created lenient.Text `json:"created"`
	Data    any          `json:"data"`
}

// detail is a transaction as the service shows it (dossier: 3). Recipients and documents stand
// inside template, and so does its name. A recipient's token is not read.
type detail struct {
	ID             lenient.Text `json:"id"`
	Status         lenient.Text `json:"status"`
	Archived       lenient.Bool `json:"is_archived"`
	Sealed         lenient.Bool `json:"is_sealed"`
	ProviderType   lenient.Text `json:"provider_type"`
	ProviderID     lenient.Text `json:"provider_id"`
	CreatedAt      lenient.Text `json:"created_at"`
	UpdatedAt      lenient.Text `json:"updated_at"`
	SentAt         lenient.Text `json:"sent_at"`
	CompletedAt    lenient.Text `json:"completed_at"`
	ExpiresAt      lenient.Text `json:"expires_at"`
	ExpiredAt      lenient.Text `json:"expired_at"`
	RejectedAt     lenient.Text `json:"rejected_at"`
	RejectedReason lenient.Text `json:"rejected_reason"`
	RejectedByID   lenient.Text `json:"rejected_by_id"`
	Template       struct {
		Name       lenient.Text            `json:"name"`
		UpdatedAt  lenient.Text            `json:"updated_at"`
		Recipients lenient.List[recipient] `json:"recipients"`
		Documents  lenient.List[document]  `json:"documents"`
	} `json:"template"`
}

type recipient struct {
	ID          lenient.Text   `json:"id"`
	Name        lenient.Text   `json:"name"`
	Email       lenient.Text   `json:"email"`
	Role        lenient.Text   `json:"role"`
	Index       lenient.Number `json:"index"`
	SubmittedAt lenient.Text   `json:"submitted_at"`
	UpdatedAt   lenient.Text   `json:"updated_at"`
}

type document struct {
	ID    lenient.Text   `json:"id"`
	Index lenient.Number `json:"index"`
	File  struct {
		OriginalName lenient.Text `json:"original_name"`
	} `json:"file"`
}

// paging is the `meta` of a list.
type paging struct {
	Last lenient.Bool   `json:"is_last_page"`
	Next lenient.Number `json:"next_page"`
}

// after is the page behind this one; 0 where there is none, or where the list does not tell.
func (p *paging) after(page int) int {
	if p == nil || p.Last == lenient.Yes || int(p.Next) <= page {
		return 0
	}
	return int(p.Next)
}

// decoded reads JSON whose shape is not known. Numbers stay as they were written.
func decoded(raw []byte) any {
	raw, err := lenient.Bare(raw)
	if err != nil {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

// in is what stands at a path such as template.sealed_documents; nil where nothing does.
func in(v any, path string) any {
	for key := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[key]
	}
	return v
}

// list is what stands at a path, where that is a list.
func list(v any, path string) []any {
	items, _ := in(v, path).([]any) //nolint:errcheck // what is no list has no items
	return items
}
