package dropboxsign

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

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// finalFile is the id that the truth gives to a request's one merged file.
const finalFile = "signed"

// api is what answers requests.
type api struct{ *service }

func (x api) Routes(mux *http.ServeMux) {
	on := func(pattern, class string, handle func(world.Call) wire.Answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /dropboxsign/v3"+path, x.desk.Serve(class, false, handle))
	}
	onRequest := func(path, class string, handle func(world.Call, *world.Transaction) wire.Answer) {
		on("GET /signature_request/"+path+"{id}", class, func(c world.Call) wire.Answer {
			t := x.desk.ByRef[c.PathValue("id")]
			switch {
			case t == nil || !t.Alive():
				return x.Refuse(http.StatusNotFound, "not_found", "Signature request not found")
			case path != "" && t.State.Word == "canceled":
				return x.gone()
			}
			return handle(c, t)
		})
	}
	onRequest("", "read", func(c world.Call, t *world.Transaction) wire.Answer {
		s := x.desk.World.Look(t, c.Now)
		if s.Word == "canceled" {
			t.Shown(s, c.Now, "gone")
			return x.gone()
		}
		t.Shown(s, c.Now, "detail")
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"signature_request": x.requestJSON(t, s)})
	})
	on("GET /signature_request/list", "read", x.list)
	onRequest("files/", "files", x.download)
	onRequest("files_as_file_url/", "files", x.fileURL)
	onRequest("files_as_data_uri/", "files", x.dataURI)
	on("GET /account", "read", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", x.accountJSON())
	})
	on("PUT /account", "read", x.updateAccount)
	on("GET /api_app/list", "read", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
			"api_apps": []any{x.appJSON()}, "list_info": wire.Object{"page": 1, "num_pages": 1, "num_results": 1,
				"page_size": 20},
		})
	})
	on("GET /api_app/{id}", "read", x.onApp(func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"api_app": x.appJSON()})
	}))
	on("PUT /api_app/{id}", "read", x.onApp(x.updateApp))
	mux.HandleFunc("GET /dropboxsign/links/{id}", x.desk.Serve("link", true, x.link))
	mux.HandleFunc("/dropboxsign/", x.desk.Serve("read", true, func(c world.Call) wire.Answer {
		if c.Method != http.MethodGet {
			return x.Refuse(http.StatusMethodNotAllowed, "method_not_supported", "Method not supported")
		}
		return x.Refuse(http.StatusNotFound, "not_found", "Not found")
	}))
}

func (x api) gone() wire.Answer {
	return x.Refuse(http.StatusGone, "deleted", "This signature request has been deleted")
}

func (x api) Refuse(status int, name, message string) wire.Answer {
	return wire.ReplyJSON(status, "application/json", wire.Object{"error": wire.Object{"error_msg": message,
		"error_name": name}})
}

// Decorate tells of the limit under both names that were seen; the reset often lies in the past.
func (x api) Decorate(h http.Header, class string, left int) {
	limit, some := x.desk.Limits[class]
	if !some {
		return
	}
	h.Set("X-RateLimit-Limit", strconv.Itoa(int(float64(limit)*x.desk.World.Options.QuotaScale)))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(left))
	h.Set("X-RateLimit-Limit-Remaining", strconv.Itoa(left))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(time.Now().Unix()-int64(left%3), 10))
}

func (x api) Files(t *world.Transaction) []world.TruthDocument {
	return []world.TruthDocument{{ID: finalFile, Kind: "signed", Name: t.Name + ".pdf", Sealed: t.Docs[0].Sealed}}
}

// File is all documents of a request in one, with the audit trail on the first page.
func (x api) File(t *world.Transaction, s *life.State, id string) []byte {
	p := pdf.File{Title: t.Name, Filler: uint64(t.Born.UnixNano()), At: t.Born, Lines: []string{"Request " + t.Ref}}
	for i, d := range t.Docs {
		if id == finalFile || id == d.ID {
			p.Pages += d.Pages
			p.Filler += uint64(i)
		}
	}
	for _, one := range s.People {
		if one.Status == "signed" {
			p.Lines = append(p.Lines, fmt.Sprintf("Signed by %s <%s> on %s", one.Name, one.Email,
				one.DoneAt.UTC().Format(time.RFC1123)))
		}
	}
	if !s.Completed.IsZero() {
		p.At, p.Sealed = s.Completed, t.Docs[0].Sealed && id == finalFile
	}
	return x.desk.Render(p)
}

// prepared refuses while files are in the making, and where there will be none.
func (x api) prepared(c world.Call, t *world.Transaction) (wire.Answer, bool) {
	switch {
	case t.State.Word == "error":
		return x.Refuse(http.StatusNotFound, "not_found", "The files of this request could not be processed"), false
	case c.Now.Before(t.State.Ready):
		return x.Refuse(http.StatusConflict, "conflict", "Files are still being processed. Please try again later."), false
	}
	return wire.Answer{}, true
}

