package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/cmd/countersign/sandbox"
	"countersign/model/store"
	"countersign/model/store/database"
	"countersign/model/store/sqlitefile"
	"countersign/provider"
	"countersign/worker/files"
	"countersign/worker/pdf"
)

// finding is one line of the doctor's.
type finding struct {
	Result string `json:"result"` // ok, warn, FAIL
	What   string `json:"what"`
	Detail string `json:"detail"`
}

func newDoctorCommand(env *Env) *cobra.Command {
	var account string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that has to be right, and say how to cure what is not",
		Long: `doctor checks the config, the database, the installation key, the documents folder, TLS and addresses, and
asks each provider whose the credentials are and what it calls. No secret is printed. Exit 0 where nothing
failed, 1 otherwise, 2 where the config cannot be read.`,
		Example: "  countersign doctor\n  countersign doctor --account sales --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDoctor(cmd.Context(), env, account, asJSON) },
	}
	cmd.Flags().StringVar(&account, "account", "", "of the accounts only this `ACCOUNT`")
	jsonFlag(cmd, &asJSON)
	return cmd
}

// doctor is one examination.
type doctor struct {
	*Env
	config *config.Config
	json   bool
	failed bool
	err    error
	clock  dates
}

func runDoctor(ctx context.Context, env *Env, account string, asJSON bool) error {
	c, err := env.config()
	if err != nil {
		return err
	}
	if _, ok := c.Account(account); account != "" && !ok {
		return output.Usagef("account %q is not in the config", account)
	}
	d := &doctor{Env: env, config: c, json: asJSON}
	d.say("ok", "config", "%s, %s", c.File(), output.Count(len(c.Accounts), "account"))
	for _, w := range c.Warnings(func(string) (fs.FileInfo, error) { return nil, fs.ErrNotExist }) {
		d.say("warn", "config", "%s", w)
	}
	s := d.database(ctx)
	if s != nil {
		defer s.Close() //nolint:errcheck // nothing of ours waits to be written
	}
	d.key()
	d.sealed(ctx, s)
	d.documents()
	d.reader(ctx, sandbox.New().Inspect)
	d.tls()
	d.address(ctx, s)
	for i := range c.Accounts {
		if account == "" || c.Accounts[i].ID == account {
			d.account(ctx, s, &c.Accounts[i])
		}
	}
	d.time()
	if d.err == nil && d.failed {
		return &output.ExitError{Code: output.ExitFailed}
	}
	return d.err
}

// say writes a line.
func (d *doctor) say(result, what, format string, args ...any) {
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
	d.err = d.Printf("%s  %-28s  %s\n", d.Paint(colour, fmt.Sprintf("%-4s", result)), f.What, f.Detail)
}

// database opens it as the daemon would, but makes nothing. It is nil where it cannot be asked.
func (d *doctor) database(ctx context.Context) *store.Store {
	if file, ok := d.config.SQLiteFile(); ok && errors.Is(there(file), errNoDatabase) {
		if err := unix.Access(filepath.Dir(file), unix.W_OK); err != nil {
			d.say("FAIL", "database", "%s is not there and cannot be made: %v; make the folder and give this user the right to write", file, err)
		} else {
			d.say("ok", "database", "%s is not there yet; `countersign serve` makes it", file)
		}
		return nil
	}
	keys, err := d.installationKeys(d.config)
	if err != nil {
		keys = [][]byte{nil} // told with the key
	}
	s, err := store.Open(ctx, store.Options{DSN: d.config.Database, Key: keys[0], OldKeys: keys[1:], Now: d.Now, Mode: fs.FileMode(d.config.DatabaseMode)})
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
		}
		return s
	}
	return errorless(s)
}

// errorless gives up a store that cannot be asked.
func errorless(s *store.Store) *store.Store {
	s.Close() //nolint:errcheck // told already
	return nil
}

// writable makes a real commit.
func (d *doctor) writable(ctx context.Context, s *store.Store) error {
	wctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(wctx) }()
	err := s.Healthy(ctx)
	stop()
	<-ended
	return err
}

func (d *doctor) key() {
	_, err := d.installationKey(d.config)
	file := d.config.InstallationKeyFile()
	info, serr := os.Stat(file)
	text, _ := d.lookup(keyName)
	dbFile, sqlite := d.config.SQLiteFile()
	switch {
	case errors.Is(err, errNoKey) && sqlite && there(dbFile) != nil:
		d.say("ok", "installation key", "none yet; `countersign serve` makes it")
	case err != nil:
		d.say("FAIL", "installation key", "%v", err)
	case text != "":
		d.say("ok", "installation key", "from %s", keyName)
	case serr == nil && info.Mode().Perm()&0o007 != 0:
		d.say("FAIL", "installation key", "%s can be read by everybody: chmod 0600 %[1]s", file)
	case serr == nil && info.Mode().Perm()&0o070 != 0:
		d.say("warn", "installation key", "%s can be read by its group", file)
	default:
		d.say("ok", "installation key", "%s, only its owner reads it", file)
	}
}

