package allsign

import (
	"crypto/hmac"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/chance"
	"countersign/provider/simulator/world/life"
	"countersign/provider/simulator/world/pdf"
	"countersign/provider/simulator/world/wire"
)

// signedFile is the id that the truth gives to the signed document with its evidence.
const signedFile = "evidence"

// certificateFile is the id that the truth gives to a NOM-151 certificate.
const certificateFile = "nom151"

// api is what answers requests.
type api struct{ *service }

func (x api) Routes(mux *http.ServeMux) {
	on := func(pattern string, handle func(world.Call) wire.Answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /allsign/v3"+path, x.desk.Serve("read", false, handle))
	}
	onDocument := func(path string, handle func(world.Call, *world.Transaction) wire.Answer) {
		on("GET /documents/{id}"+path, func(c world.Call) wire.Answer {
			t := x.desk.ByRef[c.PathValue("id")]
			if t == nil || !t.Alive() {
				return x.Refuse(http.StatusNotFound, "DOCUMENT_NOT_FOUND", "El documento no existe.")
			}
			return handle(c, t)
		})
	}
	on("GET /documents", x.list)
	onDocument("", func(c world.Call, t *world.Transaction) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", x.documentJSON(t, x.desk.World.View(t, c.Now)))
	})
	onDocument("/signers", x.signers)
	onDocument("/evidence", x.evidence)
	on("GET /users/me", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
			"id": x.owner, "email": x.desk.Account.Email, "tenantId": x.tenant,
			"scopes": []string{"document:*", "webhook:read", "webhook:write", "webhook:delete"},
		})
	})
	on("GET /webhooks/events", func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"data": eventsJSON()})
	})
	on("GET /webhooks", x.webhooks)
	on("POST /webhooks", x.createWebhook)
	on("GET /webhooks/{id}", x.onWebhook(func(_ world.Call, p *endpoint) wire.Answer {
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"data": p.json()})
	}))
	on("PATCH /webhooks/{id}", x.onWebhook(x.patchWebhook))
	on("DELETE /webhooks/{id}", x.onWebhook(x.deleteWebhook))
	mux.HandleFunc("GET /allsign-storage/{id}/{file}", x.desk.Serve("link", true, x.link))
	mux.HandleFunc("/allsign/", x.desk.Serve("read", true, func(world.Call) wire.Answer {
		return x.Refuse(http.StatusNotFound, "NOT_FOUND", "No existe.")
	}))
}

// Refuse is an error in the form of problem+json. What goes wrong with every service has AllSign's own code here.
func (x api) Refuse(status int, name, message string) wire.Answer {
	switch status {
	case http.StatusTooManyRequests:
		name = "RATE_LIMITED"
	case http.StatusUnauthorized:
		name = "UNAUTHORIZED"
	}
	return x.problem(status, name, message, nil)
}

func (x api) problem(status int, code, detail string, faults []any) wire.Answer {
	body := wire.Object{"detail": detail, "code": strings.ToUpper(code), "requestId": "req_" +
		chance.Letters(x.desk.Rand, 24, chance.HexDigits)}
	if faults != nil {
		body["errors"] = faults
	}
	return wire.ReplyJSON(status, "application/problem+json", body)
}

// invalid refuses one member of a request.
func (x api) invalid(field, code string) wire.Answer {
	return x.problem(http.StatusUnprocessableEntity, "VALIDATION_ERROR", "La solicitud no es válida.",
		[]any{wire.Object{"field": field, "code": code}})
}

// Decorate takes the wait away: a refusal for haste never says how long.
func (x api) Decorate(h http.Header, _ string, _ int) { h.Del("Retry-After") }

func (x api) documentJSON(t *world.Transaction, s *life.State) wire.Object {
	done, total := s.Done()
	o := wire.Object{
		"id": t.Ref, "object": "document", "name": t.Name, "status": s.Word, "documentType": "editable",
		"signerCount": total, "signedCount": done,
		"ownerId": t.Sender.ID, "orgId": nil, "folderId": nil, "expiresAt": wire.ISOOrNull(s.Due), "expirationReminders": nil,
		"createdAt": wire.ISOTime(t.Born), "updatedAt": wire.ISOTime(s.Updated),
	}
	if t.Nulls {
		o["orgId"] = x.tenant
	}
	return o
}

