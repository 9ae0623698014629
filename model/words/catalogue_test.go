package words

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"countersign/model"
)

var update = flag.Bool("update", false, "write the files of sentences anew, sorted")

// sorted is a file of sentences as it should be: sorted, a key a line.
func sorted(t *testing.T, data []byte) []byte {
	all := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(data, &all))
	var b bytes.Buffer
	b.WriteString("{")
	for i, key := range slices.Sorted(maps.Keys(all)) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  " + `"` + key + `": `)
		var line bytes.Buffer
		require.NoError(t, json.Compact(&line, all[key]))
		b.Write(line.Bytes())
	}
	b.WriteString("\n}\n")
	return b.Bytes()
}

// Each file is sorted, a key a line, and says no key twice. -update sorts it.
func TestSorted(t *testing.T) {
	t.Parallel()
	for _, lang := range Languages() {
		name := lang + ".json"
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		want := sorted(t, data)
		if *update && !bytes.Equal(data, want) {
			require.NoError(t, os.WriteFile(name, want, 0o644))
			continue
		}
		require.Equal(t, string(want), string(data), "go test ./model/words -run Sorted -update sorts it")
	}
}

var places = regexp.MustCompile(`\{[^}]*\}`)

// Every language has the same keys, forms and places, and types the same at a terminal.
func TestSameInAll(t *testing.T) {
	t.Parallel()
	typed := regexp.MustCompile("`[^`]*`")
	set := func(re *regexp.Regexp, s string) []string {
		found := re.FindAllString(s, -1)
		slices.Sort(found)
		return slices.Compact(found)
	}
	en := read(english)
	for _, lang := range Languages() {
		other := read(lang)
		require.Equal(t, slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(other)), lang)
		for key, want := range en {
			got := other[key]
			require.NotEmpty(t, got.other, "%s: %s", lang, key)
			require.Equal(t, want.one != "", got.one != "", "%s: forms of %s", lang, key)
			require.Equal(t, set(places, want.other), set(places, got.other), "%s: places of %s", lang, key)
			require.Subset(t, set(places, want.other), set(places, got.one), "%s: places of %s", lang, key)
			require.Equal(t, set(typed, want.other), set(typed, got.other), "%s: what is typed in %s", lang, key)
			for _, s := range []string{got.one, got.other} {
				require.Regexp(t, `^(\{[a-z_]+\}|[^{}])*$`, s, "%s: braces of %s", lang, key)
				require.Equal(t, strings.TrimSpace(s), s, "%s: blanks around %s", lang, key)
				require.NotContains(t, s, "  ", "%s: %s", lang, key)
			}
		}
	}
}

// Each word of the contract that people read has its words in every language.
func TestWordsOfTheModel(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"status":        of(model.Statuses()...),
		"documentstate": of(model.DocumentStates()...),
		"signerstatus": of(model.SignerWaiting, model.SignerViewed, model.SignerSigned, model.SignerDeclined,
			model.SignerLocked, model.SignerRemoved),
		"gapkind": of(model.GapPending, model.GapMissed, model.GapLate, model.GapRefused, model.GapUnsubscribed,
			model.GapNoEvent),
		"gapchange": of(model.ChangeCreated, model.ChangeStatus, model.ChangeArchived, model.ChangeTrashed,
			model.ChangeSigner),
		"signature": of(model.SignatureIntact, model.SignatureAltered, model.SignatureUnsigned, model.SignatureUnknown),
		"integrity": of(model.IntegrityNone, model.IntegrityIntact, model.IntegrityAltered, model.IntegrityUnknown),
		"coverage": of(model.CoverageNone, model.CoverageWhole, model.CoverageLater, model.CoverageExtended,
			model.CoverageChanged, model.CoveragePartial, model.CoverageUnknown),
		"trust": of(model.TrustNone, model.TrustTrusted, model.TrustUntrusted, model.TrustRevoked, model.TrustExpired,
			model.TrustUnknown),
		"documentkind": of(model.SignedDocument, model.EvidenceDocument),
		"verdict":      of(model.Accepted, model.Duplicate, model.Refused, model.NotUnderstood),
		"outcome": of(model.Applied, model.NothingNew, model.Checking, model.Ignored, model.ClaimUnresolved,
			model.TestEvent),
		"runstate": of(model.RunQueued, model.RunActive, model.RunDone, model.RunPartial, model.RunFailed),
		"attention": of(model.SignerLockedOut, model.IdentityCheckFailed, model.EmailBounced, model.SenderMustFinish,
			model.FileError),
		"channel": of(model.ByCallback, model.ByHint, model.ByStream, model.ByActive, model.ByIdle, model.ByAudit,
			model.ByBackfill, model.ByVerify, model.ByTrack, model.ByHand, model.ByRecheck),
		"tier": {"active", "idle", "audit", "backfill", "verify", "ref", "retry"},
		"flag": {"test", "archived", "trashed", "deleted", "not_found"},
	}
	for _, kind := range model.IncidentKinds() {
		for _, part := range []string{"title", "means", "look", "do", "ends"} {
			want["incident"] = append(want["incident"], kind+"."+part)
		}
	}
	en := read(english)
	for area, all := range want {
		var have []string
		for key := range en {
			if word, ok := strings.CutPrefix(key, area+"."); ok {
				have = append(have, word)
			}
		}
		require.ElementsMatch(t, all, have, area)
	}
}

func of[S ~string](all ...S) []string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}

// The made-up language is longer by two fifths and keeps places and what is typed.
func TestMadeUp(t *testing.T) {
	t.Parallel()
	made := MadeUp()
	require.Equal(t, "xx", made.Lang())
	require.Equal(t, "{account} `documents retry`  áááç", madeUp("{account} `documents retry`  ac"))
	var short, long int
	for key, en := range read(english) {
		require.Equal(t, places.FindAllString(en.other, -1), places.FindAllString(made.texts[key].other, -1), key)
		if !strings.ContainsAny(en.other, "{`") && !strings.HasPrefix(key, "time.") {
			short += utf8.RuneCountInString(en.other)
			long += utf8.RuneCountInString(made.texts[key].other)
		}
	}
	require.InDelta(t, 1.4, float64(long)/float64(short), 0.05)
}
