package autosign

// BodyProof is what proves a callback.
func BodyProof(secret string, body []byte) string { return bodyProof(secret, body) }

// EventNames are the seven types.
func EventNames() []string { return eventNames() }
