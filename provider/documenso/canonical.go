package documenso

import (
	"encoding/json"
	"slices"
	"strings"
)

// member is one of an object: its name, and its value as it came.
type member struct {
	name string
	raw  []byte
}

// canonicalPayload appends a payload as it counts for dedupeKey: without white space, members in the order of their
// names, recipients in the order of their ids and once, what is secret cut out. raw is a valid object.
func canonicalPayload(out, raw []byte) []byte {
	list := members(raw)
	kept := list[:0]
	for _, m := range list {
		if m.name != "Recipient" {
			kept = append(kept, m)
		}
	}
	return appendMembers(out, kept, func(out []byte, m member) []byte {
		if m.name != "recipients" || m.raw[0] != '[' {
			return canonical(out, m.raw)
		}
		all := elements(m.raw)
		slices.SortStableFunc(all, func(a, b []byte) int { return compareIDs(idOf(a), idOf(b)) })
		return appendElements(out, all)
	})
}

// canonical appends a valid value without white space, its members in the order of their names.
func canonical(out, raw []byte) []byte {
	switch raw[0] {
	case '{':
		return appendMembers(out, members(raw), func(out []byte, m member) []byte { return canonical(out, m.raw) })
	case '[':
		return appendElements(out, elements(raw))
	case '"':
		return appendText(out, raw)
	}
	return append(out, raw...)
}

// members are those of a valid object, in the order of their names. Of equal names the last one counts.
func members(raw []byte) []member {
	out := make([]member, 0, 16)
	for i := pastSpace(raw, 1); i < len(raw) && raw[i] == '"'; {
		end := pastString(raw, i)
		from := pastSpace(raw, pastSpace(raw, end)+1)
		to := pastValue(raw, from)
		out = append(out, member{textOf(raw[i:end]), raw[from:to]})
		if i = pastSpace(raw, to); i < len(raw) && raw[i] == ',' {
			i = pastSpace(raw, i+1)
		}
	}
	slices.SortStableFunc(out, func(a, b member) int { return strings.Compare(a.name, b.name) })
	last := out[:0]
	for i, m := range out {
		if i+1 == len(out) || out[i+1].name != m.name {
			last = append(last, m)
		}
	}
	return last
}

// elements are those of a valid array.
func elements(raw []byte) (out [][]byte) {
	for i := pastSpace(raw, 1); i < len(raw) && raw[i] != ']'; {
		to := pastValue(raw, i)
		out = append(out, raw[i:to])
		if i = pastSpace(raw, to); i < len(raw) && raw[i] == ',' {
			i = pastSpace(raw, i+1)
		}
	}
	return out
}

func appendMembers(out []byte, list []member, value func([]byte, member) []byte) []byte {
	out = append(out, '{')
	for i, m := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendName(out, m.name), ':')
		if secretName(m.name) && string(m.raw) != "null" {
			out = appendName(out, cutMark[1:len(cutMark)-1])
			continue
		}
		out = value(out, m)
	}
	return append(out, '}')
}

func appendElements(out []byte, list [][]byte) []byte {
	out = append(out, '[')
	for i, raw := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = canonical(out, raw)
	}
	return append(out, ']')
}

// textOf is what a valid text in quotes says.
func textOf(quoted []byte) (s string) {
	if inside := quoted[1 : len(quoted)-1]; plainText(string(inside)) {
		return string(inside)
	}
	json.Unmarshal(quoted, &s) //nolint:errcheck // it is valid
	return s
}

// appendText appends a valid text in the one way in which it is written here, however it came.
func appendText(out, quoted []byte) []byte {
	if plainText(string(quoted[1 : len(quoted)-1])) {
		return append(out, quoted...)
	}
	return appendName(out, textOf(quoted))
}

// appendName appends what a text says as JSON.
func appendName(out []byte, name string) []byte {
	if plainText(name) {
		return append(append(append(out, '"'), name...), '"')
	}
	text, err := json.Marshal(name)
	if err != nil {
		return out
	}
	return append(out, text...)
}

// plainText says whether a text is written as it is: in ASCII, with nothing to escape.
func plainText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

// idOf is the id of a recipient, "" where there is none.
func idOf(raw []byte) string {
	if raw[0] != '{' {
		return ""
	}
	for _, m := range members(raw) {
		if m.name != "id" {
			continue
		}
		switch m.raw[0] {
		case '"':
			return textOf(m.raw)
		case '{', '[', 'n':
			return ""
		}
		return string(m.raw)
	}
	return ""
}
