package provider

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"countersign/model"
)

// Skip adds records that could not be read to those skipped before. The first record of a kind becomes its sample.
func Skip(was []model.Skipped, kind string, records ...json.RawMessage) []model.Skipped {
	if len(records) == 0 {
		return was
	}
	for i := range was {
		if was[i].Kind == kind {
			was[i].Count += len(records)
			return was
		}
	}
	return append(was, model.Skipped{Kind: kind, Count: len(records), Sample: Sample(records[0])})
}

const (
	sampleBytes = 300
	sampleDepth = 4
	sampleItems = 2
)

// Sample shows the form of JSON without its content: names of members, null, truth values, "…" for a text, 0 for a
// number. A name that may be about a person becomes "…" too.
func Sample(raw []byte) string {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if v := decoded(raw); v == nil && !bytes.Equal(bytes.TrimSpace(raw), []byte("null")) || e.Encode(shape(v, 0)) != nil {
		return "not JSON"
	}
	s := strings.TrimSpace(out.String())
	if len(s) <= sampleBytes {
		return s
	}
	cut := sampleBytes
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// shape returns v without its content.
func shape(v any, depth int) any {
	switch v := v.(type) {
	case string:
		return "…"
	case json.Number:
		return 0
	case []any:
		if depth >= sampleDepth {
			return "…"
		}
		out := []any{}
		for _, in := range v[:min(len(v), sampleItems)] {
			out = append(out, shape(in, depth+1))
		}
		return out
	case map[string]any:
		if depth >= sampleDepth {
			return "…"
		}
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			shown := name
			if !isWord(name) {
				shown = "…"
			}
			out[shown] = shape(v[name], depth+1)
		}
		return out
	}
	return v
}

// isWord reports whether a member's name looks like one of the service's words, and not like something a person
// entered.
func isWord(name string) bool {
	return name != "" && len(name) <= 40 &&
		strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
