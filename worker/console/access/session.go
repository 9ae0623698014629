package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/alexedwards/scs/v2"

	"countersign/worker/console/problem"
)

// How long a session lasts: without anything that its person does, and at most.
const (
	IdleFor  = 2 * time.Hour
	LastsFor = 12 * time.Hour
)

// Cookies of the console.
const (
	// EndsCookie tells the page's script when the session ends, in seconds since 1970. It opens nothing.
	EndsCookie = "countersign-ends"
	cookieName = "countersign"
	hostPrefix = "__Host-" // browsers take it over https alone, from no other host and for no part of it
)

// BackgroundHeader is sent with what a page asks for by itself: it does not count as something that its person does.
const BackgroundHeader = "Countersign-Background"

// How somebody has logged in.
const (
	byConfig = "config"
	byToken  = "token"
	byIssuer = "oidc"
)

// sessions are of those who have logged in. It is safe for concurrent use.
type sessions struct {
	manager *scs.SessionManager
	now     func() time.Time
}

func newSessions(o Options) *sessions {
	m := &scs.SessionManager{ // scs.New would begin to clean a store of its own
		IdleTimeout: IdleFor, Lifetime: LastsFor, HashTokenInStore: true, Codec: codec{},
		Store:  &sessionRows{store: o.Store, now: o.Now, seen: map[string]written{}},
		Cookie: scs.SessionCookie{Name: cookieName, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Persist: true},
	}
	if o.URL != nil && o.URL.Scheme == "https" {
		m.Cookie.Name, m.Cookie.Secure = hostPrefix+cookieName, true
	}
	return &sessions{manager: m, now: o.Now}
}

// login is what a session says of its person. It is asked again with each request whether that still holds.
type login struct {
	By, Name, Role string
	Proof          string // by token: its hash; by the issuer: the hash of what people were judged by
}

// start begins a session under a new id, whatever the browser had before.
func (s *sessions) start(w http.ResponseWriter, r *http.Request, l login) error {
	ctx, err := s.manager.Load(r.Context(), s.cookie(r))
	if err != nil {
		return err
	}
	if err := s.manager.RenewToken(ctx); err != nil {
		return err
	}
	for key, value := range map[string]string{"by": l.By, "name": l.Name, "role": l.Role, "proof": l.Proof} {
		s.manager.Put(ctx, key, value)
	}
	return s.save(ctx, w)
}

// save writes a session that goes on, and tells the browser.
func (s *sessions) save(ctx context.Context, w http.ResponseWriter) error {
	token, ends, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	s.manager.WriteSessionCookie(ctx, w, token, ends)
	s.tell(w, ends)
	return nil
}

// end ends the session of a request.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) error {
	ctx, err := s.manager.Load(r.Context(), s.cookie(r))
	if err != nil {
		return err
	}
	if err := s.manager.Destroy(ctx); err != nil {
		return err
	}
	s.manager.WriteSessionCookie(ctx, w, "", time.Time{})
	s.tell(w, time.Time{})
	return nil
}

// tell tells the page's script when the session ends; the zero time: there is none.
func (s *sessions) tell(w http.ResponseWriter, ends time.Time) {
	c := &http.Cookie{Name: EndsCookie, Path: "/", SameSite: http.SameSiteLaxMode, Secure: s.manager.Cookie.Secure,
		MaxAge: -1}
	if !ends.IsZero() {
		c.Value, c.MaxAge = strconv.FormatInt(ends.Unix(), 10), int(ends.Sub(s.now()).Seconds())+1
	}
	http.SetCookie(w, c)
}

// find is the session of a request; nil where there is none that lasts. ctx is for save.
func (s *sessions) find(r *http.Request) (ctx context.Context, l *login, err error) {
	token := s.cookie(r)
	if token == "" {
		return nil, nil, nil
	}
	ctx, err = s.manager.Load(r.Context(), token)
	if err != nil {
		return nil, nil, err
	}
	l = &login{By: s.manager.GetString(ctx, "by"), Name: s.manager.GetString(ctx, "name"),
		Role: s.manager.GetString(ctx, "role"), Proof: s.manager.GetString(ctx, "proof")}
	if l.By == "" {
		return nil, nil, nil
	}
	return ctx, l, nil
}

