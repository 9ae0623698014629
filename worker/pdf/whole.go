package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"countersign/model"
)

// Verdict is the result of inspecting a file.
type Verdict struct {
	Fault string               `json:"fault"` // why it is no readable PDF; "" if it is one
	Spent bool                 `json:"spent"` // inspecting it crashed or broke a limit: do not fetch it again
	Facts model.SignatureFacts `json:"facts"` // zero where there is a fault
}

// Trusted are the certificates that an account trusts, as DER: roots, or those of the seals themselves. Without any,
// nothing is said of trust.
type Trusted [][]byte

// Inspector inspects a PDF file from start to end. An error is a fault of this machine, such as a child process that
// does not start, and says nothing about the file.
type Inspector func(ctx context.Context, f *os.File, trusted Trusted) (Verdict, error)

// InspectHere inspects a file in this process. A hostile file can crash or bloat the process, so only the child
// process that does nothing else may call it.
func InspectHere(_ context.Context, f *os.File, trusted Trusted) (Verdict, error) {
	st, err := f.Stat()
	if err != nil {
		return Verdict{}, err
	}
	raw := make([]byte, st.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, st.Size()), raw); err != nil {
		return Verdict{}, err
	}
	return Inspect(raw, trusted...), nil
}

// Whole says why a file is not a complete PDF, as far as that shows without parsing it; nil if it may be complete.
// Padding or text after the last %%EOF, of any length, is allowed. declared is the length that the sender stated, if
// above zero.
func Whole(f io.ReaderAt, size, declared int64) error {
	switch {
	case size == 0:
		return errors.New("the file is empty")
	case declared > 0 && declared != size:
		return fmt.Errorf("%d bytes came of %d declared", size, declared)
	}
	head := make([]byte, min(size, 1024))
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	if !bytes.Contains(head, []byte("%PDF-")) {
		return errors.New("not a PDF: no %PDF- at the start")
	}
	end, err := lastEnd(f, size)
	switch {
	case err != nil:
		return err
	case end < 0:
		return errors.New("cut off: no %%EOF in it")
	}
	begun, err := revisionBegins(f, end, size)
	if err == nil && begun {
		err = errors.New("cut off: behind its last %%EOF begins a revision that has no end")
	}
	return err
}

const (
	endMark  = "%%EOF"
	readSize = 64 << 10 // a file is read in parts of this size
)

// objectStart is how an object or a cross-reference table begins on a line of its own.
var objectStart = regexp.MustCompile(`(?:^|[\r\n])(?:[0-9]{1,10} [0-9]{1,5} obj\b|xref[\r\n ]|startxref\b)`)

// lastEnd returns where the last %%EOF of a file ends, whatever follows it; -1 if there is none.
func lastEnd(f io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, min(size, readSize))
	for to := size; to > 0; {
		part := buf[:min(to, int64(len(buf)))]
		from := to - int64(len(part))
		if _, err := f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		if i := bytes.LastIndex(part, []byte(endMark)); i >= 0 {
			return from + int64(i) + int64(len(endMark)), nil
		}
		if from == 0 {
			break
		}
		to = from + int64(len(endMark)) - 1 // the mark may be split between two parts
	}
	return -1, nil
}

// revisionBegins says whether a revision begins between two places of a file. Text and padding are none.
func revisionBegins(f io.ReaderAt, from, to int64) (bool, error) {
	const across = 32 // as long as what a revision begins with
	buf := make([]byte, min(to-from, readSize))
	for from < to {
		part := buf[:min(to-from, int64(len(buf)))]
		if _, err := f.ReadAt(part, from); err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if (bytes.Contains(part, []byte(" obj")) || bytes.Contains(part, []byte("xref"))) && objectStart.Match(part) {
			return true, nil
		}
		if from += int64(len(part)); from < to && len(part) > across {
			from -= across
		}
	}
	return false, nil
}
