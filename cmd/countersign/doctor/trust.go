package doctor

import (
	"crypto/x509"
	"time"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
)

// trust says which certificates an account's files may be sealed with. One that has expired still stands for what was
// signed before.
func (d *examination) trust(acc *config.Account) {
	list := acc.Trusted()
	if len(list) == 0 {
		return
	}
	last := time.Time{}
	for _, der := range list {
		c, err := x509.ParseCertificate(der)
		if err != nil { // the child reads more of them than the library does
			return
		}
		if c.NotAfter.After(last) {
			last = c.NotAfter
		}
	}
	if last.Before(d.UTC()) {
		d.say("warn", acc.ID+" trust",
			"the last of its certificates expired on %s: files that are sealed now will not be trusted. Add the new ones to %s",
			last.UTC().Format(time.DateOnly), acc.Trust.Certificates)
		return
	}
	d.say("ok", acc.ID+" trust", "%s from %s, the last valid until %s", output.Count(len(list), "certificate"),
		acc.Trust.Certificates, last.UTC().Format(time.DateOnly))
}
