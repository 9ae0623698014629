// Package doctor checks everything that has to be right, and says how to cure what is not; it compares what a provider
// calls with what it should, and sends a signed canary the way that callbacks come.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/engine"
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
	d.say("ok", "config", "%s, %s", c.File(), output.Count(len(c.Accounts), "account"))
	for _, w := range c.Warnings(func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }) {
		d.say("warn", "config", "%s", w)
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

// say writes a line.
func (d *examination) say(result, what, format string, args ...any) {
	f := finding{result, what, output.Plain(fmt.Sprintf(format, args...))}
	d.failed = d.failed || result == "FAIL"
	if d.err != nil {
		return
	}
	if d.json {
		d.err = d.JSONLines().Write(f)
		return
	}
	colour := output.Good
	switch result {
	case "warn":
		colour = output.Warn
	case "FAIL":
		colour = output.Bad
	}
	d.err = d.Printf("%s  %-28s  %s\n", d.Paint(colour, fmt.Sprintf("%-4s", result)), f.What,
		d.Wrapped(f.Detail, 6+max(28, len(f.What))+2, 6))
}

// database opens it as the daemon would, but makes nothing. It is nil where it cannot be asked.
func (d *examination) database(ctx context.Context) *store.Store {
	if file, ok := d.config.SQLiteFile(); ok && errors.Is(engine.MustExist(file), engine.ErrNoDatabase) {
		if err := unix.Access(filepath.Dir(file), unix.W_OK); err != nil {
			d.say("FAIL", "database",
				"%s is not there and cannot be made: %v; make the folder and give this user the right to write", file, err)
		} else {
			d.say("ok", "database", "%s is not there yet; `countersign serve` makes it", file)
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
		cure := ": name another file or URL in `database`, or restore the backup"
		if fault := (*sqlitefile.Fault)(nil); errors.Is(err, store.ErrNewer) || errors.As(err, &fault) {
			cure = "" // it says so
		}
		d.say("FAIL", "database", "%v%s", err, cure)
		return nil
	}
	have, want, err := s.Schema(ctx)
	switch {
	case err != nil:
		d.say("FAIL", "database", "%v", err)
	case have > want:
		d.say("FAIL", "database", "schema %d is of a newer version of countersign (this one has %d): use that", have, want)
	case have < want:
		d.say("warn", "database", "schema %d, this version has %d: `countersign migrate`, or the next `serve`", have, want)
	default:
		if err := d.writable(ctx, s); err != nil {
			d.say("FAIL", "database", "cannot be written: %v; look at rights and free space", err)
		} else if err := s.Check(ctx); err != nil {
			d.say("FAIL", "database", "%v", err)
		} else {
			d.say("ok", "database", "%s, schema %d, written with full synchronisation", d.config.DatabaseShown(), have)
			d.log(s)
		}
		return s
	}
	return errorless(s)
}

// log says where the database's log has grown beyond what a daemon lets it grow to.
func (d *examination) log(s *store.Store) {
	if size := s.LogSize(); size >= sqlitefile.LogBound {
		d.say("warn", "database log", "%s-wal has %s: somebody keeps an old state of the database open (a report, a copy "+
			"by hand); end that reader, and a running daemon makes it small", s.Path(), output.BytesShown(size))
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
		d.say("ok", "installation key", "none yet; `countersign serve` makes it")
	case errors.Is(err, keyfile.ErrNone) && !sqlite && file != "" && s == nil:
		d.say("ok", "installation key", "%s is not there yet; `countersign serve` makes it", file)
	case errors.Is(err, keyfile.ErrNone) && !sqlite && file != "":
		d.say("warn", "installation key",
			"%s is not there: where this database was in use, restore the key from the backup; else `countersign serve` makes it", file)
	case err != nil:
		d.say("FAIL", "installation key", "%v", err)
	case text != "":
		d.say("ok", "installation key", "from %s", keyfile.Variable)
	case serr == nil && info.Mode().Perm()&0o007 != 0:
		d.say("FAIL", "installation key", "%s can be read by everybody: chmod 0600 %[1]s", file)
	case serr == nil && info.Mode().Perm()&0o070 != 0:
		d.say("warn", "installation key", "%s can be read by its group", file)
	default:
		d.say("ok", "installation key", "%s, only its owner reads it", file)
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
		d.say("FAIL", "encrypted values", "%v", err)
	case rests.Unreadable > 0:
		d.say("FAIL", "encrypted values",
			"%d rest under no key that is here: add the key that was in use to %s, after the first",
			rests.Unreadable, cmp.Or(d.config.InstallationKeyFile(), keyfile.Variable))
	case rests.Old > 0:
		d.say("warn", "encrypted values",
			"%d rest under an old key: stop the daemon and finish with `countersign key rotate`", rests.Old)
	case len(keys) > 1:
		d.say("ok", "encrypted values",
			"all under the current key; %s kept: `countersign key rotate --forget-old` takes them out",
			output.Count(len(keys)-1, "old key"))
	default:
		d.say("ok", "encrypted values", "all under the key")
	}
}

func (d *examination) documents(ctx context.Context, s *store.Store) {
	folder := d.config.DocumentsFolder()
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		d.noFolder(ctx, s, folder)
		return
	}
	in := files.At(folder)
	lost, err := in.Lost()
	if err != nil {
		d.say("FAIL", "documents", "%v: give this user the right to write there", err)
		return
	}
	for _, what := range lost {
		d.say("warn", "documents", "%s, whose file system lacks something: %s. docs/operating.md says what to do", folder,
			what)
	}
	free, err := in.Free()
	switch {
	case err != nil:
		d.say("FAIL", "documents", "%v", err)
	case free < int64(d.config.DocumentsMinFree):
		d.say("FAIL", "documents", "%s has %s left, below documents_min_free: make room, or nothing is fetched", folder,
			output.BytesShown(free))
	default:
		d.say("ok", "documents", "%s, %s left", folder, output.BytesShown(free))
	}
}

// noFolder says whether a document folder that is not there should be.
func (d *examination) noFolder(ctx context.Context, s *store.Store, folder string) {
	stored := false
	if s != nil {
		var err error
		if stored, err = health.Stored(ctx, s); err != nil {
			d.say("FAIL", "documents", "%v", err)
			return
		}
	}
	if stored {
		d.say("FAIL", "documents", "%s%s", folder, health.FolderGone)
		return
	}
	d.say("ok", "documents", "%s is not there yet; `countersign serve` makes it", folder)
}

// reader says where no child process can be had to look into files.
func (d *examination) reader(ctx context.Context, inspect pdf.Inspector) {
	f, err := os.CreateTemp("", "countersign-doctor-*")
	if err != nil {
		d.say("FAIL", "documents", "%v: nothing can be tried out", err)
		return
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a temporary file
	defer f.Close()           //nolint:errcheck // it stays empty
	if _, err := inspect(ctx, f, nil); err != nil {
		d.say("FAIL", "documents",
			"%v: files cannot be looked into, so none is kept; see the limits of this user and of the service", err)
	}
}

func (d *examination) tls() {
	t := d.config.Public.TLS
	if len(t.ACME.Hosts) > 0 {
		d.say("ok", "tls", "issued by %s for %s, kept in %s", t.ACME.Directory, strings.Join(t.ACME.Hosts, ", "),
			d.config.ACMECache())
	}
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		d.say("FAIL", "tls", "%v: look at public.tls", err)
		return
	}
	cert, err := x509.ParseCertificate(pair.Certificate[0])
	switch {
	case err != nil:
		d.say("FAIL", "tls", "%v", err)
	case d.Now().After(cert.NotAfter):
		d.say("FAIL", "tls", "the certificate ended %s: renew it; the daemon takes the new one by itself",
			d.Ago(&cert.NotAfter))
	case d.Now().Before(cert.NotBefore):
		d.say("FAIL", "tls", "the certificate begins %s", d.Ago(&cert.NotBefore))
	case cert.NotAfter.Sub(d.Now()) < 14*values.Day:
		d.say("warn", "tls", "the certificate ends %s: renew it", d.Ago(&cert.NotAfter))
	default:
		d.say("ok", "tls", "the certificate ends %s", d.Ago(&cert.NotAfter))
	}
}

// address wants the public port free, or in the hands of our daemon.
func (d *examination) address(ctx context.Context, s *store.Store) {
	if s != nil {
		if h, err := s.LockOwner(ctx, database.LockServe); err == nil {
			d.say("ok", "public address", "%s, a daemon runs (%s)", d.config.Public.Address, h.Owner)
			return
		}
	}
	l, err := net.Listen("tcp", d.config.Public.Address)
	if err != nil {
		d.say("FAIL", "public address", "%v: stop what listens there, or change public.address", err)
		return
	}
	l.Close() //nolint:errcheck // nothing came
	d.say("ok", "public address", "%s is free", d.config.Public.Address)
}
