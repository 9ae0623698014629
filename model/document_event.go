package model

import "time"

// DocumentEventKind names what happened to a document.
type DocumentEventKind string

// The events.
const (
	DocumentNamed        DocumentEventKind = "named"          // an answer that says completed names it
	DocumentLinked       DocumentEventKind = "linked"         // a callback tells a link to its file
	DocumentDue          DocumentEventKind = "due"            // its time has come: what is to be done
	DocumentWoken        DocumentEventKind = "woken"          // the provider has spoken about its transaction
	DocumentCame         DocumentEventKind = "came"           // the provider gave a whole file
	DocumentLinkFileCame DocumentEventKind = "link file came" // the link gave a whole file, safe on disk
	DocumentWrong        DocumentEventKind = "wrong"          // a file came that is not what it should be
	DocumentFatal        DocumentEventKind = "fatal"          // a file came that the check did not survive
	DocumentPlaced       DocumentEventKind = "placed"         // its file has its name among the others, on disk
	DocumentSetAside     DocumentEventKind = "set aside"      // its file has its name in quarantine, on disk
	DocumentRepeated     DocumentEventKind = "repeated"       // its file is the one of an earlier version
	DocumentMarkedAnew   DocumentEventKind = "marked anew"    // the provider gives the same bytes under another mark
	DocumentPostponed    DocumentEventKind = "postponed"      // nothing was tried
	DocumentMachineFault DocumentEventKind = "machine fault"  // this machine could not fetch, check or place it
	DocumentRefused      DocumentEventKind = "refused"        // the provider refuses the credentials
	DocumentNoFile       DocumentEventKind = "no file"        // a try brought none
	DocumentMissing      DocumentEventKind = "missing"        // the provider does not have the file
	DocumentTooLarge     DocumentEventKind = "too large"      // the file is larger than the account takes
	DocumentCannotBeHad  DocumentEventKind = "cannot be had"  // there is no way to the file
	DocumentLinkDied     DocumentEventKind = "link died"      // the link will never bring it
	DocumentFileAltered  DocumentEventKind = "file altered"   // its file on disk is not the one that was put there
	DocumentFileLost     DocumentEventKind = "file lost"      // its file on disk is gone
	DocumentReleased     DocumentEventKind = "released"       // an operator released it, its file has its new name
	DocumentAskedAgain   DocumentEventKind = "asked again"    // an operator wants it fetched again
	DocumentJudged       DocumentEventKind = "judged again"   // newer rules judged its file; with a reason: it is wrong
)

// DocumentEventKinds lists every event.
func DocumentEventKinds() []DocumentEventKind {
	return []DocumentEventKind{
		DocumentNamed, DocumentLinked, DocumentDue, DocumentWoken, DocumentCame, DocumentLinkFileCame, DocumentWrong,
		DocumentFatal, DocumentPlaced, DocumentSetAside, DocumentRepeated, DocumentMarkedAnew, DocumentPostponed,
		DocumentMachineFault, DocumentRefused, DocumentNoFile, DocumentMissing, DocumentTooLarge, DocumentCannotBeHad,
		DocumentLinkDied, DocumentFileAltered, DocumentFileLost, DocumentReleased, DocumentAskedAgain, DocumentJudged,
	}
}

// DocumentEvent is something that happened to a document.
type DocumentEvent struct {
	Kind DocumentEventKind
	// Began is the document at the start of the work that led to the event; zero for an event without such work.
	// Settle compares it with the row: what the row has learned since then may overtake the event.
	Began  Document
	Reason string        // why, for people; "" leaves the row's own
	Wait   time.Duration // until it is tried again
	Tried  bool          // it counts as a try

	Name string    // named, linked: what the provider calls it
	Mark string    // named, linked, marked anew: the provider's mark of the file's content
	Link string    // linked: where the file lies
	Came time.Time // linked: when the link came

	File DocumentFile // link file came, placed, set aside, released, judged again
}

// DocumentFile is what is known of a file that came.
type DocumentFile struct {
	SHA256  string
	Size    int64
	Facts   SignatureFacts
	Path    string // its name in the document store, once it has one
	Version int    // the version that the name says
}

// DocumentStep is what Settle made of an event: a change of the row, or work that the worker must do first.
type DocumentStep string

// The steps. Those of the first group are written to the row; those of the second are work to be done, and leave the
// row alone.
const (
	StepNone         DocumentStep = "nothing"
	StepNoted        DocumentStep = "noted"        // a mark is noted, the state stays
	StepQueued       DocumentStep = "queued"       // to be fetched, now
	StepNextVersion  DocumentStep = "next version" // a row of its own, to be fetched now
	StepPostponed    DocumentStep = "postponed"    // to be fetched, later
	StepTried        DocumentStep = "tried"        // to be fetched, later, one try more
	StepUnconfirmed  DocumentStep = "unconfirmed"  // its file is here and waits for the provider to confirm
	StepStored       DocumentStep = "stored"
	StepQuarantined  DocumentStep = "quarantined"
	StepUnobtainable DocumentStep = "unobtainable"
	StepFailed       DocumentStep = "failed"
	StepRemoved      DocumentStep = "removed"

	StepFetch      DocumentStep = "fetch"      // ask the provider for the file
	StepFollow     DocumentStep = "follow"     // fetch the file from its link
	StepPlace      DocumentStep = "place"      // give the file its name among the others
	StepQuarantine DocumentStep = "quarantine" // give the file its name in quarantine
)

// Settlement is what becomes of a document.
type Settlement struct {
	Step   DocumentStep
	Next   Document   // the row as it is to be written; without an ID it is a new one
	After  *Document  // one more version to fetch: the mark moved while this one was on its way
	Reason string     // why a file is to be quarantined
	Change *RowChange // what history says; nil: nothing
}

// Asks says whether the worker has to do something before anything is written.
func (s Settlement) Asks() bool {
	return s.Step == StepFetch || s.Step == StepFollow || s.Step == StepPlace || s.Step == StepQuarantine
}

// Writes says whether the row is to be written.
func (s Settlement) Writes() bool {
	return !s.Asks() && s.Step != StepNone && s.Step != StepRemoved && s.Step != ""
}
