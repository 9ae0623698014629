package scaling

import (
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of docs/scaling.md anew")

const docs = "../../../../docs/"

// The page's tables are what the command prints for the slopes that lie beside it.
func TestThePageIsWhatIsComputed(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(docs + "bench/scaling.json")
	require.NoError(t, err)
	var s Slopes
	require.NoError(t, json.Unmarshal(b, &s))
	text, err := os.ReadFile(docs + "scaling.md")
	require.NoError(t, err)
	page := string(text)
	for _, section := range Sections(s, Large()) {
		at := regexp.MustCompile(`(?s)<!-- ` + section.Name + ` -->\n.*?<!-- end -->\n`)
		require.Regexp(t, at, page, "docs/scaling.md has a place for %s", section.Name)
		want := "<!-- " + section.Name + " -->\n\n" + section.Text + "\n<!-- end -->\n"
		if *update {
			page = at.ReplaceAllLiteralString(page, want)
			continue
		}
		require.Contains(t, page, want, "docs/scaling.md: write it anew with -update")
	}
	if *update {
		require.NoError(t, os.WriteFile(docs+"scaling.md", []byte(page), 0o600))
	}
}

// What the arithmetic says where a hand can follow it.
func TestArithmetic(t *testing.T) {
	t.Parallel()
	d := Large()
	f := d.Flow()
	require.InDelta(t, 200_000, f.Births, 1)
	require.InDelta(t, 200_000*6/86400.0, f.Mean, 0.01)
	require.InDelta(t, 500, f.FullAfter, 0.1)
	s := Slopes{Tables: []Table{{Name: "transactions", Bytes: 1000}, {Name: "callbacks", Bytes: 1000}},
		Load: Load{CPU: 500, ServerCPU: 250, WAL: 4000}}
	sizes := d.Sizes(s)
	require.InDelta(t, 101e9, sizes[0].Bytes, 1)
	young := 200_000.0 * 6 * 90
	require.InDelta(t, young*1000+(606e6-young)*500, sizes[4].Bytes, 1, "those whose bodies are gone take half")
	n := d.Needs(s)
	require.InDelta(t, 0.5, n.ReplicaCores, 0.001)
	require.Equal(t, 2, n.Replicas, "one, and one that may be down")
	require.InDelta(t, 0.5, n.ServerPlan, 0.001)
	require.InDelta(t, 4e6, n.WALBurst, 1)
	require.InDelta(t, 200e12/4, n.Stored, 1)
}

// A day that is far below the budget is done at once, one far above it never, and what comes first is done first.
func TestADay(t *testing.T) {
	t.Parallel()
	for _, a := range Accounts() {
		idle := Simulate(a, Large(), 10)
		require.True(t, idle.KeepsUp(), a.Provider)
		flooded := Simulate(a, Large(), 1e8)
		require.False(t, flooded.KeepsUp(), a.Provider)
		require.LessOrEqual(t, flooded.Used, 1.0001, a.Provider)
		require.Greater(t, flooded.Used, 0.9, a.Provider)
		most := Most(a, Large(), Day.KeepsUp)
		require.True(t, Simulate(a, Large(), most).KeepsUp(), "%s: %v", a.Provider, most)
		require.False(t, Simulate(a, Large(), 1.25*most+20).KeepsUp(), "%s: %v", a.Provider, most)
	}
	// 30 calls a minute, 28,800 questions of which three quarters come in eight hours: 45 a minute then.
	d := Large()
	d.Documents = 0
	day := Simulate(Account{Budget: 30, Confirm: 1}, d, 24_000)
	require.InDelta(t, 480*(45-30)/30.0, day.Work[0].Took, 1, "minutes that the last of them waits")
	require.Zero(t, day.Work[0].Left)
}

func TestNumbersAreWrittenAsPeopleDo(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{"1.01 billion": count(1.01e9), "606 million": count(606e6), "20,000": count(20000),
		"12,345": count(12345), "9999": count(9999), "0.5": count(0.5), "1.50 TB": size(1.5e12), "at once": long(1), "90 min": long(90),
		"3.0 h": long(180)} {
		require.Equal(t, want, strings.TrimSpace(got))
	}
}
