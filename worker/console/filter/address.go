package filter

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"net/url"
	"reflect"
	"strings"

	"countersign/worker/console/problem"
)

// Values is how a filter stands in an address: what it does not say is not there.
func Values(filter any) url.Values {
	out := url.Values{}
	of := reflect.Indirect(reflect.ValueOf(filter))
	for i := range of.NumField() {
		name := nameOf(of.Type().Field(i))
		switch v := of.Field(i).Interface().(type) {
		case string:
			if v != "" {
				out.Set(name, v)
			}
		case []string:
			for _, one := range v {
				out.Add(name, one)
			}
		}
	}
	return out
}

// Read fills a filter from an address; what it has no member for stays out.
func Read(filter any, values url.Values) {
	of := reflect.ValueOf(filter).Elem()
	for i := range of.NumField() {
		given := values[nameOf(of.Type().Field(i))]
		switch of.Field(i).Interface().(type) {
		case string:
			of.Field(i).SetString(strings.Join(given[:min(1, len(given))], ""))
		case []string:
			of.Field(i).Set(reflect.ValueOf(given))
		}
	}
}

// Names are what a filter is called by in an address.
func Names(filter any) (out []string) {
	of := reflect.Indirect(reflect.ValueOf(filter)).Type()
	for i := range of.NumField() {
		out = append(out, nameOf(of.Field(i)))
	}
	return out
}

func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("query"), ",")
	return name
}

// sealed is what a cursor says.
type sealed struct {
	List   string `json:"l"`
	Filter string `json:"f"`
	At     string `json:"a"` // the store's own cursor

	// Back is where the pages before this one begin, the newest last: cursors of a table go forward only. "" is the first
	// page. API cursors have none.
	Back []string `json:"b,omitempty"`
}

// Seal makes a cursor of a list that goes on behind at, with its filter.
func Seal(list string, filter any, at string) string {
	return sealed{List: list, Filter: Values(filter).Encode(), At: at}.text()
}

func (s sealed) text() string {
	text, err := json.Marshal(s)
	if err != nil {
		return "" // strings always marshal
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(text, crc32.ChecksumIEEE(text)))
}

func unsealed(cursor string) (s sealed, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < 4 {
		return s, false
	}
	text, check := raw[:len(raw)-4], binary.BigEndian.Uint32(raw[len(raw)-4:])
	return s, crc32.ChecksumIEEE(text) == check && json.Unmarshal(text, &s) == nil
}

// mostBack is how many pages a cursor leads back at most: an address has to stay one that proxies let through.
const mostBack = 30

// Behind is the cursor next of the page at cursor ("" is the first page), which also leads back to that page.
func Behind(cursor, next string) string {
	s, ok := unsealed(next)
	if !ok {
		return next
	}
	here, _ := unsealed(cursor)
	if cursor == "" || len(here.Back) > 0 { // from an API's cursor nothing leads back
		s.Back = append(here.Back, here.At)
	}
	s.Back = s.Back[max(0, len(s.Back)-mostBack):]
	return s.text()
}

// Before is the cursor of the page before the one at cursor: "" where that is the first one. ok is false where the cursor
// does not say which it is.
func Before(cursor string) (before string, ok bool) {
	s, ok := unsealed(cursor)
	if !ok || len(s.Back) == 0 {
		return "", false
	}
	last := len(s.Back) - 1
	s.At, s.Back = s.Back[last], s.Back[:last]
	if s.At == "" {
		return "", true
	}
	return s.text(), true
}

// Open reads a cursor of a list into its filter, and returns the store's own. A filter that says something else than
// the cursor's is a bad-cursor problem; one that says nothing becomes the cursor's.
func Open(list string, filter any, cursor string) (at string, err error) {
	bad := problem.New(problem.BadCursor, "")
	s, ok := unsealed(cursor)
	if !ok || s.List != list {
		return "", bad
	}
	asked := Values(filter)
	if len(asked) > 0 && asked.Encode() != s.Filter {
		return "", bad
	}
	values, err := url.ParseQuery(s.Filter)
	if err != nil {
		return "", bad
	}
	Read(filter, values)
	return s.At, nil
}
