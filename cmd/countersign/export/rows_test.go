package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// parseCSV reads RFC 4180 as it is written there, without encoding/csv's changes to line ends.
func parseCSV(t interface{ Fatalf(string, ...any) }, text string) (rows [][]string) {
	var row []string
	for len(text) > 0 {
		var field strings.Builder
		if text[0] == '"' {
			for text = text[1:]; ; {
				end := strings.IndexByte(text, '"')
				if end < 0 {
					t.Fatalf("a quote is not closed")
				}
				field.WriteString(text[:end])
				if text = text[end+1:]; !strings.HasPrefix(text, `"`) {
					break
				}
				field.WriteByte('"')
				text = text[1:]
			}
		} else {
			end := strings.IndexAny(text, ",\r")
			field.WriteString(text[:end])
			text = text[end:]
		}
		row = append(row, field.String())
		switch {
		case strings.HasPrefix(text, ","):
			text = text[1:]
		case strings.HasPrefix(text, "\r\n"):
			rows, row, text = append(rows, row), nil, text[2:]
		default:
			t.Fatalf("after a field: %.20q", text)
		}
	}
	return rows
}

func TestExportedTextComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n", "'", "'=1", "a,b", " a ", "\"", "a\nb",
			"a\r\nb", "", "<b>&", "\u2028", "\\.",
		})).Draw(t, "text")
		var out bytes.Buffer
		w := bufio.NewWriter(&out)
		at := time.Date(2026, 1, 31, 12, 0, 0, 5e6, time.FixedZone("", 3600))
		values := []any{text, int64(-5), true, nil, at, json.RawMessage(`[{"a":"b"}]`)}
		columns := []string{"a", "b", "c", "d", "e", "f"}
		require.NoError(t, csvLine(w, columns, values))
		require.NoError(t, csvLine(w, columns, values))
		require.NoError(t, w.Flush())
		rows := parseCSV(t, out.String())
		require.Len(t, rows, 2)
		require.Equal(t, rows[0], rows[1])
		got := rows[0][0]
		if got != "" {
			require.NotContains(t, "=+-@\t\r", got[:1], "a formula")
		}
		require.Equal(t, text, strings.TrimPrefix(got, "'"))
		require.Equal(t, []string{"-5", "true", "", "2026-01-31T11:00:00.005Z", `[{"a":"b"}]`}, rows[0][1:])

		out.Reset()
		require.NoError(t, ndjsonLine(w, columns, values))
		require.NoError(t, w.Flush())
		require.Equal(t, 1, strings.Count(out.String(), "\n"))
		var object map[string]any
		require.NoError(t, json.Unmarshal(out.Bytes(), &object))
		require.Equal(t, map[string]any{
			"a": strings.ToValidUTF8(text,
				"\ufffd"), "b": -5.0, "c": true, "d": nil, "e": "2026-01-31T11:00:00.005Z", "f": []any{map[string]any{"a": "b"}},
		}, object)
	})
}
