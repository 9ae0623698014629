package look

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"countersign/model"
	"countersign/model/words"
	"countersign/worker/console/objects"
	"countersign/worker/console/story"
)

// shown is the tone and the icon of a word. No two words of an area have the same icon.
type shown struct{ tone, icon string }

// areas are the words that are shown as badges, by their area.
var areas = sync.OnceValue(func() map[string]map[string]shown {
	return map[string]map[string]shown{
		"documentstate": {
			"stored": {"good", "stored"}, "waiting": {"busy", "waiting"}, "quarantined": {"bad", "quarantined"},
			"failed": {"bad", "failed"}, "unobtainable": {"warn", "unobtainable"},
		},
		"signature": {
			"intact": {"good", "intact"}, "altered": {"bad", "altered"}, "unsigned": {"quiet", "unsigned"},
		},
		"signerstatus": {
			"waiting": {"quiet", "waiting"}, "viewed": {"busy", "in_progress"}, "signed": {"good", "completed"},
			"declined": {"warn", "declined"}, "locked": {"bad", "quarantined"}, "removed": {"quiet", "removed"},
		},
		"verdict": {
			"accepted": {"good", "done"}, "duplicate": {"quiet", "copy"}, "refused": {"bad", "declined"},
			"not_understood": {"warn", "unknown"},
		},
		"gapkind": {
			"missed": {"warn", "gap"}, "late": {"busy", "expired"}, "refused": {"bad", "declined"},
			"pending": {"doubt", "checking"}, "unsubscribed": {"quiet", "removed"}, "no_event": {"quiet", "cancelled"},
		},
		"hookstate": {
			"active": {"good", "well"}, "failing": {"bad", "failed"}, "gone": {"bad", "declined"}, "new": {"quiet", "queued"},
			"removed": {"quiet", "removed"},
		},
		"deliverystate": {"waiting": {"busy", "waiting"}, "sent": {"good", "done"}, "dead": {"bad", "failed"}},
		"runstate": {
			"queued": {"quiet", "queued"}, "running": {"busy", "running"}, "done": {"good", "done"},
			"partial": {"warn", "partial"}, "failed": {"bad", "failed"},
		},
	}
})

// marked is how a word is shown.
func marked(area, word string) shown {
	if s, ok := areas()[area][word]; ok {
		return s
	}
	return shown{"quiet", "unknown"}
}

// marker shows words as badges.
type marker struct {
	look  *Look
	words *words.Printer
}

// Word shows the words of an area.
func (m marker) Word(area string) func(any) template.HTML {
	return func(word any) template.HTML {
		w := fmt.Sprint(word)
		s := marked(area, w)
		return m.look.mark(s.tone, s.icon, m.words.Word(area, w), w)
	}
}

// signature shows what the signatures of a file are worth: one that has none says so in more than a word.
func (m marker) signature(word any) template.HTML {
	if s := model.SignatureUnsigned; fmt.Sprint(word) == string(s) {
		w := marked("signature", string(s))
		return m.look.mark(w.tone, w.icon, m.words.Say("documents.unsigned"), string(s))
	}
	return m.Word("signature")(word)
}

// marks are the functions of templates for words, files and sums.
func (l *Look) marks(p *words.Printer) template.FuncMap {
	as := marker{l, p}
	return template.FuncMap{
		"filemark": as.Word("documentstate"), "signaturemark": as.signature, "signermark": as.Word("signerstatus"),
		"verdictmark": as.Word("verdict"), "gapmark": as.Word("gapkind"), "runmark": as.Word("runstate"),
		"hookmark": as.Word("hookstate"), "deliverymark": as.Word("deliverystate"),
		"tone": func(area string, word any) string { return marked(area, fmt.Sprint(word)).tone },
		"prose": func(text string) template.HTML {
			return template.HTML(code(template.HTMLEscapeString(objects.Plain(text)))) //nolint:gosec // escaped
		},
		"short":     story.Short,
		"became":    func(kind, to any) string { return became(p, fmt.Sprint(kind), fmt.Sprint(to)) },
		"algorithm": func(s string) string { return algorithm(p, objects.Plain(s)) },
		"times":     func(v *float64) float64 { return math.Round(*v*10) / 10 },
		"part":      func(s any) string { return brief(objects.Plain(fmt.Sprint(s)), 600) },
		"seconds": func(s float64) string {
			return p.Span(time.Duration(s * float64(time.Second)))
		},
		"lasted": func(from time.Time, to *time.Time) string {
			if to == nil {
				return "–"
			}
			return p.Span(to.Sub(from))
		},
	}
}

// became is what a change of a kind led to, in a reader's words.
func became(p *words.Printer, kind, to string) string {
	word := to
	if kind == string(model.KindIncident) {
		word += ".title"
	}
	area := map[string]string{"document": "documentstate", "flag": "flag", "attention": "attention", "gap": "gapkind",
		"incident": "incident"}[kind]
	if text := p.Word(area, word); text != word {
		return text
	}
	return objects.Plain(to)
}

// algorithm is how a signature was made: the kind of its key, and of its digest.
func algorithm(p *words.Printer, s string) string {
	key, hash, both := strings.Cut(s, " with ")
	if !both {
		return s
	}
	return p.Say("document.algorithm.of", "key", key, "hash", hash)
}

// Exact is a time with its zone and in UTC, as on paper; – where there is none.
func (p *Page) Exact(at any) string {
	t := moment(at)
	if t.IsZero() {
		return "–"
	}
	return p.Printer.Exact(p.Local(t))
}

// API is where the API has a transaction, below the outside address.
func (l *Look) API(account, ref string) string {
	return "/api/v1/accounts/" + url.PathEscape(account) + "/transactions/" + url.PathEscape(ref)
}

// API is where the API has a transaction, below the outside address.
func (p *Page) API(account, ref string) string { return p.look.API(account, ref) }

// ZoneOf is the zone of whoever asks.
func ZoneOf(r *http.Request) *time.Location { return prefsOf(r).Zone }
