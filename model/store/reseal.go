package store

import (
	"context"
	"database/sql"

	"countersign/model/store/database"
)

// Sealed counts the encrypted values by the key that they are encrypted with.
type Sealed struct {
	Current, Old int
	Unreadable   int // encrypted with a key that we do not have
}

// sealedKind is one column that holds what is sealed: how its rows are walked, and how one is written.
type sealedKind struct {
	page  string // (key, name, account, value), after a key, in order of it
	write string
	first any
	about func(key, account, name string) string
	head  int // bytes before what is sealed
}

var sealedKinds = [...]sealedKind{
	{
		page:  `SELECT account || '/' || name, name, account, secret FROM tokens WHERE account || '/' || name > ? ORDER BY 1 LIMIT ?`,
		write: `UPDATE tokens SET secret = ? WHERE account || '/' || name = ?`, first: "",
		about: func(_, account, name string) string { return "token " + account + " " + name },
	},
	{
		page:  `SELECT id, '', account, link FROM documents WHERE link IS NOT NULL AND id > ? ORDER BY id LIMIT ?`,
		write: `UPDATE documents SET link = ? WHERE id = ?`, first: "",
		about: func(key, _, _ string) string { return "document " + key },
	},
	{
		page:  `SELECT n, '', account, body FROM callbacks WHERE sealed AND body IS NOT NULL AND n > ? ORDER BY n LIMIT ?`,
		write: `UPDATE callbacks SET body = ? WHERE n = ?`, first: int64(0),
		about: func(_, account, _ string) string { return "callback " + account }, head: 1,
	},
}

// resealAtOnce bounds how many values one commit takes.
const resealAtOnce = 200

// CountSealed counts the encrypted values by their keys.
func (s *Store) CountSealed(ctx context.Context) (Sealed, error) { return s.walkSealed(ctx, false) }

// Reseal encrypts with the current key what is encrypted with an older one. It may be interrupted and called again. It
// returns the counts from before.
func (s *Store) Reseal(ctx context.Context) (Sealed, error) { return s.walkSealed(ctx, true) }

func (s *Store) walkSealed(ctx context.Context, write bool) (sum Sealed, err error) {
	if !s.box.HasKey() {
		return sum, ErrKey
	}
	turn := s.View
	if write {
		turn = s.Change
	}
	for _, kind := range sealedKinds {
		for after, more := kind.first, true; more && err == nil; {
			var next any
			var seen Sealed
			err = turn(ctx, func(q *database.Tx) (err error) {
				next, seen, err = s.sealedPage(q, kind, after, write)
				return err
			})
			sum.Current, sum.Old, sum.Unreadable = sum.Current+seen.Current, sum.Old+seen.Old, sum.Unreadable+seen.Unreadable
			after, more = next, seen.Current+seen.Old+seen.Unreadable == resealAtOnce
		}
	}
	return sum, err
}

// sealedValue is one sealed value as it rests.
type sealedValue struct {
	key           any
	account, name string
	value         []byte
}

// sealedPage looks at a page of values, writes those anew that it is to, and returns the last key.
func (s *Store) sealedPage(q *database.Tx, kind sealedKind, after any, write bool) (last any, seen Sealed, err error) {
	var page []sealedValue
	err = q.Each(func(r *sql.Rows) error {
		var v sealedValue
		var text string
		var number int64
		to := any(&text)
		if _, is := kind.first.(int64); is {
			to = &number
		}
		err := r.Scan(to, &v.name, &v.account, &v.value)
		if v.key = text; to == any(&number) {
			v.key = number
		}
		page = append(page, v)
		return err
	}, kind.page, after, resealAtOnce)
	for _, v := range page {
		last = v.key
		text, _ := v.key.(string)
		about := kind.about(text, v.account, v.name)
		if len(v.value) < kind.head {
			seen.Unreadable++
			continue
		}
		open, current, oerr := s.box.OpenAny(v.value[kind.head:], about)
		switch {
		case oerr != nil:
			seen.Unreadable++
		case current:
			seen.Current++
		default:
			seen.Old++
			if !write {
				continue
			}
			anew, err := s.box.Seal(open, about)
			if err == nil {
				err = q.Exec(kind.write, append(append([]byte{}, v.value[:kind.head]...), anew...), v.key)
			}
			if err != nil {
				return nil, seen, err
			}
		}
	}
	return last, seen, err
}
