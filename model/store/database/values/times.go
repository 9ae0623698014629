package values

import (
	"time"

	"countersign/model/store/sqlitefile"
)

// When scans a time into a pointer: nil for NULL.
type When struct{ To **time.Time }

// Scan is called by database/sql.
func (w When) Scan(v any) error {
	*w.To = nil
	if v == nil {
		return nil
	}
	t, err := readTime(v)
	if err == nil {
		*w.To = &t
	}
	return err
}

// Moment scans a time that is always there.
type Moment struct{ To *time.Time }

// Scan is called by database/sql.
func (m Moment) Scan(v any) (err error) {
	*m.To, err = readTime(v)
	return err
}

func readTime(v any) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC(), nil
	}
	return sqlitefile.ReadAtRest(v)
}
