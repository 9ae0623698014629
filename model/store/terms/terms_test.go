package terms

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestWordsHaveNeitherCaseNorAccents(t *testing.T) {
	r := Row{Ref: "8F3a-1c", ExternalID: "C_7781", Name: "Préstamo «Núñez» 2183, ﬁnal", Signers: []string{"Ана Руиз",
		"ana.ruiz+x@Example.com", "STRASSE straße", "Ｗｉｄｅ", "İstanbul", "हिन्दी"}}
	require.Equal(t, strings.Fields("1c 2183 7781 8f3a ana c com example final istanbul nunez prestamo ruiz strasse wide x ана руиз हिनदी"), r.Words())
}

func TestHostileTextsAreOnlyWords(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                     nil,
		"\x00\xff_%'\"*(){}[]-..":              nil,
		`a" OR b*`:                             {"a", "b", "or"},
		"x':* & !y":                            {"x", "y"},
		"\u202eabc\u202d":                      {"abc"},
		"a\u0301\u0301\u0301b":                 {"ab"},
		strings.Repeat("é", 100):               {strings.Repeat("e", longest)},
		"1 1 1":                                {"1"},
		strings.Repeat("a", longest) + " b":    {strings.Repeat("a", longest), "b"},
		strings.Repeat("a", longest+1) + "x b": {strings.Repeat("a", longest), "b"},
	} {
		require.Equal(t, want, Read(text).Words, "%q", text)
	}
	var many []string
	for i := range 100_000 {
		many = append(many, strings.Repeat("w", i%60)+string(rune('一'+i%20_000)))
	}
	size := 0
	for _, w := range (Row{Signers: many}).Words() {
		size += len(w) + 1
	}
	require.LessOrEqual(t, size, most)
	require.Greater(t, size, most-longest*utf8.UTFMax)
}

func TestAQueryFits(t *testing.T) {
	words := Row{Ref: "8f3a1c", Name: "Loan agreement 2183", Signers: []string{"Ana Núñez", "ana@example.com"}}.Words()
	for text, want := range map[string][2]bool{ // begins, inside
		"loan":         {true, true},
		"LOAN agr":     {true, true},
		"nun ana":      {true, true},
		"oan":          {false, true},
		"an":           {true, true},
		"greement 218": {false, true},
		"loan xq":      {false, false},
		"":             {false, false},
		"_":            {false, false},
		"ana@exam":     {true, true},
	} {
		q := Read(text)
		require.Equal(t, want, [2]bool{q.Begins(words), q.Inside(words)}, text)
	}
	require.Equal(t, []string{"loan", "nan"}, Read("ab LOAN ñañ 1").Indexed())
	require.Equal(t, "αβγ", Start("αβγδ"))
	require.Equal(t, "ab", Start("ab"))
}
