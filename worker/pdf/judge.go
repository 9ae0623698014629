package pdf

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"countersign/model"
	"countersign/worker/pdf/difference"
	"countersign/worker/pdf/digest"
	"countersign/worker/pdf/revision"
	"countersign/worker/pdf/trust"
)

// judge decides what a file's signatures say about it.
func judge(f *revision.File, full *revision.Revision, trusted [][]byte) model.SignatureFacts {
	raw := f.Raw()
	all, rights, twice := signaturesIn(full)
	others := unnamed(raw, append(rights, all...))
	switch {
	case len(all) > 0 || len(others) > 0:
	case len(rights) > 0:
		return model.UnknownSignature("it carries usage rights, which are not checked, and no signature")
	default:
		return model.Unsigned()
	}
	slices.SortStableFunc(all, func(a, b signed) int { return cmp.Compare(a.end(), b.end()) })
	facts := model.SignatureFacts{Integrity: model.IntegrityIntact, Coverage: model.CoverageUnknown,
		Trust: model.TrustUnknown, File: model.FileFacts{Judge: model.Judge, Certification: model.CertificationNone}}
	if len(all) == 0 {
		facts.Integrity = model.IntegrityUnknown
	}
	j := &judgement{file: f, full: full, facts: &facts, digests: digest.NewFile(bytes.NewReader(raw), int64(len(raw))),
		material: materialOf(full)}
	j.trust = trust.NewStore(certificates(trusted), j.material.certs, j.material.answers, j.material.lists)
	for i := range all {
		e := j.one(&all[i])
		facts.Integrity = worse(facts.Integrity, e.Integrity)
		if e.Kind != "timestamp" { // the last signer answers for what the earlier ones left
			facts.Trust = e.Trust
		}
		facts.Signatures = append(facts.Signatures, e)
		switch e.Integrity {
		case model.IntegrityAltered:
			j.say(model.SignatureAltered, e.Note)
		case model.IntegrityUnknown:
			j.say(model.SignatureUnknown, e.Note)
		}
	}
	if j.takenOut(others, len(all) == 0) {
		j.say(model.SignatureAltered,
			"a signature that the file holds is not part of the document: it was taken out, or the file is cut off")
	}
	if twice {
		j.say(model.SignatureAltered, "two fields show the same signature")
	}
	j.coverage(all)
	if facts.Signature == "" {
		facts.Signature = model.SignatureIntact
	}
	return facts
}

// judgement is the state of judging one file.
type judgement struct {
	file  *revision.File
	full  *revision.Revision
	facts *model.SignatureFacts

	digests  *digest.File
	material material
	trust    *trust.Store
}

// say records an objection to the file, and keeps the worst; of equally bad ones, the first.
func (j *judgement) say(word model.Signature, why string) {
	if j.facts.Signature == "" || j.facts.Signature == model.SignatureUnknown && word == model.SignatureAltered {
		j.facts.Signature, j.facts.Note = word, why
	}
}

// one judges a signature by itself.
func (j *judgement) one(s *signed) model.EmbeddedSignature {
	raw := j.file.Raw()
	e := model.EmbeddedSignature{
		Kind: "signature", Signer: s.name, Time: s.at, Reason: s.reason,
		Integrity: model.IntegrityUnknown, Coverage: model.CoverageUnknown, Trust: model.TrustUnknown,
	}
	if s.subFilter == "ETSI.RFC3161" {
		e.Kind = "timestamp"
	}
	switch {
	case s.parts > 2:
		e.Integrity, e.Coverage, e.Note = model.IntegrityAltered, model.CoveragePartial,
			"its ByteRange leaves out more than the signature"
		return e
	case !s.usable:
		e.Note = "it does not say which bytes it covers"
		return e
	}
	if fault := s.spansFault(int64(len(raw))); fault != "" {
		e.Integrity, e.Coverage, e.Note = model.IntegrityAltered, model.CoveragePartial, fault
		return e
	}
	message, ok := gap(raw, s.spans)
	if !ok || !bytes.Equal(message, s.contents) {
		e.Integrity, e.Coverage, e.Note = model.IntegrityAltered, model.CoveragePartial,
			"what it leaves out is not the signature itself"
		return e
	}
	s.placed = true
	j.checked(*s, message, &e)
	return e
}

// part is what a revision after a signature does.
type part struct {
	difference.Result
	after int // the signature that it follows, in the order of the list
}

// coverage judges what follows each signature: the revision of the next signature, and after the last one the rest of
// the file.
func (j *judgement) coverage(all []signed) {
	var parts []part
	var before *revision.Revision
	var permit difference.Permit
	for i := 0; i < len(all); {
		s := all[i]
		if !s.placed {
			i++
			continue
		}
		if before == nil || before.End() != s.end() {
			before = j.open(s.end())
		}
		j.certified(s, &permit)
		next := i + 1
		for next < len(all) && (!all[next].placed || all[next].end() == s.end()) {
			if all[next].placed {
				j.say(model.SignatureAltered, "two signatures claim the same bytes")
			}
			next++
		}
		var r difference.Result
		if permit.Signed = next < len(all); permit.Signed {
			after := j.open(all[next].end())
			r = j.compare(before, after, permit)
			before = after
		} else {
			r = j.rest(before, s.end(), permit)
		}
		parts = append(parts, part{r, i})
		i = next
	}
	j.told(all, parts)
}

