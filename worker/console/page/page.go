// Package page serves pages: it reads what an address says, renders what a handler has read, and makes a page of what
// went wrong. Whoever has pages has one function a page.
package page

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sirupsen/logrus"

	"countersign/model"
	"countersign/model/store"
	"countersign/model/words"
	"countersign/worker/console/access"
	"countersign/worker/console/filter"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
	"countersign/worker/console/problem"
	"countersign/worker/console/reads"
)

// Options is what a Server needs; all of it is required.
type Options struct {
	Look    *look.Look
	Reads   *reads.Reads
	Log     *logrus.Entry
	Version string

	// Who says who asks, for pages of what goes wrong before that was asked.
	Who func(*http.Request) (access.Who, *problem.Problem)
	// Why says what keeps the daemon from being ready, and whether it is stopping.
	Why func(context.Context) (reasons []string, stopping bool)
}

// Server serves pages. It is safe for concurrent use.
type Server struct{ Options }

// New returns a Server.
func New(o Options) *Server { return &Server{o} }

// Request is what a handler gets: the request, and the words of whoever asks.
type Request struct {
	*http.Request
	Words *words.Printer
	Query url.Values // of the address, or of a form that was sent; empty values are left out
	Now   time.Time
}

// maxForm is the largest form that is read.
const maxForm = 1 << 20

// asked names the runs that a page has a receipt of.
const asked = "asked"

// Get is a page. A handler that fails becomes a page that says why.
func (s *Server) Get(read func(*Request) (look.View, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := s.request(r, r.URL.Query())
		v, err := read(q)
		if err == nil {
			v.Runs, err = s.receipts(r.Context(), r.URL.Query()[asked])
		}
		var to goes
		switch {
		case errors.As(err, &to):
			http.Redirect(w, r, s.Look.Base()+string(to), http.StatusSeeOther)
		case err != nil:
			s.Fail(w, r, err)
		default:
			s.Render(w, r, v)
		}
	}
}

// Post does what a form asks for, for those who may operate, and leads to the page that do returns.
func (s *Server) Post(do func(*Request) (to string, err error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		err := r.ParseForm()
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			err = problem.New(problem.TooLarge, "")
		case err != nil:
			err = problem.New(problem.Invalid, "")
		default:
			err = access.MayOperate(r.Context(), "")
		}
		to := ""
		if err == nil {
			to, err = do(s.request(r, r.PostForm))
		}
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, s.Look.Base()+to, http.StatusSeeOther)
	}
}

func (s *Server) request(r *http.Request, values url.Values) *Request {
	q := url.Values{}
	for name, all := range values {
		for _, v := range all {
			if v != "" {
				q.Add(name, v)
			}
		}
	}
	return &Request{Request: r, Words: s.Look.Words(r), Query: q, Now: s.Reads.Now()}
}

// goes is a handler's way to say that the page is another one.
type goes string

// Error is for error.
func (g goes) Error() string { return "see " + string(g) }

// See leads to another page instead.
func See(path string) error { return goes(path) }

// Render answers with a page.
func (s *Server) Render(w http.ResponseWriter, r *http.Request, v look.View) {
	if err := s.Look.Render(w, r, v); err != nil {
		s.Log.WithFields(logrus.Fields{"request": problem.RequestID(r.Context()), "err": err}).Error("a page could not be made")
		problem.Of(http.StatusInternalServerError, "The log says why, by this id.").JSON(w, r)
	}
}

// Filter fills a filter from the address, and returns the cursor. A name that neither the filter nor more has is
// refused: a misspelt one must not list everything.
func (r *Request) Filter(f any, more ...string) (cursor string, err error) {
	known := append(filter.Names(f), append(more, "cursor", asked)...)
	var faults []problem.Fault
	for name := range r.Query {
		if !slices.Contains(known, name) {
			faults = append(faults, problem.Fault{Location: "query." + objects.Plain(name), Message: r.Words.Say("problem.parameter")})
		}
	}
	if len(faults) > 0 {
		slices.SortFunc(faults, func(a, b problem.Fault) int { return cmp.Compare(a.Location, b.Location) })
		return "", problem.New(problem.Invalid, "", faults...)
	}
	filter.Read(f, r.Query)
	return r.Query.Get("cursor"), nil
}

// None refuses parameters that are none of these.
func (r *Request) None(more ...string) error {
	_, err := r.Filter(&struct{}{}, more...)
	return err
}

// By is the source that the history gives to what is done.
func (r *Request) By() string { return access.WhoOf(r.Context()).Source() }

// Part is a part of the path, as it was before it was percent-encoded.
func (r *Request) Part(name string) string {
	part := r.PathValue(name)
	if r.URL.RawPath == "" {
		return part
	}
	plain, err := url.PathUnescape(part)
	if err != nil {
		return part
	}
	return plain
}

// Key is the row that the path names.
func (r *Request) Key() model.Key {
	return model.Key{Account: r.Part("account"), Ref: r.Part("ref")}
}

// mostReceipts is how many runs a page has receipts of.
const mostReceipts = 8

// receipts are the runs that were asked for just now. What is not there is left out: an address may be old.
func (s *Server) receipts(ctx context.Context, ids []string) (out []look.Receipt, err error) {
	for _, id := range ids[:min(len(ids), mostReceipts)] {
		if !filter.IsText(id) {
			continue
		}
		run, err := s.Reads.Store.RunByID(ctx, id)
		if err != nil {
			continue
		}
		r := look.Receipt{Run: objects.OfRun(run)}
		if run.State == model.RunQueued {
			if r.Behind, err = s.before(ctx, run); err != nil {
				return nil, err
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// before is how many runs of its account are in work or come before one that waits, as far as they are counted.
func (s *Server) before(ctx context.Context, run model.Run) (n int, err error) {
	open, err := s.Reads.Store.Runs(ctx, store.RunFilter{Account: run.Account, Oldest: true, Limit: 1000,
		States: []model.RunState{model.RunQueued, model.RunActive}})
	for _, r := range open {
		if r.ID == run.ID {
			break
		}
		n++
	}
	return n, err
}

// Asked is a way back to a page that shows the receipts of runs.
func Asked(back string, runs []model.Run) string {
	u, err := url.Parse(access.Local(back))
	if err != nil {
		return "/"
	}
	q := u.Query()
	q.Del(asked)
	for _, r := range runs[:min(len(runs), mostReceipts)] {
		q.Add(asked, r.ID)
	}
	u.RawQuery = q.Encode()
	return u.RequestURI()
}