func (d *doctor) documents() {
	folder := d.config.DocumentsFolder()
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		d.say("ok", "documents", "%s is not there yet; `countersign serve` makes it", folder)
		return
	}
	in := files.At(folder)
	lost, err := in.Lost()
	if err != nil {
		d.say("FAIL", "documents", "%v: give this user the right to write there", err)
		return
	}
	for _, what := range lost {
		d.say("warn", "documents", "%s, whose file system lacks something: %s. docs/operating.md says what to do", folder, what)
	}
	free, err := in.Free()
	switch {
	case err != nil:
		d.say("FAIL", "documents", "%v", err)
	case free < int64(d.config.DocumentsMinFree):
		d.say("FAIL", "documents", "%s has %s left, below documents_min_free: make room, or nothing is fetched", folder, output.BytesShown(free))
	default:
		d.say("ok", "documents", "%s, %s left", folder, output.BytesShown(free))
	}
}

// reader says where no child process can be had to look into files.
func (d *doctor) reader(ctx context.Context, inspect func(context.Context, *os.File) (pdf.Verdict, error)) {
	f, err := os.CreateTemp("", "countersign-doctor-*")
	if err != nil {
		d.say("FAIL", "documents", "%v: nothing can be tried out", err)
		return
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a temporary file
	defer f.Close()           //nolint:errcheck // it stays empty
	if _, err := inspect(ctx, f); err != nil {
		d.say("FAIL", "documents", "%v: files cannot be looked into, so none is kept; see the limits of this user and of the service", err)
	}
}

func (d *doctor) tls() {
	t := d.config.Public.TLS
	if len(t.ACME.Hosts) > 0 {
		d.say("ok", "tls", "issued by %s for %s, kept in %s", t.ACME.Directory, strings.Join(t.ACME.Hosts, ", "), d.config.ACMECache())
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
		d.say("FAIL", "tls", "the certificate ended %s: renew it; the daemon takes the new one by itself", d.Ago(&cert.NotAfter))
	case d.Now().Before(cert.NotBefore):
		d.say("FAIL", "tls", "the certificate begins %s", d.Ago(&cert.NotBefore))
	case cert.NotAfter.Sub(d.Now()) < 14*config.Day:
		d.say("warn", "tls", "the certificate ends %s: renew it", d.Ago(&cert.NotAfter))
	default:
		d.say("ok", "tls", "the certificate ends %s", d.Ago(&cert.NotAfter))
	}
}

// address wants the public port free, or in the hands of our daemon.
func (d *doctor) address(ctx context.Context, s *store.Store) {
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

// account asks the provider whose key it is and what it calls.
func (d *doctor) account(ctx context.Context, s *store.Store, acc *config.Account) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	all := newAccounts(d.Env, s, logrus.NewEntry(config.Silent()))
	all.base = d.clock.around(all.base, d.Now)
	b, err := d.build(ctx, all, d.config, acc)
	if err != nil {
		d.say("FAIL", acc.ID, "%v", err)
		return
	}
	if ch := b.provider.Checker; ch != nil {
		who, err := ch.Check(ctx)
		if err != nil {
			cure := "look at base_url and the network"
			if errors.Is(err, provider.ErrDenied) {
				cure = "make a new key at the provider and put it into settings"
			}
			d.say("FAIL", acc.ID+" credentials", "%v: %s", provider.Redact(err), cure)
			return
		}
		if s != nil {
			if k, err := s.Account(ctx, acc.ID); err == nil && k.RemoteID != "" && who.ID != "" && k.RemoteID != who.ID {
				d.say("FAIL", acc.ID+" credentials", "%v", errOtherAccount)
				return
			}
		}
		d.say("ok", acc.ID+" credentials", "taken by the provider%s", output.Because(who.Name))
		for _, w := range who.Warnings {
			d.say("warn", acc.ID+" provider", "%s", w)
		}
	}
	if r := b.provider.Registrar; r != nil {
		d.registration(ctx, b, r)
	}
}

// time compares our clock with the providers'.
func (d *doctor) time() {
	d.clock.mu.Lock()
	defer d.clock.mu.Unlock()
	switch {
	case !d.clock.known:
		d.say("warn", "clock", "no provider answered with a date to compare with")
	case d.clock.off.Abs() > 30*time.Second:
		d.say("warn", "clock", "is %s off the providers': let NTP set it", d.clock.off.Abs().Round(time.Second))
	default:
		d.say("ok", "clock", "agrees with the providers'")
	}
}

// dates listens to the Date headers of answers.
type dates struct {
	mu    sync.Mutex
	known bool
	off   time.Duration // the smallest difference seen: answers take their time
}

// around listens on a transport; nil is the ordinary one.
func (c *dates) around(base http.RoundTripper, now func() time.Time) http.RoundTripper {
	if base == nil {
		t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
		t.ResponseHeaderTimeout = 30 * time.Second
		base = t
	}
	return listening(func(r *http.Request) (*http.Response, error) {
		res, err := base.RoundTrip(r)
		if err != nil {
			return res, err
		}
		if at, perr := http.ParseTime(res.Header.Get("Date")); perr == nil {
			c.mu.Lock()
			if off := now().Sub(at); !c.known || off.Abs() < c.off.Abs() {
				c.known, c.off = true, off
			}
			c.mu.Unlock()
		}
		return res, nil
	})
}

type listening func(*http.Request) (*http.Response, error)

// RoundTrip carries out a request.
func (f listening) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
