package config

import (
	"fmt"
	"net"
	"strings"

	"countersign/cmd/countersign/config/values"
)

func (r *checker) checkConsole(c *Config) {
	if r.checkAddress("console.address", c.Console.Address) {
		r.checkReached(c)
	}
	if c.Console.URL != "" {
		r.checkURL("console.url", c.Console.URL)
	}
	if o := c.Console.OIDC; o.Meant() {
		r.checkOIDC(o, c.Console.URL)
	}
}

// checkReached looks at who reaches the console.
func (r *checker) checkReached(c *Config) {
	if !values.Loopback(c.Console.Address) && c.Console.Token == "" && !c.Console.OIDC.Meant() && !r.lacks("console.token") {
		r.wrong("console.address",
			"%s can be reached from other machines: set console.token or token_file, or console.oidc, or listen on 127.0.0.1",
			r.said("console.address"))
	}
	_, port, _ := net.SplitHostPort(c.Console.Address)
	if c.Console.Address == c.Public.Address && port != "0" {
		r.wrong("console.address", "is the public address too: the console needs one of its own")
	}
}

// checkOIDC looks at a login of which something was said.
func (r *checker) checkOIDC(o OIDC, outside string) {
	switch {
	case o.Issuer == "":
		r.wrong("console.oidc.issuer", "is missing: who vouches for those who log in, such as https://id.example.com")
	case strings.HasPrefix(o.Issuer, "http://") && !values.LoopbackURL(o.Issuer):
		r.wrong("console.oidc.issuer", "begins with http://: whoever is on the way could log in as anybody")
	default:
		r.checkURL("console.oidc.issuer", o.Issuer)
	}
	if o.ClientID == "" {
		r.wrong("console.oidc.client_id", "is missing: the issuer gives one to each program that it logs people in to")
	}
	if o.Claim == "" {
		r.wrong("console.oidc.claim", "is empty: it names the claim that lists somebody's groups, such as groups")
	}
	if len(o.Operators)+len(o.Readers) == 0 {
		r.wrong("console.oidc.operators", "is empty as readers is: nobody could log in")
	}
	for key, groups := range map[string][]string{"operators": o.Operators, "readers": o.Readers} {
		for i, g := range groups {
			if strings.TrimSpace(g) == "" {
				r.wrong(fmt.Sprintf("console.oidc.%s[%d]", key, i), "is no name of a group")
			}
		}
	}
	if outside == "" {
		r.wrong("console.url", "is missing: the issuer sends people back to it, such as https://countersign.example.com")
	}
}
