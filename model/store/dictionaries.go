package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"sync"

	"countersign/model"
	"countersign/model/store/database"
	"countersign/model/store/seal"
)

const (
	samplesOf = 256 // callbacks of a provider from which its dictionary is made
	mostAbout = 4   // of them about one transaction
	smallest  = 256 // bytes of a sample
	largest   = 8 << 10
)

// dictionaries are what the bodies of each provider's callbacks are compressed by. One is made from the first callbacks
// of a provider that come while Run is under way, and stays: what was written by it must be readable for ever. Until
// then, and where it would not pay, bodies are compressed alone.
type dictionaries struct {
	mu        sync.Mutex
	loaded    bool
	providers map[string]string           // by account; "": the account is not known
	of        map[string]*seal.Dictionary // by provider, the newest; nil: there is none and none would pay
	samples   map[string][]seal.Sample    // of providers without one
	made      map[uint32]string           // whose a dictionary is, by its number
	full      chan string                 // providers with samples enough

	// What this database is known to hold, for the one that writes.
	opened  int64
	written map[uint32]bool
}

func newDictionaries() *dictionaries {
	return &dictionaries{providers: map[string]string{}, of: map[string]*seal.Dictionary{},
		samples: map[string][]seal.Sample{}, made: map[uint32]string{}, written: map[uint32]bool{},
		full: make(chan string, 16)}
}

// dictionaryFor is what an account's callback is packed by; nil if there is none yet, and then the callback may be a
// sample for it.
func (s *Store) dictionaryFor(c *model.Callback, all []byte) *seal.Dictionary {
	d := s.dictionaries
	d.mu.Lock()
	defer d.mu.Unlock()
	provider, known := d.providers[c.Account]
	if !d.loaded || !known {
		if s.loadDictionaries(context.Background()) != nil {
			return nil // the body is packed alone
		}
		provider = d.providers[c.Account]
		d.providers[c.Account] = provider
	}
	by, has := d.of[provider]
	if !has && provider != "" && c.Verdict == model.Accepted && len(all) >= smallest && len(all) <= largest {
		d.sample(provider, c.Ref, all)
	}
	return by
}

// sample keeps the content of a callback for its provider's dictionary.
func (d *dictionaries) sample(provider, ref string, all []byte) {
	list := d.samples[provider]
	about := 0
	for _, x := range list {
		if x.About == ref {
			about++
		}
	}
	if about == mostAbout || len(list) == samplesOf {
		return
	}
	d.samples[provider] = append(list, seal.Sample{About: ref, Content: bytes.Clone(all)})
	if len(list)+1 == samplesOf {
		select {
		case d.full <- provider:
		default: // many at once: this one is tried after the next start
		}
	}
}

// loadDictionaries reads them, and whose the accounts are.
func (s *Store) loadDictionaries(ctx context.Context) error {
	d := s.dictionaries
	return s.View(ctx, func(q *database.Tx) error {
		err := q.Each(func(r *sql.Rows) error {
			var account, provider string
			err := r.Scan(&account, &provider)
			d.providers[account] = provider
			return err
		}, `SELECT id, provider FROM accounts`)
		if err != nil || d.loaded {
			return err
		}
		err = q.Each(func(r *sql.Rows) error {
			var provider string
			var dictionary []byte
			if err := r.Scan(&provider, &dictionary); err != nil {
				return err
			}
			by, err := s.box.Learn(dictionary)
			if err == nil {
				d.of[provider], d.made[by.N] = by, provider
			}
			return err
		}, `SELECT provider, dictionary FROM dictionaries ORDER BY made_at, n`)
		d.loaded = err == nil
		return err
	})
}

// unpacked is Unpack, which learns of dictionaries that others have made meanwhile.
func (s *Store) unpacked(packed []byte, about string) ([]byte, error) {
	all, err := s.box.Unpack(packed, about)
	if !errors.Is(err, seal.ErrDictionary) {
		return all, err
	}
	d := s.dictionaries
	d.mu.Lock()
	d.loaded = false
	err = s.loadDictionaries(context.Background())
	d.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.box.Unpack(packed, about)
}

// know is told whose accounts are.
func (d *dictionaries) know(list []model.Account) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range list {
		d.providers[a.ID] = a.Provider
	}
}

// trains makes dictionaries of providers whose callbacks are enough, until ctx ends.
func (s *Store) trains(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case provider := <-s.dictionaries.full:
			if err := s.train(provider); err != nil {
				s.log.WithField("provider", provider).WithField("err", err).Debug("bodies are compressed without a dictionary")
			}
		}
	}
}

// train makes a provider's dictionary. The first group that uses it writes it.
func (s *Store) train(provider string) error {
	d := s.dictionaries
	d.mu.Lock()
	samples := d.samples[provider]
	delete(d.samples, provider)
	d.mu.Unlock()
	dictionary, err := seal.Train(samples)
	var by *seal.Dictionary
	if err == nil {
		by, err = s.box.Learn(dictionary)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.of[provider] = by // nil: not tried again before the next start
	if by != nil {
		d.made[by.N] = provider
	}
	return err
}

// writeDictionaries makes sure that this database holds what the group's bodies are packed by, whichever file it is by
// now.
func (b *Batch) writeDictionaries() error {
	d := b.s.dictionaries
	if opened := b.s.Opened(); d.opened != opened {
		d.opened, d.written = opened, map[uint32]bool{}
	}
	for _, list := range [][]*stored{b.callbacks, b.amended} {
		for _, c := range list {
			if c.by == nil || d.written[c.by.N] || b.dictionaries[c.by.N] {
				continue
			}
			d.mu.Lock()
			provider := d.made[c.by.N]
			d.mu.Unlock()
			err := b.q.Exec(`INSERT INTO dictionaries (n, provider, dictionary, made_at) VALUES (?, ?, ?, ?) ON CONFLICT (n) DO NOTHING`,
				int64(c.by.N), provider, c.by.Bytes, b.now)
			if err != nil {
				return err
			}
			if b.dictionaries == nil {
				b.dictionaries = map[uint32]bool{}
			}
			b.dictionaries[c.by.N] = true
		}
	}
	return nil
}

// committed is told of what a group has written.
func (d *dictionaries) committed(b *Batch) { maps.Copy(d.written, b.dictionaries) }
