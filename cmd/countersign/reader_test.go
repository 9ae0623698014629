package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"countersign/worker/pdf"

	"github.com/stretchr/testify/require"
)

func TestDoctorTellsOfNoReader(t *testing.T) {
	t.Parallel()
	for says, fails := range map[error]bool{nil: false, errors.New("no child process"): true} {
		d := &doctor{Env: newApp(strings.NewReader(""), io.Discard, io.Discard).Env}
		d.reader(t.Context(), func(context.Context, *os.File) (pdf.Verdict, error) { return pdf.Verdict{}, says })
		require.Equal(t, fails, d.failed, says)
	}
}
