package worker

import (
	"fmt"
	"io"
	"sync"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	pdf "github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
)

// noConfigDir keeps pdfcpu from writing into the home folder. The setting is the library's global: it is
// made once, before the first file is parsed.
var noConfigDir = sync.OnceFunc(api.DisableConfigDir)

// parsePDF says why a file does not parse as a PDF. Relaxed validation repairs a truncated file in
// silence, so it comes after the checks for length, start and end.
func parsePDF(f io.ReadSeeker) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("not a readable PDF: the parser gave up")
		}
	}()
	noConfigDir()
	conf := pdf.NewDefaultConfiguration()
	conf.ValidationMode = pdf.ValidationRelaxed
	conf.Offline = true
	if err := api.Validate(f, conf); err != nil {
		return fmt.Errorf("not a readable PDF: %w", err)
	}
	return nil
}
