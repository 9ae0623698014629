package model_test

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

const (
	beginDocuments = "<!-- documents: drawn by go test ./model -update -->"
	endDocuments   = "<!-- end of documents -->"
)

// stepLetters are what became of a document. A capital says what the worker has to do.
var stepLetters = map[model.DocumentStep]string{
	model.StepNone: "-", model.StepNoted: "n", model.StepQueued: "w", model.StepNextVersion: "v", model.StepPostponed: "p",
	model.StepTried: "t", model.StepUnconfirmed: "c", model.StepStored: "s", model.StepQuarantined: "q",
	model.StepUnobtainable: "u", model.StepFailed: "f", model.StepRemoved: "x",
	model.StepFetch: "A", model.StepFollow: "L", model.StepPlace: "S", model.StepQuarantine: "Q",
}

// documentStart is a row of the grid: the document as it is, and as it was when the work began.
type documentStart struct {
	name  string
	row   model.Document
	began model.Document
}

func document(state model.DocumentState, bend ...func(*model.Document)) model.Document {
	d := model.Document{ID: "d1", Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument, Version: 1,
		State: state, CreatedAt: noon.Add(-time.Hour)}
	switch state {
	case model.DocumentWaiting:
		d.NextTryAt = when(noon.Add(-time.Minute))
	case model.DocumentStored, model.DocumentQuarantined:
		d.Path, d.SHA256, d.Size, d.StoredAt = "acc/a/1.pdf", "5f", 9, when(noon.Add(-time.Minute))
	}
	for _, b := range bend {
		b(&d)
	}
	return d
}

func withLink(d *model.Document)    { d.Link, d.LinkAt = "https://old", when(noon.Add(-time.Hour)) }
func withNewLink(d *model.Document) { d.Link, d.LinkAt = "https://newer", when(noon.Add(-time.Minute)) }
func withMark(d *model.Document)    { d.Mark = "m1" }
func withNewMark(d *model.Document) { d.Mark = "m2" }
func withLinkFile(d *model.Document) {
	d.LinkFile, d.SHA256, d.LinkAt = "5f", "5f", when(noon.Add(-time.Hour))
}

func documentStarts() (out []documentStart) {
	add := func(name string, d model.Document, began ...model.Document) {
		s := documentStart{name, d, d}
		if len(began) > 0 {
			s.began = began[0]
		}
		out = append(out, s)
	}
	const w = model.DocumentWaiting
	add("no row", model.Document{Account: "acc", Ref: "a", DocID: "1", Kind: model.SignedDocument})
	add("waiting", document(w))
	add("waiting, tried four times", document(w, func(d *model.Document) { d.Attempts = 4 }))
	add("waiting for more than a day", document(w, func(d *model.Document) { d.CreatedAt = noon.Add(-25 * time.Hour) }))
	add("waiting, with a mark", document(w, withMark))
	add("waiting, with a link", document(w, withLink))
	add("waiting, with a link of yesterday",
		document(w, withLink, func(d *model.Document) { d.LinkAt = when(noon.Add(-25 * time.Hour)) }))
	add("waiting, its link's file is here", document(w, withLinkFile))
	add("waiting, a newer link came since", document(w, withNewLink), document(w, withLink))
	add("waiting, another mark came since", document(w, withNewMark), document(w, withMark))
	add("waiting, its link's file came since", document(w, withLinkFile), document(w))
	add("stored", document(model.DocumentStored))
	add("stored, with a mark", document(model.DocumentStored, withMark))
	add("quarantined", document(model.DocumentQuarantined))
	add("quarantined, with a mark", document(model.DocumentQuarantined, withMark))
	add("quarantined for what is in it", document(model.DocumentQuarantined, func(d *model.Document) {
		d.Reason = model.Settle(document(model.DocumentWaiting), model.DocumentEvent{Kind: model.DocumentFatal,
			Reason: "altered"}, signed, noon).Reason
	}))
	add("unobtainable", document(model.DocumentUnobtainable))
	add("failed", document(model.DocumentFailed))
	add("failed, with a link", document(model.DocumentFailed, withLink))
	return out
}

