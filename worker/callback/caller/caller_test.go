package caller

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func networks(list ...string) (out Networks) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Every form of address that proxies write, in either header.
func TestHop(t *testing.T) {
	t.Parallel()
	for entry, want := range map[string]string{
		"203.0.113.7":               "203.0.113.7",
		"203.0.113.7:51234":         "203.0.113.7",
		"2001:db8::7":               "2001:db8::7",
		"[2001:db8::7]":             "2001:db8::7",
		"[2001:db8::7]:443":         "2001:db8::7",
		`"[2001:db8::7]:443"`:       "2001:db8::7",
		"2001:DB8::7":               "2001:db8::7",
		"2001:db8:1:2:3:4:5:6:443":  "2001:db8:1:2:3:4:5:6",
		"2001:db8:1:2:3:4:5:6":      "2001:db8:1:2:3:4:5:6",
		"::ffff:203.0.113.7":        "203.0.113.7",
		"[::ffff:203.0.113.7]:443":  "203.0.113.7",
		"::ffff:cb00:7107":          "203.0.113.7",
		"fe80::1%eth0":              "fe80::1",
		"[fe80::1%25eth0]:443":      "fe80::1",
		"203.0.113.7:_port":         "203.0.113.7",
		"[2001:db8::7]:_a.b-c":      "2001:db8::7",
		"unknown":                   "",
		"_hidden":                   "",
		"_SEVKISEK":                 "",
		"":                          "",
		"proxy.example.com":         "",
		"proxy:80":                  "",
		"203.0.113.7:":              "",
		"203.0.113.7:port":          "",
		"203.0.113.7:123456":        "",
		"203.0.113.7:80:80":         "",
		"203.0.113.007":             "",
		"203.0.113.7%eth0":          "",
		"203.0.113.7/24":            "",
		"[203.0.113.7]:80":          "",
		"[2001:db8::7":              "",
		"[2001:db8::7]443":          "",
		"[2001:db8::7]:":            "",
		"2001:db8::7]:443":          "",
		"fe80::1%":                  "",
		"203.0.113.7, 203.0.113.8":  "",
		"203.0.113.7:_":             "",
		"[]:80":                     "",
		`"203.0.113.7`:              "",
		"\x00":                      "",
		"203.0.113.7:80\x00":        "",
		strings.Repeat("[", 100000): "",
		strings.Repeat("2001:", 8) + "db8::7:443": "",
	} {
		got, ok := Address(entry)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("%.60q: %s, %v, want %q", entry, got, ok, want)
		}
	}
}

