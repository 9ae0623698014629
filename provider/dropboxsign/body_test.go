package dropboxsign

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"countersign/provider"
	"countersign/provider/providertest"
)

func TestTheBodyIsReadInEachForm(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	json := signed(evSent, "", `"note":"a+b & ü=%41"`, about)
	part := "Content-Disposition: form-data; name=\"json\"\r\n\r\n" + json
	multi := "multipart/form-data; boundary=b0"
	for name, c := range map[string]provider.Callback{
		"multipart": posted(json),
		"a part with a file name": form(multi,
			"--b0\r\nContent-Disposition: form-data; name=\"json\"; filename=\"e.json\"\r\nContent-Type: application/json\r\n\r\n"+json+"\r\n--b0--\r\n"),
		"other parts first": form(multi,
			"--b0\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n{}\r\n--b0\r\n"+part+"\r\n--b0--"),
		"a quoted boundary":            form(`multipart/form-data; boundary="b0"`, "--b0\r\n"+part+"\r\n--b0--\r\n"),
		"a preamble":                   form(multi, "hello\r\n--b0\r\n"+part+"\r\n--b0--\r\n"),
		"bare line feeds":              form(multi, strings.ReplaceAll("--b0\r\n"+part+"\r\n--b0--\r\n", "\r\n", "\n")),
		"multipart, boundary not told": form("multipart/form-data", "--b0\r\n"+part+"\r\n--b0--\r\n"),
		"multipart, no content type":   form("", "--b0\r\n"+part+"\r\n--b0--\r\n"),
		"a plain form":                 form("application/x-www-form-urlencoded", "a=b&json="+url.QueryEscape(json)),
		"a form without its type":      form("", "json="+url.QueryEscape(json)),
		"bare JSON":                    form("application/json", " "+json+"\n"),
		"bare JSON as multipart":       form(multi, json), // a cleaned body, replayed with the header it came with
		"no header at all":             {Body: []byte(json)},
	} {
		r, err := s.Receive(c)
		if err != nil || r.Ref != testRef || r.Type != evSent || len(r.Observations) != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if ref, typ := s.Peek(c); ref != testRef || typ != evSent {
			t.Errorf("%s: peeked %q %q", name, ref, typ)
		}
	}
}

func TestABodyThatCannotBeReadIsUnreadable(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	json := signed(evSent, "", about)
	whole := string(posted(json).Body)
	multi := "multipart/form-data; boundary=b0"
	for name, c := range map[string]provider.Callback{
		"empty":                     form("", ""),
		"empty multipart":           form(multi, ""),
		"cut off inside the JSON":   form(multi, whole[:len(whole)/2]),
		"cut off before the end":    form(multi, whole[:len(whole)-8]),
		"another boundary":          form("multipart/form-data; boundary=b1", whole),
		"no field named json":       form(multi, strings.Replace(whole, `"json"`, `"JSON"`, 1)),
		"broken part header":        form(multi, strings.Replace(whole, "Content-Disposition: ", "Content Disposition ", 1)),
		"a form without the field":  form("application/x-www-form-urlencoded", "a=b"),
		"broken JSON":               posted(json[:len(json)-1]),
		"JSON with something after": posted(json + "x"),
		"no JSON":                   posted("hello"),
		"an empty field":            posted(""),
		"half of bare JSON":         form("application/json", json[:len(json)/2]),
		"dashes":                    form("", "--"),
		"deep":                      posted(strings.Repeat("[", 20000)),
	} {
		if r, err := s.Receive(c); !errors.Is(err, provider.ErrUnreadable) || len(r.Observations) != 0 {
			t.Errorf("%s: %+v, %v", name, r, err)
		} else if strings.Contains(err.Error(), testRef) {
			t.Errorf("%s: the error tells the body: %v", name, err)
		}
		s.Peek(c)
	}
}

func TestSecretsAreCutOutAndAllElseStays(t *testing.T) {
	t.Parallel()
	s := account(t, "", keyed)
	json := signed(evSent, "", `"big":12345678901234567890.10,"text":"\u00fc \" signing_url"`,
		`"signature_request":{"signature_request_id":"`+testRef+`","signing_url" : "https://x/sign/1","sms_phone_number":"+15550100","files_url":"https://x/f",
		"custom_fields":[{"name":"a","value":"kept"}],"response_data":[{"name":"a","value":"cut me"},{"value":true},{"value":{"deep":["cut",1]}},{"value":null}],
		"signatures":[{"sms_phone_number":null,"signing\u005furl":"https://x/sign/2","status_code":"signed"}]}`)
	r := received(t, s, json)
	got := string(r.Clean)
	for _, gone := range []string{"/sign/", "15550100", "cut me", "deep"} {
		if strings.Contains(got, gone) {
			t.Errorf("%s is still in %s", gone, got)
		}
	}
	for _, kept := range []string{"12345678901234567890.10", `"\u00fc \" signing_url"`, `"signing_url" : "<cut>"`,
		`"value":null`, "kept", "https://x/f", `"sms_phone_number":null`} {
		if !strings.Contains(got, kept) {
			t.Errorf("%s is not in %s", kept, got)
		}
	}
	again, err := s.Receive(form("multipart/form-data; boundary=b0", got))
	if err != nil || again.Clean != nil {
		t.Errorf("a cleaned body: %s, %v", again.Clean, err)
	}
	again.Clean, r.Clean = nil, nil
	providertest.Same(t, "a cleaned body, replayed", again, r)
}
