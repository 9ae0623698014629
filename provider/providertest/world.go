package providertest

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// answer is what the service replies to every question, but for Suite.Steps.
type answer struct {
	code    int
	kind    string // content type
	body    []byte
	header  map[string]string
	promise int  // more bytes declared than sent
	abort   bool // the connection breaks after the body
	hang    bool // no answer at all
}

// world is the service, and another host for files.
type world struct {
	give        answer
	main, files *httptest.Server
	stop        chan struct{}

	mu    sync.Mutex
	asked []*http.Request // of the service
	away  []*http.Request // of the other host
	begun chan struct{}   // holds a value when a question came
}

// world starts a service that gives one answer.
func (b calls) world(a answer) *world {
	w := &world{give: a, stop: make(chan struct{}), begun: make(chan struct{}, 1)}
	w.files = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.note(&w.away, r)
		w.serve(rw, r)
	}))
	w.main = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.note(&w.asked, r)
		if b.Steps != nil {
			if step := b.Steps(r, w.main.URL, w.files.URL); step != nil {
				rw.Header().Set("Content-Type", "application/json")
				rw.Write(step) //nolint:errcheck // the client sees it
				return
			}
		}
		w.serve(rw, r)
	}))
	b.closes = append(b.closes, func() {
		close(w.stop)
		w.main.CloseClientConnections()
		w.files.CloseClientConnections()
		w.main.Close()
		w.files.Close()
	})
	return w
}

func (w *world) url() string { return w.main.URL }

func (w *world) note(list *[]*http.Request, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, r)
	select {
	case w.begun <- struct{}{}:
	default:
	}
}

// requests returns what the service was asked, and what the other host was.
func (w *world) requests() (asked, away []*http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(asked, w.asked...), append(away, w.away...)
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	if w.give.hang {
		select {
		case <-r.Context().Done():
		case <-w.stop:
		}
		return
	}
	if w.give.kind != "" {
		rw.Header().Set("Content-Type", w.give.kind)
	}
	for k, v := range w.give.header {
		rw.Header().Set(k, strings.ReplaceAll(v, "FILES", w.files.URL))
	}
	if w.give.promise > 0 {
		rw.Header().Set("Content-Length", strconv.Itoa(len(w.give.body)+w.give.promise))
	}
	rw.WriteHeader(w.give.code)
	rw.Write(w.give.body) //nolint:errcheck // the client sees it
	if w.give.abort {
		http.NewResponseController(rw).Flush() //nolint:errcheck // the client sees it
		panic(http.ErrAbortHandler)
	}
}

// jsonAnswer is an answer in JSON.
func jsonAnswer(code int, body []byte) answer {
	return answer{code: code, kind: "application/json; charset=utf-8", body: body}
}

// gossip is a refusal that names everything that must not be repeated, in every field that a
// provider may be tempted to quote.
func (b calls) gossip(code int, headers ...string) answer {
	words := strings.ReplaceAll(strings.Join(b.Secrets, " "), `"`, "")
	text := strconv.Quote("Ada " + person + " <" + mail + "> " + words)
	body := `{"error":{"error_msg":` + text + `,"error_name":` + text + `,"code":` + text + `,"message":` + text +
		`},"message":` + text +
		`,"messageKey":` + text + `,"name":` + text + `,"technical":` + text + `,"detail":` + text + `,"title":` + text +
		`,"code":` + text + `}`
	a := jsonAnswer(code, []byte(body))
	a.header = map[string]string{}
	for i := 0; i+1 < len(headers); i += 2 {
		a.header[headers[i]] = headers[i+1]
	}
	return a
}

// page is what a proxy shows in place of the service.
func page(code int, kind string) answer {
	return answer{code: code, kind: kind,
		body: []byte("<!DOCTYPE html>\n<html><title>Just a moment</title>" + person + " " + mail + "</html>")}
}
