// Package doctor checks everything that has to be right, and says how to cure what is not; it compares what a provider
// calls with what it should, and sends a signed canary the way that callbacks come.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/archive"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/health"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/sqlitefile"
	"countersign/worker/files"
	"countersign/worker/pdf"
)

// finding is one line of the doctor's.
type finding struct {
	Result string `json:"result"` // ok, warn, FAIL
	What   string `json:"what"`
	Detail string `json:"detail"`
}

// examination is one run of the doctor.
type examination struct {
	*engine.Env
	config *config.Config
	json   bool
	failed bool
	err    error
	clock  dates
}

// Run examines everything and prints a line for each; exit 1 where something failed.
func Run(ctx context.Context, env *engine.Env, account string, asJSON bool) error {
	c, err := env.Config()
	if err != nil {
		return err
	}
	if _, ok := c.Account(account); account != "" && !ok {
		return output.Usagef("account %q is not in the config", account)
	}
	d := &examination{Env: env, config: c, json: asJSON}
	d.say("ok", about("config"), "cli.doctor.config",
		"file", c.File(), "accounts", counted{"cli.doctor.accounts", len(c.Accounts)})
	for _, w := range c.Warnings(func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }) {
		d.say("warn", about("config"), "cli.doctor.error", "err", w)
	}
	s := d.database(ctx)
	if s != nil {
		defer s.Close() //nolint:errcheck // nothing of ours waits to be written
	}
	d.key(s)
	d.sealed(ctx, s)
	d.documents(ctx, s)
	d.reader(ctx, sandbox.New().Inspect)
	d.tls()
	d.address(ctx, s)
	d.proxy(ctx, account)
	d.daemon(ctx, s, account)
	for i := range c.Accounts {
		if account == "" || c.Accounts[i].ID == account {
			d.account(ctx, s, &c.Accounts[i])
		}
	}
	if account == "" {
		for i := range c.Hooks {
			d.hook(ctx, s, &c.Hooks[i])
		}
	}
	d.time()
	if d.err == nil && d.failed {
		return &output.ExitError{Code: output.ExitFailed}
	}
	return d.err
}

// database opens it as the daemon would, but makes nothing. It is nil where it cannot be asked.
func (d *examination) database(ctx context.Context) *store.Store {
	if file, ok := d.config.SQLiteFile(); ok && errors.Is(engine.MustExist(file), engine.ErrNoDatabase) {
		if err := unix.Access(filepath.Dir(file), unix.W_OK); err != nil {
			d.say("FAIL", about("database"), "cli.doctor.database.cannot", "file", file, "err", err)
		} else {
			d.say("ok", about("database"), "cli.doctor.will", "file", file)
		}
		return nil
	}
	keys, err := d.InstallationKeys(d.config)
	if err != nil {
		keys = [][]byte{nil} // told with the key
	}
	s, err := store.Open(ctx,
		store.Options{DSN: d.config.Database, Key: keys[0], OldKeys: keys[1:], Now: d.Now,
			Mode: fs.FileMode(d.config.DatabaseMode)})
	if err != nil {
		key := "cli.doctor.database.other"
		if fault := (*sqlitefile.Fault)(nil); errors.Is(err, store.ErrNewer) || errors.As(err, &fault) {
			key = "cli.doctor.error" // it says so
		}
		d.say("FAIL", about("database"), key, "err", err)
		return nil
	}
	have, want, err := s.Schema(ctx)
	switch {
	case err != nil:
		d.say("FAIL", about("database"), "cli.doctor.error", "err", err)
	case have > want:
		d.say("FAIL", about("database"), "cli.doctor.database.newer", "have", have, "want", want)
	case have < want:
		d.say("warn", about("database"), "cli.doctor.database.older", "have", have, "want", want)
	default:
		if err := d.writable(ctx, s); err != nil {
			d.say("FAIL", about("database"), "cli.doctor.database.unwritable", "err", err)
		} else if err := s.Check(ctx); err != nil {
			d.say("FAIL", about("database"), "cli.doctor.error", "err", err)
		} else {
			d.say("ok", about("database"), "cli.doctor.database.good",
				"database", d.config.DatabaseShown(), "have", have)
			d.log(s)
		}
		return s
	}
	return errorless(s)
}

