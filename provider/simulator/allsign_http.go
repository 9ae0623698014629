package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// certificateFile is the id that the truth gives to a NOM-151 certificate.
const certificateFile = "nom151"

func (x *allSign) routes(mux *http.ServeMux) {
	on := func(pattern string, handle func(call) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /allsign/v3"+path, x.desk.serve("read", false, handle))
	}
	onDocument := func(path string, handle func(call, *transaction) answer) {
		on("GET /documents/{id}"+path, func(c call) answer {
			t := x.desk.byRef[c.PathValue("id")]
			if t == nil || !t.alive() {
				return x.refuse(http.StatusNotFound, "DOCUMENT_NOT_FOUND", "El documento no existe.")
			}
			return handle(c, t)
		})
	}
	on("GET /documents", x.list)
	onDocument("", func(c call, t *transaction) answer {
		return replyJSON(http.StatusOK, "application/json", x.documentJSON(t, x.desk.world.view(t, c.now)))
	})
	onDocument("/signers", x.signers)
	onDocument("/evidence", x.evidence)
	on("GET /users/me", func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{
			"id": x.owner, "email": x.desk.account.Email, "tenantId": x.tenant,
			"scopes": []string{"document:*", "webhook:read", "webhook:write", "webhook:delete"},
		})
	})
	on("GET /webhooks/events", func(call) answer {
		return replyJSON(http.StatusOK, "application/json", object{"data": allSignEventsJSON()})
	})
	on("GET /webhooks", x.webhooks)
	on("POST /webhooks", x.createWebhook)
	on("GET /webhooks/{id}", x.onWebhook(func(_ call, p *allSignEndpoint) answer {
		return replyJSON(http.StatusOK, "application/json", object{"data": p.json()})
	}))
	on("PATCH /webhooks/{id}", x.onWebhook(x.patchWebhook))
	on("DELETE /webhooks/{id}", x.onWebhook(x.deleteWebhook))
	mux.HandleFunc("GET /allsign-storage/{id}/{file}", x.desk.serve("link", true, x.link))
	mux.HandleFunc("/allsign/", x.desk.serve("read", true, func(call) answer {
		return x.refuse(http.StatusNotFound, "NOT_FOUND", "No existe.")
	}))
}

// refuse is an error in the form of problem+json. What goes wrong with every service has AllSign's own code here.
func (x *allSign) refuse(status int, name, message string) answer {
	switch status {
	case http.StatusTooManyRequests:
		name = "RATE_LIMITED"
	case http.StatusUnauthorized:
		name = "UNAUTHORIZED"
	}
	return x.problem(status, name, message, nil)
}

func (x *allSign) problem(status int, code, detail string, faults []any) answer {
	body := object{"detail": detail, "code": strings.ToUpper(code), "requestId": "req_" + letters(x.desk.rng, 24, hexDigits)}
	if faults != nil {
		body["errors"] = faults
	}
	return replyJSON(status, "application/problem+json", body)
}

// invalid refuses one member of a request.
func (x *allSign) invalid(field, code string) answer {
	return x.problem(http.StatusUnprocessableEntity, "VALIDATION_ERROR", "La solicitud no es válida.", []any{object{"field": field, "code": code}})
}

// decorate takes the wait away: a refusal for haste never says how long.
func (x *allSign) decorate(h http.Header, _ string, _ int) { h.Del("Retry-After") }

// isoOrNull is a time, or null.
func isoOrNull(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return isoTime(at)
}

func (x *allSign) documentJSON(t *transaction, s *state) object {
	done, total := s.done()
	o := object{
		"id": t.ref, "object": "document", "name": t.name, "status": s.word, "documentType": "editable", "signerCount": total, "signedCount": done,
		"ownerId": t.sender.id, "orgId": nil, "folderId": nil, "expiresAt": isoOrNull(s.due), "expirationReminders": nil,
		"createdAt": isoTime(t.born), "updatedAt": isoTime(s.updated),
	}
	if t.nulls {
		o["orgId"] = x.tenant
	}
	return o
}

// signers answers with ids and states; no name is known to be there.
func (x *allSign) signers(c call, t *transaction) answer {
	data := []any{}
	for _, p := range x.desk.world.view(t, c.now).people {
		switch p.status {
		case "removed":
		case "signed":
			data = append(data, object{"id": p.id, "documentId": t.ref, "status": "signed"})
		default:
			data = append(data, object{"id": p.id, "documentId": t.ref, "status": "pending"})
		}
	}
	return replyJSON(http.StatusOK, "application/json", object{"object": "list", "data": data})
}

