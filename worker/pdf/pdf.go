// Package pdf says whether a file is a whole PDF and what the signatures in it say. Files come from strangers: a
// hostile one may stop or bloat the process that reads it. What is quoted of a file is as the file has it, not yet fit
// to be stored.
package pdf

import (
	"errors"
	"fmt"

	"countersign/model"
	"countersign/worker/pdf/revision"
	"countersign/worker/pdf/revision/cipher"
)

// Inspect says whether raw is a readable PDF and what its signatures say. trusted are the certificates that the account
// trusts. A reader that finds objects where no table
// does repairs a truncated file in silence, so it comes after the checks for length, start and end.
func Inspect(raw []byte, trusted ...[]byte) (v Verdict) {
	defer func() {
		if r := recover(); r != nil {
			v = Verdict{Fault: "not a readable PDF: the parser gave up"}
		}
	}()
	f := revision.NewFile(raw)
	full, err := f.Open(int64(len(raw)))
	switch {
	case errors.Is(err, cipher.ErrPassword), errors.Is(err, cipher.ErrCertificate), errors.Is(err, cipher.ErrUnknown):
		return Verdict{Facts: model.UnknownSignature(err.Error())}
	case err != nil:
		return Verdict{Fault: fmt.Sprintf("not a readable PDF: %s", cut(err.Error(), 200))}
	case !full.Pages():
		return Verdict{Fault: "not a readable PDF: " + revision.ErrUnreadable.Error()}
	}
	return Verdict{Facts: judge(f, full, trusted)}
}

// cut shortens a text from the file to so many bytes.
func cut(s string, most int) string { return s[:min(len(s), most)] }
