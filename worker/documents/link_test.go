package documents

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
	"countersign/worker/files"
	"countersign/worker/pdf/pdftest"
)

const link = "https://files.example.org/a?sig=1"

func TestALinksFileIsHeldAtOnceAndStoredOnceTheProviderConfirms(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		d := b.document(t, "a")
		same(t, "state and link before", []any{d.State, d.Link}, []any{model.DocumentWaiting, link})
		check(t, b.downloadOnce(t.Context()))
		d = b.document(t, "a")
		same(t, "state and reason", []any{d.State, d.Reason, d.Link, d.Path},
			[]any{model.DocumentWaiting, "held until the provider confirms", "", ""})
		same(t, "lies", b.lying(t), []string{files.LinkFileName(d.ID, d.LinkFile)})
		same(t, "questions so far", len(b.service.Asked), 0)

		b.service.Says["a"] = completed()
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		d = b.document(t, "a")
		same(t, "state", d.State, model.DocumentStored)
		same(t, "lies", b.lying(t), []string{d.Path})
		same(t, "links fetched", b.service.Linked, []string{link})
		same(t, "asked of the provider", len(b.service.Fetched), 0)
		r := b.row(t, "a")
		same(t, "stored of total", []int{r.DocsStored, r.DocsTotal}, []int{1, 1})
		if strings.Contains(b.test.Log.String(), "sig=1") {
			t.Error("the link is in the log")
		}
	})
}

func TestAHeldFileIsQuarantinedWhenTheProviderSaysOtherwise(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		b.service.Says["a"] = model.Observation{Status: model.Declined, Signers: []model.Signer{}}
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, "state and reason", []string{string(d.State), d.Reason},
			[]string{"quarantined", "a callback's link brought it, and the provider says declined"})
		same(t, "lies", b.lying(t), []string{d.Path})
	})
}

func TestAHeldFileOutlivesARowThatTheProviderDoesNotKnow(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, model.Observation{Ref: "a", Evidence: model.Claim, Type: "moved"}, linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		b.confirmed(t)
		b.move(10 * time.Second)
		b.confirmed(t)
		if _, err := b.store.Transaction(t.Context(), key("a")); !errors.Is(err, store.ErrNoRow) {
			t.Fatalf("the row is still there: %v", err)
		}
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, "state", d.State, model.DocumentQuarantined)
		if !strings.HasPrefix(d.Path, "quarantine/") || !strings.Contains(d.Reason, "does not know") {
			t.Errorf("lies at %q: %s", d.Path, d.Reason)
		}
	})
}

func TestADeadLinkFallsBackToTheProviderAndStopsNothing(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		for i, dead := range []error{provider.ErrDenied, provider.ErrNotFound} {
			ref := string(rune('a' + i))
			b.service.Links[link] = func(io.Writer) error { return dead }
			b.service.Files["1"] = pdftest.Plain(ref)
			b.called(t, claim(ref, model.Completed), linkTo(ref, link))
			check(t, b.downloadOnce(t.Context()))
			d := b.document(t, ref)
			same(t, "the link and the state", []string{d.Link, string(d.State)}, []string{"", "waiting"})
			if !b.gate.May(b.account) {
				t.Fatalf("%v stopped the account", dead)
			}
			b.service.Says[ref] = completed()
			b.confirmed(t)
			check(t, b.downloadOnce(t.Context()))
			same(t, "state", b.document(t, ref).State, model.DocumentStored)
		}
	})
}

func TestWhatCannotBeHadIsUnobtainableAndSaysWhy(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.NoFile = errors.Join(errors.New("only the lost event had the link"), provider.ErrUnobtainable)
		b.called(t, claim("a", model.Completed), linkTo("a", link)) // a link that is not there
		check(t, b.downloadOnce(t.Context()))
		b.service.Says["a"] = completed()
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		same(t, "state", d.State, model.DocumentUnobtainable)
		if !strings.Contains(d.Reason, "only the lost event had the link") || d.NextTryAt != nil {
			t.Errorf("reason %q, due %v", d.Reason, d.NextTryAt)
		}
		b.move(time.Minute)
		b.service.Links["https://files.example.org/b"] = fileOf(pdftest.Plain("late"))
		b.called(t, claim("a", model.Completed), linkTo("a", "https://files.example.org/b"))
		check(t, b.downloadOnce(t.Context()))
		same(t, "state once a link came after all", b.document(t, "a").State, model.DocumentStored)
	})
}

func TestALinkOfAHintIsNeverFetched(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.InProgress))
		b.called(t, model.Observation{Ref: "a", Evidence: model.Hint, Status: model.Completed}, linkTo("a", link))
		b.called(t, claim("b", model.InProgress), linkTo("a", link)) // a claim about another ref
		check(t, b.downloadOnce(t.Context()))
		same(t, "documents", len(b.documents(t, "a")), 0)
		same(t, "links fetched", len(b.service.Linked), 0)
	})
}