func (x api) download(c world.Call, t *world.Transaction) wire.Answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	if c.FormValue("file_type") == "zip" {
		return x.desk.World.Spoil(x.desk, x.zip(t), http.StatusConflict)
	}
	a := wire.Download("application/pdf", t.Name+".pdf", x.File(t, &t.State, finalFile))
	a.Sent = func() { t.Served[finalFile]++ }
	return x.desk.World.Spoil(x.desk, a, http.StatusConflict)
}

func (x api) zip(t *world.Transaction) wire.Answer {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, d := range t.Docs {
		f, err := z.Create(d.Name)
		if err == nil {
			_, err = f.Write(x.File(t, &t.State, d.ID))
		}
		if err != nil {
			return x.Refuse(http.StatusInternalServerError, "unknown", err.Error())
		}
	}
	if err := z.Close(); err != nil {
		return x.Refuse(http.StatusInternalServerError, "unknown", err.Error())
	}
	return wire.Download("application/zip", t.Name+".zip", b.Bytes())
}

func (x api) dataURI(c world.Call, t *world.Transaction) wire.Answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	t.Served[finalFile]++
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
		"data_uri": "data:application/pdf;base64," + base64.StdEncoding.EncodeToString(x.File(t, &t.State, finalFile)),
	})
}

// fileURL gives a link to the storage behind the service, with a life of its own; in half of the
// links the ampersand is written as in HTML.
func (x api) fileURL(c world.Call, t *world.Transaction) wire.Answer {
	if a, ok := x.prepared(c, t); !ok {
		return a
	}
	until := c.Now.Add(x.desk.World.Span(time.Hour, 10*time.Second)).Unix()
	scheme, and := "http", "&"
	if c.TLS != nil {
		scheme = "https"
	}
	if t.Nulls {
		and = "&amp;"
	}
	link := fmt.Sprintf("%s://%s/dropboxsign/links/%s?Expires=%d%sSignature=%s", scheme, c.Host, t.Ref, until, and,
		x.linkProof(t.Ref, until))
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"file_url": link, "expires_at": until})
}

func (x api) linkProof(ref string, until int64) string {
	return eventHash(x.primary, fmt.Sprint(until), "link "+ref)
}

// link is the storage: it knows no API keys, and refuses who sends one.
func (x api) link(c world.Call) wire.Answer {
	deny := func(status int, code string) wire.Answer {
		return wire.Reply(status, "application/xml",
			[]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"+code+"</Code></Error>\n"))
	}
	q := c.URL.Query()
	until, err := strconv.ParseInt(q.Get("Expires"), 10, 64)
	t := x.desk.ByRef[c.PathValue("id")]
	switch {
	case c.Header.Get("Authorization") != "":
		return deny(http.StatusBadRequest, "InvalidArgument")
	case err != nil || t == nil || !hmac.Equal([]byte(q.Get("Signature")), []byte(x.linkProof(t.Ref, until))):
		return deny(http.StatusForbidden, "SignatureDoesNotMatch")
	case c.Now.Unix() > until:
		return deny(http.StatusForbidden, "AccessDenied")
	}
	a := wire.Download("application/pdf", t.Name+".pdf", x.File(t, &t.State, finalFile))
	a.Sent = func() { t.Served[finalFile]++ }
	return x.desk.World.Spoil(x.desk, a, http.StatusNotFound)
}

// callbackURL reads a URL to be called; an empty one clears it.
func callbackURL(text string) bool {
	u, err := url.Parse(text)
	return text == "" || (err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http"))
}

func (x api) updateAccount(c world.Call) wire.Answer {
	var body struct {
		URL *string `json:"callback_url"`
	}
	if err := json.Unmarshal(c.Body, &body); err != nil {
		return x.Refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	if body.URL == nil {
		return wire.ReplyJSON(http.StatusOK, "application/json", x.accountJSON())
	}
	if !callbackURL(*body.URL) {
		return x.Refuse(http.StatusBadRequest, "bad_request", "Invalid value for: callback_url")
	}
	x.desk.URL, x.desk.Failures = *body.URL, 0
	x.aside("callback_test", c.Now, nil)
	return wire.ReplyJSON(http.StatusOK, "application/json", x.accountJSON())
}

func (x api) onApp(handle func(world.Call) wire.Answer) func(world.Call) wire.Answer {
	return func(c world.Call) wire.Answer {
		if c.PathValue("id") != x.desk.Account.ClientID {
			return x.Refuse(http.StatusNotFound, "not_found", "API app not found")
		}
		return handle(c)
	}
}

// updateApp takes JSON or a form.
func (x api) updateApp(c world.Call) wire.Answer {
	var body struct {
		URL *string `json:"callback_url"`
	}
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		if text, ok := formField(c.Body, params["boundary"], "callback_url"); ok {
			body.URL = &text
		}
	} else if err := json.Unmarshal(c.Body, &body); err != nil {
		return x.Refuse(http.StatusBadRequest, "bad_request", "The body is not valid JSON")
	}
	if body.URL != nil && !callbackURL(*body.URL) {
		return x.Refuse(http.StatusBadRequest, "bad_request", "Invalid value for: callback_url")
	}
	if body.URL != nil {
		x.appURL = *body.URL
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"api_app": x.appJSON()})
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