// log says where the database's log has grown beyond what a daemon lets it grow to.
func (d *examination) log(s *store.Store) {
	if n := s.LogSize(); n >= sqlitefile.LogBound {
		d.say("warn", about("database_log"), "cli.doctor.database.log", "path", s.Path(), "size", size(n))
	}
}

// errorless gives up a store that cannot be asked.
func errorless(s *store.Store) *store.Store {
	s.Close() //nolint:errcheck // told already
	return nil
}

// writable makes a real commit.
func (d *examination) writable(ctx context.Context, s *store.Store) error {
	wctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(wctx) }()
	err := s.Healthy(ctx)
	stop()
	<-ended
	return err
}

// key says whether the installation key is there, or whether `serve` makes it.
func (d *examination) key(s *store.Store) {
	_, err := d.InstallationKey(d.config)
	file := d.config.InstallationKeyFile()
	info, serr := os.Stat(file)
	text, _ := d.Lookup(keyfile.Variable)
	dbFile, sqlite := d.config.SQLiteFile()
	switch {
	case errors.Is(err, keyfile.ErrNone) && sqlite && engine.MustExist(dbFile) != nil:
		d.say("ok", about("installation_key"), "cli.doctor.key.will")
	case errors.Is(err, keyfile.ErrNone) && !sqlite && file != "" && s == nil:
		d.say("ok", about("installation_key"), "cli.doctor.will", "file", file)
	case errors.Is(err, keyfile.ErrNone) && !sqlite && file != "":
		d.say("warn", about("installation_key"), "cli.doctor.key.lost", "file", file)
	case err != nil:
		d.say("FAIL", about("installation_key"), "cli.doctor.error", "err", err)
	case text != "":
		d.say("ok", about("installation_key"), "cli.doctor.key.from", "variable", keyfile.Variable)
	case serr == nil && info.Mode().Perm()&0o007 != 0:
		d.say("FAIL", about("installation_key"), "cli.doctor.key.open", "file", file)
	case serr == nil && info.Mode().Perm()&0o070 != 0:
		d.say("warn", about("installation_key"), "cli.doctor.key.group", "file", file)
	default:
		d.say("ok", about("installation_key"), "cli.doctor.key.good", "file", file)
	}
}

// sealed says under which keys what is encrypted rests.
func (d *examination) sealed(ctx context.Context, s *store.Store) {
	if s == nil {
		return
	}
	keys, err := d.InstallationKeys(d.config)
	if err != nil {
		return // told with the key
	}
	switch rests, err := s.CountSealed(ctx); {
	case err != nil:
		d.say("FAIL", about("encrypted_values"), "cli.doctor.error", "err", err)
	case rests.Unreadable > 0:
		d.say("FAIL", about("encrypted_values"), "cli.doctor.sealed.unreadable",
			"n", rests.Unreadable, "file", cmp.Or(d.config.InstallationKeyFile(), keyfile.Variable))
	case rests.Old > 0:
		d.say("warn", about("encrypted_values"), "cli.doctor.sealed.old", "n", rests.Old)
	case len(keys) > 1:
		d.say("ok", about("encrypted_values"), "cli.doctor.sealed.kept",
			"keys", counted{"cli.doctor.old_keys", len(keys) - 1})
	default:
		d.say("ok", about("encrypted_values"), "cli.doctor.sealed.good")
	}
}

func (d *examination) documents(ctx context.Context, s *store.Store) {
	folder := d.config.DocumentsFolder()
	if folder == "" {
		d.bucket(ctx)
		return
	}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		d.noFolder(ctx, s, folder)
		return
	}
	in := files.At(folder)
	lost, err := in.Lost(ctx)
	if err != nil {
		d.say("FAIL", about("documents"), "cli.doctor.documents.unwritable", "err", err)
		return
	}
	for _, what := range lost {
		d.say("warn", about("documents"), "cli.doctor.documents.lost", "folder", folder, "what", what)
	}
	free, err := in.Free()
	switch {
	case err != nil:
		d.say("FAIL", about("documents"), "cli.doctor.error", "err", err)
	case free < int64(d.config.DocumentsMinFree):
		d.say("FAIL", about("documents"), "cli.doctor.documents.full", "folder", folder, "free", size(free))
	default:
		d.say("ok", about("documents"), "cli.doctor.documents.good", "folder", folder, "free", size(free))
	}
}

