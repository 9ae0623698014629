package providertest

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"
	"unicode/utf16"

	"countersign/model"
	"countersign/provider"
)

const mark = "\xef\xbb\xbf" // a byte order mark

// marks holds that byte order marks before JSON change nothing that a callback or an answer says, and that UTF-16 is
// refused in words.
func (b calls) marks() {
	p, list := b.accepted()
	for _, s := range list {
		want, _ := b.receive(p, s.Name, s.Callback)
		for _, before := range []string{mark, mark + mark} {
			got, err := b.receive(p, s.Name+" after a mark", b.signed(s.Callback, append([]byte(before), s.Callback.Body...)))
			got.Clean, want.Clean = nil, nil
			got.DedupeKey, want.DedupeKey = "", "" // it may be the body's hash
			if err != nil || !reflect.DeepEqual(got, want) {
				b.failf("%s: after %d byte order marks it says %+v, %v", s.Name, len(before)/len(mark), got, err)
			}
		}
		_, err := b.receive(p, s.Name+" in UTF-16", b.signed(s.Callback, wide(s.Callback.Body)))
		if err == nil || errors.Is(err, provider.ErrUnverified) || !strings.Contains(err.Error(), "UTF-16") {
			b.failf("%s: in UTF-16 it is %v, which does not say so", s.Name, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(b.Answers, "*.json")) //nolint:errcheck // the pattern is good
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil || strings.HasSuffix(file, ".golden.json") {
			continue
		}
		ref := b.Ref
		if b.RefOf != nil {
			ref = b.RefOf(filepath.Base(file), raw)
		}
		want, err := b.account(b.world(jsonAnswer(http.StatusOK, raw))).Fetch(b.ctx, ref)
		got, err2 := b.account(b.world(jsonAnswer(http.StatusOK, append([]byte(mark+mark), raw...)))).Fetch(b.ctx, ref)
		if !reflect.DeepEqual(got, want) || (err == nil) != (err2 == nil) {
			b.failf("%s: after two byte order marks: %+v, %v", filepath.Base(file), got, err2)
		}
	}
}

// wide is a text in UTF-16, with the mark that says so.
func wide(body []byte) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(string(body))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// oddRecords holds that a record of a list that cannot be read hides no other, is counted, and that its sample says
// nothing of what stood in it.
func (b calls) oddRecords() {
	if b.offline(b.New).Lister == nil {
		return
	}
	if b.Page == nil || b.Record == nil {
		b.failf("Suite.Page or Suite.Record is missing")
		return
	}
	first, last := b.RefPrefix+"first00000000000000000001", b.RefPrefix+"last000000000000000000002"
	for _, odd := range []string{
		`null`, `"` + person + `"`, `7`, `[["` + mail + `"]]`, `{}`, `{"id":null,"signature_request_id":[],"name":"` +
			person + `","to":{"email":"` + mail + `"}}`,
	} {
		body := b.Page(b.Record(first) + "," + odd + "," + b.Record(last))
		if !json.Valid(body) {
			b.failf("Suite.Page makes no JSON: %s", body)
			return
		}
		p := b.account(b.world(jsonAnswer(http.StatusOK, append([]byte(mark), body...))))
		page, err := p.Lister.List(b.ctx, provider.ListQuery{Since: b.ReceivedAt.Add(-time.Hour), Until: b.ReceivedAt})
		b.heard("list with "+odd, err)
		var refs []string
		for _, item := range page.Items {
			refs = append(refs, item.Observation.Ref)
		}
		if err != nil || !reflect.DeepEqual(refs, []string{first, last}) {
			b.failf("list: beside %s it shows %q, %v", odd, refs, err)
		}
		if len(page.Skipped) != 1 || page.Skipped[0].Count != 1 || page.Skipped[0].Kind != model.SkippedTransaction {
			b.failf("list: %s is not counted: %+v", odd, page.Skipped)
		} else if s := page.Skipped[0].Sample; s == "" || strings.Contains(s, person) || strings.Contains(s, mail) {
			b.failf("list: the sample of %s is %q", odd, s)
		}
	}
}

// pages holds that a web page or a text with a 200 in the place of JSON is a fault of the service that may pass.
func (b calls) pages() {
	text := answer{code: http.StatusOK, kind: "text/plain", body: []byte("back soon, says " + person)}
	for name, a := range map[string]answer{
		"a page": page(http.StatusOK, "text/html; charset=utf-8"), "a page that says it is JSON": page(http.StatusOK,
			"application/json"), "a text": text,
	} {
		for _, o := range b.ops(b.account(b.world(a))) {
			if o.name == "download" {
				continue // what comes in the place of a file is no file
			}
			w := b.world(a)
			err := o.call(b.ctx, b.account(w))
			b.heard(o.name+": "+name, err)
			if !errors.Is(err, provider.ErrUnavailable) || !strings.Contains(err.Error(), "in the place of JSON") {
				b.failf("%s: %s with a 200 is %v, want ErrUnavailable that names it", o.name, name, err)
			}
		}
	}
}
