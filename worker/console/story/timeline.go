package story

import (
	"slices"
	"strconv"
	"time"

	"countersign/model"
	"countersign/worker/console/objects"
)

// Line is how an entry of a timeline is drawn.
type Line string

// The lines.
const (
	Solid   Line = "solid"   // the provider answered
	Dotted  Line = "dotted"  // a callback spoke
	Diamond Line = "diamond" // a change that no callback told
	Ours    Line = "ours"    // an operator, or this program
)

// Day is one day of a timeline.
type Day struct {
	At      time.Time // its beginning
	Entries []Entry   // the newest first
}

// Entry is one thing that happened.
type Entry struct {
	ID        string // of the element on the page
	At        time.Time
	Line      Line
	Status    model.Status // that it became, for its badge; "" where it is about something else
	Confirmed bool
	Title     string // what changed
	Said      string // who says so
	Source    Source
	Gap       *Untold          // nil: a callback told it, or none had to
	Quiet     []model.Callback // the callbacks that changed nothing, of an entry that is nothing else
	seq       int64
}

// Number is the seq of its change; 0 where it is none of the history.
func (e Entry) Number() int64 { return e.seq }

// Row is a row with the entry's status, for its badge.
func (e Entry) Row() model.Transaction {
	return model.Transaction{Status: e.Status, Confirmed: e.Confirmed}
}

// Untold is what is known of a change that no callback told in time.
type Untold struct {
	Kind   model.GapKind
	Text   string     // why no callback told it
	Bounds string     // between which answers it happened
	Theirs *time.Time // when the provider says that it happened; it sorts nothing
	Until  *time.Time // until when a callback may still tell it; nil: that is settled
}

// Timeline is all that happened, by day, the newest first. Callbacks that changed nothing are folded, unless all are
// asked for.
func Timeline(in Input, all bool) []Day {
	entries := append(in.changes(all), in.quiet()...)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return int(b.seq - a.seq)
	})
	if !all {
		entries = folded(entries)
	}
	var days []Day
	for _, e := range entries {
		if len(e.Quiet) > 0 {
			e.Title = in.Words.Count("story.quiet", len(e.Quiet))
			if all {
				e = in.single(e)
			}
		}
		at := day(e.At.In(in.Zone))
		if len(days) == 0 || !days[len(days)-1].At.Equal(at) {
			days = append(days, Day{At: at})
		}
		days[len(days)-1].Entries = append(days[len(days)-1].Entries, e)
	}
	return days
}

// Changed is every change, the oldest first, with the gaps that stand alone; callbacks that changed nothing are left
// out. It is what a sheet of paper has.
func Changed(in Input) []Entry {
	entries := in.changes(true)
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return int(a.seq - b.seq)
	})
	return entries
}

// changes are the entries of the history and of the gap ledger. A gap that is about a change of the history stands with
// it. That a gap was settled is told of with the gap itself, unless all is asked for.
func (in Input) changes(all bool) (out []Entry) {
	used := map[string]bool{}
	for _, c := range in.History {
		if c.Kind == model.KindGap && c.From == "" && !all {
			continue
		}
		e := Entry{ID: "change-" + strconv.FormatInt(c.Seq, 10), At: c.At, Line: lineOf(c), Title: in.changed(c),
			Said: in.Said(c), Source: in.Source(c.Source), Confirmed: c.Confirmed, seq: c.Seq}
		if c.Kind == model.KindStatus || c.Kind == model.KindConfirmed {
			e.Status = model.Status(c.To)
		}
		if i := slices.IndexFunc(in.Gaps, func(g model.Gap) bool { return !used[g.ID] && about(g, c) }); i >= 0 {
			used[in.Gaps[i].ID] = true
			e.Gap, e.Line = in.Untold(in.Gaps[i]), Diamond
		}
		out = append(out, e)
	}
	for _, g := range in.Gaps {
		if !used[g.ID] {
			out = append(out, Entry{ID: "gap-" + g.ID, At: g.FoundAt, Line: Diamond, Title: in.Missing(g), Confirmed: true,
				Said: in.said(g.FoundBy, g.FoundAt), Source: in.Source(g.FoundBy), Gap: in.Untold(g)})
		}
	}
	if in.TrackedAt != nil && in.TrackedBy != "" {
		out = append(out, Entry{ID: "tracked", At: *in.TrackedAt, Line: Ours, Title: in.Words.Say("story.changed.tracked"),
			Said: in.said(in.TrackedBy, *in.TrackedAt), Source: in.Source(in.TrackedBy), Confirmed: in.Row.Confirmed})
	}
	return out
}

func lineOf(c model.Change) Line {
	switch s := SourceOf(c.Source); {
	case c.Kind == model.KindGap && !isCallback(c.Source), c.Kind == model.KindForgotten:
		return Ours
	case s.Kind == fromCallback:
		return Dotted
	case s.Kind == fromRun, s.Kind == string(model.AskedConfirm):
		return Solid
	}
	return Ours
}

// about says whether a gap is about a change of the history: found by the same answer.
func about(g model.Gap, c model.Change) bool {
	if g.FoundBy != c.Source || !g.FoundAt.Equal(c.At) {
		return false
	}
	switch g.Change {
	case model.ChangeCreated, model.ChangeStatus:
		return c.Kind == model.KindStatus && c.To == g.To
	case model.ChangeArchived, model.ChangeTrashed:
		flag := c.To
		if g.Off {
			flag = c.From
		}
		return c.Kind == model.KindFlag && flag == string(g.Change)
	}
	return false
}