func TestCaller(t *testing.T) {
	t.Parallel()
	networks := networks("10.0.0.0/8", "2001:db8:a::/48")
	for _, c := range []struct {
		name, peer      string
		list, forwarded []string
		want            string
	}{
		{"no proxy", "203.0.113.9:1", []string{"198.51.100.1"}, []string{"for=198.51.100.1"}, "203.0.113.9"},
		{"no header", "10.1.1.1:1", nil, nil, "10.1.1.1"},
		{"a port", "10.1.1.1:1", []string{"198.51.100.1:51234"}, nil, "198.51.100.1"},
		{"IPv6 with a port", "10.1.1.1:1", []string{"[2001:db8::7]:443"}, nil, "2001:db8::7"},
		{"a chain", "10.1.1.1:1", []string{"6.6.6.6, 198.51.100.1:1, 10.2.2.2:2"}, nil, "198.51.100.1"},
		{"two lines", "10.1.1.1:1", []string{"6.6.6.6, 198.51.100.1", "10.2.2.2"}, nil, "198.51.100.1"},
		{"a mapped proxy", "10.1.1.1:1", []string{"198.51.100.1, ::ffff:10.2.2.2"}, nil, "198.51.100.1"},
		{"a peer mapped", "[::ffff:10.1.1.1]:1", []string{"198.51.100.1"}, nil, "198.51.100.1"},
		{"an IPv6 proxy with a zone", "[2001:db8:a::1%eth0]:1", []string{"198.51.100.1"}, nil, "198.51.100.1"},
		{"empty entries", "10.1.1.1:1", []string{",198.51.100.1, ,", ""}, nil, "198.51.100.1"},
		{"no address ends the trust", "10.1.1.1:1", []string{"198.51.100.1, unknown, 10.2.2.2"}, nil, "10.2.2.2"},
		{"no address at all", "10.1.1.1:1", []string{"nonsense\x01"}, nil, "10.1.1.1"},
		{"all trusted", "10.1.1.1:1", []string{"10.3.3.3, 10.2.2.2"}, nil, "10.3.3.3"},

		{"Forwarded", "10.1.1.1:1", nil, []string{"for=198.51.100.1"}, "198.51.100.1"},
		{"RFC 7239", "10.1.1.1:1", nil, []string{`For="[2001:db8::7]:4711";proto=http;by=203.0.113.43`}, "2001:db8::7"},
		{"a chain", "10.1.1.1:1", nil, []string{"for=6.6.6.6, FOR=198.51.100.1;by=10.2.2.2 , for=10.2.2.2;proto=https"},
			"198.51.100.1"},
		{"two lines", "10.1.1.1:1", nil, []string{"for=198.51.100.1", "for=10.2.2.2"}, "198.51.100.1"},
		{"quoted with escapes", "10.1.1.1:1", nil, []string{`by="a\"b,c;d";for="198.51\.100.1"`}, "198.51.100.1"},
		{"not quoted", "10.1.1.1:1", nil, []string{"for=[2001:db8::7]:443"}, "2001:db8::7"},
		{"blanks", "10.1.1.1:1", nil, []string{"for=198.51.100.1; proto=https ;host=x"}, "198.51.100.1"},
		{"empty elements", "10.1.1.1:1", nil, []string{", ,for=198.51.100.1;,;,"}, "198.51.100.1"},
		{"unknown", "10.1.1.1:1", nil, []string{"for=198.51.100.1, for=unknown, for=10.2.2.2"}, "10.2.2.2"},
		{"hidden", "10.1.1.1:1", nil, []string{`for=198.51.100.1, for="_hidden:80"`}, "10.1.1.1"},
		{"an element without for", "10.1.1.1:1", nil, []string{"for=198.51.100.1, proto=http"}, "10.1.1.1"},
		{"for twice", "10.1.1.1:1", nil, []string{"for=198.51.100.1;for=198.51.100.2"}, "10.1.1.1"},
		{"an open quote before", "10.1.1.1:1", nil, []string{`for="198.51.100.1, for=10.2.2.2`}, "10.1.1.1"},
		{"a quote that hides", "10.1.1.1:1", nil, []string{`for=6.6.6.6;x=", for="[2001:db8::7]"`}, "10.1.1.1"},
		{"a broken line before", "10.1.1.1:1", nil, []string{`for="6.6.6.6`, "for=10.2.2.2"}, "10.2.2.2"},
		{"no grammar", "10.1.1.1:1", nil, []string{"198.51.100.1"}, "10.1.1.1"},
		{"a lone escape", "10.1.1.1:1", nil, []string{`for="a\`}, "10.1.1.1"},

		{"both agree", "10.1.1.1:1", []string{"198.51.100.1:7"}, []string{"for=198.51.100.1"}, "198.51.100.1"},
		{"both differ", "10.1.1.1:1", []string{"198.51.100.1"}, []string{"for=198.51.100.2"}, "10.1.1.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("POST", "/", nil)
			r.RemoteAddr = c.peer
			r.Header["X-Forwarded-For"], r.Header["Forwarded"] = c.list, c.forwarded
			if got, agreed := networks.Find(r); agreed == (c.name == "both differ") || got.String() != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whatever a client writes, behind a proxy that appends its address it is known by that address or, at most, as the
// proxy: never as somebody else.
func FuzzCaller(f *testing.F) {
	f.Add("for=6.6.6.6", "6.6.6.6")
	f.Add(`for=6.6.6.6;x="`, "6.6.6.6, 10.2.2.2:")
	f.Add(`for="6.6.6.6\`, `"6.6.6.6`)
	c := networks("10.1.1.1/32")
	f.Fuzz(func(t *testing.T, forwarded, list string) {
		ask := func(h http.Header) string {
			from, _ := c.Find(&http.Request{RemoteAddr: "10.1.1.1:5", Header: h})
			return from.String()
		}
		if got := ask(http.Header{"X-Forwarded-For": {list + ", 198.51.100.77"}}); got != "198.51.100.77" {
			t.Errorf("X-Forwarded-For %q: %s", list, got)
		}
		for _, own := range []string{"for=198.51.100.77", `for="198.51.100.77:80";proto=https`,
			`by="10.1.1.1";for=198.51.100.77`} {
			for _, h := range []http.Header{
				{"Forwarded": {forwarded + ", " + own}},
				{"Forwarded": {forwarded, own}},
				{"Forwarded": {own}, "X-Forwarded-For": {list}},
				{"Forwarded": {forwarded}, "X-Forwarded-For": {list + ",198.51.100.77"}},
			} {
				if got := ask(h); got != "198.51.100.77" && got != "10.1.1.1" {
					t.Errorf("%q: %s", h, got)
				}
			}
		}
	})
}