// bucket tries the object store by writing, and says what its spool has left.
func (d *examination) bucket(ctx context.Context) {
	at := d.config.DocumentsAddress().Shown()
	in, err := archive.Open(ctx, d.config)
	if err != nil {
		d.say("FAIL", about("documents"), "cli.doctor.error", "err", err)
		return
	}
	lost, err := in.Lost(ctx)
	if err != nil {
		d.say("FAIL", about("documents"), "cli.doctor.bucket.unusable", "bucket", at, "err", err)
		return
	}
	for _, what := range lost {
		d.say("warn", about("documents"), "cli.doctor.bucket.lost", "bucket", at, "what", what)
	}
	switch free, err := in.Free(); {
	case err != nil:
		d.say("FAIL", about("documents"), "cli.doctor.error", "err", err)
	case free < int64(d.config.DocumentsMinFree):
		d.say("FAIL", about("documents"), "cli.doctor.documents.full", "folder", d.config.SpoolFolder(), "free", size(free))
	default:
		d.say("ok", about("documents"), "cli.doctor.bucket.good", "bucket", at, "folder", d.config.SpoolFolder(), "free", size(free))
	}
}

// noFolder says whether a document folder that is not there should be.
func (d *examination) noFolder(ctx context.Context, s *store.Store, folder string) {
	stored := false
	if s != nil {
		var err error
		if stored, err = health.Stored(ctx, s); err != nil {
			d.say("FAIL", about("documents"), "cli.doctor.error", "err", err)
			return
		}
	}
	if stored {
		d.say("FAIL", about("documents"), "cli.doctor.documents.gone", "folder", folder)
		return
	}
	d.say("ok", about("documents"), "cli.doctor.will", "file", folder)
}

// reader says where no child process can be had to look into files.
func (d *examination) reader(ctx context.Context, inspect pdf.Inspector) {
	f, err := os.CreateTemp("", "countersign-doctor-*")
	if err != nil {
		d.say("FAIL", about("documents"), "cli.doctor.documents.untried", "err", err)
		return
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a temporary file
	defer f.Close()           //nolint:errcheck // it stays empty
	if _, err := inspect(ctx, f, nil); err != nil {
		d.say("FAIL", about("documents"), "cli.doctor.documents.reader", "err", err)
	}
}

func (d *examination) tls() {
	t := d.config.Public.TLS
	if len(t.ACME.Hosts) > 0 {
		d.say("ok", about("tls"), "cli.doctor.tls.issued",
			"directory", t.ACME.Directory, "hosts", strings.Join(t.ACME.Hosts, ", "),
			"folder", d.config.ACMECache())
	}
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		d.say("FAIL", about("tls"), "cli.doctor.tls.fault", "err", err)
		return
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		d.say("FAIL", about("tls"), "cli.doctor.error", "err", err)
	case d.Now().After(cert.NotAfter):
		d.say("FAIL", about("tls"), "cli.doctor.tls.ended", "when", ago{&cert.NotAfter})
	case d.Now().Before(cert.NotBefore):
		d.say("FAIL", about("tls"), "cli.doctor.tls.begins", "when", ago{&cert.NotBefore})
	case cert.NotAfter.Sub(d.Now()) < 14*values.Day:
		d.say("warn", about("tls"), "cli.doctor.tls.ends_soon", "when", ago{&cert.NotAfter})
	default:
		d.say("ok", about("tls"), "cli.doctor.tls.ends", "when", ago{&cert.NotAfter})
	}
}

// address wants the public port free, or in the hands of our daemon.
func (d *examination) address(ctx context.Context, s *store.Store) {
	if s != nil {
		if h, err := s.LockOwner(ctx, database.LockServe); err == nil {
			d.say("ok", about("public_address"), "cli.doctor.address.ours",
				"address", d.config.Public.Address, "owner", h.Owner)
			return
		}
	}
	l, err := net.Listen("tcp", d.config.Public.Address)
	if err != nil {
		d.say("FAIL", about("public_address"), "cli.doctor.address.taken", "err", err)
		return
	}
	l.Close() //nolint:errcheck // nothing came
	d.say("ok", about("public_address"), "cli.doctor.address.free", "address", d.config.Public.Address)
}
