package engine

import (
	"net/http"
	"testing"
)

// The environment says which calls go through which proxy, NO_PROXY which do not.
func TestProxiesComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vars map[string]string
		want map[string]string
	}{
		"none": {nil, map[string]string{"https://api.example.com/v3": "", "http://api.example.com": ""}},
		"both": {
			map[string]string{"HTTPS_PROXY": "http://10.0.0.1:3128", "http_proxy": "10.0.0.2:8080",
				"NO_PROXY": "inside.example.com,.corp.example,10.0.0.0/8"},
			map[string]string{
				"https://api.example.com/v3": "http://10.0.0.1:3128", "http://api.example.com": "http://10.0.0.2:8080",
				"https://inside.example.com": "", "https://a.corp.example": "", "http://10.9.9.9/file": "",
				"http://127.0.0.1:9/file": "", "http://localhost/file": "",
			},
		},
		"within CGI": {map[string]string{"HTTPS_PROXY": "http://10.0.0.1:3128", "REQUEST_METHOD": "GET"},
			map[string]string{"https://api.example.com/": "http://10.0.0.1:3128"}},
	} {
		env := &Env{Lookup: func(name string) (string, bool) { v, ok := c.vars[name]; return v, ok }}
		through := env.Proxy()
		for address, want := range c.want {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if u, err := through(req); err != nil {
				t.Error(err)
			} else if u != nil {
				got = u.String()
			}
			if got != want {
				t.Errorf("%s: %s goes through %q, want %q", name, address, got, want)
			}
		}
	}
}
