package doctor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/accounts"
	"countersign/cmd/countersign/output"
	"countersign/model"
	"countersign/model/store"
	"countersign/provider"
)

// checkJSON is how one step went.
type checkJSON struct {
	Step   string `json:"step"`
	Result string `json:"result"` // ok, failed
	Detail string `json:"detail"`
}

// trip is one canary on its way.
type trip struct {
	*engine.Env
	config *config.Config
	store  *store.Store
	acct   accounts.Built
	url    *url.URL
	secure *tls.Config
	local  bool
	json   bool

	header http.Header
	body   []byte
	sent   time.Time
	code   int
	typ    string
	reply  []byte
}

// step is one step of the way: what it found, or what is wrong and how it is cured.
type step struct {
	name string
	do   func(context.Context) (detail string, err error)
}

// CheckRegistration sends a signed canary the way that callbacks come, and says at which step it fails.
func CheckRegistration(ctx context.Context, env *engine.Env, id string, local, asJSON bool) error {
	c, err := env.Config()
	if err != nil {
		return err
	}
	s, err := env.OpenStore(ctx, c, true)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // only read
	t := trip{Env: env, config: c, store: s, local: local, json: asJSON, secure: &tls.Config{MinVersion: tls.VersionTLS12}}
	if t.acct, err = env.Named(ctx, s, c, id); err != nil {
		return err
	}
	if err := t.aim(); err != nil {
		return err
	}
	for _, st := range []step{
		{"canary", t.sign}, {"name", t.resolve}, {"connection", t.connect}, {"certificate", t.shake}, {"route", t.send},
		{"signature", t.signature}, {"storage", t.stored}, {"acknowledgement", t.acknowledged},
	} {
		detail, err := st.do(ctx)
		out := checkJSON{st.name, "ok", output.Plain(detail)}
		if err != nil {
			out.Result, out.Detail = "failed", output.Plain(err.Error())
		}
		if err := t.say(out); err != nil {
			return err
		}
		if err != nil {
			return &output.ExitError{Code: output.ExitFailed}
		}
	}
	return nil
}

func (t *trip) say(s checkJSON) error {
	if t.json {
		return t.JSONLines().Write(s)
	}
	colour := output.Good
	if s.Result != "ok" {
		colour = output.Bad
	}
	return t.Printf("%s  %-15s  %s\n", t.Paint(colour, fmt.Sprintf("%-6s", t.Word("cli.canary.result", s.Result))),
		t.Word("cli.canary.step", s.Step), t.Stored(s.Detail))
}

