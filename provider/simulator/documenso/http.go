package documenso

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"countersign/provider/simulator/world"
	"countersign/provider/simulator/world/wire"
)

const busy = "Too many requests, please try again later."

// api is what answers requests.
type api struct{ *service }

func (x api) Routes(mux *http.ServeMux) {
	const base = "/documenso/api/v2"
	on := func(pattern, procedure string, handle func(world.Call) wire.Answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+path, x.desk.Serve("api", true, func(c world.Call) wire.Answer {
			if a, refused := x.unwelcome(c, procedure); refused {
				return a
			}
			return handle(c)
		}))
	}
	on("GET /envelope", "envelope.find", x.list)
	on("GET /folder", "folder.findFolders", x.folderList)
	on("GET /envelope/{id}", "envelope.get", x.detail)
	on("POST /envelope/get-many", "envelope.getMany", x.getMany)
	on("GET /envelope/{id}/audit-log", "envelope.auditLog.find", x.auditLog)
	on("GET /envelope/{id}/{what}/download", "", x.download)
	mux.HandleFunc("GET /documenso/api/health", x.desk.Serve("", true, func(c world.Call) wire.Answer {
		ok := wire.Object{"status": "ok"}
		return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{
			"status": "ok", "timestamp": milliseconds(c.Now), "checks": wire.Object{"database": ok, "certificate": ok},
		})
	}))
	mux.HandleFunc("/documenso/", x.desk.Serve("api", true, func(world.Call) wire.Answer {
		return wire.ReplyJSON(http.StatusNotFound, "application/json", wire.Object{
			"message": "Not found", "code": "NOT_FOUND", "data": wire.Object{"code": "NOT_FOUND",
				"httpStatus": http.StatusNotFound},
		})
	}))
}

// unwelcome refuses who has no key that is known and good. Downloads, which have no procedure,
// have errors of their own.
func (x api) unwelcome(c world.Call, procedure string) (wire.Answer, bool) {
	var code, message string
	switch {
	case c.Header.Get("Authorization") == "" && procedure == "":
		return x.fileError(http.StatusUnauthorized, "API token was not provided", "UNAUTHORIZED"), true
	case c.Header.Get("Authorization") == "":
		return wire.ReplyJSON(http.StatusUnauthorized, "application/json", wire.Object{
			"message": "Invalid session or API token.", "code": "UNAUTHORIZED",
			"data": wire.Object{"code": "UNAUTHORIZED", "httpStatus": http.StatusUnauthorized, "path": procedure},
		}), true
	case !x.Admits(c.Request, c.Now):
		code, message = "UNAUTHORIZED", "Invalid token"
	case x.expired(c.Now):
		code, message = "EXPIRED_CODE", "Expired token"
	default:
		return wire.Answer{}, false
	}
	status := http.StatusUnauthorized
	if code == "EXPIRED_CODE" { // though the body says 401
		status = http.StatusBadRequest
	}
	if procedure == "" {
		return x.fileError(status, message, code), true
	}
	return x.appError(status, procedure, code, message, wire.Object{"code": code, "message": message,
		"statusCode": http.StatusUnauthorized}), true
}

// appError is what most errors look like: data.code has the meaning.
func (x api) appError(status int, procedure, code, message string, app wire.Object) wire.Answer {
	said := status
	if code == "EXPIRED_CODE" {
		said = http.StatusUnauthorized
	}
	return wire.ReplyJSON(status, "application/json", wire.Object{
		"message": message, "code": "INTERNAL_SERVER_ERROR",
		"data": wire.Object{"code": code, "httpStatus": said, "path": procedure, "appError": app},
	})
}

// invalid says that a parameter is not as it should be.
func (x api) invalid(procedure string, issue wire.Object) wire.Answer {
	return wire.ReplyJSON(http.StatusBadRequest, "application/json", wire.Object{
		"message": "Input validation failed", "code": "BAD_REQUEST",
		"data":   wire.Object{"code": "BAD_REQUEST", "httpStatus": http.StatusBadRequest, "path": procedure},
		"issues": []any{issue},
	})
}

