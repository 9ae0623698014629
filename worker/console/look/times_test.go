package look

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"countersign/model/words"
)

// What is due is due now, not some time ago; a time of another day has its date, in the zone of whoever looks.
func TestTimesSayTheirDayAndWhetherTheyHaveCome(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 0, 10, 0, 0, time.UTC)
	for lang, due := range map[string]string{"en": ">now</time>", "es": ">ahora</time>"} {
		p := &Page{Printer: words.For(lang), Now: now, Prefs: Prefs{Zone: time.UTC}}
		require.Contains(t, p.Due(now.Add(-time.Second)), due)
		require.NotContains(t, p.Due(now.Add(-time.Second)), "data-ago", "no script counts on from it")
		require.NotContains(t, p.Due(now.Add(time.Minute)), due)
	}
	p := &Page{Printer: words.For("en"), Now: now, Prefs: Prefs{Zone: time.UTC}}
	require.Contains(t, p.When(now.Add(-13*time.Minute)), ">30 Nov 2026, 23:57:00</time>")
	require.Contains(t, p.When(now.Add(-time.Minute)), ">00:09:00</time>")
	p.Prefs.Zone = time.FixedZone("UTC-6", -6*3600)
	require.Contains(t, p.When(now.Add(-13*time.Minute)), ">17:57:00</time>")
}