// aim finds the address to send to.
func (t *trip) aim() (err error) {
	text := t.config.CallbackURL(t.acct.ID)
	if t.local {
		host, port, err := net.SplitHostPort(t.config.Public.Address)
		if err != nil {
			return output.Usagef("public.address: %w", err)
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		scheme := "http"
		if t.config.Public.TLS.CertFile != "" {
			scheme = "https"
			t.secure.InsecureSkipVerify = true // the certificate names public.url, and the way is within this machine
		}
		text = scheme + "://" + net.JoinHostPort(host, port) + "/callbacks/" + t.acct.ID
	}
	if text == "" {
		return output.Usagef("public.url is not set: --loopback tries public.address")
	}
	t.url, err = url.Parse(text)
	return err
}

func (t *trip) sign(context.Context) (string, error) {
	var err error
	if t.header, t.body, err = t.acct.Client.Canary(uuid.NewString(), t.UTC()); err != nil {
		return "", err
	}
	return "signed as " + t.acct.Provider + " would", nil
}

func (t *trip) resolve(ctx context.Context) (string, error) {
	host := t.url.Hostname()
	if net.ParseIP(host) != nil {
		return host + " is an address", nil
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return "", fmt.Errorf("%s is not found: make the DNS entry, or mend public.url", host)
	}
	return host + " is " + strings.Join(found, ", "), nil
}

// authority is host and port of the URL.
func (t *trip) authority() string {
	port := t.url.Port()
	if port == "" {
		port = map[string]string{"https": "443"}[t.url.Scheme]
	}
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(t.url.Hostname(), port)
}

func (t *trip) connect(ctx context.Context) (string, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", t.authority())
	if err != nil {
		cure := "look at the firewall and at the proxy in front, then try --loopback"
		if t.local {
			cure = "start the daemon"
		}
		return "", fmt.Errorf("%w: %s", err, cure)
	}
	return "to " + t.authority(), conn.Close()
}

func (t *trip) shake(ctx context.Context) (string, error) {
	if t.url.Scheme != "https" {
		return "none: the URL is plain http", nil
	}
	conn, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}, Config: t.secure}).DialContext(ctx,
		"tcp", t.authority())
	if err != nil {
		return "", fmt.Errorf("%w: renew it for this name, with the whole chain in cert_file or in the proxy's", err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if t.local {
		return "not verified on this way", nil
	}
	return "good until " + chain[0].NotAfter.UTC().Format(time.DateOnly), nil
}

// send sends the canary. Redirects are not followed: providers do not.
func (t *trip) send(ctx context.Context) (string, error) {
	t.sent = t.UTC()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url.String(), bytes.NewReader(t.body))
	if err != nil {
		return "", err
	}
	req.Header = t.header.Clone()
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: t.secure, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("no answer: %w", provider.Redact(err))
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	t.code, t.typ = resp.StatusCode, resp.Header.Get("Content-Type")
	if t.reply, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10)); err != nil {
		return "", fmt.Errorf("the answer broke off: %w", err)
	}
	switch {
	case t.code == http.StatusNotFound:
		return "", fmt.Errorf("404: the daemon does not know %s, or a proxy leads elsewhere: let it read the config again (%s), and pass %s on as it is",
			t.acct.ID, t.HowToReload(ctx, t.store), t.url.Path)
	case t.code == http.StatusMethodNotAllowed:
		return "", fmt.Errorf("405: something in between does not pass POST on")
	case t.code/100 == 3:
		return "", fmt.Errorf("%d: a redirect, which providers do not follow: register the address that it leads to", t.code)
	case t.code == http.StatusUnauthorized, t.code == http.StatusBadRequest, t.code/100 == 5, t.code == http.StatusOK:
		return fmt.Sprintf("%s answers", t.url.Path), nil
	}
	return "", fmt.Errorf("%d, which our listener never says here: look at the proxy in front", t.code)
}

func (t *trip) signature(ctx context.Context) (string, error) {
	switch t.code {
	case http.StatusUnauthorized:
		return "", fmt.Errorf("401: the daemon has another secret than this config: let it read the config again (%s); "+
			"if that is done, a proxy may drop or ask for the Authorization header", t.HowToReload(ctx, t.store))
	case http.StatusBadRequest:
		return "", fmt.Errorf("400: the body arrived changed: let the proxy pass it on as it is")
	}
	return "taken", nil
}

// stored looks the canary up in the database, by the hash of its body, which is like no other.
func (t *trip) stored(ctx context.Context) (string, error) {
	if t.code != http.StatusOK {
		return "", fmt.Errorf("%d: the daemon could not store it: look at the database's disk and at its log", t.code)
	}
	sum := sha256.Sum256(t.body)
	since := t.sent.Add(-10 * time.Minute) // the daemon's clock may be another
	list, _, err := t.store.Callbacks(ctx, store.CallbackFilter{Account: t.acct.ID, Since: &since, Limit: 1000})
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(list, func(c model.Callback) bool { return c.BodyHash == hex.EncodeToString(sum[:]) })
	if i < 0 {
		return "", fmt.Errorf("200, and it is not in this database: another server answers there, or another daemon")
	}
	if c := list[i]; c.Verdict != model.Accepted || c.Outcome != model.TestEvent {
		return "", fmt.Errorf("%s is stored as %s %s%s, not as an accepted test: the daemon may be of another version",
			c.ID, c.Verdict, c.Outcome, output.Because(c.Note))
	}
	return list[i].ID + " is stored as a test", nil
}

// acknowledged holds the answer against what the provider insists on.
func (t *trip) acknowledged(context.Context) (string, error) {
	want := t.acct.Client.Traits.Acknowledgement()
	if string(t.reply) != want.Body || t.typ != want.ContentType {
		return "", fmt.Errorf("the provider insists on %q (%s), and %q (%s) came back: let the proxy pass answers on as they are",
			want.Body, want.ContentType, output.Short(string(t.reply), 60), t.typ)
	}
	return fmt.Sprintf("%q, as the provider insists", want.Body), nil
}
