package doctor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/model/store"
	"countersign/worker/pdf"
)

func TestDoctorTellsOfNoReader(t *testing.T) {
	t.Parallel()
	for says, fails := range map[error]bool{nil: false, errors.New("no child process"): true} {
		d := &examination{Env: engine.NewEnv(strings.NewReader(""), io.Discard, io.Discard, nil)}
		d.reader(t.Context(), func(context.Context, *os.File, pdf.Trusted) (pdf.Verdict, error) { return pdf.Verdict{}, says })
		require.Equal(t, fails, d.failed, says)
	}
}

// With PostgreSQL `serve` makes the key file that the config names: a new installation has no fault, and one that was
// in use is warned that the key must come from the backup.
func TestDoctorKnowsTheKeyThatServeWillMake(t *testing.T) {
	t.Parallel()
	for says, s := range map[string]*store.Store{"ok    installation key": nil, "warn  installation key": {}} {
		out := &bytes.Buffer{}
		env := engine.NewEnv(strings.NewReader(""), out, io.Discard, nil)
		env.Lookup = func(string) (string, bool) { return "", false }
		c := &config.Config{Database: "postgres://db.example/countersign",
			KeyFile: filepath.Join(t.TempDir(), "countersign.key")}
		d := &examination{Env: env, config: c}
		d.key(s)
		if said := out.String(); d.failed || !strings.HasPrefix(said, says) || !strings.Contains(said, "serve` makes it") {
			t.Errorf("want %q, got %q", says, said)
		}
	}
}
