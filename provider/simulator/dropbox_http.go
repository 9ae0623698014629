package simulator

import (
	"archive/zip"
	"bytes"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// finalFile is the id that the truth gives to a request's one merged file.
const finalFile = "signed"

func (x *dropboxSign) routes(mux *http.ServeMux) {
	on := func(pattern, class string, handle func(call) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /dropboxsign/v3"+path, x.desk.serve(class, false, handle))
	}
	onRequest := func(path, class string, handle func(call, *transaction) answer) {
		on("GET /signature_request/"+path+"{id}", class, func(c call) answer {
			t := x.desk.byRef[c.PathValue("id")]
			switch {
			case t == nil || !t.alive():
				return x.refuse(http.StatusNotFound, "not_found", "Signature request not found")
			case path != "" && t.state.word == "canceled":
				return x.gone()
			}
			return handle(c, t)
		})
	}
	onRequest("", "read", func(c call, t *transaction) answer {
		s := x.desk.world.look(t, c.now)
		if s.word == "canceled" {
			t.shown(s, c.now, "gone")
			return x.gone()
		}
		t.shown(s, c.now, "detail")
		return replyJSON(http.StatusOK, "application/json", object{"signature_request": x.requestJSON(t, s)})
	})
	on("GET /signature_request/list", "read", x.list)
	onRequest("files/", "files", x.download)
	onRequest("files_as_file_url/", "files", x.fileURL)
	onRequest("files_as_data_uri/", "files", x.dataURI)
	on("GET /account", "read", func(call) answer { return replyJSON(http.StatusOK, "application/json", x.accountJSON()) })
	on("PUT /account", "read", x.updateAccount)
	on("GET /api_app/list", "read", func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{
			"api_apps": []any{x.appJSON()}, "list_info": object{"page": 1, "num_pages": 1, "num_results": 1, "page_size": 20},
		})
	})
	on("GET /api_app/{id}", "read", x.onApp(func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{"api_app": x.appJSON()})
	}))
	on("PUT /api_app/{id}", "read", x.onApp(x.updateApp))
	mux.HandleFunc("GET /dropboxsign/links/{id}", x.desk.serve("link", true, x.link))
	mux.HandleFunc("/dropboxsign/", x.desk.serve("read", true, func(c call) answer {
		if c.Method != http.MethodGet {
			return x.refuse(http.StatusMethodNotAllowed, "method_not_supported", "Method not supported")
		}
		return x.refuse(http.StatusNotFound, "not_found", "Not found")
	}))
}

func (x *dropboxSign) gone() answer {
	return x.refuse(http.StatusGone, "deleted", "This signature request has been deleted")
}

func (x *dropboxSign) refuse(status int, name, message string) answer {
	return replyJSON(status, "application/json", object{"error": object{"error_msg": message, "error_name": name}})
}

// decorate tells of the limit under both names that were seen; the reset often lies in the past.
func (x *dropboxSign) decorate(h http.Header, class string, left int) {
	limit, some := x.desk.limits[class]
	if !some {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(float64(limit)*x.desk.world.opts.QuotaScale)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Limit-Remaining", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(time.Now().Unix()-int64(left%3), 10))
}

func (x *dropboxSign) files(t *transaction) []TruthDocument {
	return []TruthDocument{{ID: finalFile, Kind: "signed", Name: t.name + ".pdf", Sealed: t.docs[0].sealed}}
}

// file is all documents of a request in one, with the audit trail on the first page.
func (x *dropboxSign) file(t *transaction, s *state, id string) []byte {
	p := paper{title: t.name, filler: uint64(t.born.UnixNano()), at: t.born, lines: []string{"Request " + t.ref}}
	for i, d := range t.docs {
		if id == finalFile || id == d.id {
			p.pages += d.pages
			p.filler += uint64(i)
		}
	}
	for _, one := range s.people {
		if one.status == "signed" {
			p.lines = append(p.lines, fmt.Sprintf("Signed by %s <%s> on %s", one.name, one.email, one.doneAt.UTC().Format(time.RFC1123)))
		}
	}
	if !s.completed.IsZero() {
		p.at, p.sealed = s.completed, t.docs[0].sealed && id == finalFile
	}
	return p.render(x.desk.world.keys)
}

// prepared refuses while files are in the making, and where there will be none.
func (x *dropboxSign) prepared(c call, t *transaction) (answer, bool) {
	switch {
	case t.state.word == "error":
		return x.refuse(http.StatusNotFound, "not_found", "The files of this request could not be processed"), false
	case c.now.Before(t.state.ready):
		return x.refuse(http.StatusConflict, "conflict", "Files are still being processed. Please try again later."), false
	}
	return answer{}, true
}

func (x *dropboxSign) download(c call, t *transaction) answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	if c.FormValue("file_type") == "zip" {
		return x.desk.world.spoil(x.desk, x.zip(t), http.StatusConflict)
	}
	a := download("application/pdf", t.name+".pdf", x.file(t, &t.state, finalFile))
	a.sent = func() { t.served[finalFile]++ }
	return x.desk.world.spoil(x.desk, a, http.StatusConflict)
}

