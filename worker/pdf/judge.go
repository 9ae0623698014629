package pdf

import (
	"bytes"
	"cmp"
	"slices"

	pdf "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"countersign/model"
)

// judge decides what a file's signatures say about it.
func judge(raw []byte, ctx *pdf.Context) model.SignatureFacts {
	all, rights := signaturesIn(ctx)
	removed := takenOut(raw, append(rights, all...))
	switch {
	case len(all) > 0 || removed:
	case len(rights) > 0:
		return model.UnknownSignature("it carries usage rights, which are not checked, and no signature")
	default:
		return model.Unsigned()
	}
	slices.SortStableFunc(all, func(a, b signed) int { return cmp.Compare(a.end(), b.end()) })
	f := model.SignatureFacts{Integrity: model.IntegrityIntact, Coverage: model.CoverageUnknown, Trust: model.TrustUnknown}
	if len(all) == 0 {
		f.Integrity = model.IntegrityUnknown
	}
	j := judgement{raw: raw, ctx: ctx, facts: &f}
	for i := range all {
		e := j.one(&all[i])
		f.Integrity = worse(f.Integrity, e.Integrity)
		f.Signatures = append(f.Signatures, e)
		switch e.Integrity {
		case model.IntegrityAltered:
			j.say(model.SignatureAltered, e.Note)
		case model.IntegrityUnknown:
			j.say(model.SignatureUnknown, e.Note)
		}
	}
	switch {
	case removed && len(all) > 0: // the last signer signed what was left
		j.say(model.SignatureUnknown, "a signature was taken out of it before the last one was made")
	case removed:
		j.say(model.SignatureAltered,
			"a signature that the file holds is not part of the document: it was taken out, or the file is cut off")
	}
	j.coverage(all)
	if f.Signature == "" {
		f.Signature = model.SignatureIntact
	}
	return f
}

// judgement is the state of judging one file.
type judgement struct {
	raw   []byte
	ctx   *pdf.Context
	facts *model.SignatureFacts
}

// say records an objection to the file, and keeps the worst; of equally bad ones, the first.
func (j judgement) say(word model.Signature, why string) {
	if j.facts.Signature == "" || j.facts.Signature == model.SignatureUnknown && word == model.SignatureAltered {
		j.facts.Signature, j.facts.Note = word, why
	}
}

// one judges a signature by itself.
func (j judgement) one(s *signed) model.EmbeddedSignature {
	e := model.EmbeddedSignature{
		Kind: "signature", Signer: s.name, Time: s.at, Reason: s.reason,
		Integrity: model.IntegrityUnknown, Coverage: model.CoverageUnknown, Trust: model.TrustUnknown,
	}
	if s.subFilter == "ETSI.RFC3161" {
		e.Kind = "timestamp"
	}
	if !s.usable {
		e.Note = "it does not say which bytes it covers"
		return e
	}
	if fault := s.spansFault(int64(len(j.raw))); fault != "" {
		e.Integrity, e.Coverage, e.Note = model.IntegrityAltered, model.CoveragePartial, fault
		return e
	}
	message, ok := gap(j.raw, s.spans)
	if !ok || !bytes.Equal(message, s.contents) {
		e.Integrity, e.Coverage, e.Note = model.IntegrityAltered, model.CoveragePartial,
			"what it leaves out is not the signature itself"
		return e
	}
	s.placed = true
	e.Coverage = model.CoverageWhole
	if s.end() < int64(len(j.raw)) {
		e.Coverage = model.CoveragePartial
	}
	cms(*s, message, slices.Concat(j.raw[:s.spans[1]], j.raw[s.spans[2]:s.end()]), &e)
	return e
}

// coverage judges what follows each signature: the revision of the next signature, and after the last one the rest of
// the file.
func (j judgement) coverage(all []signed) {
	var ends []signed
	for i, s := range all {
		if s.placed {
			ends = append(ends, s)
		} else if j.facts.Signatures[i].Coverage == model.CoveragePartial {
			j.facts.Coverage = model.CoveragePartial
		}
	}
	if len(ends) == 0 {
		return
	}
	for i := 1; i < len(ends); i++ {
		if from, to := ends[i-1].end(), ends[i].end(); from < to {
			j.between(from, to)
		}
	}
	last := ends[len(ends)-1].end()
	rest := j.raw[last:]
	switch {
	case len(rest) == 0:
		j.cover(model.CoverageWhole)
	case len(bytes.TrimRight(rest, " \t\r\n\f\x00")) == 0:
		j.cover(model.CoveragePartial)
		j.say(model.SignatureUnknown, "white space follows what the last signature covers")
	case j.changed(last, int64(len(j.raw))) == changedValidation:
		j.cover(model.CoverageLater)
	default:
		j.cover(model.CoveragePartial)
		j.say(model.SignatureAltered, "something was appended that no signature covers")
	}
}

func (j judgement) cover(c model.Coverage) {
	if j.facts.Coverage != model.CoveragePartial {
		j.facts.Coverage = c
	}
}

// between judges what a later signer added to what an earlier one had signed.
func (j judgement) between(from, to int64) {
	switch j.changed(from, to) {
	case changedContent:
		j.say(model.SignatureAltered, "pages were changed between two of its signatures")
	case changedOther:
		j.say(model.SignatureUnknown, "something was changed between two of its signatures, and it cannot be told what")
	}
}
