package documenso

import (
	"bytes"
	"encoding/json"
	"strings"
)

// cutMark stands for what was cut out of a body.
const cutMark = `"<cut>"`

// secretMembers are the members whose values are never copied: who has a recipient's token can sign as that
// person, and the address that a webhook was registered with may hold a password.
var secretMembers = map[string]bool{
	"token": true, "webhookendpoint": true, "directlink": true, "signingurl": true, "password": true,
}

// cut returns the body without what must not be copied; nil where there was nothing to cut. All else stays
// byte for byte. It needs no valid JSON: of a body that was cut short the tokens go as well.
func cut(body []byte) []byte {
	var out []byte
	copied := 0 // body[:copied] is in out, or was cut
	for i := 0; i < len(body); {
		if body[i] != '"' {
			i++
			continue
		}
		end := pastString(body, i)
		colon := pastSpace(body, end)
		if colon >= len(body) || body[colon] != ':' || !secretMember(body[i:end]) {
			i = end
			continue
		}
		from := pastSpace(body, colon+1)
		to := pastValue(body, from)
		if v := string(bytes.TrimSpace(body[from:to])); v != "null" && v != cutMark && v != "" {
			out = append(append(out, body[copied:from]...), cutMark...)
			copied = to
		}
		i = to
	}
	if out == nil {
		return nil
	}
	return append(out, body[copied:]...)
}

// secretMember says whether the name of a member, in its quotes, is one whose value goes.
func secretMember(quoted []byte) bool {
	name := string(bytes.Trim(quoted, `"`))
	if strings.IndexByte(name, '\\') >= 0 && json.Unmarshal(quoted, &name) != nil {
		return true // nobody can read what it says
	}
	return secretName(name)
}

// secretName says so of the name itself. Most are written as they are, and none of ours: those are only compared.
func secretName(name string) bool {
	if !written(name) {
		return secretMembers[strings.ToLower(name)]
	}
	for secret := range secretMembers {
		if len(secret) == len(name) && strings.EqualFold(secret, name) {
			return true
		}
	}
	return false
}

// written says whether a text is written as it is: in ASCII, without an escape.
func written(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}

// pastValue returns what comes after the value at i, without recursion: nothing bounds a body's depth.
func pastValue(body []byte, i int) int {
	for depth := 0; i < len(body); {
		switch body[i] {
		case '"':
			i = pastString(body, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			i++
		case ',':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			if depth > 0 || i < len(body) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(body[i])) {
				continue
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(body)
}

// pastString returns what comes after the string at i, or the end where it has none.
func pastString(body []byte, i int) int {
	for i++; i < len(body) && body[i] != '"'; i++ {
		if body[i] == '\\' {
			i++
		}
	}
	return min(i+1, len(body))
}

func pastSpace(body []byte, i int) int {
	for i < len(body) && strings.IndexByte(" \t\r\n", body[i]) >= 0 {
		i++
	}
	return i
}
