package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/config/values"
	"countersign/cmd/countersign/demo"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/web"
	"countersign/cmd/countersign/output"
	"countersign/provider"
	"countersign/provider/simulator"
)

type simulateOptions struct {
	address, callbacks, writeConfig string
	lasts                           time.Duration
	days                            int
	force                           bool
	world                           simulator.Options
}

func newSimulateCommand(env *engine.Env) *cobra.Command {
	var o simulateOptions
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Run the simulated services, to try things out",
		Long: `simulate plays the services: transactions that live their lives, callbacks about them, and the faults that
callbacks and answers have. It runs until it is interrupted. --write-config writes a config with one
account per service, for a ` + "`serve`" + ` on another terminal. /truth says what really happened.

--speed says how fast time passes there, --days for how many of those days transactions are born.

--habit gives the services a habit that their papers do not tell of, and may be repeated:
  odd-records[=SHARE]      list pages with a record more that cannot be read (0.2)
  endless[=WAY]            lists that never end: page (the first comes again), total (more pages are
                           named than there are), cursor (a page names itself as the next)
  maintenance[=SHARE]      answers in whose place a page of HTML comes, with status 200 (0.2)
  marks[=NUMBER]           byte order marks before the JSON of callbacks and answers (1)
  number-only              Documenso's callbacks name the document by its number only
  forwarded-for[=ADDRESS]  callbacks come through a proxy that writes X-Forwarded-For
                           (203.0.113.7:51234)`,
		Example: "  countersign simulate --callbacks http://127.0.0.1:8081 \\\n    --write-config sim.yaml --speed 2880 --drop 0.3\n  countersign --config sim.yaml serve",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runSimulate(cmd.Context(), env, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.address, "address", "127.0.0.1:8090", "listen on this `ADDRESS`")
	f.StringVar(&o.callbacks, "callbacks", "http://127.0.0.1:8081", "the public listener to call, a `URL`")
	f.StringVar(&o.writeConfig, "write-config", "", "write a config for these services to this `FILE`")
	f.BoolVar(&o.force, "force", false, "write over a config that is there")
	f.StringSliceVar(&o.world.Services, "service", simulator.Services(), "only this service, of all; may be repeated")
	f.Lookup("service").DefValue = "[]" // the help has no line that is long enough for all
	f.DurationVar(&o.lasts, "for", 0, "end after this long")
	f.Uint64Var(&o.world.Seed, "seed", 1, "names, lives and faults follow from it")
	f.IntVar(&o.world.Transactions, "transactions", 50, "how many transactions are born")
	f.Float64Var(&o.world.Speed, "speed", 1, "shorten lives: 2880 plays a day in 30 s")
	f.IntVar(&o.days, "days", 1, "transactions are born over so many `DAYS`, shortened by --speed")
	for _, share := range []struct {
		to         *float64
		name, help string
	}{
		{&o.world.Faults.Drop, "drop", "share of callbacks that are lost"},
		{&o.world.Faults.Duplicate, "duplicate", "share of callbacks that come twice"},
		{&o.world.Faults.Reorder, "reorder", "share of callbacks that come after their successor"},
		{&o.world.Faults.Delay, "delay", "share of callbacks that come late"},
		{&o.world.Faults.Forge, "forge", "forged callbacks per genuine one"},
		{&o.world.Faults.ErrorRate, "error-rate", "share of answers that are errors"},
		{&o.world.Faults.RateLimit, "rate-limit", "share of answers that are 429"},
		{&o.world.Faults.Stale, "stale", "share of answers from a copy that lags"},
		{&o.world.Faults.Shift, "shift", "share of list pages whose items have moved"},
		{&o.world.Faults.BadFiles, "bad-files", "share of downloads that are no whole PDF"},
		{&o.world.Altered, "altered", "share of sealed files that were changed afterwards"},
	} {
		f.Float64Var(share.to, share.name, 0, share.help+", 0 to 1")
	}
	f.BoolVar(&o.world.Faults.SameSecond, "same-second", false, "changes follow each other at once and carry equal times")
	f.Var(habitFlag{&o.world.Habits}, "habit",
		"what the services do at odds with their papers (see above); may be repeated")
	o.single(cmd)
	return cmd
}

