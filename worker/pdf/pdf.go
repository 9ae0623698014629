// Package pdf says whether a file is a whole PDF and what the signatures in it say. Files come from strangers: a
// hostile one may stop or bloat the process that reads it. What is quoted of a file is as the file has it, not yet fit
// to be stored.
package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	pdf "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"

	"countersign/model"
)

// noConfigDir keeps pdfcpu from writing into the home folder. The setting is the library's global: it is
// made once, before the first file is parsed.
var noConfigDir = sync.OnceFunc(api.DisableConfigDir)

// mostDepth limits how deep a file's objects may nest.
const mostDepth = 100

// Inspect says whether raw is a readable PDF and what its signatures say. Relaxed validation repairs a truncated
// file in silence, so it comes after the checks for length, start and end.
func Inspect(raw []byte) (v Verdict) {
	defer func() {
		if r := recover(); r != nil {
			v = Verdict{Fault: "not a readable PDF: the parser gave up"}
		}
	}()
	ctx, err := readPDF(raw)
	switch {
	case errors.Is(err, pdfcpu.ErrWrongPassword):
		return Verdict{Facts: model.UnknownSignature("the file needs a password")}
	case err != nil:
		return Verdict{Fault: fmt.Sprintf("not a readable PDF: %s", cut(err.Error(), 200))}
	}
	if ctx.E != nil || ctx.Encrypt != nil {
		v.Facts = model.UnknownSignature("the file is encrypted")
	} else {
		v.Facts = judge(raw, ctx) // before the validation, which repairs what it reads
	}
	if err := api.ValidateContext(ctx); err != nil {
		return Verdict{Fault: fmt.Sprintf("not a readable PDF: %s", cut(err.Error(), 200))}
	}
	return v
}

// readPDF reads every object of a file, without judging them.
func readPDF(raw []byte) (*pdf.Context, error) {
	noConfigDir()
	conf := pdf.NewDefaultConfiguration()
	conf.ValidationMode = pdf.ValidationRelaxed
	conf.Offline = true
	conf.Cmd = pdf.VALIDATE
	conf.Limits = limits(int64(len(raw)))
	return api.ReadContext(bytes.NewReader(raw), conf)
}

// cut shortens a text from the file to so many bytes.
func cut(s string, most int) string { return s[:min(len(s), most)] }

// limits returns how much a file of a given size may expand to.
func limits(size int64) pdf.ResourceLimits {
	l := pdf.DefaultResourceLimits()
	const mb = 1 << 20
	l.MaxStreamBytes = min(l.MaxStreamBytes, size+mb)
	l.MaxDecodeBytes = 128 * mb
	l.MaxImageBytes = 128 * mb
	l.MaxObjectCount = 2_000_000
	l.MaxXRefEntries = 2_000_000
	l.MaxObjectStreamCount = 200_000
	l.MaxRecursionDepth = mostDepth
	return l
}
