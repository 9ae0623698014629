package look

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"countersign/worker/console/access"
)

// The cookies of what somebody prefers. Whatever else a page shows stands in its address.
const (
	cookieLang  = "cs_lang"
	cookieTheme = "cs_theme"
	cookieZone  = "cs_zone" // set by the page's script; with a ! before it: chosen
	cookieTimes = "cs_times"
	cookieKeys  = "cs_keys"
)

// Prefs is what somebody prefers.
type Prefs struct {
	Theme    string // light or dark; "": the system's
	Zone     *time.Location
	ZoneSet  string // the cookie as it came
	Exact    bool   // exact times everywhere
	KeysOff  bool
	Lang     string // the one that was chosen; "": the browser's
	UTC      bool   // by choice
	ZoneName string
}

// prefsOf reads the cookies. What cannot be understood is as if it were not there.
func prefsOf(r *http.Request) Prefs {
	value := func(name string) string {
		c, err := r.Cookie(name)
		if err != nil {
			return ""
		}
		v, err := url.QueryUnescape(c.Value)
		if err != nil {
			return ""
		}
		return v
	}
	p := Prefs{Theme: value(cookieTheme), Zone: time.UTC, Exact: value(cookieTimes) == "exact",
		KeysOff: value(cookieKeys) == "off", Lang: value(cookieLang)}
	if p.Theme != "light" && p.Theme != "dark" {
		p.Theme = ""
	}
	zone := value(cookieZone)
	name := strings.TrimPrefix(zone, "!")
	if at, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" && len(name) < 64 {
		p.Zone, p.ZoneSet = at, zone
	}
	p.UTC = p.ZoneSet == "!UTC"
	p.ZoneName = p.Zone.String()
	return p
}

// Prefer takes what somebody prefers from a form, and leads back to where they were. It changes nothing but cookies.
func (l *Look) Prefer(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	allowed := map[string][]string{"theme": {"", "light", "dark"}, "times": {"", "exact"}, "keys": {"", "off"},
		"zone": {"", "!UTC"}, "lang": {""}}
	for lang := range l.sets {
		allowed["lang"] = append(allowed["lang"], lang)
	}
	for name, of := range allowed {
		if err := r.ParseForm(); err != nil || !r.PostForm.Has(name) || !slices.Contains(of, r.PostForm.Get(name)) {
			continue
		}
		l.keep(w, r, "cs_"+name, r.PostForm.Get(name))
	}
	http.Redirect(w, r, l.base+access.Local(r.PostForm.Get("back")), http.StatusSeeOther)
}

// keep sets a cookie of the pages, for a year; an empty one is removed.
func (l *Look) keep(w http.ResponseWriter, r *http.Request, name, value string) {
	c := &http.Cookie{Name: name, Value: url.QueryEscape(value), Path: l.base + "/", MaxAge: 365 * 24 * 3600,
		SameSite: http.SameSiteLaxMode, Secure: r.TLS != nil || l.URL != nil && l.URL.Scheme == "https"}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}
