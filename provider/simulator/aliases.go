package simulator

import "countersign/provider/simulator/world"

// What a user of the simulator speaks of, so that one import serves.
type (
	// Options configures a World.
	Options = world.Options
	// Faults is what goes wrong, as shares from 0 to 1.
	Faults = world.Faults
	// Habits are what services do at odds with their papers.
	Habits = world.Habits
	// Endless is a way in which lists never end.
	Endless = world.Endless
	// Event is one happening, for a screen that shows the world live.
	Event = world.Event
	// Account is what a client needs to know of a simulated account.
	Account = world.Account
	// TruthDocument is one final file.
	TruthDocument = world.TruthDocument
	// TruthChange is one change, the callbacks that tell of it and the answers that showed it.
	TruthChange = world.TruthChange
	// TruthAnswer is one API answer with a state that includes a change.
	TruthAnswer = world.TruthAnswer
	// TruthCallback is one callback with each attempt to deliver it.
	TruthCallback = world.TruthCallback
	// Attempt is one delivery.
	Attempt = world.Attempt
)

// EndlessPage is the first of EndlessWays.
const EndlessPage = world.EndlessPage

// EndlessWays returns the ways in which lists never end.
func EndlessWays() []Endless {
	return []Endless{world.EndlessPage, world.EndlessTotal, world.EndlessCursor}
}
