package pdf

import (
	"bytes"
	"encoding/hex"
	"regexp"
	"strconv"
	"time"

	"countersign/worker/pdf/difference"
	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// signed is a signature dictionary as it stands in a file.
type signed struct {
	spans     [4]int64 // the ByteRange: start and length before the gap, start and length after it
	usable    bool     // spans are four whole numbers
	parts     int      // of the ByteRange
	placed    bool     // they fit the file, and leave out the signature alone
	contents  []byte   // as the dictionary has it
	subFilter string
	name      string
	reason    string
	at        *time.Time
	certs     [][]byte // Cert: what the dictionary has of certificates
	level     int      // of the certification; 0 without one
	locks     []difference.Lock
}

func (s signed) end() int64 { return s.spans[2] + s.spans[3] }

const (
	mostFields = 200_000
	mostLevels = 64  // of fields in fields
	mostCerts  = 100 // of one signature, or of the validation data
)

// fieldWalk finds the signatures that a document's form names.
type fieldWalk struct {
	*revision.Revision
	seen  map[int]bool // fields
	taken map[int]bool // signature dictionaries
	found []signed
	twice bool // two fields hold the same signature
	count int
}

// signaturesIn returns the signatures that the form's fields name, and those that only say what a reader's program
// may do with the file (usage rights): they sign nothing. twice: one of them is in two fields.
func signaturesIn(r *revision.Revision) (found, rights []signed, twice bool) {
	w := &fieldWalk{Revision: r, seen: map[int]bool{}, taken: map[int]bool{}}
	form := r.Dict(r.Root().Get("AcroForm"))
	w.fields(form.Get("Fields"), "", nil, 0)
	w.annotated(r.Root().Get("Pages"), 0)
	found, twice = w.found, w.twice
	w.found = nil
	perms := r.Dict(r.Root().Get("Perms"))
	for _, key := range []object.Name{"UR", "UR3"} {
		if v := r.Dict(perms.Get(key)); len(v) > 0 {
			w.add(v, nil)
		}
	}
	return found, w.found, twice
}

// annotated adds the signatures that only a page's annotation names.
func (w *fieldWalk) annotated(o any, deep int) {
	if w.count++; deep > mostLevels || w.count > 2*mostFields || w.visited(o) {
		return
	}
	d := w.Dict(o)
	for _, kid := range w.Array(d.Get("Kids")) {
		w.annotated(kid, deep+1)
	}
	for _, a := range w.Array(d.Get("Annots")) {
		if w.count++; w.count > 2*mostFields {
			return
		}
		f, ok := w.Resolve(a).(object.Dict)
		if !ok || w.Name(f.Get("Subtype")) != "Widget" || w.visited(a) {
			continue
		}
		over := w.Dict(f.Get("Parent"))
		if kind := w.Name(f.Get("FT")); kind == "Sig" || kind == "" && w.Name(over.Get("FT")) == "Sig" {
			w.field(f, over)
		}
	}
}

func (w *fieldWalk) visited(o any) bool {
	r, ok := o.(object.Ref)
	if !ok {
		return false
	}
	if w.seen[r.Num] {
		return true
	}
	w.seen[r.Num] = true
	return false
}

// fields walks a list of fields down to their ends. What was seen is not walked again.
func (w *fieldWalk) fields(list any, kind object.Name, over object.Dict, deep int) {
	for _, o := range w.Array(list) {
		if w.count++; deep > mostLevels || w.count > mostFields || w.visited(o) {
			continue
		}
		d, ok := w.Resolve(o).(object.Dict)
		if !ok {
			continue
		}
		is := kind
		if own := w.Name(d.Get("FT")); own != "" {
			is = own
		}
		if is == "Sig" {
			w.field(d, over)
		}
		if d.Get("Kids") != nil {
			w.fields(d.Get("Kids"), is, d, deep+1)
		}
	}
}

// field adds the signature of a field.
func (w *fieldWalk) field(d, over object.Dict) {
	held := d.Get("V")
	if held == nil {
		if held = over.Get("V"); held == nil || w.inTaken(held) {
			return // a widget of a field that was seen
		}
	}
	v, ok := w.Resolve(held).(object.Dict)
	if !ok || len(v) == 0 {
		return
	}
	if w.inTaken(held) {
		w.twice = true
		return
	}
	if r, ok := held.(object.Ref); ok {
		w.taken[r.Num] = true
	}
	w.add(v, w.Dict(d.Get("Lock")))
}

func (w *fieldWalk) inTaken(o any) bool {
	r, ok := o.(object.Ref)
	return ok && w.taken[r.Num]
}

func (w *fieldWalk) add(v, lock object.Dict) {
	s := signed{subFilter: string(w.Name(v.Get("SubFilter"))), name: w.text(v.Get("Name")),
		reason: w.text(v.Get("Reason")), at: date(w.text(v.Get("M")))}
	c, _ := w.Resolve(v.Get("Contents")).(object.String)
	s.contents = []byte(c)
	s.spans, s.usable = w.spans(v.Get("ByteRange"))
	s.parts = len(w.Array(v.Get("ByteRange"))) / 2
	for _, o := range append(w.Array(v.Get("Cert")), w.Resolve(v.Get("Cert"))) {
		if c, ok := w.Resolve(o).(object.String); ok && len(s.certs) < mostCerts {
			s.certs = append(s.certs, []byte(c))
		}
	}
	for _, o := range w.Array(v.Get("Reference")) {
		ref := w.Dict(o)
		with := w.Dict(ref.Get("TransformParams"))
		switch w.Name(ref.Get("TransformMethod")) {
		case "DocMDP":
			s.level = 2 // where it says none
			if p := w.Resolve(with.Get("P")); p == object.Number(1) || p == object.Number(3) {
				s.level = int(p.(object.Number)) //nolint:errcheck,forcetypeassert // it is one
			} else if p != nil && p != object.Number(2) {
				s.level = 1 // a level that there is not allows nothing
			}
		case "FieldMDP":
			s.locks = append(s.locks, w.lock(with))
		}
	}
	if len(lock) > 0 {
		s.locks = append(s.locks, w.lock(lock))
	}
	w.found = append(w.found, s)
}

func (w *fieldWalk) lock(d object.Dict) difference.Lock {
	l := difference.Lock{Action: string(w.Name(d.Get("Action")))}
	for _, o := range w.Array(d.Get("Fields")) {
		if name, ok := w.Resolve(o).(object.String); ok {
			l.Fields = append(l.Fields, name.Text())
		}
	}
	return l
}

func (w *fieldWalk) spans(o any) (spans [4]int64, ok bool) {
	all := w.Array(o)
	if len(all) != 4 {
		return spans, false
	}
	for i := range spans {
		n, isNumber := w.Resolve(all[i]).(object.Number)
		whole, isWhole := n.Int()
		if !isNumber || !isWhole {
			return spans, false
		}
		spans[i] = int64(whole)
	}
	return spans, true
}

// text is a text string as people read it.
func (w *fieldWalk) text(o any) string {
	s, ok := w.Resolve(o).(object.String)
	if !ok {
		return ""
	}
	return cut(s.Text(), 300)
}

// rangeText is how a ByteRange looks in the bytes of a file.
func rangeText() *regexp.Regexp {
	return regexp.MustCompile(`/ByteRange\s*\[\s*(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s+(\d{1,15})\s*\]`)
}

// unnamed returns what looks like the ByteRange of a signature that the document does not name. Bytes that only look
// like a signature, such as text about PDFs or an embedded signed file, have no hexadecimal string at the stated place.
func unnamed(raw []byte, named []signed) (out [][4]int64) {
	known := make(map[[4]int64]bool, len(named))
	for _, s := range named {
		known[s.spans] = true
	}
	for _, m := range rangeText().FindAllSubmatchIndex(raw, -1) {
		var spans [4]int64
		for i := range spans {
			n, err := strconv.ParseInt(string(raw[m[2*i+2]:m[2*i+3]]), 10, 64)
			if err != nil {
				break
			}
			spans[i] = n
		}
		if spans[0] == 0 && !known[spans] && messageAt(raw, spans[1]) {
			known[spans] = true
			out = append(out, spans)
		}
	}
	return out
}

// takenOut says whether one of the signatures that the document does not name was one of it: because a later revision
// removed it or because the file was cut off and read from an earlier revision. no signature at all is named: then any is.
func (j *judgement) takenOut(all [][4]int64, none bool) bool {
	const most = 20 // revisions that are looked at
	for i, spans := range all {
		s := signed{spans: spans}
		if none || i >= most {
			return true
		}
		if s.spansFault(int64(len(j.file.Raw()))) != "" {
			continue
		}
		r, err := j.file.Open(s.end())
		if err != nil {
			continue
		}
		found, _, _ := signaturesIn(r)
		message, ok := gap(j.file.Raw(), spans)
		for _, f := range found {
			if ok && f.spans == spans && bytes.Equal(f.contents, message) {
				return true
			}
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