// cookie is the id that the browser shows.
func (s *sessions) cookie(r *http.Request) string {
	c, err := r.Cookie(s.manager.Cookie.Name)
	if err != nil {
		return ""
	}
	return c.Value
}

// codec writes sessions as JSON, which says the same the same way: texts are all that stands in one.
type codec struct{}

type encoded struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

// Encode is for scs.Codec.
func (codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	e := encoded{Deadline: deadline.UTC(), Values: map[string]string{}}
	for key, value := range values {
		e.Values[key], _ = value.(string)
	}
	return json.Marshal(e)
}

// Decode is for scs.Codec.
func (codec) Decode(text []byte) (time.Time, map[string]any, error) {
	var e encoded
	err := json.Unmarshal(text, &e)
	values := make(map[string]any, len(e.Values))
	for key, value := range e.Values {
		values[key] = value
	}
	return e.Deadline, values, err
}

// session is who has logged in with the request's browser; false where nobody has, or what they logged in with no
// longer holds.
func (d *Door) session(r *http.Request) (who Who, ok bool, err error) {
	ctx, l, err := d.sessions.find(r)
	if err != nil || l == nil {
		return Who{}, false, err
	}
	who = Who{Name: l.Name, Role: Role(l.Role), key: "session " + HashOf(d.sessions.manager.Token(ctx)), session: ctx}
	switch l.By {
	case byConfig:
		return who, d.Token != "" && equal(l.Proof, HashOf(d.Token)), nil
	case byIssuer:
		return who, d.Judged != "" && equal(l.Proof, d.Judged), nil
	case byToken:
		all, err := d.tokens.read(r.Context())
		one, there := all[l.Proof]
		who.Role = Role(one.Role)
		return who, there && !d.tokens.expired(one), err
	}
	return Who{}, false, nil
}

// LogIn begins a session for whoever shows a token.
func (d *Door) LogIn(w http.ResponseWriter, r *http.Request, token string) *problem.Problem {
	who, p := d.ofToken(r.Context(), token)
	if p != nil {
		return p
	}
	l := login{By: byToken, Name: who.Name, Role: string(who.Role), Proof: HashOf(token)}
	if who.Name == ConfigName {
		l.By = byConfig
	}
	return d.begin(w, r, l)
}

// Admit begins a session for somebody for whom the issuer vouches.
func (d *Door) Admit(w http.ResponseWriter, r *http.Request, name string, role Role) *problem.Problem {
	return d.begin(w, r, login{By: byIssuer, Name: name, Role: string(role), Proof: d.Judged})
}

func (d *Door) begin(w http.ResponseWriter, r *http.Request, l login) *problem.Problem {
	if d.Store == nil || d.sessions.start(w, r, l) != nil {
		return problem.New(problem.Unavailable, "")
	}
	return nil
}

// LogOut ends the session of a request, if it has one, and has the browser forget what it keeps of the pages.
func (d *Door) LogOut(w http.ResponseWriter, r *http.Request) *problem.Problem {
	if d.Store != nil && d.sessions.end(w, r) != nil {
		return problem.New(problem.Unavailable, "")
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	return nil
}

// went says that somebody with a session has done something, from which it lasts anew. That this cannot be written is
// no reason to refuse anybody.
func (d *Door) went(w http.ResponseWriter, r *http.Request, who Who) {
	if who.session != nil && r.Header.Get(BackgroundHeader) == "" && r.URL.Path != "/live" {
		d.sessions.save(who.session, w) //nolint:errcheck // the session lasts as long as it did
	}
}

// Fingerprint is the hash of texts, one apart from the other.
func Fingerprint(texts ...string) string {
	sum := sha256.New()
	for _, text := range texts {
		one := sha256.Sum256([]byte(text))
		sum.Write(one[:])
	}
	return hex.EncodeToString(sum.Sum(nil))
}
