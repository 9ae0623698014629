package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"countersign/model/words"
	"countersign/provider/simulator"
)

// found answers, from the overview alone, the four questions of whoever has never seen it: in both languages, wide and
// narrow. What it logs stands in docs/console.md.
func (s *stage) found(t *testing.T) {
	open := s.api(t, "/api/v1/transactions?status=in_progress")
	for _, lang := range words.Languages() {
		for _, width := range []int64{1280, 320} {
			t.Run(fmt.Sprint(lang, " ", width), func(t *testing.T) {
				q := &questioner{tab: s.tab(t, look{lang: lang, width: width}), say: words.For(lang)}
				s.silent(t, q.tab)
				q.silent()
				for _, row := range open {
					if id := fmt.Sprint(row["external_id"]); id != "" && row["signers_done"] != row["signers_total"] {
						q.unsigned(id)
						break
					}
				}
				q.quarantined()
				q.completed()
				q.nothingHeard()
			})
		}
	}
}

// questioner looks for answers, each from the overview.
type questioner struct {
	*tab
	say    *words.Printer
	clicks int
	began  time.Time
}

// begin opens the overview, which is what somebody has before them.
func (q *questioner) begin() {
	q.t.Helper()
	q.clicks, q.began = 0, time.Now()
	require.Equal(q.t, 200, q.open("/"))
}

// follow clicks a link.
func (q *questioner) follow(selector string) {
	q.t.Helper()
	if q.clicks == 0 {
		q.began = time.Now()
	}
	q.clicks++
	q.click(selector)
}

// answered logs how many clicks an answer took, and how long until the page with it stood.
func (q *questioner) answered(question string) {
	q.t.Helper()
	q.t.Logf("%s: %d clicks, %.1f s", question, q.clicks, time.Since(q.began).Seconds())
}

// seen is the text of what a selector finds, if somebody who does not scroll sideways can see it.
func (q *questioner) seen(selector string) string {
	q.t.Helper()
	return eval[string](q.tab, fmt.Sprintf(`[...document.querySelectorAll(%q)].filter(e => {
	const r = e.getBoundingClientRect();
	return r.width > 1 && r.height > 1 && r.left >= 0 && r.right <= document.documentElement.clientWidth + 1;
}).map(e => e.innerText).join("\n")`, selector))
}

// silent: which account is silent, and since when?
func (q *questioner) silent() {
	q.begin()
	text := q.seen("#incidents article h2")
	assert.Contains(q.t, text, simulator.AccountOneSpan+": "+q.say.Say("incident.callbacks_silent.title"))
	assert.NotEmpty(q.t, q.seen("#incidents article time"), "since when")
	q.answered("silent")
}

// unsigned: who has not signed?
func (q *questioner) unsigned(id string) {
	q.begin()
	q.fill("#find", id+"\n")
	q.clicks++
	q.until("the transaction", `document.querySelector("#signers")`, 10*time.Second)
	text := q.seen("[aria-labelledby=signers] tbody tr")
	waits := strings.Contains(text, q.say.Word("signerstatus", "waiting")) || strings.Contains(text, q.say.Word("signerstatus", "viewed"))
	assert.True(q.t, waits, "somebody who has not signed:\n%s", text)
	q.answered("not signed")
}

// quarantined: why is a file in quarantine, and how does it get out?
func (q *questioner) quarantined() {
	q.begin()
	q.follow(`#tiles a[href*="state=quarantined"]`)
	text := q.seen("main")
	assert.Contains(q.t, text, q.say.Stored("altered after it was signed: its ByteRange overlaps"))
	assert.NotEmpty(q.t, q.seen(`form[action$="/release"] button`), "a button that lets it out")
	assert.NotEmpty(q.t, q.seen(`form[action$="/retry"] button`), "a button that asks again")
	q.answered("quarantined")
}

// completed: how do we know that it is completed?
func (q *questioner) completed() {
	q.begin()
	q.follow(`#tiles a[href*="status=completed"]`)
	q.follow(`tbody th a`)
	assert.Contains(q.t, q.seen("#know"), q.say.Say("row.know"))
	assert.Contains(q.t, q.seen("#state"), q.say.Word("status", "completed"))
	assert.NotEmpty(q.t, q.seen(".known li"))
	q.answered("completed")
}
