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
	"time"

	"github.com/stretchr/testify/require"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/configtest"
	"countersign/cmd/countersign/engine"
	"countersign/model/store"
	"countersign/provider"
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

// An account's trusted certificates are told, and that none of them will do any more.
func TestDoctorTellsWhomAnAccountTrusts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, _ := configtest.SelfSigned(t, "seal") // for a month
	require.NoError(t, os.WriteFile(filepath.Join(dir, "seals.pem"), []byte(cert), 0o600))
	text := "accounts:\n  - { id: a, provider: paper, settings: { api_key: x }, trust: { certificates: seals.pem } }\n"
	c, err := config.Parse(filepath.Join(dir, "config.yaml"), []byte(text), config.Source{
		Lookup:    func(string) (string, bool) { return "", false },
		Providers: map[string]provider.Driver{"paper": {New: configtest.Paper}},
	})
	require.NoError(t, err)
	for ahead, want := range map[time.Duration]string{0: "ok    a trust", 60 * 24 * time.Hour: "warn  a trust"} {
		out := &bytes.Buffer{}
		env := engine.NewEnv(strings.NewReader(""), out, io.Discard, nil)
		env.Now = func() time.Time { return time.Now().Add(ahead) }
		d := &examination{Env: env, config: c}
		d.trust(&c.Accounts[0])
		require.True(t, strings.HasPrefix(out.String(), want), out.String())
		require.Contains(t, out.String(), "seals.pem")
	}
}