// certified adds what a signature permits and locks.
func (j *judgement) certified(s signed, p *difference.Permit) {
	p.Locks = append(p.Locks, s.locks...)
	if s.level == 0 {
		return
	}
	if j.facts.File.CertificationLevel == 0 {
		j.facts.File.CertificationLevel = s.level
		j.facts.File.Certification = model.CertificationKept
	}
	if p.Level == 0 || s.level < p.Level {
		p.Level = s.level
	}
}

// open reads the revision that ends somewhere; nil where it cannot be read.
func (j *judgement) open(end int64) *revision.Revision {
	if end == j.full.End() {
		return j.full
	}
	r, err := j.file.Open(end)
	if err != nil {
		return nil
	}
	return r
}

func (j *judgement) compare(before, after *revision.Revision, p difference.Permit) difference.Result {
	if before == nil || after == nil {
		return difference.Result{Unknown: "what was signed cannot be read as a document by itself"}
	}
	return difference.Compare(before, after, p)
}

// rest judges what follows the last signature.
func (j *judgement) rest(before *revision.Revision, end int64, p difference.Permit) difference.Result {
	rest := j.file.Raw()[end:]
	switch {
	case len(rest) == 0:
		return difference.Result{}
	case len(bytes.TrimRight(rest, " \t\r\n\f\x00")) == 0:
		return difference.Result{Added: []model.Addition{model.AddedNothing}}
	case before == nil:
		return difference.Result{Changed: []string{"something was appended, and what was signed cannot be read by itself"}}
	case j.full.Rebuilt || !j.full.Follows(before):
		return difference.Result{Changed: []string{"something was appended that is no revision of the document"}}
	}
	return difference.Compare(before, j.full, p)
}

// told writes into the facts what follows each signature.
func (j *judgement) told(all []signed, parts []part) {
	sum := part{}
	for k, p := range slices.Backward(parts) {
		sum.Result = join(p.Result, sum.Result)
		e := &j.facts.Signatures[p.after]
		e.Added, e.Changed = sum.Added, sum.Changed
		e.Coverage = coverageOf(sum.Result, all[p.after].end() == j.full.End())
		switch {
		case len(p.Changed) > 0:
			j.say(model.SignatureAltered, changedSentence(p, k, len(parts)))
		case p.Unknown != "":
			j.say(model.SignatureUnknown, p.Unknown)
		}
		if all[p.after].level > 0 || j.facts.File.CertificationLevel > 0 && k == 0 {
			j.certification(sum.Result)
		}
	}
	f := j.facts
	f.File.Changed = sum.Changed
	if n := len(parts); n > 0 {
		f.File.Added = parts[n-1].Added
		f.Coverage = coverageOf(parts[n-1].Result, all[parts[n-1].after].end() == j.full.End())
	}
	if len(sum.Changed) > 0 {
		f.Coverage = model.CoverageChanged
	}
	for _, e := range f.Signatures {
		if e.Coverage == model.CoveragePartial {
			f.Coverage = model.CoveragePartial
		}
	}
}

func (j *judgement) certification(r difference.Result) {
	switch {
	case len(r.Changed) > 0:
		j.facts.File.Certification = model.CertificationBroken
	case r.Unknown != "":
		j.facts.File.Certification = model.CertificationUnknown
	}
}

// join adds what a later part does.
func join(a, b difference.Result) difference.Result {
	for _, x := range b.Added {
		if !slices.Contains(a.Added, x) {
			a.Added = append(slices.Clone(a.Added), x)
		}
	}
	if len(a.Added) > 1 {
		a.Added = slices.DeleteFunc(slices.Clone(a.Added), func(x model.Addition) bool { return x == model.AddedNothing })
	}
	slices.Sort(a.Added)
	for _, x := range b.Changed {
		if !slices.Contains(a.Changed, x) {
			a.Changed = append(slices.Clone(a.Changed), x)
		}
	}
	if a.Unknown == "" {
		a.Unknown = b.Unknown
	}
	return a
}

func coverageOf(r difference.Result, whole bool) model.Coverage {
	switch {
	case len(r.Changed) > 0:
		return model.CoverageChanged
	case r.Unknown != "":
		return model.CoverageUnknown
	case whole:
		return model.CoverageWhole
	}
	return model.CoverageExtended
}

// changedSentence says what was changed, and when.
func changedSentence(p part, k, of int) string {
	when := "after the last signature"
	if k+1 < of {
		when = fmt.Sprintf("between signature %d and the next one", p.after+1)
	}
	const most = 3
	what := p.Changed[:min(len(p.Changed), most)]
	more := ""
	if n := len(p.Changed) - len(what); n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return "changed " + when + ": " + strings.Join(what, "; ") + more
}
