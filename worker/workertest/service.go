package workertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"countersign/model"
	"countersign/provider"
	"countersign/provider/providertest"
)

// Service is a provider whose answers a test writes down. What it was asked is counted.
type Service struct {
	providertest.Unproved
	Mu       sync.Mutex
	RulesOf  model.Rules
	Says     map[string]model.Observation // by ref; what is missing is not found
	Files    map[string][]byte            // by document id
	Fails    error                        // what Fetch returns instead
	NoFile   error                        // what Download returns instead
	Links    map[string]func(io.Writer) error
	Asked    []string
	Fetched  []string // documents asked for by Download
	Linked   []string // links fetched
	LastWork provider.Work
}

// Rules are those of RulesOf.
func (s *Service) Rules() model.Rules { return s.RulesOf }

// Receive is not part of these tests.
func (s *Service) Receive(provider.Callback) (provider.Received, error) {
	return provider.Received{}, errors.New("not part of these tests")
}

// Answer is what the service says of a ref.
func (s *Service) Answer(ref string) model.Observation {
	o, ok := s.Says[ref]
	if !ok {
		o.Absence = model.NotFound
	}
	o.Ref, o.Evidence = ref, model.Verified
	return o
}

// Fetch answers with what Says holds.
func (s *Service) Fetch(ctx context.Context, ref string) (model.Observation, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Asked, s.LastWork = append(s.Asked, ref), provider.CallOf(ctx).Work
	return s.Answer(ref), s.Fails
}

// Download writes what Files holds.
func (s *Service) Download(_ context.Context, _ string, doc model.DocumentRef, w io.Writer) (provider.Declared, error) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	s.Fetched = append(s.Fetched, doc.ID)
	if s.NoFile != nil {
		return provider.Declared{}, s.NoFile
	}
	body, ok := s.Files[doc.ID]
	if !ok {
		return provider.Declared{}, provider.ErrNotFound
	}
	_, err := w.Write(body)
	return provider.Declared{Length: int64(len(body))}, err
}

// DownloadLink writes what Links holds.
func (s *Service) DownloadLink(_ context.Context, _ string, _ model.DocumentRef, link provider.Secret, w io.Writer) (
	provider.Declared, error,
) {
	s.Mu.Lock()
	s.Linked = append(s.Linked, link.Reveal())
	get := s.Links[link.Reveal()]
	s.Mu.Unlock()
	if get == nil {
		return provider.Declared{}, fmt.Errorf("the link: %w", provider.ErrNotFound)
	}
	return provider.Declared{Length: -1}, get(w)
}

// FileOf is a link that has a file.
func FileOf(body []byte) func(io.Writer) error {
	return func(w io.Writer) error { _, err := w.Write(body); return err }
}

// Batching is a service that answers for several refs at once.
type Batching struct {
	*Service
	Most    int
	Batches [][]string
	Works   []provider.Work // of each batch
	Broken  error
	Omits   string
}

// Batch is how many refs a call takes.
func (b *Batching) Batch() int { return b.Most }

// FetchBatch answers for all that Says holds, but for Omits.
func (b *Batching) FetchBatch(ctx context.Context, refs []string) (out []model.Observation, err error) {
	b.Mu.Lock()
	defer b.Mu.Unlock()
	b.Batches, b.Works = append(b.Batches, refs), append(b.Works, provider.CallOf(ctx).Work)
	for _, ref := range refs {
		if _, ok := b.Says[ref]; ok && ref != b.Omits {
			out = append(out, b.Answer(ref))
		}
	}
	return out, b.Broken
}

// Rules are those of the scripted service.
func Rules() model.Rules {
	return model.Rules{
		Provider: "played",
		Forward: map[model.Status][]model.Status{
			model.Unknown:    {model.Draft, model.InProgress, model.Completed, model.Declined},
			model.Draft:      {model.InProgress, model.Completed, model.Declined},
			model.InProgress: {model.Completed, model.Declined},
		},
		Confirm: model.ConfirmFinal, RecheckAfter: []time.Duration{10 * time.Second}, Debounce: 2 * time.Second,
		Tells: map[model.GapChange]map[model.Status][]string{
			model.ChangeStatus:  {"": {"moved"}},
			model.ChangeCreated: {"": {"moved"}},
		},
	}
}

// Listing is a service with a list that is walked from the newest on.
type Listing struct {
	*Batching
	Kind   provider.Listing
	Items  []provider.Listed                                 // one without CreatedAt is in every window
	Page   func(q provider.ListQuery) (provider.Page, error) // answers instead, if not nil
	Walked int                                               // pages asked for
	Since  []time.Time                                       // of each question
}

// Lists is the kind of list.
func (l *Listing) Lists() provider.Listing { return l.Kind }

// Reach is for people.
func (l *Listing) Reach() string { return "what the test lists" }

// List returns the items of the window on one page.
func (l *Listing) List(_ context.Context, q provider.ListQuery) (provider.Page, error) {
	l.Mu.Lock()
	defer l.Mu.Unlock()
	l.Walked++
	l.Since = append(l.Since, q.Since)
	if l.Page != nil {
		return l.Page(q)
	}
	return provider.Page{Items: slices.DeleteFunc(slices.Clone(l.Items), func(it provider.Listed) bool {
		return it.Observation.CreatedAt != nil && it.Observation.CreatedAt.Before(q.Since)
	})}, nil
}