// certified says whether the NOM-151 certificate is there.
func (x *allSign) certified(t *transaction, now time.Time) bool {
	wait, some := x.certify[t.ref]
	return some && !t.state.ready.IsZero() && !now.Before(t.state.ready.Add(x.desk.world.span(wait, 0)))
}

// evidence says where the files are. They come some time after the document is completed, and the
// certificate later still, or never.
func (x *allSign) evidence(c call, t *transaction) answer {
	body := object{"documentId": t.ref, "available": false, "reason": "Faltan firmas.", "evidencePdf": nil, "nom151": nil}
	switch s := &t.state; {
	case s.completed.IsZero():
	case c.now.Before(s.ready):
		body["reason"] = "La evidencia se está generando."
	default:
		delete(body, "reason")
		body["available"], body["evidencePdf"] = true, object{"url": x.linkTo(c, t, evidenceFile)}
		if x.certified(t, c.now) {
			body["nom151"] = object{"url": x.linkTo(c, t, certificateFile)}
		}
	}
	return replyJSON(http.StatusOK, "application/json", body)
}

// linkTo is a link to the storage behind the service, with a life of its own.
func (x *allSign) linkTo(c call, t *transaction, file string) string {
	date, life := c.now.UTC().Format(amzTime), strconv.Itoa(int(x.desk.world.span(15*time.Minute, 5*time.Second).Seconds()))
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/allsign-storage/%s/%s.pdf?X-Amz-Date=%s&X-Amz-Expires=%s&X-Amz-Signature=%s",
		scheme, c.Host, t.ref, file, date, life, linkProof(x.proof, t.ref, file, date, life))
}

// amzTime is how a link says when it was made.
const amzTime = "20060102T150405Z"

// linkProof is what makes a link to a storage good.
func linkProof(key []byte, parts ...string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(strings.Join(parts, " ")))
	return hex.EncodeToString(mac.Sum(nil))
}

// link is the storage. It asks for no key, and does not mind one.
func (x *allSign) link(c call) answer {
	q := c.URL.Query()
	file, _ := strings.CutSuffix(c.PathValue("file"), ".pdf")
	date, life := q.Get("X-Amz-Date"), q.Get("X-Amz-Expires")
	made, err := time.Parse(amzTime, date)
	lasts, err2 := time.ParseDuration(life + "s")
	t := x.desk.byRef[c.PathValue("id")]
	if err != nil || err2 != nil || t == nil || !hmac.Equal([]byte(q.Get("X-Amz-Signature")), []byte(linkProof(x.proof, t.ref, file, date, life))) {
		return storageError(http.StatusForbidden, "SignatureDoesNotMatch")
	}
	if c.now.After(made.Add(lasts)) {
		return storageError(http.StatusForbidden, "AccessDenied")
	}
	a := download("application/pdf", t.name+".pdf", x.file(t, &t.state, file))
	a.sent = func() { t.served[file]++ }
	return x.desk.world.spoil(x.desk, a, http.StatusNotFound)
}

// storageError is how the storage behind a service refuses.
func storageError(status int, code string) answer {
	return reply(status, "application/xml", []byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"+code+"</Code></Error>\n"))
}

// files are the signed document with its evidence, and the certificate once it is there.
func (x *allSign) files(t *transaction) []TruthDocument {
	all := []TruthDocument{{ID: evidenceFile, Kind: "signed", Name: t.name + ".pdf", Sealed: t.docs[0].sealed}}
	if x.certified(t, time.Now()) {
		all = append(all, TruthDocument{ID: certificateFile, Kind: "evidence", Name: "NOM-151.pdf"})
	}
	return all
}

// file renders a file: the same bytes each time, once the document is completed.
func (x *allSign) file(t *transaction, s *state, id string) []byte {
	p := paper{title: t.name, pages: t.docs[0].pages, filler: uint64(t.born.UnixNano()), at: s.completed, lines: []string{"Document " + t.ref}}
	if id == certificateFile {
		p.title, p.pages = "NOM-151: "+t.name, 1
		return p.render(x.desk.world.keys)
	}
	p.sealed = t.docs[0].sealed
	for _, one := range s.people {
		if one.status == "signed" {
			p.lines = append(p.lines, fmt.Sprintf("Signed by %s <%s> on %s", one.name, one.email, one.doneAt.UTC().Format(time.RFC1123)))
		}
	}
	return p.render(x.desk.world.keys)
}