func (x *dropboxSign) zip(t *transaction) answer {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, d := range t.docs {
		f, err := z.Create(d.name)
		if err == nil {
			_, err = f.Write(x.file(t, &t.state, d.id))
		}
		if err != nil {
			return x.refuse(http.StatusInternalServerError, "unknown", err.Error())
		}
	}
	if err := z.Close(); err != nil {
		return x.refuse(http.StatusInternalServerError, "unknown", err.Error())
	}
	return download("application/zip", t.name+".zip", b.Bytes())
}

func (x *dropboxSign) dataURI(c call, t *transaction) answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	t.served[finalFile]++
	return replyJSON(http.StatusOK, "application/json", object{
		"data_uri": "data:application/pdf;base64," + base64.StdEncoding.EncodeToString(x.file(t, &t.state, finalFile)),
	})
}

// fileURL gives a link to the storage behind the service, with a life of its own; in half of the
// links the ampersand is written as in HTML.
func (x *dropboxSign) fileURL(c call, t *transaction) answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	until := c.now.Add(x.desk.world.span(time.Hour, 10*time.Second)).Unix()
	scheme, and := "http", "&"
	if c.TLS != nil {
		scheme = "https"
	}
	if t.nulls {
		and = "&amp;"
	}
	link := fmt.Sprintf("%s://%s/dropboxsign/links/%s?Expires=%d%sSignature=%s", scheme, c.Host, t.ref, until, and, x.linkProof(t.ref, until))
	return replyJSON(http.StatusOK, "application/json", object{"file_url": link, "expires_at": until})
}

func (x *dropboxSign) linkProof(ref string, until int64) string {
	return eventHash(x.primary, fmt.Sprint(until), "link "+ref)
}

// link is the storage: it knows no API keys, and refuses who sends one.
func (x *dropboxSign) link(c call) answer {
	deny := func(status int, code string) answer {
		return reply(status, "application/xml", []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"+code+"</Code></Error>\n"))
	}
	q := c.URL.Query()
	until, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	t := x.desk.byRef[c.PathValue("id")]
	switch {
	case c.Header.Get("Authorization") != "":
		return deny(http.StatusBadRequest, "InvalidArgument")
	case err != nil || t == nil || !hmac.Equal([]byte(q.Get("Signature")), []byte(x.linkProof(t.ref, until))):
		return deny(http.StatusForbidden, "SignatureDoesNotMatch")
	case c.now.Unix() > until:
		return deny(http.StatusForbidden, "AccessDenied")
	}
	a := download("application/pdf", t.name+".pdf", x.file(t, &t.state, finalFile))
	a.sent = func() { t.served[finalFile]++ }
	return x.desk.world.spoil(x.desk, a, http.StatusNotFound)
}

// callbackURL reads a URL to be called; an empty one clears it.
func callbackURL(text string) bool {
	u, err := url.Parse(text)
	return text == "" || (err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http"))
}

func (x *dropboxSign) updateAccount(c call) answer {
	var body struct {
		URL *string `json:"callback_url"`
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return x.refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	if body.URL == nil {
		return replyJSON(http.StatusOK, "application/json", x.accountJSON())
	}
	if !callbackURL(*body.URL) {
		return x.refuse(http.StatusBadRequest, "bad_request", "Invalid value for: callback_url")
	}
	x.desk.url, x.desk.failures = *body.URL, 0
	x.aside("callback_test", c.now, nil)
	return replyJSON(http.StatusOK, "application/json", x.accountJSON())
}

func (x *dropboxSign) onApp(handle func(call) answer) func(call) answer {
	return func(c call) answer {
		if c.PathValue("id") != x.desk.account.ClientID {
			return x.refuse(http.StatusNotFound, "not_found", "API app not found")
		}
		return handle(c)
	}
}

// updateApp takes JSON or a form.
func (x *dropboxSign) updateApp(c call) answer {
	var body struct {
		URL *string `json:"callback_url"`
	}
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		if text, ok := formField(c.body, params["boundary"], "callback_url"); ok {
			body.URL = &text
		}
	} else if err := json.Unmarshal(c.body, &body); err != nil {
		return x.refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	if body.URL != nil && !callbackURL(*body.URL) {
		return x.refuse(http.StatusBadRequest, "bad_request", "Invalid value for: callback_url")
	}
	if body.URL != nil {
		x.appURL = *body.URL
	}
	return replyJSON(http.StatusOK, "application/json", object{"api_app": x.appJSON()})
}

func formField(body []byte, boundary, name string) (string, bool) {
	form := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := form.NextPart()
		if err != nil {
			return "", false
		}
		if part.FormName() == name {
			text, err := io.ReadAll(part)
			return string(text), err == nil
		}
	}
}