func outOfRange(field string, limit int, tooBig bool) wire.Object {
	if tooBig {
		return wire.Object{
			"code": "too_big", "maximum": limit, "type": "number", "inclusive": true, "exact": false,
			"message": "Number must be less than or equal to " + strconv.Itoa(limit), "path": []any{field},
		}
	}
	return wire.Object{
		"code": "too_small", "minimum": limit, "type": "number", "inclusive": true, "exact": false,
		"message": "Number must be greater than or equal to " + strconv.Itoa(limit), "path": []any{field},
	}
}

func noSuchWord(field, got string, words ...string) wire.Object {
	options := []any{}
	for _, w := range words {
		options = append(options, w)
	}
	return wire.Object{
		"received": got, "code": "invalid_enum_value", "options": options, "path": []any{field},
		"message": "Invalid enum value. Expected '" + strings.Join(words, "' | '") + "', received '" + got + "'",
	}
}

// fileError is an error of the downloads.
func (x api) fileError(status int, message, code string) wire.Answer {
	o := wire.Object{"error": message}
	if code != "" {
		o["code"] = code
	}
	return wire.ReplyJSON(status, "application/json", o)
}

// Refuse is for what no procedure is told of: the limit by address, and failures.
func (x api) Refuse(status int, _, message string) wire.Answer {
	if status == http.StatusTooManyRequests {
		a := wire.ReplyJSON(status, "application/json", wire.Object{"error": busy})
		left := time.Until(minuteEnd(time.Now())).Seconds()
		a.Header.Set("Retry-After", strconv.Itoa(max(int(left), 1)))
		return a
	}
	return wire.ReplyJSON(status, "application/json", wire.Object{
		"message": message, "code": "INTERNAL_SERVER_ERROR", "data": wire.Object{"code": "INTERNAL_SERVER_ERROR",
			"httpStatus": status},
	})
}

func minuteEnd(now time.Time) time.Time { return now.Truncate(time.Minute).Add(time.Minute) }

// Limited is a request above a limit: of the address, of the organisation, or above its quota.
// A download says 500 of the latter two.
func (x api) Limited(c world.Call) wire.Answer {
	switch choice := x.desk.World.Rand.IntN(3); {
	case choice == 0:
		return x.Refuse(http.StatusTooManyRequests, "", "")
	case strings.HasSuffix(c.URL.Path, "/download"):
		return x.fileError(http.StatusInternalServerError, "Something went wrong", "TOO_MANY_REQUESTS")
	case choice == 1:
		message := busy + " Contact support if you require higher limits."
		a := x.appError(http.StatusTooManyRequests, "envelope.find", "TOO_MANY_REQUESTS", message,
			wire.Object{"code": "TOO_MANY_REQUESTS", "message": message})
		a.Header.Set("Retry-After", "1")
		a.Header.Set("X-RateLimit-Limit", "3")
		a.Header.Set("X-RateLimit-Remaining", "0")
		a.Header.Set("X-RateLimit-Reset", strconv.FormatInt(minuteEnd(c.Now).Unix(), 10))
		return a
	default:
		message := "The request could not be completed, since your account is above the fair use limits of its plan."
		return x.appError(http.StatusTooManyRequests, "envelope.find", "TOO_MANY_REQUESTS", message,
			wire.Object{"code": "TOO_MANY_REQUESTS", "message": message})
	}
}

// Decorate tells of the limit by address; where the organisation's was told, each header has two values.
func (x api) Decorate(h http.Header, class string, left int) {
	limit, some := x.desk.Limits[class]
	if !some {
		return
	}
	now := time.Now()
	for name, value := range map[string]int{
		"X-Ratelimit-Limit": int(float64(limit) * x.desk.World.Options.QuotaScale), "X-Ratelimit-Remaining": left,
		"X-Ratelimit-Reset": int(minuteEnd(now).Unix()),
	} {
		h[name] = append([]string{strconv.Itoa(value)}, h[name]...)
	}
}

