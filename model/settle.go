package model

import (
	"cmp"
	"strings"
	"time"
)

const (
	// LinkLife is how long a link that stood in a callback is kept.
	LinkLife = 24 * time.Hour
	// WrongFiles is how many files in a row may be wrong until the last is quarantined.
	WrongFiles = 5
	// MissingLife is how long a provider may lack a file until the document has failed.
	MissingLife = 24 * time.Hour
)

// The reasons that Settle writes into a row by itself, for people to read.
const (
	reasonUnconfirmed = "held until the provider confirms"
	reasonNotYet      = "waits for the provider to say completed"
	reasonNoProvider  = "a callback's link brought it, and the provider does not know the transaction"
	reasonElsewhere   = "a callback's link brought it, and the provider says "
	reasonAltered     = "the held file was altered"
	reasonLost        = "the held file is gone, the provider will be asked"
	reasonFetchAnew   = "the stored file was missing or altered"
	reasonMissing     = "the provider has not had the file for a day: `documents retry` asks again"
	reasonReleased    = "released by operator"
	reasonJudgedAnew  = "newer rules find nothing wrong with the file that was quarantined"
	reasonAskedAgain  = "asked for again"
	howToGoOn         = "; `documents retry` asks for it again, `documents release` keeps it as it is"
)

// Settle says what an event does to a document. No other code chooses a document's state. t is the document's
// transaction, zero where there is none. A document that does not exist yet is one with its account, ref, id and kind,
// and without a state. Settle is pure and total: it never fails, and now is its only clock. See docs/grids.md.
func Settle(d Document, e DocumentEvent, t Transaction, now time.Time) Settlement {
	if d.Link != "" && now.Sub(d.linkedAt()) >= LinkLife {
		d.Link = ""
	}
	s := settling{Settlement: Settlement{Step: StepNone, Next: d}, was: d, now: now}
	switch e.Kind {
	case DocumentNamed:
		s.named(e)
	case DocumentLinked:
		s.linked(e)
	case DocumentDue:
		s.due(e, t)
	case DocumentWoken:
		s.woken()
	case DocumentMarkedAnew:
		if s.was.HasFile() && s.was.Mark != e.Mark {
			s.Step, s.Next.Mark = StepNoted, e.Mark
		}
	case DocumentPlaced:
		s.placed(e, StepStored, DocumentStored)
	case DocumentSetAside:
		s.placed(e, StepQuarantined, DocumentQuarantined)
	case DocumentLinkFileCame:
		s.linkFile(e)
	case DocumentFileAltered, DocumentFileLost:
		s.damaged(e)
	case DocumentReleased:
		s.released(e)
	case DocumentAskedAgain:
		s.askedAgain()
	case DocumentJudged:
		s.judged(e, t)
	default:
		s.fetched(e, t)
	}
	return s.Settlement
}

// HasFile says whether a file has come for a document, whatever became of it.
func (d Document) HasFile() bool {
	return d.LinkFile != "" || d.State == DocumentStored || d.State == DocumentQuarantined
}

// linkedAt is when a document's link came.
func (d Document) linkedAt() time.Time {
	if d.LinkAt != nil {
		return *d.LinkAt
	}
	return d.CreatedAt
}

// next is the version after d, with nothing known of it yet.
func (d Document) next() Document {
	return Document{Account: d.Account, Ref: d.Ref, DocID: d.DocID, Kind: d.Kind, Name: d.Name, Version: d.Version + 1}
}

// ConfirmedCompleted says whether the provider has said that a transaction's documents are what they claim to be.
func (t Transaction) ConfirmedCompleted() bool {
	return t.Status == Completed && t.Confirmed && !t.Trashed
}

// EndedOtherwise reports whether the provider has confirmed a final status other than completed.
func (t Transaction) EndedOtherwise() bool {
	return t.ReportedStatus == "" && t.Status != Completed && (t.Deleted || t.Confirmed && t.Status.Final())
}

// settling is the document, event and result that Settle works on.
type settling struct {
	Settlement
	was Document
	now time.Time
}

// queue makes the document due now, as one that was never tried.
func (s *settling) queue(step DocumentStep, reason string) {
	s.Step = step
	s.Next.State, s.Next.Reason, s.Next.Attempts, s.Next.NextTryAt = DocumentWaiting, reason, 0, at(s.now)
	if s.Next.CreatedAt.IsZero() {
		s.Next.CreatedAt = s.now
	}
}

// later says when the document is tried again.
func (s *settling) later(e DocumentEvent) {
	s.Step = StepPostponed
	if e.Tried {
		s.Step = StepTried
		s.Next.Attempts++
	}
	if e.Reason != "" {
		s.Next.Reason = e.Reason
	}
	s.Next.NextTryAt = at(s.now.Add(e.Wait))
}

// end gives the document a state in which nothing is tried any more.
func (s *settling) end(step DocumentStep, state DocumentState, reason string, tried bool) {
	s.Step = step
	s.Next.State, s.Next.Reason, s.Next.NextTryAt = state, reason, nil
	if tried {
		s.Next.Attempts++
	}
}

