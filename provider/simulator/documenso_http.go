package simulator

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const documensoBusy = "Too many requests, please try again later."

func (x *documenso) routes(mux *http.ServeMux) {
	const base = "/documenso/api/v2"
	on := func(pattern, procedure string, handle func(call) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+base+path, x.desk.serve("api", true, func(c call) answer {
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
	mux.HandleFunc("GET /documenso/api/health", x.desk.serve("", true, func(c call) answer {
		ok := object{"status": "ok"}
		return replyJSON(http.StatusOK, "application/json", object{
			"status": "ok", "timestamp": milliseconds(c.now), "checks": object{"database": ok, "certificate": ok},
		})
	}))
	mux.HandleFunc("/documenso/", x.desk.serve("api", true, func(call) answer {
		return replyJSON(http.StatusNotFound, "application/json", object{
			"message": "Not found", "code": "NOT_FOUND", "data": object{"code": "NOT_FOUND", "httpStatus": http.StatusNotFound},
		})
	}))
}

// unwelcome refuses who has no key that is known and good. Downloads, which have no procedure,
// have errors of their own.
func (x *documenso) unwelcome(c call, procedure string) (answer, bool) {
	var code, message string
	switch {
	case c.Header.Get("Authorization") == "" && procedure == "":
		return x.fileError(http.StatusUnauthorized, "API token was not provided", "UNAUTHORIZED"), true
	case c.Header.Get("Authorization") == "":
		return replyJSON(http.StatusUnauthorized, "application/json", object{
			"message": "Invalid session or API token.", "code": "UNAUTHORIZED",
			"data": object{"code": "UNAUTHORIZED", "httpStatus": http.StatusUnauthorized, "path": procedure},
		}), true
	case !x.admits(c.Request, c.now):
		code, message = "UNAUTHORIZED", "Invalid token"
	case x.expired(c.now):
		code, message = "EXPIRED_CODE", "Expired token"
	default:
		return answer{}, false
	}
	status := http.StatusUnauthorized
	if code == "EXPIRED_CODE" { // though the body says 401
		status = http.StatusBadRequest
	}
	if procedure == "" {
		return x.fileError(status, message, code), true
	}
	return x.appError(status, procedure, code, message, object{"code": code, "message": message, "statusCode": http.StatusUnauthorized}), true
}

// appError is what most errors look like: data.code has the meaning.
func (x *documenso) appError(status int, procedure, code, message string, app object) answer {
	said := status
	if code == "EXPIRED_CODE" {
		said = http.StatusUnauthorized
	}
	return replyJSON(status, "application/json", object{
		"message": message, "code": "INTERNAL_SERVER_ERROR",
		"data": object{"code": code, "httpStatus": said, "path": procedure, "appError": app},
	})
}

// invalid says that a parameter is not as it should be.
func (x *documenso) invalid(procedure string, issue object) answer {
	return replyJSON(http.StatusBadRequest, "application/json", object{
		"message": "Input validation failed", "code": "BAD_REQUEST",
		"data": object{"code": "BAD_REQUEST", "httpStatus": http.StatusBadRequest, "path": procedure}, "issues": []any{issue},
	})
}

func outOfRange(field string, limit int, tooBig bool) object {
	if tooBig {
		return object{
			"code": "too_big", "maximum": limit, "type": "number", "inclusive": true, "exact": false,
			"message": "Number must be less than or equal to " + strconv.Itoa(limit), "path": []any{field},
		}
	}
	return object{
		"code": "too_small", "minimum": limit, "type": "number", "inclusive": true, "exact": false,
		"message": "Number must be greater than or equal to " + strconv.Itoa(limit), "path": []any{field},
	}
}

func noSuchWord(field, got string, words ...string) object {
	options := []any{}
	for _, w := range words {
		options = append(options, w)
	}
	return object{
		"received": got, "code": "invalid_enum_value", "options": options, "path": []any{field},
		"message": "Invalid enum value. Expected '" + strings.Join(words, "' | '") + "', received '" + got + "'",
	}
}

// fileError is an error of the downloads.
func (x *documenso) fileError(status int, message, code string) answer {
	o := object{"error": message}
	if code != "" {
		o["code"] = code
	}
	return replyJSON(status, "application/json", o)
}

// refuse is for what no procedure is told of: the limit by address, and failures.
func (x *documenso) refuse(status int, _, message string) answer {
	if status == http.StatusTooManyRequests {
		a := replyJSON(status, "application/json", object{"error": documensoBusy})
		left := time.Until(minuteEnd(time.Now())).Seconds()
		a.header.Set("Retry-After", strconv.Itoa(max(int(left), 1)))
		return a
	}
	return replyJSON(status, "application/json", object{
		"message": message, "code": "INTERNAL_SERVER_ERROR", "data": object{"code": "INTERNAL_SERVER_ERROR", "httpStatus": status},
	})
}

func minuteEnd(now time.Time) time.Time { return now.Truncate(time.Minute).Add(time.Minute) }

// limited is a request above a limit: of the address, of the organisation, or above its quota.
// A download says 500 of the latter two.
func (x *documenso) limited(c call) answer {
	switch choice := x.desk.world.rng.IntN(3); {
	case choice == 0:
		return x.refuse(http.StatusTooManyRequests, "", "")
	case strings.HasSuffix(c.URL.Path, "/download"):
		return x.fileError(http.StatusInternalServerError, "Something went wrong", "TOO_MANY_REQUESTS")
	case choice == 1:
		message := documensoBusy + " Contact support if you require higher limits."
		a := x.appError(http.StatusTooManyRequests, "envelope.find", "TOO_MANY_REQUESTS", message, object{"code": "TOO_MANY_REQUESTS", "message": message})
		a.header.Set("Retry-After", "1")
		a.header.Set("X-RateLimit-Limit", "3")
		a.header.Set("X-RateLimit-Remaining", "0")
		a.header.Set("X-RateLimit-Reset", strconv.FormatInt(minuteEnd(c.now).Unix(), 10))
		return a
	default:
		message := "The request could not be completed, since your account is above the fair use limits of its plan."
		return x.appError(http.StatusTooManyRequests, "envelope.find", "TOO_MANY_REQUESTS", message, object{"code": "TOO_MANY_REQUESTS", "message": message})
	}
}

// decorate tells of the limit by address; where the organisation's was told, each header has two values.
func (x *documenso) decorate(h http.Header, class string, left int) {
	limit, some := x.desk.limits[class]
	if !some {
		return
	}
	now := time.Now()
	for name, value := range map[string]int{
		"X-Ratelimit-Limit": int(float64(limit) * x.desk.world.opts.QuotaScale), "X-Ratelimit-Remaining": left, "X-Ratelimit-Reset": int(minuteEnd(now).Unix()),
	} {
		h[name] = append([]string{strconv.Itoa(value)}, h[name]...)
	}
}

// detail answers for envelopes of the owner's other team too.
func (x *documenso) detail(c call) answer {
	t, a, ok := x.envelope(c.PathValue("id"), "envelope.get")
	if !ok {
		return a
	}
	s := x.desk.world.view(t, c.now)
	if s.gone {
		return x.unknown("envelope.get")
	}
	return replyJSON(http.StatusOK, "application/json", x.detailJSON(t, s))
}

// envelope finds one that was born, deleted ones too.
func (x *documenso) envelope(id, procedure string) (*transaction, answer, bool) {
	if !strings.HasPrefix(id, "envelope_") {
		return nil, x.appError(http.StatusBadRequest, procedure, "INVALID_BODY", "Invalid envelope ID", object{"code": "INVALID_BODY", "message": "Invalid envelope ID"}), false
	}
	t := x.desk.byRef[id]
	if t == nil || !t.alive() {
		return nil, x.unknown(procedure), false
	}
	return t, answer{}, true
}

func (x *documenso) unknown(procedure string) answer {
	const message = "Envelope could not be found"
	return x.appError(http.StatusNotFound, procedure, "NOT_FOUND", message, object{"code": "NOT_FOUND", "message": message})
}

// getMany answers with those that there are, and says nothing of the others.
func (x *documenso) getMany(c call) answer {
	const procedure = "envelope.getMany"
	var body struct {
		IDs struct {
			Type string            `json:"type"`
			IDs  []json.RawMessage `json:"ids"`
		} `json:"ids"`
	}
	path := []any{"ids", "ids"}
	switch err := json.Unmarshal(c.body, &body); {
	case err != nil || len(body.IDs.IDs) == 0:
		return x.invalid(procedure, object{
			"code": "too_small", "minimum": 1, "type": "array", "inclusive": true, "exact": false,
			"message": "Array must contain at least 1 element(s)", "path": path,
		})
	case body.IDs.Type != "envelopeId":
		return x.invalid(procedure, object{"code": "invalid_union_discriminator", "message": "Invalid discriminator value", "path": []any{"ids", "type"}})
	case len(body.IDs.IDs) > 20:
		return x.invalid(procedure, object{
			"code": "too_big", "maximum": 20, "type": "array", "inclusive": true, "exact": false,
			"message": "Array must contain at most 20 element(s)", "path": path,
		})
	}
	all := []any{}
	for _, raw := range body.IDs.IDs {
		var id string
		if err := json.Unmarshal(raw, &id); err != nil {
			return x.invalid(procedure, object{"code": "invalid_type", "expected": "string", "received": "other", "message": "Expected string", "path": path})
		}
		t := x.desk.byRef[id]
		if t == nil || !t.alive() {
			continue
		}
		if s := x.desk.world.view(t, c.now); !s.gone {
			all = append(all, x.detailJSON(t, s))
		}
	}
	return replyJSON(http.StatusOK, "application/json", object{"data": all})
}