// single are flags for what single services do to an account.
func (o *simulateOptions) single(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&o.world.DisableCallbackAfter, "disable-after", 0,
		"AllSign turns its calls off after so many that failed in a row; 0: never")
	f.IntVar(&o.world.ClearCallbackAfter, "clear-after", 0,
		"Dropbox Sign forgets its callback URL after so many deliveries that failed in a row; 0: never")
	f.DurationVar(&o.world.RotateSecretsAfter, "rotate-secrets", 0,
		"AllSign's webhook secret is replaced after this long, shortened by --speed; for as long again both sign; 0: never")
	f.DurationVar(&o.world.TokenLife, "token-life", 0, "how long an access token lives; 0: 30 minutes")
	f.DurationVar(&o.world.KeyLife, "key-life", 0, "how long Documenso's API key is good; 0: for ever")
}

func (o simulateOptions) fault() error {
	f := o.world.Faults
	for _, name := range o.world.Services {
		if all := simulator.Services(); !slices.Contains(all, name) {
			return output.Usagef("--service %q is not one of %s", name, strings.Join(all, ", "))
		}
	}
	for name, v := range map[string]float64{
		"drop": f.Drop, "duplicate": f.Duplicate, "reorder": f.Reorder, "delay": f.Delay, "forge": f.Forge,
		"error-rate": f.ErrorRate, "rate-limit": f.RateLimit, "stale": f.Stale, "shift": f.Shift, "bad-files": f.BadFiles,
		"altered": o.world.Altered,
	} {
		if !(v >= 0 && v <= 1) {
			return output.Usagef("--%s %v is not between 0 and 1", name, v)
		}
	}
	if u, err := url.Parse(o.callbacks); err != nil || u.Host == "" {
		return output.Usagef("--callbacks %q is not a URL such as http://127.0.0.1:8081", o.callbacks)
	}
	if w := o.world; w.DisableCallbackAfter < 0 || w.ClearCallbackAfter < 0 || w.RotateSecretsAfter < 0 ||
		w.TokenLife < 0 || w.KeyLife < 0 {
		return output.Usagef("--disable-after, --clear-after, --rotate-secrets, --token-life and --key-life are not below 0")
	}
	if o.days < 1 || o.days > 3650 {
		return output.Usagef("--days: between 1 and 3650")
	}
	if !(o.world.Speed > 0) || o.world.Transactions < 0 || o.lasts < 0 {
		return output.Usagef("--speed is above 0, --transactions and --for are not below it")
	}
	return nil
}

func runSimulate(ctx context.Context, env *engine.Env, o simulateOptions) error {
	if err := o.fault(); err != nil {
		return err
	}
	if o.world.Transactions == 0 {
		o.world.Transactions = -1 // to the simulator 0 means its default
	}
	o.world.Callbacks, o.world.Births = o.callbacks, time.Duration(o.days)*values.Day
	w := simulator.New(o.world)
	socket, err := net.Listen("tcp", o.address)
	if err != nil {
		return err
	}
	base := "http://" + socket.Addr().String()
	w.SetBase(base)
	tell := func(name, what string) error { return env.Printf("%-13s %s\n", name, what) }
	if o.writeConfig != "" {
		if err := o.write(w, base, env.Providers); err != nil {
			return errors.Join(err, socket.Close())
		}
		tell(env.Say("cli.simulate.config"), o.writeConfig) //nolint:errcheck // the next line tells
	}
	for _, acc := range w.Accounts() {
		tell(acc.Provider, base+acc.BasePath+" "+env.Say("cli.simulate.calls", "url", o.callbacks+"/callbacks/"+acc.ID)) //nolint:errcheck // the next line tells
	}
	if err := tell(env.Say("cli.simulate.truth"), base+"/truth"); err != nil {
		return errors.Join(err, socket.Close())
	}
	ctx, stop := env.Signals(ctx, logrus.NewEntry(config.Silent()))
	defer stop()
	if o.lasts > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.lasts)
		defer cancel()
	}
	server := &http.Server{Handler: w.Handler(), ReadHeaderTimeout: 10 * time.Second}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.Run(ctx) })
	g.Go(func() error { return web.Serve(ctx, server, socket, 0) })
	return g.Wait()
}

// write makes the config file.
func (o simulateOptions) write(w *simulator.World, base string, known map[string]provider.Driver) error {
	u, err := url.Parse(o.callbacks)
	if err != nil {
		return err
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"https": "443"}[u.Scheme])
		if u.Scheme == "http" {
			address = net.JoinHostPort(u.Hostname(), "80")
		}
	}
	return arguments.WriteConfig(o.writeConfig, demo.Config(demo.ConfigOptions{Providers: known,
		Accounts: w.Accounts(), Base: base, PublicURL: o.callbacks, PublicAddress: address, ConsoleAddress: "127.0.0.1:8080",
		Database: "sqlite:./countersign.db", Documents: "file:./documents", Speed: o.world.Speed,
	}), o.force)
}
