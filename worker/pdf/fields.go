package pdf

import (
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	pdf "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// signed is a signature dictionary as it stands in a file.
type signed struct {
	spans     [4]int64 // the ByteRange: start and length before the gap, start and length after it
	usable    bool     // spans are four whole numbers
	placed    bool     // they fit the file, and leave out the signature alone
	contents  []byte   // as the dictionary has it
	subFilter string
	name      string
	reason    string
	at        *time.Time
}

func (s signed) end() int64 { return s.spans[2] + s.spans[3] }

// fieldWalk finds the signatures that a document's form names.
type fieldWalk struct {
	ctx   *pdf.Context
	seen  map[int]bool
	found []signed
}

// signaturesIn returns the signatures that the form's fields name, and those that only say what a reader's program
// may do with the file (usage rights): they sign nothing.
func signaturesIn(ctx *pdf.Context) (found, rights []signed) {
	w := &fieldWalk{ctx: ctx, seen: map[int]bool{}}
	root, err := ctx.Catalog()
	if err != nil {
		return nil, nil
	}
	form := w.dict(root["AcroForm"])
	w.fields(form["Fields"], "", 0)
	w.annotated()
	found, w.found = w.found, nil
	perms := w.dict(root["Perms"])
	for _, key := range []string{"UR", "UR3"} {
		w.field(types.Dict{"V": perms[key]}, "Sig")
	}
	return found, w.found
}

// annotated adds the signatures that only a page's annotation names.
func (w *fieldWalk) annotated() {
	for _, n := range slices.Sorted(maps.Keys(w.ctx.Table)) {
		e := w.ctx.Table[n]
		if e == nil || e.Free || w.seen[n] {
			continue
		}
		if d, ok := e.Object.(types.Dict); ok && name(d, "FT") == "Sig" && name(d, "Subtype") == "Widget" && d["P"] != nil {
			w.field(d, "")
		}
	}
}

// dict follows a reference to a dictionary; it is empty where there is none.
func (w *fieldWalk) dict(o types.Object) types.Dict {
	d, err := w.ctx.DereferenceDict(o)
	if err != nil || d == nil {
		return types.Dict{}
	}
	return d
}

// fields walks a list of fields down to their ends. What was seen is not walked again.
func (w *fieldWalk) fields(list types.Object, kind string, depth int) {
	all, err := w.ctx.DereferenceArray(list)
	if err != nil || depth > mostDepth {
		return
	}
	for _, o := range all {
		if r, ok := o.(types.IndirectRef); ok {
			n := r.ObjectNumber.Value()
			if w.seen[n] {
				continue
			}
			w.seen[n] = true
		}
		d := w.dict(o)
		is := kind
		if own := name(d, "FT"); own != "" {
			is = own
		}
		w.field(d, is)
		if d["Kids"] != nil {
			w.fields(d["Kids"], is, depth+1)
		}
	}
}

func (w *fieldWalk) field(d types.Dict, kind string) {
	if kind == "" {
		kind = name(d, "FT")
	}
	if kind != "Sig" || d["V"] == nil {
		return
	}
	v := w.dict(d["V"])
	if len(v) == 0 {
		return
	}
	s := signed{subFilter: name(v, "SubFilter"), name: w.text(v["Name"]), reason: w.text(v["Reason"])}
	if at, ok := types.DateTime(w.text(v["M"]), true); ok {
		at = at.UTC()
		s.at = &at
	}
	if o, err := w.ctx.Dereference(v["Contents"]); err == nil {
		switch c := o.(type) {
		case types.HexLiteral:
			s.contents, _ = c.Bytes() //nolint:errcheck // what cannot be read equals nothing
		case types.StringLiteral:
			s.contents, _ = types.Unescape(c.Value()) //nolint:errcheck // as above
		}
	}
	s.spans, s.usable = w.spans(v["ByteRange"])
	w.found = append(w.found, s)
}

func (w *fieldWalk) spans(o types.Object) (spans [4]int64, ok bool) {
	all, err := w.ctx.DereferenceArray(o)
	if err != nil || len(all) != 4 {
		return spans, false
	}
	for i := range spans {
		n, err := w.ctx.DereferenceInteger(all[i])
		if err != nil || n == nil {
			return spans, false
		}
		spans[i] = int64(n.Value())
	}
	return spans, true
}

func (w *fieldWalk) text(o types.Object) string {
	if o == nil {
		return ""
	}
	s, err := w.ctx.DereferenceText(o)
	if err != nil {
		return ""
	}
	return cut(s, 300)
}

func name(d types.Dict, key string) string {
	if n := d.NameEntry(key); n != nil {
		return *n
	}
	return ""
}

// rangeText is how a ByteRange looks in the bytes of a file.
func rangeText() *regexp.Regexp {
	return regexp.MustCompile(`/ByteRange\s*\[\s*(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s*\]`)
}

// takenOut reports whether the bytes hold a signature that the document does not name, because a later revision
// removed it or because the file was cut off and read from an earlier revision. Bytes that only look like a signature,
// such as text about PDFs or an embedded signed file, have no hexadecimal string at the stated place.
func takenOut(raw []byte, named []signed) bool {
	for _, m := range rangeText().FindAllSubmatch(raw, 1000) {
		var s signed
		for i := range s.spans {
			n, err := strconv.ParseInt(string(m[i+1]), 10, 64)
			if err != nil {
				return false
			}
			s.spans[i] = n
		}
		if s.spans[0] == 0 && !slices.ContainsFunc(named, func(o signed) bool { return o.spans == s.spans }) &&
			messageAt(raw, s.spans[1]) {
			return true
		}
	}
	return false
}

// messageAt says whether a signature's hexadecimal string begins at a place.
func messageAt(raw []byte, at int64) bool {
	const look = 65
	if at < 0 || at > int64(len(raw))-look || raw[at] != '<' {
		return false
	}
	_, err := hex.DecodeString(string(raw[at+1 : at+look]))
	return err == nil
}

// spansFault says why a ByteRange cannot be right for a file; "" if it can.
func (s signed) spansFault(size int64) string {
	a, b, c, d := s.spans[0], s.spans[1], s.spans[2], s.spans[3]
	switch {
	case a < 0 || b < 0 || c < 0 || d < 0:
		return "its ByteRange is negative"
	case a > size || b > size || c > size || d > size || a+b > size || c+d > size:
		return "its ByteRange ends beyond the file"
	case a+b > c:
		return "its ByteRange overlaps"
	case a != 0 || b == 0 || d == 0:
		return "its ByteRange leaves out the start or the end of what was signed"
	}
	return ""
}

// gap returns the bytes that a ByteRange leaves out; false unless they are exactly one hexadecimal string.
func gap(raw []byte, spans [4]int64) ([]byte, bool) {
	in := raw[spans[0]+spans[1] : spans[2]]
	if len(in) < 2 || in[0] != '<' || in[len(in)-1] != '>' {
		return nil, false
	}
	digits := make([]byte, 0, len(in))
	for _, c := range in[1 : len(in)-1] {
		switch c {
		case ' ', '\t', '\r', '\n', '\f', 0:
		default:
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	out := make([]byte, hex.DecodedLen(len(digits)))
	_, err := hex.Decode(out, digits)
	return out, err == nil && len(out) > 0
}
