package doctor

import (
	"crypto/x509"
	"time"

	"countersign/cmd/countersign/config"
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
		d.say("warn", of("trust", acc.ID), "cli.doctor.trust.expired",
			"date", last.UTC().Format(time.DateOnly), "file", acc.Trust.Certificates)
		return
	}
	d.say("ok", of("trust", acc.ID), "cli.doctor.trust.good",
		"certificates", counted{"cli.doctor.certificates", len(list)}, "file", acc.Trust.Certificates,
		"date", last.UTC().Format(time.DateOnly))
}
