package values

import "testing"

// An address is a network of one; IPv4 in IPv6's clothes is IPv4.
func TestNetworks(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "10.1.1.1": "10.1.1.1/32", "::1": "::1/128",
		"2001:db8::/32":   "2001:db8::/32",
		"::ffff:10.1.1.1": "10.1.1.1/32", "::ffff:172.16.0.0/108": "172.16.0.0/12", "::ffff:0:0/96": "0.0.0.0/0",
		"::/0":  "::/0",
		"proxy": "", "10.0.0.0/33": "", "": "", "fe80::1%eth0": "", "10.0.0.1:80": "",
	} {
		var n Network
		if err := n.Parse(text); (err == nil) != (want != "") || err == nil && n.String() != want {
			t.Errorf("%q: %s, %v, want %q", text, n, err, want)
		}
	}
}
