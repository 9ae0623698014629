package chart

import (
	"bytes"
	"html/template"
	"math"
	"strconv"
	"sync"
)

// markup are the drawings. A pattern is named by its attribute: a style sheet would look for it in its own file.
const markup = `
{{- define "bars" -}}
<div class="chart">
<svg class="bars" viewBox="0 0 {{.Width}} {{.Height}}" preserveAspectRatio="none" role="group" aria-label="{{.Name}}">
<defs><pattern id="{{.Pattern}}" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">` +
	`<rect class="hatch-ground" width="4" height="4"/><rect class="hatch-line" width="2" height="4"/></pattern></defs>
{{- range .Bars}}
{{if .Href}}<a href="{{.Href}}" tabindex="-1" aria-label="{{.Sentence}}">{{else}}<g role="img" aria-label="{{.Sentence}}">{{end -}}
<title>{{.Sentence}}</title><rect class="bar-ground" x="{{.X}}" y="0" width="{{.Width}}" height="{{$.Height}}"/>
{{- if .ToldHeight}}<rect class="bar-told" x="{{.X}}" y="{{.ToldY}}" width="{{.Width}}" height="{{.ToldHeight}}"/>{{end}}
{{- if .UntoldHeight}}<rect class="bar-untold" fill="url(#{{$.Pattern}})" x="{{.X}}" y="{{.UntoldY}}" width="{{.Width}}" height="{{.UntoldHeight}}"/>{{end}}
{{- if .Href}}</a>{{else}}</g>{{end}}
{{- end}}
</svg>
{{- if .Table}}
<details class="chart-table"><summary>{{.Table}}</summary>
<table><caption>{{.Name}}</caption><thead><tr><th scope="col">{{.Day}}</th><th scope="col" class="number">{{.Told}}</th>` +
	`<th scope="col" class="number">{{.Untold}}</th></tr></thead><tbody>
{{- range .Bars}}
<tr><th scope="row">{{if .Href}}<a href="{{.Href}}">{{.Label}}</a>{{else}}{{.Label}}{{end}}</th>` +
	`<td class="number">{{.ToldNumber}}</td><td class="number">{{.UntoldNumber}}</td></tr>
{{- end}}
</tbody></table></details>
{{- end}}
</div>
{{- end -}}
{{- define "sparkline" -}}
<svg class="sparkline" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" role="img" aria-label="{{.Name}}">` +
	`<title>{{.Name}}</title>{{range .Lines}}<polyline class="spark" points="{{.}}" fill="none"/>{{end}}</svg>
{{- end -}}`

var parsed = sync.OnceValues(func() (*template.Template, error) { return template.New("charts").Parse(markup) })

func render(name string, data any) (template.HTML, error) {
	t, err := parsed()
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, name, data); err != nil {
		return "", err
	}
	return template.HTML(out.String()), nil //nolint:gosec // what html/template has escaped
}

func round(v float64) float64 { return math.Round(v*10) / 10 }

func number(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }

func plainNumber(n int64) string { return strconv.FormatInt(n, 10) }
