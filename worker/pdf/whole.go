package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"countersign/model"
)

// Verdict is what looking into a file found.
type Verdict struct {
	Fault string               `json:"fault"` // why it is no readable PDF; "" if it is one
	Spent bool                 `json:"spent"` // looking died or took more than it may: to fetch the file again is no use
	Facts model.SignatureFacts `json:"facts"` // zero where there is a fault
}

// Inspector looks into a PDF file, from its start to its end. An error is the machine's own, such as no process to
// be had, and says nothing about the file.
type Inspector func(ctx context.Context, f *os.File) (Verdict, error)

// InspectHere looks into a file in this process, which a hostile file can stop or bloat: it is for the child
// process that does nothing else.
func InspectHere(_ context.Context, f *os.File) (Verdict, error) {
	st, err := f.Stat()
	if err != nil {
		return Verdict{}, err
	}
	raw := make([]byte, st.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, st.Size()), raw); err != nil {
		return Verdict{}, err
	}
	return Inspect(raw), nil
}

// Whole says why a file is not a whole PDF, as far as that can be seen without reading it as one; nil if nothing
// speaks against it. declared is the length that its sender named, if it is above zero.
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
	tail := make([]byte, min(size, 2048))
	if _, err := f.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	if !bytes.Contains(tail, []byte("%%EOF")) {
		return errors.New("cut off: no %%EOF at the end")
	}
	return nil
}
