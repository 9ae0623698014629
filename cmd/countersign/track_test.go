package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"countersign/cmd/countersign/arguments"
	"countersign/cmd/countersign/config"
)

func TestRefsAreReadFromEachKindOfFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want, fault string }{
		{"one a line", "a-1\na-2\n", "a-1 a-2", ""},
		{"no line end", "a-1\na-2", "a-1 a-2", ""},
		{"a ref twice", "a-1\na-2\na-1\n", "a-1 a-2", ""},
		{"comments, blanks, CRLF and a mark of order", "\ufeff# refs\r\n\r\n  a-1 \r\n# more\r\na-2\r\n", "a-1 a-2", ""},
		{"a header alone", "ref\r\na-1\r\n\r\na-2\r\n", "a-1 a-2", ""},
		{"CSV with a mark of order", "\ufeffname,Ref\r\n\"Pop, Ana\",a-1\r\n# left out,x\r\n\r\nIon, a-2\r\n", "a-1 a-2", ""},
		{"CSV after comments", "# export\n\nname,ref\nAna,a-1\n", "a-1", ""},
		{"account and ref", "account,ref\nhr,a-1\nsales,b-1\nhr,a-2\n", "a-1 a-2", ""},
		{"ref and account", "ref,account\na-1,hr\nb-1,sales\na-2\n", "a-1 a-2", ""},
		{"only others'", "account,ref\nsales,b-1\n", "", "holds no refs of hr"},
		{"a bad line", "a-1\n\ntwo words\n", "", "refs:3: \"two words\" is more than a ref"},
		{"slashes and signs, as in any text", "a/b?c#d\\e\n", "a/b?c#d\\e", ""},
		{"blanks and commas in a table", "ref\n\"a, b\"\n", "a, b", ""},
		{"a bad row", "# x\nname,ref\nAna,a-1\nIon,a\x00b\n", "", "refs:4: \"a\\x00b\" is no ref"},
		{"a row that is too short", "name,ref\nAna,a-1\nIon\n", "", "refs:3: a ref is empty"},
		{"all faults at once", "x y\n" + strings.Repeat("r", 1025) + "\n", "", "refs:2: a ref of 1025 bytes is too long"},
		{"a quote that never ends", "name,ref\nAna,a-1\n\"Ion,a-2\n", "", "counted from line 2"},
		{"no column", "name,id\nAna,a-1\n", "", "line 1: has several columns"},
		{"account;ref lines", "hr;a-1\nsales;b-1\n\nhr; a-2\n", "a-1 a-2", ""},
		{"account and ref by tabs", "sales\tb-1\nhr\ta-1\n", "a-1", ""},
		{"account,ref lines", "hr,a-1\nhr,a-2\n", "a-1 a-2", ""},
		{"semicolons under a head", "\ufeffname;account;REF\r\n\"Pop; Ana\";hr;a-1\r\nIon;sales;b-1\r\n", "a-1", ""},
		{"tabs under a head", "ref\tname\na-1\tAna\n", "a-1", ""},
		{"a spreadsheet's own line", "sep=;\naccount;ref\nhr;a-1\n", "a-1", ""},
		{"a pair among refs", "a-1\nhr;a-2\n", "", "refs:2: hr;a-2 is more than a ref"},
		{"a ref among pairs", "hr;a-1\na-2\n", "", "refs:2: 1 columns, and two before"},
		{"an account that is none", "account;ref\nhr;a-1\nhrr;a-2\n", "", "refs:3: account hrr is not in the config"},
		{"pairs of an account that is none", "hrr;a-1\n", "", "line 1: has several columns"},
		{"UTF-16", "\xff\xfeh\x00r\x00", "", "is UTF-16"},
		{"nothing", "\ufeff# only a comment\n", "", "holds no refs of hr"},
	} {
		for _, way := range []string{"refs", "-"} {
			file := way
			a := newApp(strings.NewReader(c.text), io.Discard, io.Discard)
			if way != "-" {
				file = filepath.Join(t.TempDir(), way)
				if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, _, err := arguments.RefsOf(t.Context(), a.Env,
				&config.Config{Accounts: []config.Account{{ID: "hr"}, {ID: "sales"}}}, "hr", file, nil)
			fault := ""
			if err != nil {
				fault = err.Error()
			}
			want := c.fault
			if way == "-" {
				want = strings.ReplaceAll(want, "refs:", "stdin:")
			}
			if strings.Join(got, " ") != c.want || (fault != "") != (want != "") || !strings.Contains(fault, want) {
				t.Errorf("%s from %s: got %q, %q, want %q, %q", c.name, way, got, fault, c.want, want)
			}
		}
	}
}
