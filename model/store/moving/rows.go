package moving

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"countersign/model/store"
	"countersign/model/store/database"
)

const (
	rowsAtOnce  = 1000    // of a stretch that is made
	rowsAtMost  = 2000    // of one that has grown
	bytesAtMost = 4 << 20 // what is read at once, but for the row that goes beyond it
)

// row is one as both databases have it.
type row struct {
	key    []any
	values []any
	form   []byte // of the values
}

// read returns the rows behind from and up to to, as many as may be read at once. more: there are others.
func (m *Mover) read(q *database.Tx, t *table, from, to []any) (rows []row, more bool, err error) {
	most := rowsAtMost
	if to == nil {
		most = rowsAtOnce
	}
	w := t.within(from, to)
	size := 0
	err = q.Each(func(r *sql.Rows) error {
		if len(rows) == most || size > bytesAtMost {
			more = true
			return errEnough
		}
		one, err := m.scan(t, r)
		size += len(one.form)
		rows = append(rows, one)
		return err
	}, `SELECT `+t.names()+` FROM `+t.name+w.SQL()+` ORDER BY `+t.key()+` LIMIT `+strconv.Itoa(most+1), w.Args...)
	if errors.Is(err, errEnough) {
		err = nil
	}
	return rows, more, err
}

// errEnough ends the reading of rows.
var errEnough = errors.New("enough rows")

func (m *Mover) scan(t *table, r *sql.Rows) (one row, err error) {
	values, to := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range values {
		to[i] = &values[i]
	}
	if err := r.Scan(to...); err != nil {
		return one, fmt.Errorf("%s: %w", t.name, err)
	}
	for i, c := range t.columns {
		if values[i], err = m.value(c.kind, values[i]); err != nil {
			return one, fmt.Errorf("%s.%s: %w", t.name, c.name, err)
		}
		one.form = appendForm(one.form, values[i])
	}
	one.values = values
	for _, k := range t.keys {
		one.key = append(one.key, values[k])
	}
	return one, nil
}

// value is what a driver returned, as both databases would have it: nil, int64, bool, string, []byte or a time of
// whole milliseconds, UTC.
func (m *Mover) value(k kind, v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case int64:
		switch k {
		case whole:
			return x, nil
		case truth:
			return x != 0, nil
		case text:
			return strconv.FormatInt(x, 10), nil
		}
	case bool:
		if k == truth {
			return x, nil
		}
	case time.Time:
		if k == moment {
			return time.UnixMilli(x.UnixMilli()).UTC(), nil
		}
	case string:
		return m.word(k, x)
	case []byte:
		switch k {
		case content:
			return x, nil
		case hash:
			var word string
			err := store.RestedHex{To: &word}.Scan(x)
			return word, err
		case text, digits:
			return m.word(k, string(x))
		}
	}
	return nil, fmt.Errorf("a %T is not what this column holds", v)
}

// word is a text. PostgreSQL cannot hold NUL nor what is not UTF-8: both become what stands for a character that
// cannot be read, as in what services say.
func (m *Mover) word(k kind, s string) (any, error) {
	switch k {
	case text, hash, digits:
	default:
		return nil, errors.New("a text is not what this column holds")
	}
	if m.legible {
		s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return s, nil
}

// rested is a value as an argument for the database that it goes to.
func rested(k kind, v any, pg bool) any {
	word, is := v.(string)
	switch {
	case !is:
	case k == hash:
		return store.HexAtRest(pg, word)
	case k == digits && !pg:
		return []byte(word)
	}
	return v
}

// appendForm appends a value in the form in which both are compared: no two values have the same.
func appendForm(to []byte, v any) []byte {
	switch x := v.(type) {
	case int64:
		return binary.AppendVarint(append(to, 'n'), x)
	case bool:
		if x {
			return append(to, 'T')
		}
		return append(to, 'F')
	case time.Time:
		return binary.AppendVarint(append(to, 't'), x.UnixMilli())
	case string:
		return append(binary.AppendUvarint(append(to, 's'), uint64(len(x))), x...)
	case []byte:
		return append(binary.AppendUvarint(append(to, 'b'), uint64(len(x))), x...)
	}
	return append(to, '0')
}

// sumOf is the SHA-256 of rows in that form.
func sumOf(rows []row) string {
	h := sha256.New()
	for _, r := range rows {
		h.Write(r.form)
	}
	return hex.EncodeToString(h.Sum(nil))
}