// signers answers with ids and states; no name is known to be there.
func (x api) signers(c world.Call, t *world.Transaction) wire.Answer {
	data := []any{}
	for _, p := range x.desk.World.View(t, c.Now).People {
		switch p.Status {
		case "removed":
		case "signed":
			data = append(data, wire.Object{"id": p.ID, "documentId": t.Ref, "status": "signed"})
		default:
			data = append(data, wire.Object{"id": p.ID, "documentId": t.Ref, "status": "pending"})
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"object": "list", "data": x.desk.Page(data,
		"id", "status")})
}

// certified says whether the NOM-151 certificate is there.
func (x api) certified(t *world.Transaction, now time.Time) bool {
	wait, some := x.certify[t.Ref]
	return some && !t.State.Ready.IsZero() && !now.Before(t.State.Ready.Add(x.desk.World.Span(wait, 0)))
}

// evidence says where the files are. They come some time after the document is completed, and the
// certificate later still, or never.
func (x api) evidence(c world.Call, t *world.Transaction) wire.Answer {
	body := wire.Object{"documentId": t.Ref, "available": false, "reason": "Faltan firmas.", "evidencePdf": nil,
		"nom151": nil}
	switch s := &t.State; {
	case s.Completed.IsZero():
	case c.Now.Before(s.Ready):
		body["reason"] = "La evidencia se está generando."
	default:
		delete(body, "reason")
		body["available"], body["evidencePdf"] = true, wire.Object{"url": x.linkTo(c, t, signedFile)}
		if x.certified(t, c.Now) {
			body["nom151"] = wire.Object{"url": x.linkTo(c, t, certificateFile)}
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", body)
}

// linkTo is a link to the storage behind the service, with a life of its own.
func (x api) linkTo(c world.Call, t *world.Transaction, file string) string {
	date, life := c.Now.UTC().Format(amzTime), strconv.Itoa(int(x.desk.World.Span(15*time.Minute,
		5*time.Second).Seconds()))
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s/allsign-storage/%s/%s.pdf?X-Amz-Date=%s&X-Amz-Expires=%s&X-Amz-Signature=%s",
		scheme, c.Host, t.Ref, file, date, life, wire.LinkProof(x.proof, t.Ref, file, date, life))
}

// amzTime is how a link says when it was made.
const amzTime = "20060102T150405Z"

// link is the storage. It asks for no key, and does not mind one.
func (x api) link(c world.Call) wire.Answer {
	q := c.URL.Query()
	file, _ := strings.CutSuffix(c.PathValue("file"), ".pdf")
	date, life := q.Get("X-Amz-Date"), q.Get("X-Amz-Expires")
	made, err := time.Parse(amzTime, date)
	lasts, err2 := time.ParseDuration(life + "s")
	t := x.desk.ByRef[c.PathValue("id")]
	if err != nil || err2 != nil || t == nil || !hmac.Equal([]byte(q.Get("X-Amz-Signature")),
		[]byte(wire.LinkProof(x.proof, t.Ref, file, date, life))) {
		return wire.StorageError(http.StatusForbidden, "SignatureDoesNotMatch")
	}
	if c.Now.After(made.Add(lasts)) {
		return wire.StorageError(http.StatusForbidden, "AccessDenied")
	}
	a := wire.Download("application/pdf", t.Name+".pdf", x.File(t, &t.State, file))
	a.Sent = func() { t.Served[file]++ }
	return x.desk.World.Spoil(x.desk, a, http.StatusNotFound)
}

// Files are the signed document with its evidence, and the certificate once it is there.
func (x api) Files(t *world.Transaction) []world.TruthDocument {
	all := []world.TruthDocument{{ID: signedFile, Kind: "signed", Name: t.Name + ".pdf", Sealed: t.Docs[0].Sealed}}
	if x.certified(t, time.Now()) {
		all = append(all, world.TruthDocument{ID: certificateFile, Kind: "evidence", Name: "NOM-151.pdf"})
	}
	return all
}

// File renders a file: the same bytes each time, once the document is completed.
func (x api) File(t *world.Transaction, s *life.State, id string) []byte {
	p := pdf.File{Title: t.Name, Pages: t.Docs[0].Pages, Filler: uint64(t.Born.UnixNano()), At: s.Completed,
		Lines: []string{"Document " + t.Ref}}
	if id == certificateFile {
		p.Title, p.Pages = "NOM-151: "+t.Name, 1
		return x.desk.Render(p)
	}
	p.Sealed = t.Docs[0].Sealed
	for _, one := range s.People {
		if one.Status == "signed" {
			p.Lines = append(p.Lines, fmt.Sprintf("Signed by %s <%s> on %s", one.Name, one.Email,
				one.DoneAt.UTC().Format(time.RFC1123)))
		}
	}
	return x.desk.Render(p)
}