// documentEvent is a column of the grid.
type documentEvent struct {
	name  string
	event model.DocumentEvent
	t     model.Transaction
}

var (
	openRow  = model.Transaction{Account: "acc", Ref: "a", Status: model.InProgress, Confirmed: true}
	signed   = model.Transaction{Account: "acc", Ref: "a", Status: model.Completed, Confirmed: true}
	declined = model.Transaction{Account: "acc", Ref: "a", Status: model.Declined, Confirmed: true}
)

// documentEvents are the columns, a table each for what is learned, what is to be done, and what comes of a fetch.
func documentEvents() [][]documentEvent {
	of := func(kind model.DocumentEventKind) documentEvent {
		return documentEvent{string(kind), model.DocumentEvent{Kind: kind, Reason: "why", Wait: time.Minute}, signed}
	}
	marked := func(e documentEvent, name, mark string) documentEvent {
		e.name, e.event.Mark, e.event.Link, e.event.Came = name, mark, "https://told", noon.Add(-time.Second)
		return e
	}
	under := func(e documentEvent, name string, t model.Transaction) documentEvent {
		e.name, e.t = name, t
		return e
	}
	tried := func(kind model.DocumentEventKind) documentEvent {
		e := of(kind)
		e.event.Tried = true
		return e
	}
	file := func(kind model.DocumentEventKind) documentEvent {
		e := of(kind)
		e.event.File = model.DocumentFile{SHA256: "77", Size: 5, Path: "acc/a/1.v2.pdf", Version: 2}
		return e
	}
	judged := func(name, reason, path string, t model.Transaction) documentEvent {
		e := under(of(model.DocumentJudged), name, t)
		e.event.Reason, e.event.File = reason, model.DocumentFile{Facts: model.Unsigned(), Path: path}
		return e
	}
	named, linked, due, came := of(model.DocumentNamed), of(model.DocumentLinked), of(model.DocumentDue),
		of(model.DocumentCame)
	return [][]documentEvent{
		{
			marked(named, "named", ""), marked(named, "named with another mark", "m3"), marked(linked, "linked", ""),
			marked(linked, "linked with another mark", "m3"), of(model.DocumentWoken), of(model.DocumentAskedAgain),
			file(model.DocumentReleased), of(model.DocumentFileAltered), of(model.DocumentFileLost),
			marked(of(model.DocumentMarkedAnew), "marked anew", "m3"), judged("judged again: wrong", "why", "", signed),
			judged("judged again: right", "", "", signed), judged("judged again: right, open", "", "", openRow),
			judged("judged again: right, has its name", "", "acc/a/1.pdf", signed),
		},
		{
			under(due, "due: completed", signed), under(due, "due: open", openRow), under(due, "due: ended otherwise", declined),
			under(due, "due: not known", model.Transaction{}), under(came, "came: completed", signed), under(came,
				"came: open", openRow),
		},
		{
			file(model.DocumentLinkFileCame), tried(model.DocumentWrong), tried(model.DocumentFatal), file(model.DocumentPlaced),
			file(model.DocumentSetAside), of(model.DocumentRepeated), of(model.DocumentPostponed),
			of(model.DocumentMachineFault),
			of(model.DocumentRefused), tried(model.DocumentNoFile), tried(model.DocumentMissing), tried(model.DocumentTooLarge),
			of(model.DocumentCannotBeHad), of(model.DocumentLinkDied),
		},
	}
}

// settled is the letter of one cell.
func settled(s documentStart, c documentEvent) string {
	e := c.event
	e.Began = s.began
	letter, ok := stepLetters[model.Settle(s.row, e, c.t, noon).Step]
	if !ok {
		return "?"
	}
	return letter
}