func TestANewerLinkTakesThePlaceOfAnOlderOneUntilTheFileIsHere(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		second := "https://files.example.org/a?sig=2"
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		b.move(time.Second)
		b.called(t, claim("a", model.Completed), linkTo("a", second))
		same(t, "link", b.document(t, "a").Link, second)
		b.service.Links[second] = fileOf(pdftest.Plain("two"))
		check(t, b.downloadOnce(t.Context()))
		same(t, "links fetched", b.service.Linked, []string{second})
		b.move(time.Second)
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		same(t, "link once the file is here", b.document(t, "a").Link, "")
	})
}

// prune lets retention take the links that are old enough.
func (b *bench) prune(t *testing.T) {
	t.Helper()
	before := b.now().Add(-model.LinkLife)
	_, err := b.store.Prune(t.Context(), store.PruneBefore{Links: &before})
	check(t, err)
}

// A link that brought too large a file is kept for its day, in case the bound is raised, and no longer.
func TestALinkToAFileThatIsTooLargeIsWipedAfterADay(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = func(io.Writer) error { return provider.ErrTooLarge }
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		b.move(time.Hour)
		b.prune(t)
		same(t, "state", b.document(t, "a").State, model.DocumentFailed)
		same(t, "link after an hour", b.document(t, "a").Link, link)
		b.move(24 * time.Hour)
		b.prune(t)
		same(t, "link after a day", b.document(t, "a").Link, "")
		same(t, "asked", len(b.service.Linked), 1)
	})
}

func TestALinkIsWipedAfterADay(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = func(io.Writer) error { return errors.New("no route") }
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		for range 100 {
			check(t, b.downloadOnce(t.Context()))
			b.move(15 * time.Minute)
		}
		same(t, "link", b.document(t, "a").Link, "")
		if n := len(b.service.Linked); n < 10 || n > 90 {
			t.Errorf("the link was tried %d times", n)
		}
	})
}

func TestAKillLosesNoHeldFileAndLeavesNone(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		d := b.document(t, "a")
		temp, err := b.files.Temp() // a kill came after the file had its place and before the row knew
		check(t, err)
		_, err = temp.Write(pdftest.Plain("one"))
		check(t, errors.Join(err, temp.Close()))
		check(t, b.files.PutLinkFile(t.Context(), temp.Name(), files.LinkFileName(d.ID, strings.Repeat("0", 64))))
		check(t, os.WriteFile(filepath.Join(b.root, ".hold", "d000000000999-0123456789abcdef.pdf"), nil, 0o600))
		check(t, b.SweepLinkFiles(t.Context()))
		same(t, "lies", b.lying(t), []string{files.LinkFileName(d.ID, strings.Repeat("0", 64))})
		check(t, b.downloadOnce(t.Context()))
		same(t, "links fetched again", len(b.service.Linked), 0)
	})
}

func TestAHeldFileThatAKillLeftInItsPlaceIsTakenAsItIs(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.service.Says["a"] = completed()
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		b.confirmed(t)
		name := nameOf(d, b.row(t, "a"), d.Version, false)
		check(t, b.files.PlaceLinkFile(t.Context(), files.LinkFileName(d.ID, d.LinkFile), name, d.LinkFile)) // and then the kill
		check(t, b.downloadOnce(t.Context()))
		d = b.document(t, "a")
		same(t, "state and version", []any{d.State, d.Version}, []any{model.DocumentStored, 1})
		same(t, "lies", b.lying(t), []string{name})
	})
}

func TestAHeldFileThatSomebodyTookAwayIsAskedForAnew(t *testing.T) {
	both(t, func(t *testing.T, b *bench) {
		b.service.Links[link] = fileOf(pdftest.Plain("one"))
		b.service.Says["a"], b.service.Files["1"] = completed(), pdftest.Plain("one")
		b.called(t, claim("a", model.Completed), linkTo("a", link))
		check(t, b.downloadOnce(t.Context()))
		d := b.document(t, "a")
		check(t, os.Remove(filepath.Join(b.root, files.LinkFileName(d.ID, d.LinkFile))))
		b.confirmed(t)
		check(t, b.downloadOnce(t.Context()))
		same(t, "state", b.document(t, "a").State, model.DocumentStored)
		same(t, "asked of the provider", b.service.Fetched, []string{"1"})
	})
}

// An answer that comes between the look at a transaction and the look at its document wakes the document all the same.
func TestAnAnswerWhileADocumentIsLookedAtIsNotSleptOver(t *testing.T) {
	b := sqlite(t)
	b.service.Links[link] = func(io.Writer) error { return provider.ErrNotFound }
	b.service.Files["1"] = pdftest.Plain("one")
	b.called(t, claim("a", model.Completed), linkTo("a", link))
	claimed, err := b.store.ClaimDocuments(t.Context(), store.DocumentsDue{Now: b.now(), Limit: 1}, "test", time.Minute)
	check(t, err)
	check(t, b.download(t.Context(), claimed[0])) // the link has died
	claimed, err = b.store.ClaimDocuments(t.Context(), store.DocumentsDue{Now: b.now(), Limit: 1}, "test", time.Minute)
	check(t, err)
	now, looks := b.now, 0
	b.now = func() time.Time {
		if looks++; looks == 1 { // the transaction was read just now
			b.answered(t, "a", completed())
		}
		return now()
	}
	check(t, b.download(t.Context(), claimed[0]))
	same(t, "state", b.document(t, "a").State, model.DocumentStored)
}
