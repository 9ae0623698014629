package provider

import "strings"

// Traits describe a provider to the rest of the program, as data: no code outside its folder knows a provider by name.
// The traits in a Service are those of its account, those in a Driver apply to every account.
type Traits struct {
	// BaseURL is where the service is reached unless the account's base_url says otherwise: scheme and host.
	BaseURL string
	// BaseURLNote is what a first config says above base_url, where accounts differ in it; "" where none needs one.
	BaseURLNote string
	// OwnPaths is what the paths of its calls begin with: ours to add, so that no base_url ends in one.
	OwnPaths []string
	// SelfHosted says that people run servers of their own: an account must name its base_url, or the key of one's own
	// server would go to the vendor's.
	SelfHosted bool
	// Budget is the requests a minute that the service bears. A class that is missing shares ClassRead's.
	Budget map[Class]int
	// FetchCalls is how many requests a Fetch takes, and CompletedCalls one about a completed transaction; 0: one, and as
	// many as FetchCalls.
	FetchCalls, CompletedCalls int
	// SimulatedBudget is what stands in place of it at a simulated service whose lives are played faster.
	SimulatedBudget map[Class]int
	// FirstSettings are the settings that an account cannot do without, for a first config.
	FirstSettings []FirstSetting
	// ProofSettings are the settings that hold callback secrets. One of them is enough. Nil where callbacks are proved
	// by what every account has.
	ProofSettings []string
	// Unproved says what becomes of callbacks while none of ProofSettings is set.
	Unproved string
	// Seals says that each signed document of a completed transaction was seen to carry a signature in the PDF itself: one
	// without is not what the provider made. docs/providers has the evidence.
	Seals bool
	// SecretHeaders are headers of callbacks that are themselves the secret: only an HMAC of them is stored.
	SecretHeaders []string
	// StoredHeaders are further headers that Receive or Explain reads, such as one that the settings name as holding the
	// proof. They are stored with each callback, so that Explain and a replay have them.
	StoredHeaders []string
	// Reply is the answer to a callback that the service insists on; its zero value where any 200 will do.
	Reply Reply
}

// Fetches is how many requests a Fetch takes about a transaction that is known to be completed, or not.
func (t Traits) Fetches(completed bool) int {
	if completed && t.CompletedCalls > 0 {
		return t.CompletedCalls
	}
	return max(t.FetchCalls, 1)
}

// FirstSetting is one line of a first config's settings, with a secret from the environment.
type FirstSetting struct {
	Form string // the line, with %s where the variable's name stands
	Env  string // what the variable's name ends with: API_KEY
	Note string // a comment above it; ""
}

// Key is the setting's name.
func (f FirstSetting) Key() string {
	key, _, _ := strings.Cut(f.Form, ":")
	return key
}

// Reply is the body of a 200 that acknowledges a callback.
type Reply struct {
	ContentType string
	Body        string
}

// Acknowledgement is the answer to a callback that was stored.
func (t Traits) Acknowledgement() Reply {
	if t.Reply == (Reply{}) {
		return Reply{"application/json", `{"received":true}`}
	}
	return t.Reply
}