// detail answers for envelopes of the owner's other team too.
func (x api) detail(c world.Call) wire.Answer {
	t, a, ok := x.envelope(c.PathValue("id"), "envelope.get")
	if !ok {
		return a
	}
	s := x.desk.World.View(t, c.Now)
	if s.Gone {
		return x.unknown("envelope.get")
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", x.detailJSON(t, s))
}

// envelope finds one that was born, deleted ones too.
func (x api) envelope(id, procedure string) (*world.Transaction, wire.Answer, bool) {
	if !strings.HasPrefix(id, "envelope_") {
		return nil, x.appError(http.StatusBadRequest, procedure, "INVALID_BODY", "Invalid envelope ID",
			wire.Object{"code": "INVALID_BODY", "message": "Invalid envelope ID"}), false
	}
	t := x.desk.ByRef[id]
	if t == nil || !t.Alive() {
		return nil, x.unknown(procedure), false
	}
	return t, wire.Answer{}, true
}

func (x api) unknown(procedure string) wire.Answer {
	const message = "Envelope could not be found"
	return x.appError(http.StatusNotFound, procedure, "NOT_FOUND", message,
		wire.Object{"code": "NOT_FOUND", "message": message})
}

// getMany answers with those that there are, and says nothing of the others.
func (x api) getMany(c world.Call) wire.Answer {
	const procedure = "envelope.getMany"
	var body struct {
		IDs struct {
			Type string            `json:"type"`
			IDs  []json.RawMessage `json:"ids"`
		} `json:"ids"`
	}
	path := []any{"ids", "ids"}
	switch err := json.Unmarshal(c.Body, &body); {
	case err != nil || len(body.IDs.IDs) == 0:
		return x.invalid(procedure, wire.Object{
			"code": "too_small", "minimum": 1, "type": "array", "inclusive": true, "exact": false,
			"message": "Array must contain at least 1 element(s)", "path": path,
		})
	case body.IDs.Type != "envelopeId" && body.IDs.Type != "documentId":
		return x.invalid(procedure, wire.Object{"code": "invalid_union_discriminator",
			"message": "Invalid discriminator value", "path": []any{"ids", "type"}})
	case len(body.IDs.IDs) > 20:
		return x.invalid(procedure, wire.Object{
			"code": "too_big", "maximum": 20, "type": "array", "inclusive": true, "exact": false,
			"message": "Array must contain at most 20 element(s)", "path": path,
		})
	}
	all := []any{}
	for _, raw := range body.IDs.IDs {
		t, ok := x.named(body.IDs.Type, raw)
		if !ok {
			wants := map[string]string{"envelopeId": "string", "documentId": "number"}[body.IDs.Type]
			return x.invalid(procedure, wire.Object{"code": "invalid_type", "expected": wants, "received": "other",
				"message": "Expected " + wants, "path": path})
		}
		if t == nil || !t.Alive() {
			continue
		}
		if s := x.desk.World.View(t, c.Now); !s.Gone {
			all = append(all, x.detailJSON(t, s))
		}
	}
	return wire.ReplyJSON(http.StatusOK, "application/json", wire.Object{"data": all})
}

// named finds the envelope that an id of a type names; nil where there is none. It is not so where the id is none of
// that type. A template's number is of another series than a document's.
func (x api) named(kind string, raw json.RawMessage) (found *world.Transaction, ok bool) {
	if kind == "envelopeId" {
		var id string
		err := json.Unmarshal(raw, &id)
		return x.desk.ByRef[id], err == nil
	}
	var number int
	if err := json.Unmarshal(raw, &number); err != nil {
		return nil, false
	}
	for t := range x.desk.Living() {
		if t.Form != "TEMPLATE" && dataOf(t).number == number {
			return t, true
		}
	}
	return nil, true
}
