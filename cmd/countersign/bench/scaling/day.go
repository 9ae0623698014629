package scaling

import "math"

// Account is an account under its provider's budget, and what asking costs there: calls for a row.
type Account struct {
	Provider string
	Budget   int     // calls a minute, countersign's default
	Files    int     // calls a minute for files beside the budget; 0: they are taken from it
	Confirm  float64 // of a change that a callback told
	Active   float64 // of an open row in an active poll
	Changed  float64 // of a changed row in it
	Idle     float64 // of an open row in an idle poll
	Audit    float64 // of a row that ended within 30 days, in an audit
}

// Accounts are the providers with their default budgets. docs/providers says what each is asked for: OneSpan lists what
// changed, a hundred a page, twice, and is asked about each open row when idle; Dropbox Sign is read by pages of a hundred;
// AllSign takes two calls for an open row and three for one that ended; Documenso answers for twenty a call.
func Accounts() []Account {
	return []Account{
		{Provider: "onespan", Budget: 120, Confirm: 1, Changed: 0.02, Idle: 1, Audit: 1},
		{Provider: "dropboxsign", Budget: 100, Files: 25, Confirm: 1, Active: 0.01, Audit: 0.01},
		{Provider: "allsign", Budget: 9, Confirm: 2, Active: 2, Audit: 3},
		{Provider: "autosign", Budget: 30, Confirm: 1, Active: 1, Audit: 1},
		{Provider: "documenso", Budget: 600, Confirm: 1, Active: 0.05, Audit: 0.05},
	}
}

// Work is one kind of it in a simulated day.
type Work struct {
	Name  string
	Slots int     // a day; 0: it comes all day
	Calls float64 // a day
	Took  float64 // minutes from the slot to its end, or that a call waits, at the worst
	Left  float64 // share that was not done when the next slot came, or at the end of the day

	waiting, began, each float64
}

// Day is what became of an account in a day.
type Day struct {
	Account
	Open float64
	Work []Work  // in the order in which the budget serves them
	Used float64 // share of the budget
}

const (
	minutes   = 24 * 60
	auditDays = 30
	tenth     = 0.1 // of the budget, which each kind that waits is given before the others take the rest
)

// works are what an account with so many open rows has to ask. All of them have had news within seven days, and are in the
// active tier.
func works(a Account, d Demand, open float64) []Work {
	births := open / d.OpenDays
	all := []Work{
		{Name: "confirm", Calls: births * d.Changes * a.Confirm},
		{Name: "download", Calls: births * d.Documents},
		{Name: "active", Slots: 4, Calls: 4*open*a.Active + births*d.Changes*a.Changed},
		{Name: "idle", Slots: 2, Calls: 2 * open * a.Idle},
		{Name: "audit", Slots: 1, Calls: births * auditDays * a.Audit},
	}
	return all
}

// Simulate plays a day of an account with so many open transactions, minute by minute: three quarters of the changes come
// within eight hours. Each kind of work that waits gets a tenth of the budget, and the rest goes to them in their order, as
// provider/transport/budget gives it. A poll that is not done when its next slot comes gives up, and the slot begins with
// the rows that were asked about longest ago.
func Simulate(a Account, d Demand, open float64) Day {
	day := Day{Account: a, Open: open, Work: works(a, d, open)}
	for m := range minutes {
		for i := range day.Work {
			day.Work[i].arrive(m)
		}
		left := float64(a.Budget)
		for _, most := range []float64{tenth * left, left} {
			for i := range day.Work {
				w := &day.Work[i]
				if w.Name == "download" && a.Files > 0 {
					continue
				}
				n := min(w.waiting, most, left)
				w.waiting, left, day.Used = w.waiting-n, left-n, day.Used+n
			}
		}
		for i := range day.Work {
			w := &day.Work[i]
			pace := float64(a.Budget)
			if w.Name == "download" && a.Files > 0 {
				pace = float64(a.Files)
				w.waiting -= min(w.waiting, pace)
			}
			w.after(m, pace)
		}
	}
	day.Used /= float64(a.Budget) * minutes
	for i := range day.Work {
		w := &day.Work[i]
		if w.waiting > 1 {
			w.Left = max(w.Left, w.waiting/max(w.each, 1))
		}
	}
	return day
}

// arrive adds what comes in a minute.
func (w *Work) arrive(m int) {
	if w.Slots == 0 {
		share := 0.25 / (minutes * 2 / 3)
		if m >= 9*60 && m < 17*60 {
			share = 0.75 / (minutes / 3)
		}
		w.waiting, w.each = w.waiting+w.Calls*share, w.Calls
		return
	}
	if m%(minutes/w.Slots) == 0 {
		w.each = w.Calls / float64(w.Slots)
		if w.waiting > 1 {
			w.Left = max(w.Left, w.waiting/w.each)
		}
		w.waiting, w.began = w.each, float64(m)
	}
}

// after notes how long a slot took, or how long the newest call will have to wait at a pace.
func (w *Work) after(m int, pace float64) {
	switch {
	case w.Slots == 0:
		w.Took = max(w.Took, w.waiting/pace)
	case w.waiting > 0:
		w.Took = max(w.Took, float64(m)-w.began+1)
	case w.each > 0 && float64(m) == w.began:
		w.Took = max(w.Took, 1)
	}
}

// KeepsUp says that each kind of work is done in its time.
func (d Day) KeepsUp() bool {
	for _, w := range d.Work {
		if w.Left > 0 {
			return false
		}
	}
	return true
}

// Most is how many open transactions an account keeps up with, to two digits, by what has to be done of its day.
func Most(a Account, d Demand, enough func(Day) bool) float64 {
	low, high := 0.0, 1e8
	for high-low > max(low/1000, 1) {
		if mid := (low + high) / 2; enough(Simulate(a, d, mid)) {
			low = mid
		} else {
			high = mid
		}
	}
	unit := math.Pow(10, math.Floor(math.Log10(max(low, 1)))-1)
	return math.Floor(low/unit) * unit
}
