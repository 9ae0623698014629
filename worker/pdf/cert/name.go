package cert

import (
	"bytes"
	"strings"

	"countersign/worker/pdf/ber"
)

// Name is an issuer's or a subject's name.
type Name struct {
	Raw   []byte // as it is written
	parts []part
}

type part struct{ id, text string }

// mostParts and mostText limit what is read of a name.
const (
	mostParts = 50
	mostText  = 300
)

func readName(e ber.Element) Name {
	n := Name{Raw: e.Raw}
	sets, _ := e.Children() //nolint:errcheck // a name that cannot be read has no parts
	for _, set := range sets {
		pairs, _ := set.Children() //nolint:errcheck // as above
		for _, p := range pairs {
			both, err := p.Children()
			if err != nil || len(both) < 2 || len(n.parts) == mostParts {
				continue
			}
			text := both[1].Text()
			if len(text) > mostText {
				text = strings.ToValidUTF8(text[:mostText], "")
			}
			n.parts = append(n.parts, part{both[0].OID(), text})
		}
	}
	return n
}

// NameFromElement reads a name that stands in a message.
func NameFromElement(e ber.Element) Name { return readName(e) }

// Same reports whether two names name the same: byte by byte, or else part by part with letters' case, white space and
// the type of string left out.
func (n Name) Same(o Name) bool {
	if bytes.Equal(n.Raw, o.Raw) {
		return true
	}
	if len(n.parts) == 0 || len(n.parts) != len(o.parts) {
		return false
	}
	for i, p := range n.parts {
		if p.id != o.parts[i].id || loose(p.text) != loose(o.parts[i].text) {
			return false
		}
	}
	return true
}

func loose(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// letters are the short names of what names consist of.
func letters() map[string]string {
	return map[string]string{
		"2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
		"2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "title", "2.5.4.42": "GN",
		"2.5.4.65": "pseudonym", "2.5.4.97": "organizationIdentifier", "1.2.840.113549.1.9.1": "E",
		"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
	}
}

// String is the name for people, its parts as they are written: "CN=Ana Lima, O=Throwaway, C=MX".
func (n Name) String() string {
	short := letters()
	all := make([]string, 0, len(n.parts))
	for _, p := range n.parts {
		key := short[p.id]
		if key == "" {
			key = p.id
		}
		all = append(all, key+"="+p.text)
	}
	return strings.Join(all, ", ")
}

// Common is what people call the name's bearer: the common name, or else the pseudonym, the given name with the surname,
// the organisation, its unit or the e-mail address; "" where there is none.
func (n Name) Common() string {
	first := map[string]string{}
	for _, p := range n.parts {
		if first[p.id] == "" {
			first[p.id] = strings.TrimSpace(p.text)
		}
	}
	full := strings.TrimSpace(first["2.5.4.42"] + " " + first["2.5.4.4"])
	for _, s := range []string{first["2.5.4.3"], first["2.5.4.65"], full, first["2.5.4.10"], first["2.5.4.11"],
		first["1.2.840.113549.1.9.1"]} {
		if s != "" {
			return s
		}
	}
	return ""
}