// documentLine is one row of the grid, a word for each table.
func documentLine(s documentStart) string {
	var words []string
	for _, table := range documentEvents() {
		word := ""
		for _, c := range table {
			word += settled(s, c)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// documentGrid says what becomes of each document, in the order of documentEvents.
var documentGrid = map[string]string{
	"no row":                              "wwww---------- ------ c--sq---------",
	"waiting":                             "-nww-w-------- ApppSp ctQsqxpppttfuw",
	"waiting, tried four times":           "-nww-w-------- ApppSp cQQsqxpppttfuw",
	"waiting for more than a day":         "-nww-w-------- ApppSp ctQsqxppptffuw",
	"waiting, with a mark":                "-www-w-------- ApppSp ctQsqxpppttfuw",
	"waiting, with a link":                "-nww-w-------- LLxpSp ctQsqxpppttfuw",
	"waiting, with a link of yesterday":   "-nww-w-------- ApxpSp ctQsqxpppttfuw",
	"waiting, its link's file is here":    "-n---w-Qwn---- SpQQ-- ---sqxpp------",
	"waiting, a newer link came since":    "-nww-w-------- LLxp-- c--sq---------",
	"waiting, another mark came since":    "-www-w-------- Appp-- c--sq---------",
	"waiting, its link's file came since": "-n---w---n---- SpQQ-- ---sq---------",
	"stored":                              "-n-----wwnnnnn ------ ---sq---------",
	"stored, with a mark":                 "-v-v---wwnnnnn ------ ---sq---------",
	"quarantined":                         "-n---vs--nnnnn ------ ---sq---------",
	"quarantined, with a mark":            "-v-v-vs--nnnnn ------ ---sq---------",
	"quarantined for what is in it":       "-n---vs--nnS-s ------ ---sq---------",
	"unobtainable":                        "-nww---------- ------ c--sq---------",
	"failed":                              "-nww-w-------- ------ c--sq---------",
	"failed, with a link":                 "-nww-w-------- ------ c--sq---------",
}

// A new state or a new event fails here until somebody says what it does.
func TestTheWholeGridOfDocuments(t *testing.T) {
	seen := map[model.DocumentEventKind]bool{}
	for _, table := range documentEvents() {
		for _, c := range table {
			seen[c.event.Kind] = true
		}
	}
	for _, kind := range model.DocumentEventKinds() {
		if !seen[kind] {
			t.Errorf("the grid has no column for %q", kind)
		}
	}
	for _, state := range model.DocumentStates() {
		if !slices.ContainsFunc(documentStarts(), func(s documentStart) bool { return s.row.State == state }) {
			t.Errorf("the grid has no row for %q", state)
		}
	}
	for _, s := range documentStarts() {
		wanted, ok := documentGrid[s.name]
		if !ok {
			t.Errorf("nobody has said what becomes of %q", s.name)
		}
		if got := documentLine(s); got != wanted {
			t.Errorf("\n\t%q: %q,\n\twanted %q", s.name, got, wanted)
		}
	}
	if len(documentGrid) != len(documentStarts()) {
		t.Errorf("%d rows are expected, %d are there", len(documentGrid), len(documentStarts()))
	}
}

func TestTheDrawingIsWhatSettleDoes(t *testing.T) {
	page, err := os.ReadFile(drawing)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), beginDocuments)
	drawn, behind, ok2 := strings.Cut(rest, endDocuments)
	if !ok || !ok2 {
		t.Fatalf("%s has no grid between %q and %q", drawing, beginDocuments, endDocuments)
	}
	now := drawDocuments()
	if *update {
		if err := os.WriteFile(drawing, []byte(before+beginDocuments+now+endDocuments+behind), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if drawn != now {
		t.Errorf("%s draws another grid than Settle's: go test ./model -update, and read what changed", drawing)
	}
}

// drawDocuments writes the grid as markdown tables.
func drawDocuments() string {
	var b strings.Builder
	for _, table := range documentEvents() {
		var names []string
		for _, c := range table {
			names = append(names, c.name)
		}
		fmt.Fprintf(&b, "\n\n| document | %s |\n|%s\n", strings.Join(names, " | "), strings.Repeat(" --- |", len(names)+1))
		for _, s := range documentStarts() {
			fmt.Fprintf(&b, "| %s |", s.name)
			for _, c := range table {
				fmt.Fprintf(&b, " %s |", settled(s, c))
			}
			b.WriteString("\n")
		}
	}
	return b.String() + "\n"
}

// Whatever a document is like, Settle answers, and what it answers keeps what is promised of files.
func TestSettleIsTotal(t *testing.T) {
	shapes := []func(*model.Document){
		func(*model.Document) {},
		func(d *model.Document) { *d = model.Document{State: d.State} },
		func(d *model.Document) { d.State = "a word of tomorrow" },
		func(d *model.Document) { d.Attempts = 99 },
		func(d *model.Document) { d.NextTryAt = nil },
		func(d *model.Document) { d.LinkFile, d.Mark, d.Link = "5f", "m9", "https://x" },
	}
	transactions := []model.Transaction{
		{}, openRow, signed, declined, {Ref: "a", Status: model.Completed}, {Ref: "a", Status: model.Completed,
			Confirmed: true, Trashed: true},
		{Ref: "a", Status: model.InProgress, ReportedStatus: model.Completed}, {Ref: "a", Status: model.InProgress,
			Deleted: true},
	}
	cells := 0
	for _, s := range documentStarts() {
		for _, bend := range shapes {
			for _, table := range documentEvents() {
				for _, c := range table {
					for _, began := range []model.Document{{}, s.began, document(model.DocumentWaiting, withLink)} {
						var first model.Settlement
						for i, row := range transactions {
							d, e := s.row, c.event
							bend(&d)
							e.Began = began
							got := model.Settle(d, e, row, noon)
							settlementPromises(t, fmt.Sprintf("%s, %s, %+v", s.name, c.name, row), d, e, row, got)
							if i == 0 {
								first = got
							}
							if !slices.Contains([]model.DocumentEventKind{model.DocumentDue, model.DocumentCame, model.DocumentJudged}, e.Kind) && !reflect.DeepEqual(got, first) {
								t.Errorf("%s, %s: the transaction matters, and the drawing does not show it", s.name, c.name)
							}
							cells++
						}
					}
				}
			}
		}
	}
	if cells < 50000 {
		t.Errorf("only %d cells", cells)
	}
}

// settlementPromises holds what no event may break.
func settlementPromises(
	t *testing.T, what string, d model.Document, e model.DocumentEvent, row model.Transaction, got model.Settlement,
) {
	t.Helper()
	n, moved := got.Next, got.Writes() && got.Next.State != d.State
	settledFile := d.State == model.DocumentStored || d.State == model.DocumentQuarantined
	onDisk := e.Kind == model.DocumentPlaced || e.Kind == model.DocumentSetAside || e.Kind == model.DocumentReleased ||
		e.Kind == model.DocumentJudged && e.File.Path != ""
	switch {
	case stepLetters[got.Step] == "":
		t.Errorf("%s: nobody knows the step %q", what, got.Step)
	case moved && !slices.Contains(model.DocumentStates(), n.State):
		t.Errorf("%s: leads to %q", what, n.State)
	case moved && (n.State == model.DocumentStored || n.State == model.DocumentQuarantined) && !onDisk:
		t.Errorf("%s: %s without a file that has its name", what, n.State)
	case got.Writes() && n.State == model.DocumentWaiting && got.Step != model.StepNoted && n.NextTryAt == nil:
		t.Errorf("%s: waits and is never due", what)
	case moved && n.State != model.DocumentWaiting && n.NextTryAt != nil:
		t.Errorf("%s: is %s and due", what, n.State)
	case settledFile && got.Step == model.StepRemoved:
		t.Errorf("%s: a row that has a file goes", what)
	case settledFile && got.Writes() && n.ID == d.ID && d.ID != "" && n.SHA256 != d.SHA256:
		t.Errorf("%s: the row forgets its file", what)
	case settledFile && moved && n.State == model.DocumentWaiting && n.ID != "" && e.Kind != model.DocumentFileAltered &&
		e.Kind != model.DocumentFileLost:
		t.Errorf("%s: a file is dropped", what)
	case (got.Step == model.StepPlace || got.Step == model.StepFetch) && !row.ConfirmedCompleted():
		t.Errorf("%s: a file is accepted on a claim alone", what)
	case got.Change != nil && got.Change.From == got.Change.To:
		t.Errorf("%s: a change that is none", what)
	case got.After != nil && got.After.Version <= n.Version:
		t.Errorf("%s: version %d after %d", what, got.After.Version, n.Version)
	}
}