// record notes the change of state for history.
func (s *settling) record() {
	if s.was.State != s.Next.State {
		s.Change = &RowChange{Kind: KindDocument, From: string(s.was.State), To: string(s.Next.State)}
	}
}

// named queues a document that the table lacks. Another mark than the row's says that another file lies there now:
// the next version.
func (s *settling) named(e DocumentEvent) {
	d := s.was
	switch {
	case d.State == "":
		s.Next.Name, s.Next.Version = e.Name, 1
	case e.Mark == "" || e.Mark == d.Mark:
		return
	case d.Mark == "" || d.LinkFile != "": // the row had no mark before
		s.Step, s.Next.Mark = StepNoted, e.Mark
		return
	case d.HasFile():
		s.Next = d.next()
		s.Next.Name, s.Next.Mark = e.Name, e.Mark
		s.queue(StepNextVersion, "")
		return
	}
	s.Next.Mark = e.Mark
	s.queue(StepQueued, "")
}

// linked makes a document due whose file lies behind a link. A newer link takes the place of an older one as long as
// no file is here.
func (s *settling) linked(e DocumentEvent) {
	d, step := s.was, StepQueued
	switch {
	case e.Link == "", s.now.Sub(e.Came) >= LinkLife:
		return
	case d.State == "":
		s.Next.Name, s.Next.Version = e.Name, 1
	case d.HasFile() && (e.Mark == "" || d.Mark == "" || e.Mark == d.Mark || d.LinkFile != ""):
		return
	case d.HasFile():
		s.Next, step = d.next(), StepNextVersion
		s.Next.Name = e.Name
	case d.LinkAt != nil && !e.Came.After(*d.LinkAt), d.Link == e.Link: // an older callback, or a replay
		return
	}
	if e.Mark != "" {
		s.Next.Mark = e.Mark
	}
	s.Next.Link, s.Next.LinkAt = e.Link, at(e.Came)
	s.queue(step, "")
}

// due says what is to be done with a document whose time has come.
func (s *settling) due(e DocumentEvent, t Transaction) {
	d := s.was
	switch {
	case d.State != DocumentWaiting:
	case d.LinkFile != "" && t.Ref == "":
		s.Step, s.Reason = StepQuarantine, reasonNoProvider
	case d.LinkFile != "" && t.EndedOtherwise():
		s.Step, s.Reason = StepQuarantine, reasonElsewhere+string(t.Status)
	case d.LinkFile != "" && t.ConfirmedCompleted():
		s.Step = StepPlace
	case d.LinkFile != "":
		e.Reason = reasonUnconfirmed
		s.later(e)
	case d.LinkAt != nil && t.EndedOtherwise(): // only a callback named it: there will be no file
		s.Step = StepRemoved
	case d.Link != "" && t.Ref != "":
		s.Step = StepFollow
	case t.ConfirmedCompleted():
		s.Step = StepFetch
	default:
		e.Reason = reasonNotYet
		s.later(e)
	}
}

// woken makes a document that waits for the provider's word due, now that the word has come.
func (s *settling) woken() {
	if d := s.was; d.State == DocumentWaiting && (d.NextTryAt == nil || d.NextTryAt.After(s.now)) {
		s.Step, s.Next.NextTryAt = StepQueued, at(s.now)
	}
}

// fetched handles the events of a fetch: a file that came, or the reason why none did.
func (s *settling) fetched(e DocumentEvent, t Transaction) {
	if s.was.State != DocumentWaiting || overtaken(s.was, e.Began) || s.was.LinkFile != "" && !concernsLinkFile(e.Kind) {
		return
	}
	switch e.Kind {
	case DocumentCame:
		if s.Step = StepPlace; !t.ConfirmedCompleted() {
			e.Reason = reasonNotYet
			s.later(e)
		}
	case DocumentFatal, DocumentWrong:
		if e.Kind == DocumentFatal || s.was.Attempts+1 >= WrongFiles {
			s.Step, s.Reason = StepQuarantine, e.Reason+howToGoOn
			return
		}
		s.later(e)
	case DocumentRepeated:
		s.Step = StepRemoved
	case DocumentPostponed, DocumentMachineFault, DocumentRefused, DocumentNoFile:
		s.later(e)
	case DocumentMissing:
		if s.now.Sub(s.was.CreatedAt) > MissingLife {
			s.end(StepFailed, DocumentFailed, reasonMissing, e.Tried)
			return
		}
		s.later(e)
	case DocumentTooLarge: // the link stays until it expires, since an operator may raise the size limit
		s.end(StepFailed, DocumentFailed, e.Reason, e.Tried)
	case DocumentCannotBeHad:
		s.end(StepUnobtainable, DocumentUnobtainable, e.Reason, e.Tried)
		s.Next.Link = ""
		s.record()
	case DocumentLinkDied:
		s.Next.Link = ""
		s.queue(StepQueued, e.Reason)
	}
}

// concernsLinkFile reports whether an event can happen to a document whose file came by a link and waits for the
// provider's confirmation.
func concernsLinkFile(kind DocumentEventKind) bool {
	return kind == DocumentRepeated || kind == DocumentPostponed || kind == DocumentMachineFault
}

