package moving

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/sirupsen/logrus"
	"github.com/stretchr/testify/require"

	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/database/handover"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

func now() time.Time { return noon }

// opened is a new database, open as what moves it.
func opened(t *testing.T, dsn string) *database.DB {
	t.Helper()
	log := logrus.New()
	log.SetLevel(logrus.PanicLevel)
	d, err := database.Open(t.Context(), database.Options{DSN: dsn, Now: now, Log: logrus.NewEntry(log), Mover: true})
	require.NoError(t, err)
	addresses.Store(d, dsn)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	_, _, err = d.Migrate(t.Context())
	require.NoError(t, err)
	return d
}

func sqlite(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "moved.db") }

var schemas atomic.Int64

func postgres(t *testing.T) string {
	t.Helper()
	base := os.Getenv("COUNTERSIGN_TEST_POSTGRES")
	if base == "" {
		t.Skip("COUNTERSIGN_TEST_POSTGRES names no database to test on")
	}
	schema := fmt.Sprintf("moving_%d_%d", os.Getpid(), schemas.Add(1))
	admin := func(query string) {
		db, err := sql.Open("pgx", base)
		require.NoError(t, err)
		defer db.Close()
		_, err = db.ExecContext(context.Background(), query)
		require.NoError(t, err)
	}
	admin("CREATE SCHEMA " + schema)
	t.Cleanup(func() { admin("DROP SCHEMA " + schema + " CASCADE") })
	u, err := url.Parse(base)
	require.NoError(t, err)
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

// ways are the directions in which a database goes.
func ways(t *testing.T, test func(t *testing.T, from, to *database.DB)) {
	t.Helper()
	kinds := map[string]func(*testing.T) string{"sqlite": sqlite, "postgres": postgres}
	for a, from := range kinds {
		for b, to := range kinds {
			t.Run(a+" to "+b, func(t *testing.T) { test(t, opened(t, from(t)), opened(t, to(t))) })
		}
	}
}

func mover(t *testing.T, from, to *database.DB) *Mover {
	t.Helper()
	m, err := New(t.Context(), Ends{From: from, To: to, FromName: "the old one", ToName: "the new one", Now: now})
	require.NoError(t, err)
	return m
}

// anything draws a value that a column can hold.
func anything(r *rand.Rand, k kind, pg bool) any {
	switch k {
	case whole:
		return []int64{0, 1, -1, 255, 1<<15 - 1}[r.IntN(5)]
	case truth:
		return r.IntN(2) == 1
	case moment:
		return []time.Time{noon, time.UnixMilli(0).UTC(), time.UnixMilli(-1).UTC(), noon.Add(time.Millisecond), time.Date(9999, 12, 31, 23, 59, 59, 999e6, time.UTC)}[r.IntN(5)]
	case content:
		return [][]byte{{}, {0}, []byte("a\x00b\xff"), bytes.Repeat([]byte("long"), 3000)}[r.IntN(4)]
	case hash:
		return rested(hash, []string{"", "delivery:0123456789abcdef0123", "ABCDEF", "0123456789abcdef0", strings.Repeat("0f", 32)}[r.IntN(5)], pg)
	case digits:
		return rested(digits, strings.Repeat("1769860800000", 128), pg)
	}
	return []string{"", "'; DROP TABLE x; --", `"quoted" , \N <b>`, "ñandú 🖋 \u202e", "one\ntwo\r\t", "null", "=1+1", strings.Repeat("x", 5000)}[r.IntN(8)]
}

// fill writes rows of all tables, whatever they mean.
func fill(t *testing.T, d *database.DB, r *rand.Rand, rows int) {
	t.Helper()
	m := mover(t, d, d)
	for _, tb := range m.tables {
		if tb.name == "counters" {
			continue
		}
		require.NoError(t, d.Change(t.Context(), func(q *database.Tx) error {
			for i := range rows {
				if err := q.Exec(`INSERT INTO `+tb.name+` (`+tb.names()+`) VALUES (`+strings.Repeat("?, ", len(tb.columns)-1)+`?)`,
					tb.row(r, d.Postgres(), i)...); err != nil {
					return err
				}
			}
			return nil
		}), tb.name)
	}
	require.NoError(t, d.Change(t.Context(), func(q *database.Tx) error {
		return q.Exec(`UPDATE counters SET seq = ?, version = ?, ordinal = ?`, rows, rows, rows)
	}))
}

// alone are columns of which no two rows may have the same.
var alone = []string{"ref", "doc_id", "dedupe_key", "hash", "name", "account"}

// row draws the i-th row of a table.
func (t *table) row(r *rand.Rand, pg bool, i int) (values []any) {
	for at, c := range t.columns {
		v := anything(r, c.kind, pg)
		nullable := c.name == "closed_at" || strings.HasSuffix(c.name, "_at") && !strings.Contains("first_start_at created_at found_at opened_at first_at updated_at changed_at first_seen_at since made_at at expires_at settle_at before_at", c.name)
		switch {
		case slices.Contains(t.keys, at) && c.kind == whole:
			v = int64(i + 1)
		case (slices.Contains(t.keys, at) || slices.Contains(alone, c.name)) && c.kind == text:
			v = fmt.Sprintf("%s %s %d", c.name, anything(r, text, pg), i)
		case c.kind == hash && c.name == "dedupe_key":
			if v = rested(hash, fmt.Sprintf("%064x", i), pg); i%3 == 0 {
				v = nil
			}
		case nullable && r.IntN(2) == 0:
			v = nil
		}
		values = append(values, v)
	}
	return values
}

// Whatever rows hold, the copy holds the same, in either direction, and back again.
func TestWhateverRowsHoldIsCopied(t *testing.T) {
	ways(t, func(t *testing.T, from, to *database.DB) {
		r := rand.New(rand.NewPCG(1, 2))
		fill(t, from, r, 40)
		m := mover(t, from, to)
		claimed, err := m.Claim(t.Context())
		require.NoError(t, err)
		require.Equal(t, Begun, claimed)
		_, rows, err := m.Copy(t.Context())
		require.NoError(t, err)
		require.Greater(t, rows, int64(1000))
		tables, err := m.Switch(t.Context())
		require.NoError(t, err)
		require.Len(t, tables, len(m.tables))

		back := opened(t, sqlite(t))
		again := mover(t, to, back)
		_, err = again.Claim(t.Context())
		require.NoError(t, err)
		backTables, err := again.Switch(t.Context())
		require.NoError(t, err)
		require.Equal(t, tables, backTables)
	})
}

// Whoever opens the old one is told where the install is; whoever has it open cannot write, and is told.
func TestTheOldOneIsGone(t *testing.T) {
	ways(t, func(t *testing.T, from, to *database.DB) {
		user := openedAs(t, from, false)
		writes := func(d *database.DB) error {
			return d.Change(t.Context(), func(q *database.Tx) error {
				return q.Exec(`INSERT INTO tokens (account, name, secret, updated_at) VALUES (?, ?, ?, ?)`, "a", fmt.Sprint(rand.Int()), []byte{1}, noon)
			})
		}
		require.NoError(t, writes(user))
		m := mover(t, from, to)
		_, err := m.Claim(t.Context())
		require.NoError(t, err)
		_, err = database.Open(t.Context(), optionsOf(to))
		require.ErrorIs(t, err, handover.ErrFilling)
		require.NoError(t, writes(user))
		_, _, err = m.Copy(t.Context())
		require.NoError(t, err)
		_, err = m.Switch(t.Context())
		require.NoError(t, err)
		err = writes(user)
		require.ErrorIs(t, err, database.ErrGone)
		require.ErrorIs(t, err, store.ErrUnavailable)
		<-user.Gone()
		_, err = database.Open(t.Context(), optionsOf(from))
		require.ErrorIs(t, err, database.ErrGone)
		require.ErrorContains(t, err, "the new one")
		require.NoError(t, writes(openedAs(t, to, false)))
		_, err = Reopen(t.Context(), from)
		require.NoError(t, err)
		require.NoError(t, writes(openedAs(t, from, false)))
	})
}

// addresses are those of the databases of the tests.
var addresses sync.Map

func optionsOf(d *database.DB) database.Options {
	dsn, _ := addresses.Load(d)
	return database.Options{DSN: dsn.(string), Now: now, Log: logrus.NewEntry(quiet())}
}

func quiet() *logrus.Logger {
	log := logrus.New()
	log.SetLevel(logrus.PanicLevel)
	return log
}

func openedAs(t *testing.T, d *database.DB, mover bool) *database.DB {
	t.Helper()
	o := optionsOf(d)
	o.Mover = mover
	other, err := database.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	return other
}

// A move that is broken off goes on, and a target that is anything else is refused.
func TestAMoveGoesOn(t *testing.T) {
	ways(t, func(t *testing.T, from, to *database.DB) {
		fill(t, from, rand.New(rand.NewPCG(3, 4)), 30)
		first := mover(t, from, to)
		_, err := first.Claim(t.Context())
		require.NoError(t, err)
		_, _, err = first.Copy(t.Context())
		require.NoError(t, err)

		second := mover(t, from, to)
		claimed, err := second.Claim(t.Context())
		require.NoError(t, err)
		require.Equal(t, Resumed, claimed)
		moved, _, err := second.Copy(t.Context())
		require.NoError(t, err)
		require.Zero(t, moved, "what is there is not written again")

		other := mover(t, opened(t, sqlite(t)), to)
		_, err = other.Claim(t.Context())
		require.ErrorIs(t, err, ErrNotEmpty)
		_, err = second.Switch(t.Context())
		require.NoError(t, err)
		third := mover(t, from, to)
		claimed, err = third.Claim(t.Context())
		require.NoError(t, err)
		require.Equal(t, Over, claimed)
		_, err = mover(t, from, opened(t, sqlite(t))).Claim(t.Context())
		require.ErrorIs(t, err, ErrElsewhere, "another of the same name")
		_, err = other.Claim(t.Context())
		require.ErrorIs(t, err, ErrNotEmpty)
		require.False(t, errors.Is(err, ErrElsewhere))
	})
}
