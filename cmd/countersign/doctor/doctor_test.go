package doctor

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/engine"
	"countersign/worker/pdf"
)

func TestDoctorTellsOfNoReader(t *testing.T) {
	t.Parallel()
	for says, fails := range map[error]bool{nil: false, errors.New("no child process"): true} {
		d := &examination{Env: engine.NewEnv(strings.NewReader(""), io.Discard, io.Discard, nil)}
		d.reader(t.Context(), func(context.Context, *os.File) (pdf.Verdict, error) { return pdf.Verdict{}, says })
		require.Equal(t, fails, d.failed, says)
	}
}
