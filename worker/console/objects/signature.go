package objects

import "countersign/model"

// Signature is one signature that stands in a document: the keys that model.EmbeddedSignature writes.
type Signature struct {
	Kind        string        `json:"kind"`
	Signer      string        `json:"signer"`
	Time        Stamp         `json:"time"`
	Reason      string        `json:"reason"`
	Integrity   string        `json:"integrity"`
	Coverage    string        `json:"coverage"`
	Trust       string        `json:"trust"`
	Note        string        `json:"note"`
	Status      string        `json:"status"`
	ProvedTime  Stamp         `json:"proved_time"`
	ProvedBy    string        `json:"proved_by"`
	Algorithm   string        `json:"algorithm"`
	Weaknesses  []string      `json:"weaknesses"`
	Added       []string      `json:"added"`
	Changed     []string      `json:"changed"`
	TrustNote   string        `json:"trust_note"`
	Issuer      string        `json:"issuer"`
	Serial      string        `json:"serial"`
	Certificate string        `json:"certificate"`
	Chain       []Certificate `json:"chain"`
}

func ofSignature(s model.EmbeddedSignature) Signature {
	c := s.Certificate()
	return Signature{
		Kind: s.Kind, Signer: s.Signer, Time: Stamp{s.Time}, Reason: s.Reason, Integrity: string(s.Integrity),
		Coverage: string(s.Coverage), Trust: string(s.Trust), Note: s.Note, Status: string(s.Status()),
		ProvedTime: Stamp{s.ProvedTime}, ProvedBy: s.ProvedBy, Algorithm: s.Algorithm, Weaknesses: each(s.Weaknesses, text),
		Added: each(s.Added, text), Changed: each(s.Changed, text), TrustNote: s.TrustNote,
		Issuer: c.Issuer, Serial: c.Serial, Certificate: c.SHA256, Chain: each(s.Chain, ofCertificate),
	}
}

// Certificate is one certificate of a signature's chain.
type Certificate struct {
	Subject   string `json:"subject"`
	Issuer    string `json:"issuer"`
	Serial    string `json:"serial"`
	SHA256    string `json:"sha256"`
	Key       string `json:"key"`
	NotBefore Stamp  `json:"not_before"`
	NotAfter  Stamp  `json:"not_after"`
}

func ofCertificate(c model.Certificate) Certificate {
	return Certificate{c.Subject, c.Issuer, c.Serial, c.SHA256, c.Key, Stamp{c.NotBefore}, Stamp{c.NotAfter}}
}

// Facts are what is known of a file beside its words and its signatures: the keys that model.FileFacts writes.
type Facts struct {
	Judge              int      `json:"judge"`
	Added              []string `json:"added"`
	Changed            []string `json:"changed"`
	Certification      string   `json:"certification"`
	CertificationLevel int      `json:"certification_level"`
	Seal               string   `json:"seal"`
	Unlisted           int      `json:"unlisted"`
}

func ofFacts(f model.FileFacts) Facts {
	return Facts{f.Judge, each(f.Added, text), each(f.Changed, text), string(f.Certification), f.CertificationLevel,
		string(f.Seal), f.Unlisted}
}

func text[S ~string](s S) string { return string(s) }
