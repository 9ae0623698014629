package allsign

// Event is a callback's body.
type Event = event

// The ids of the two files.
const (
	SignedFile      = signedFile
	CertificateFile = certificateFile
)

// StandardSignature is one token of a webhook-signature header.
func StandardSignature(secret, id, at string, body []byte) string {
	return standardSignature(secret, id, at, body)
}

// ActiveEvents are the events that fire.
func ActiveEvents() []string { return activeEvents() }
