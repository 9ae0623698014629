package attacks

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

var (
	rangeText    = regexp.MustCompile(`/ByteRange\[[0-9 ]*\]`)
	contentsText = regexp.MustCompile(`/Contents<[0-9a-f]*>`)
)

// forged are universal forgeries: the signature says something that some viewers took for "nothing to check". Each is
// tried by a revision with another dictionary, and in the file itself, where nothing tells that it was ever signed well.
func forged() []paper.Step {
	var out []paper.Step
	for _, v := range []struct{ name, key, value string }{
		{"no byte range", "ByteRange", ""},
		{"a byte range that is null", "ByteRange", "null"},
		{"a byte range of a name", "ByteRange", "/All"},
		{"an empty byte range", "ByteRange", "[]"},
		{"a byte range of zeros", "ByteRange", "[0 0 0 0]"},
		{"a byte range below nothing", "ByteRange", "[0 -1 -1 -1]"},
		{"a byte range beyond the end", "ByteRange", "[0 10 99999999 10]"},
		{"a byte range of the head", "ByteRange", "[0 10 20 10]"},
		{"a byte range that overlaps", "ByteRange", "[0 1000 10 1000]"},
		{"a byte range of two numbers", "ByteRange", "[0 100]"},
		{"a byte range that is too large for a number", "ByteRange", "[0 99999999999999999999 1 1]"},
		{"no contents", "Contents", ""},
		{"contents that are null", "Contents", "null"},
		{"empty contents", "Contents", "<>"},
		{"contents of a zero", "Contents", "<00>"},
		{"contents of zeros", "Contents", "<" + strings.Repeat("00", 512) + ">"},
		{"contents that are no message", "Contents", "<30820000>"},
		{"contents of another kind", "Contents", "/All"},
		{"a filter that nobody knows", "SubFilter", "/unheard.of"},
		{"no kind of signature", "SubFilter", ""},
	} {
		pairs := []string{v.key, v.value}
		out = append(out, approved("forged: "+v.name, "a signature, and the rent is 9000", func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			n := signature(d)
			o := d.Get(n).With(pairs...)
			if v.key == "SubFilter" {
				old := contentsText.Find(d.Raw())
				o = o.With("Contents", string(old[len("/Contents"):]), "ByteRange",
					string(rangeText.Find(d.Raw())[len("/ByteRange"):]))
			}
			d.Set(n, o)
			d.Save()
		}))
		if v.key == "SubFilter" {
			continue
		}
		out = append(out, doubtful(approved("forged from nothing: "+v.name, "a signature that was never one",
			func(d *paper.Doc) {
				d.Replace(instead(d.Raw(), v.key, v.value))
			})))
	}
	return out
}

// instead is a file in which a signature says something else in the same room.
func instead(raw []byte, key, value string) []byte {
	pattern := rangeText
	if key == "Contents" {
		pattern = contentsText
	}
	at := pattern.FindIndex(raw)
	text := ""
	if value != "" {
		text = "/" + key + " " + value
	}
	room := at[1] - at[0]
	if len(text) > room {
		text = text[:room]
	}
	return bytes.Join([][]byte{raw[:at[0]], []byte(text + strings.Repeat(" ", room-len(text))), raw[at[1]:]}, nil)
}

// wrapped are signature wrappings: what was signed is in the file, whole, and something else is shown.
func wrapped() []paper.Step {
	wrap := func(name string, again bool) paper.Step {
		return approved("wrapped: "+name, dearer, func(d *paper.Doc) { d.Replace(wrapping(d, again)) })
	}
	ranged := func(name string, to func(a, b, c int) string) paper.Step {
		return approved("wrapped: a byte range of "+name, dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
			d.Save()
			raw := d.Raw()
			at := rangeText.FindIndex(raw)
			var a, b, c int
			fmt.Sscanf(string(raw[at[0]:at[1]]), "/ByteRange[0 %d %d %d]", &a, &b, &c) //nolint:errcheck // written so
			text := "/ByteRange" + to(a, b, len(raw)-b)
			d.Replace(bytes.Join([][]byte{raw[:at[0]], []byte(text + strings.Repeat(" ", max(0, at[1]-at[0]-len(text)))),
				raw[at[1]:]}, nil))
		})
	}
	return []paper.Step{
		wrap("a second dictionary with another byte range", true),
		wrap("the signed end moved behind another revision", false),
		ranged("all of a longer file", func(a, b, c int) string { return fmt.Sprintf("[0 %d %d %d]", a, b, c) }),
		ranged("three parts", func(a, b, c int) string { return fmt.Sprintf("[0 %d %d %d %d 1]", a, b, c-1, b+c-1) }),
		approved("wrapped: contents that end early", "objects lie in the signature's gap", func(d *paper.Doc) {
			raw := d.Raw()
			at := contentsText.FindIndex(raw)
			evil := fmt.Sprintf("> %d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(raised)))
			to := at[1] - 1
			d.Replace(bytes.Join([][]byte{raw[:to-len(evil)], []byte(evil), raw[to:]}, nil))
			where := to - len(evil) + 2
			pointed(d, map[int]int{paper.Contents: where})
		}),
		approved("wrapped: the padding of the contents is a program's room", "objects lie behind the message",
			func(d *paper.Doc) {
				raw := d.Raw()
				at := contentsText.FindIndex(raw)
				raw[at[1]-9] = 'f'
				d.Replace(raw)
				d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
				d.Save()
			}),
	}
}

// wrapping moves what the signature covers behind its message to the end of the file, and puts another revision where
// it was, at whose table the signed end points.
func wrapping(d *paper.Doc, again bool) []byte {
	raw := d.Raw()
	at := contentsText.FindIndex(raw)
	head, tail := raw[:at[1]], raw[at[1]:]
	var b bytes.Buffer
	b.Write(head)
	b.WriteString(">>\nendobj\n")
	for b.Len() < d.Prev { // the signed end says that the table is here
		b.WriteByte('\n')
	}
	content := fmt.Sprintf("%d 0 obj\n%s\nendobj\n", paper.Contents, d.Text(paper.S(raised)))
	n := signature(d)
	table := func(where, sig int) string {
		text := fmt.Sprintf("xref\n%d 1\n%010d 00000 n \n", paper.Contents, where)
		if again {
			text += fmt.Sprintf("%d 1\n%010d 00000 n \n", n, sig)
		}
		return text + fmt.Sprintf("trailer\n<</Size %d/Root 1 0 R/Prev %010d>>\n", d.Next(), before(raw, d.Prev))
	}
	where := b.Len() + len(table(0, 0))
	sig := where + len(content)
	b.WriteString(table(where, sig))
	b.WriteString(content)
	if again {
		o := d.Get(n).With("Contents", string(raw[at[0]+len("/Contents"):at[1]]))
		end := len(d.Text(o.With("ByteRange", "[0 0000000000 0000000000 0000000000]"))) + len("99 0 obj\n\nendobj\n")
		from := bytes.LastIndexByte(head, '<')
		o = o.With("ByteRange", fmt.Sprintf("[0 %010d %010d %010d]", from, sig+end, len(tail)))
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, d.Text(o))
		for b.Len() < sig+end {
			b.WriteByte('\n')
		}
	}
	b.Write(tail)
	return b.Bytes()
}

// before is where the table before a file's last one begins.
func before(raw []byte, at int) int {
	i := bytes.Index(raw[at:], []byte("/Prev "))
	var n int
	if i >= 0 {
		fmt.Sscanf(string(raw[at+i:]), "/Prev %d", &n) //nolint:errcheck // 0 then
	}
	return n
}
