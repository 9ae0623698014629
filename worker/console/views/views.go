// Package views saves names for addresses of the console.
package views

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"countersign/model/store"
	"countersign/worker/console/access"
	"countersign/worker/console/problem"
)

// Options is what saved views need.
type Options struct {
	Store *store.Store
	Door  *access.Door
	Now   func() time.Time
}

type views struct{ Options }

// mostName is how many characters a name may have.
const mostName = 60

// Routes adds the routes that save and remove views: forms that lead back to a page. Readers save for themselves, those
// who may operate for everybody as well.
func Routes(r chi.Router, o Options) {
	v := &views{o}
	r.Post("/views", v.save)
	r.Post("/views/{id}/remove", v.remove)
}

// save saves an address under a name and leads to it.
func (v *views) save(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.ParseForm() != nil {
		problem.New(problem.Invalid, "").Write(w, r)
		return
	}
	who := access.WhoOf(r.Context())
	name, address := strings.TrimSpace(r.PostForm.Get("name")), access.Local(r.PostForm.Get("address"))
	view := store.SavedView{ID: rand.Text(), Owner: who.Name, Name: name, Address: withoutCursor(address),
		MadeBy: who.Name, CreatedAt: v.Now().UTC()}
	switch {
	case utf8.RuneCountInString(name) > mostName || strings.ContainsFunc(name, unseen) || !utf8.ValidString(name):
		problem.New(problem.Invalid, "", problem.Fault{Location: "body.name", Message: "is no name of 1 to 60 characters"}).
			Write(w, r)
		return
	case name == "": // unseen does not see it
		problem.New(problem.Invalid, "", problem.Fault{Location: "body.name", Message: "is missing"}).Write(w, r)
		return
	case r.PostForm.Get("for") == "all" && !who.May():
		problem.New(problem.Forbidden, "Views for everybody are saved by those who may operate.").Write(w, r)
		return
	case r.PostForm.Get("for") == "all":
		view.Owner = ""
	}
	saved, err := v.Store.SaveView(r.Context(), view)
	switch {
	case err != nil:
		problem.New(problem.Unavailable, "").Write(w, r)
	case !saved:
		problem.New(problem.Invalid, "There are as many views as may be: remove one first.").Write(w, r)
	default:
		http.Redirect(w, r, v.Door.Href(view.Address), http.StatusSeeOther)
	}
}

// remove removes a view and leads back.
func (v *views) remove(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	who := access.WhoOf(r.Context())
	removed, err := v.Store.RemoveView(r.Context(), chi.URLParam(r, "id"), who.Name, who.May())
	switch {
	case err != nil:
		problem.New(problem.Unavailable, "").Write(w, r)
	case !removed:
		problem.New(problem.NotFound, "").Write(w, r)
	default:
		http.Redirect(w, r, v.Door.Href(access.Local(r.PostFormValue("next"))), http.StatusSeeOther)
	}
}

// withoutCursor is an address without its place in a list, which ages.
func withoutCursor(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "/"
	}
	q := u.Query()
	q.Del("cursor")
	u.RawQuery = q.Encode()
	return u.RequestURI()
}

// unseen are characters that nobody sees, and those that turn the rest of a line round.
func unseen(c rune) bool { return c != ' ' && !unicode.IsGraphic(c) }