// changed says what a change of the history changed.
func (in Input) changed(c model.Change) string {
	p := in.Words
	switch c.Kind {
	case model.KindConfirmed:
		return p.Say("story.changed.confirmed", "status", p.Word("status", c.To))
	case model.KindStatus:
		return in.became(c.From, c.To)
	case model.KindFlag:
		return in.flag(c.From, c.To)
	case model.KindAttention:
		return in.attention(c)
	case model.KindDocument:
		return p.Say("story.changed.document", "name", in.file(c.Document), "state", p.Word("documentstate", c.To))
	case model.KindGap:
		if c.To == string(model.GapLate) {
			return p.Say("story.changed.late")
		}
		return p.Say("story.changed.gap", "kind", p.Word("gapkind", c.To))
	case model.KindForgotten:
		return p.Say("story.changed.forgotten")
	}
	return objects.Plain(c.To)
}

// became says which status became which.
func (in Input) became(from, to string) string {
	p := in.Words
	if from == "" || from == string(model.Unknown) {
		return p.Say("story.changed.first", "status", p.Word("status", to))
	}
	return p.Say("story.changed.status", "from", p.Word("status", from), "to", p.Word("status", to))
}

func (in Input) flag(from, to string) string {
	if to == "" {
		return in.Words.Say("story.changed.unflag", "flag", in.Words.Word("flag", from))
	}
	return in.Words.Word("flag", to)
}

func (in Input) attention(c model.Change) string {
	p, what := in.Words, c.To
	if what == "" {
		return p.Say("story.changed.mended", "what", p.Word("attention", c.From))
	}
	if c.Signer == "" {
		return p.Say("story.changed.attention", "what", p.Word("attention", what))
	}
	return p.Say("story.changed.attention_of", "what", p.Word("attention", what), "who", in.who(c.Signer))
}

// Missing says which change a gap is about.
func (in Input) Missing(g model.Gap) string {
	p := in.Words
	switch g.Change {
	case model.ChangeCreated:
		return p.Say("story.changed.first", "status", p.Word("status", g.To))
	case model.ChangeStatus:
		return in.became(g.From, g.To)
	case model.ChangeSigner:
		return p.Say("story.changed.signer", "who", in.who(g.Signer), "status", p.Word("signerstatus", g.To))
	}
	if g.Off {
		return in.flag(string(g.Change), "")
	}
	return in.flag("", string(g.Change))
}

// Untold says what is known of a change that no callback told in time.
func (in Input) Untold(g model.Gap) *Untold {
	p := in.Words
	u := &Untold{Kind: g.Kind, Text: p.Word("gapkind", string(g.Kind)), Theirs: g.HappenedAt}
	switch {
	case g.Kind == model.GapPending:
		u.Until = &g.SettleAt
		u.Text = p.Say("story.gap.pending", "until", in.when(g.SettleAt))
	case g.Kind == model.GapLate && g.Latency != nil:
		u.Text = p.Say("story.gap.late", "wait", p.Span(*g.Latency))
	case g.Kind == model.GapMissed:
		u.Text = p.Say("story.gap.missed")
	case g.Kind == model.GapRefused:
		u.Text = p.Say("story.gap.refused")
	}
	if g.After == nil {
		u.Bounds = p.Say("story.gap.before", "before", in.when(g.Before))
	} else {
		u.Bounds = p.Say("story.gap.between", "after", in.when(*g.After), "before", in.until(*g.After, g.Before))
	}
	return u
}

// quiet are the callbacks that changed nothing, an entry each.
func (in Input) quiet() (out []Entry) {
	told := map[string]bool{}
	for _, c := range in.History {
		if isCallback(c.Source) {
			told[SourceOf(c.Source).ID] = true
		}
	}
	for _, c := range in.Callbacks {
		if !told[c.ID] {
			out = append(out, Entry{ID: "callback-" + c.ID, At: c.At, Line: Dotted, Quiet: []model.Callback{c}})
		}
	}
	return out
}

// folded makes one entry of those that stand beside each other and changed nothing.
func folded(entries []Entry) (out []Entry) {
	for _, e := range entries {
		if last := len(out) - 1; last >= 0 && len(e.Quiet) > 0 && len(out[last].Quiet) > 0 {
			out[last].Quiet = append(out[last].Quiet, e.Quiet...)
			continue
		}
		e.Quiet = slices.Clone(e.Quiet)
		out = append(out, e)
	}
	return out
}

// single is an entry of one callback that changed nothing.
func (in Input) single(e Entry) Entry {
	c, p := e.Quiet[0], in.Words
	e.Quiet, e.Source = nil, in.Source("callback "+c.ID)
	e.Title = objects.Plain(c.Type)
	switch {
	case c.Verdict != model.Accepted:
		e.Said = p.Say("story.said.not_accepted", "verdict", p.Word("verdict", string(c.Verdict)))
	default:
		e.Said = p.Say("story.said.outcome", "outcome", p.Word("outcome", string(c.Outcome)))
	}
	if e.Title == "" {
		e.Title = p.Say("story.said.callback_untyped")
	}
	return e
}
