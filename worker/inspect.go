package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"countersign/model"
	"countersign/provider"
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

// checkFile says why a file is not a whole PDF, as far as that can be seen without reading it as one; nil if nothing
// speaks against it.
func checkFile(f io.ReaderAt, size int64, dec provider.Declared) error {
	switch {
	case size == 0:
		return errors.New("the file is empty")
	case dec.Length > 0 && dec.Length != size:
		return fmt.Errorf("%d bytes came of %d declared", size, dec.Length)
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