// overtaken reports whether the row has changed since the work began so that the work's result no longer counts: a
// newer link, another mark, or a file that came another way.
func overtaken(d, began Document) bool {
	if began.ID == "" {
		return false
	}
	newer := d.LinkAt != nil && (began.LinkAt == nil || d.LinkAt.After(*began.LinkAt))
	return newer || d.LinkFile != began.LinkFile || began.Mark != "" && d.Mark != began.Mark
}

// placed writes the path of a file that has been placed. A placed file is never undone: where the row already has
// another file, this one gets a row of its own. Where the mark changed during the fetch, the file may be the older
// content, so the next version is fetched as well.
func (s *settling) placed(e DocumentEvent, step DocumentStep, state DocumentState) {
	d, f := s.was, e.File
	if d.State == DocumentStored || d.State == DocumentQuarantined {
		if d.Path == f.Path {
			return
		}
		s.was, s.Next = Document{}, d.next()
	}
	n := &s.Next
	s.end(step, state, e.Reason, e.Tried)
	n.Version, n.Path, n.SHA256, n.Size, n.Facts, n.StoredAt = f.Version, f.Path, f.SHA256, f.Size, f.Facts, at(s.now)
	if f.Facts.Signature == "" && f.SHA256 == d.LinkFile { // its signatures were checked when it came by the link
		n.Facts = d.Facts
	}
	n.Link, n.LinkFile, n.Mark = "", "", d.Mark
	if n.CreatedAt.IsZero() {
		n.CreatedAt = s.now
	}
	if began := e.Began.Mark; began != "" && began != d.Mark {
		after := n.next()
		after.Mark, after.State, after.NextTryAt, after.CreatedAt = d.Mark, DocumentWaiting, at(s.now), s.now
		n.Mark, s.After = began, &after
	}
	s.record()
}

// linkFile notes the file that a link brought. The next round looks whether the provider has confirmed already.
func (s *settling) linkFile(e DocumentEvent) {
	if s.was.HasFile() {
		return
	}
	n := &s.Next
	s.queue(StepUnconfirmed, reasonUnconfirmed)
	n.Facts, n.LinkFile, n.SHA256, n.Size, n.Link = e.File.Facts, e.File.SHA256, e.File.SHA256, e.File.Size, ""
}

// damaged makes a stored document due again whose file is missing or altered. For a file that waits for the provider's
// confirmation there is no second source: an altered one is set aside, and for a lost one the provider is asked.
func (s *settling) damaged(e DocumentEvent) {
	d := s.was
	switch {
	case e.Began.SHA256 != d.SHA256:
	case d.State == DocumentStored:
		s.queue(StepQueued, reasonFetchAnew)
		s.Next.Version++
		s.record()
	case d.State != DocumentWaiting || d.LinkFile == "":
	case e.Kind == DocumentFileAltered:
		s.Step, s.Reason = StepQuarantine, reasonAltered
	default:
		s.queue(StepQueued, reasonLost)
		s.Next.LinkFile, s.Next.SHA256, s.Next.Size = "", "", 0
	}
}

// released takes a document out of quarantine by an operator's word.
func (s *settling) released(e DocumentEvent) {
	if s.was.State != DocumentQuarantined {
		return
	}
	s.end(StepStored, DocumentStored, cmp.Or(e.Reason, reasonReleased), false)
	s.Next.Path, s.Next.StoredAt = e.File.Path, at(s.now)
	s.record()
}

// judged takes over what newer rules say of a file. One that was quarantined for what is in it, and is not wrong by
// these rules, gets its place once the provider has said completed. A stored file stays stored, whatever they say.
func (s *settling) judged(e DocumentEvent, t Transaction) {
	d := s.was
	freed := d.State == DocumentQuarantined && e.Reason == "" && strings.HasSuffix(d.Reason, howToGoOn)
	switch {
	case !d.HasFile() || d.LinkFile != "" || e.Began.SHA256 != d.SHA256, freed && !t.ConfirmedCompleted():
		return
	case freed && e.File.Path == "":
		s.Step = StepPlace
		return
	case freed:
		s.end(StepStored, DocumentStored, reasonJudgedAnew, false)
		s.Next.Path, s.Next.StoredAt = e.File.Path, at(s.now)
		s.record()
	default:
		s.Step = StepNoted
		if d.State == DocumentQuarantined && strings.HasSuffix(d.Reason, howToGoOn) {
			s.Next.Reason = e.Reason + howToGoOn
		}
	}
	s.Next.Facts = e.File.Facts
	s.Next.Facts.File.Seal = d.Facts.File.Seal // compared once, when it got its place
}

// askedAgain has a document fetched that is not stored. A quarantined file keeps its row: what comes now is the next
// version.
func (s *settling) askedAgain() {
	step := StepQueued
	switch s.was.State {
	case DocumentQuarantined:
		s.Next, step = s.was.next(), StepNextVersion
	case DocumentFailed, DocumentWaiting:
		s.Next.CreatedAt = s.now
	default:
		return
	}
	s.queue(step, reasonAskedAgain)
}
