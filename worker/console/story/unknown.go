package story

import (
	"countersign/model"
	"countersign/worker/console/objects"
)

// unknown says what is not known, and nobody should read into what is.
func (in Input) unknown() (out []string) {
	p, t := in.Words, in.Transaction
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	checking := t.ReportedStatus != "" && t.ReportedStatus != t.Status
	add(t.Status == model.Unknown, p.Say("story.unknown.exists", "provider", in.Provider))
	add(t.Status != model.Unknown && (!t.Confirmed || checking), p.Say("story.unknown.agrees", "provider", in.Provider))
	add(t.NotFound && !t.Deleted, p.Say("story.unknown.gone"))
	add(t.Confirmed && t.Open() && t.ConfirmedAt != nil, p.Say("story.unknown.since", "when", in.maybe(t.ConfirmedAt)))
	add(t.Origin == model.OriginBackfill, p.Say("story.unknown.history", "when", in.when(t.FirstSeenAt)))
	if n := in.undated(); n > 0 {
		out = append(out, p.Count("story.unknown.moment", n))
	}
	return append(out, in.unknownFiles()...)
}

// undated counts the changes of which only two answers are known, one before and one after.
func (in Input) undated() (n int) {
	for _, g := range in.Gaps {
		if g.HappenedAt == nil && g.Kind != model.GapPending {
			n++
		}
	}
	return n
}

// unknownFiles says what is not known of the files.
func (in Input) unknownFiles() (out []string) {
	p := in.Words
	signed, trustless := false, false
	for _, d := range in.Documents {
		name := objects.FileName(d)
		switch {
		case d.State == model.DocumentQuarantined:
			out = append(out, p.Say("story.unknown.quarantined", "name", name))
		case d.State == model.DocumentUnobtainable || d.State == model.DocumentFailed:
			out = append(out, p.Say("story.unknown.content", "name", name))
		case d.State != model.DocumentStored:
			continue
		case d.Facts.Signature == model.SignatureUnknown:
			out = append(out, p.Say("story.unknown.signature", "name", name, "why", objects.Plain(p.Stored(d.Facts.Note))))
		}
		signed = signed || d.Facts.Signature != ""
		trustless = trustless || d.Facts.Trust == model.TrustUnknown
	}
	if trustless {
		out = append(out, p.Say("story.unknown.trust"))
	}
	if signed || in.Status == model.Completed {
		out = append(out, p.Say("story.unknown.law"))
	}
	return out
}
