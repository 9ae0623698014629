package words

import (
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		prefs []string
		want  string
	}{
		{nil, "en"},
		{[]string{""}, "en"},
		{[]string{"es"}, "es"},
		{[]string{"es_MX.UTF-8"}, "es"},
		{[]string{"es_ES@euro"}, "es"},
		{[]string{"es_ES.ISO-8859-1@euro"}, "es"},
		{[]string{"C.UTF-8", "es_MX.UTF-8"}, "en"},
		{[]string{"POSIX", "es"}, "en"},
		{[]string{"", "es_MX.UTF-8"}, "es"},
		{[]string{"en_US.UTF-8", "es"}, "en"},
		{[]string{"de_DE.UTF-8"}, "en"},
		{[]string{"de-DE", "es"}, "es"},
		{[]string{"es-MX,es;q=0.9,en;q=0.8"}, "es"},
		{[]string{"de,es;q=0.5"}, "es"},
		{[]string{"en;q=0.3,es;q=0.9"}, "es"},
		{[]string{"*"}, "en"},
		{[]string{"es;q=0"}, "en"},
		{[]string{"<script>", "%%%", "es"}, "es"},
		{[]string{string(make([]byte, 5000))}, "en"},
	} {
		require.Equal(t, c.want, Match(c.prefs...), "%q", c.prefs)
	}
	require.Equal(t, "en", For("").Lang())
	require.Equal(t, "en", For("tlh").Lang())
	require.Equal(t, "es", For("es").Lang())
}

func TestSay(t *testing.T) {
	t.Parallel()
	en, es := For("en"), For("es")
	require.Equal(t, "312 of 1,284,203", en.Say("cli.of", "n", 312, "of", 1284203))
	require.Equal(t, "312 de 1.284.203", es.Say("cli.of", "n", 312, "of", int64(1284203)))
	require.Equal(t, "{n} of a {of} b", en.Say("cli.of", "of", "a {of} b"), "what stands at a place is left alone")
	require.Equal(t, "– of {of}", en.Say("cli.of", "n", "–", "of"), "a name without a value")
	require.Equal(t, "⟦no.such.key⟧", en.Say("no.such.key"))
	require.Equal(t, "⟦no.such.key⟧", en.Count("no.such.key", 1))
	require.Equal(t, "completada", es.Word("status", string(model.Completed)))
	require.Equal(t, "in_progress", en.Word("status", string(model.InProgress)))
	require.Equal(t, "<b>new</b>", es.Word("status", "<b>new</b>"))

	texts := read("es")
	texts["rows"] = text{one: "{n} fila", other: "{n} filas"}
	texts["open"], texts["kinds"] = text{other: "a {b"}, text{other: "{a} {b} {c}"}
	p := newPrinter("es", "es", texts)
	require.Equal(t, "1 fila", p.Count("rows", 1))
	require.Equal(t, "0 filas", p.Count("rows", 0))
	require.Equal(t, "12.345 filas", p.Count("rows", 12345))
	require.Equal(t, "12345 filas", p.Count("rows", 12345, "n", "12345"))
	require.Equal(t, "1.000.000 filas", p.Count("rows", 1_000_000))
	require.Equal(t, "a {b", p.Say("open"))
	require.Equal(t, "2 h 5 min 1,5 missed", p.Say("kinds", "a", 125*time.Minute, "b", 1.5, "c", model.GapMissed))
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	en, es := For("en"), For("es")
	for share, want := range map[float64][2]string{
		0.975: {"97.5%", "97,5\u00a0%"}, 0.99999: {"99.9%", "99,9\u00a0%"}, 1: {"100%", "100\u00a0%"}, 0: {"0%", "0\u00a0%"},
		0.29: {"29%", "29\u00a0%"}, math.Inf(1): {"–", "–"},
	} {
		require.Equal(t, want, [2]string{en.Percent(share), es.Percent(share)})
	}
	require.Equal(t, "–", en.Percent(math.NaN()))
	for n, want := range map[int64][2]string{
		812: {"812 B", "812 B"}, 41 << 10: {"41 KiB", "41 KiB"}, 3 << 19: {"1.5 MiB", "1,5 MiB"},
		5000 << 40: {"5,000.0 TiB", "5.000,0 TiB"},
	} {
		require.Equal(t, want, [2]string{en.Bytes(n), es.Bytes(n)})
	}
	require.Equal(t, "-9,223,372,036,854,775,808", en.Number(math.MinInt64))
}

func TestTimes(t *testing.T) {
	t.Parallel()
	en, es := For("en"), For("es")
	mexico := time.FixedZone("CST", -6*3600)
	now := time.Date(2026, 11, 30, 1, 30, 0, 0, mexico)
	for _, c := range []struct {
		ago    time.Duration
		en, es string
	}{
		{0, "0 s ago", "hace 0 s"},
		{12 * time.Second, "12 s ago", "hace 12 s"},
		{59*time.Minute + 59*time.Second, "59 min ago", "hace 59 min"},
		{23 * time.Hour, "23 h ago", "hace 23 h"},
		{-48 * time.Minute, "in 48 min", "en 48 min"},
		{day, "Sun 01:30", "dom 01:30"},
		{-2 * day, "Wed 01:30", "mié 01:30"},
		{7 * day, "23 Nov 2026", "23 nov 2026"},
		{-70 * day, "8 Feb 2027", "8 feb 2027"},
	} {
		require.Equal(t, c.en, en.Ago(now.Add(-c.ago), now))
		require.Equal(t, c.es, es.Ago(now.Add(-c.ago), now))
	}
	require.Equal(t, "30 nov 2026, 01:30:00 CST (07:30:00 UTC)", es.Exact(now))
	require.Equal(t, "29 Nov 2026, 23:30:00 CST (30 Nov 2026, 05:30:00 UTC)", en.Exact(now.Add(-2*time.Hour)))
	require.Equal(t, "30 Nov 2026, 07:30:00 UTC", en.Exact(now.UTC()))
	require.Equal(t, "01:30:00", en.Clock(now))
	for _, say := range []func(time.Time) string{en.Exact, en.Clock, en.Date} {
		require.Equal(t, "–", say(time.Time{}))
	}
	require.Equal(t, "–", en.Ago(time.Time{}, now))
	for d, want := range map[time.Duration]string{
		0: "0 ms", 999 * time.Millisecond: "999 ms", 40 * time.Second: "40 s", 130 * time.Minute: "2 h 10 min",
		2 * time.Hour: "2 h", 2*time.Hour + 5*time.Second: "2 h", 75*time.Hour + time.Minute: "3 d 3 h", -time.Minute: "-1 min",
	} {
		require.Equal(t, want, en.Span(d))
	}
}

// One printer serves many at once; the race detector says whether it may.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if s := For("es").Say("cli.of", "n", 312, "of", 1284203); s != "312 de 1.284.203" {
					t.Error(s)
				}
				_ = For("es").Percent(0.5)
			}
		})
	}
	all.Wait()
}
