package console

import (
	"html/template"
	"net/http"

	"countersign/worker/console/login"
)

var plainPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Log in - countersign</title></head><body><main><h1>Log in</h1>
{{with .Fault}}<p role="alert">{{.}} {{$.Name}}</p>{{end}}{{with .Who}}<p>{{.}}</p>{{end}}
<form method="post" action="login"><input type="hidden" name="next" value="{{.Next}}">
<label>Token <input type="password" name="token" required autocomplete="current-password"></label>
<button>Log in</button></form>
{{if .Issuer}}<p><a href="login/oidc?next={{.Next}}">Log in through the issuer</a></p>{{end}}
</main></body></html>
`))

func plain(w http.ResponseWriter, _ *http.Request, status int, p login.Page) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	plainPage.Execute(w, p) //nolint:errcheck // the caller may be gone
}
