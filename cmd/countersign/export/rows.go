package export

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"countersign/model/store"
	"countersign/model/store/durable"
	"countersign/worker/console/objects"
)

// WriteWhole gives a file its name once it is whole and on disk.
func WriteWhole(name string, write func(io.Writer) error) error {
	return durable.Write(name, durable.How{Replace: true}, func(f *os.File) error {
		if err := write(f); err != nil {
			return err
		}
		if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no ordinary file", name)
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// Rows writes the rows of one kind that f lets through, as csv or ndjson.
func Rows(ctx context.Context, to io.Writer, s *store.Store, what string, f store.ExportFilter, format string) error {
	w := bufio.NewWriterSize(to, 64<<10)
	line := ndjsonLine
	if format == "csv" {
		head, err := s.Columns(ctx, what)
		if err != nil {
			return err
		}
		if err := csvHead(w, head); err != nil {
			return err
		}
		line = csvLine
	}
	if err := s.Export(ctx, what, f,
		func(columns []string, values []any) error { return line(w, columns, values) }); err != nil {
		return err
	}
	return w.Flush()
}

// ndjsonLine writes an object whose keys are in the order of the columns.
func ndjsonLine(w *bufio.Writer, columns []string, values []any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	for i, c := range columns {
		sep := byte(',')
		if i == 0 {
			sep = '{'
		}
		v := values[i]
		if t, ok := v.(time.Time); ok {
			v = objects.At(t)
		}
		b.WriteByte(sep)
		b.WriteString(strconv.Quote(c))
		b.WriteByte(':')
		if err := e.Encode(v); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1) // the encoder's line end
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

func csvHead(w *bufio.Writer, columns []string) error {
	_, err := w.WriteString(strings.Join(columns, ",") + "\r\n")
	return err
}

// csvLine writes a row. encoding/csv would change line ends within a text.
func csvLine(w *bufio.Writer, _ []string, values []any) error {
	fields := make([]string, len(values))
	for i, v := range values {
		switch x := v.(type) {
		case nil:
		case time.Time:
			fields[i] = x.UTC().Format(objects.StampLayout)
		case string:
			fields[i] = csvField(guarded(x))
		case json.RawMessage:
			fields[i] = csvField(string(x))
		default:
			fields[i] = csvField(fmt.Sprint(x))
		}
	}
	_, err := w.WriteString(strings.Join(fields, ",") + "\r\n")
	return err
}

// guarded keeps a spreadsheet from taking a text for a formula. It can be undone: one ' less.
func guarded(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r'", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

func csvField(s string) string {
	if !strings.ContainsAny(s, "\",\r\n") && strings.TrimSpace(s) == s {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
