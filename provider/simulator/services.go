package simulator

import (
	"countersign/provider/simulator/allsign"
	"countersign/provider/simulator/autosign"
	"countersign/provider/simulator/documenso"
	"countersign/provider/simulator/dropboxsign"
	"countersign/provider/simulator/onespan"
	"countersign/provider/simulator/world"
)

// The accounts that the simulated services know.
const (
	AccountOneSpan     = onespan.AccountID
	AccountDropboxSign = dropboxsign.AccountID
	AccountAllSign     = allsign.AccountID
	AccountAutosign    = autosign.AccountID
	AccountDocumenso   = documenso.AccountID
)

// service is a service that can be played.
type service struct {
	name string
	open func(*world.World) *world.Desk
}

// services lists the services that can be played, in the order in which they get transactions. A further one is a
// further line at the end, so that a seed plays the others as before.
func services() []service {
	return []service{
		{"onespan", onespan.Open},
		{"dropboxsign", dropboxsign.Open},
		{"allsign", allsign.Open},
		{"autosign", autosign.Open},
		{"documenso", documenso.Open},
	}
}

// Services returns the names of the services that can be played, in the order in which they get transactions.
func Services() (names []string) {
	for _, s := range services() {
		names = append(names, s.name)
	}
	return names
}
