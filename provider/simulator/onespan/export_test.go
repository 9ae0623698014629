package onespan

// ConsentDocument is the id of the document that is in every package.
const ConsentDocument = consentDocument

// EventNames are those that a registration may name.
func EventNames() []string { return eventNames() }
