// Package caller finds out who sent a request through proxies that are trusted.
package caller

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Networks are those whose addresses are believed, or let in.
type Networks []netip.Prefix

// Contain reports whether an address is in one of the networks, however it is written.
func (trusted Networks) Contain(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

type key struct{}

// With returns the request with its caller, for Of.
func With(r *http.Request, caller netip.Addr) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), key{}, caller))
}

// Of returns who sent a request that With was given. The address is not valid where the connection has none.
func Of(r *http.Request) netip.Addr {
	a, _ := r.Context().Value(key{}).(netip.Addr)
	return a
}

// Find returns who sent a request: the peer of the connection or, where that is a trusted proxy, the one that the
// proxies name in X-Forwarded-For or Forwarded (RFC 7239). It walks from the peer towards the client for as long as
// each hop is trusted. Where both headers are there and name different callers, one of them was written by the client
// and nobody can tell which: the peer is all that is known, and agreed is false.
func (trusted Networks) Find(r *http.Request) (from netip.Addr, agreed bool) {
	peer, ok := Address(r.RemoteAddr)
	if !ok || !trusted.Contain(peer) {
		return peer, true
	}
	listed, standard := r.Header.Values("X-Forwarded-For"), r.Header.Values("Forwarded")
	byList, byStandard := trusted.walk(peer, listHops(listed)), trusted.walk(peer, forwardedHops(standard))
	switch {
	case len(standard) == 0, byList == byStandard:
		return byList, true
	case len(listed) == 0:
		return byStandard, true
	}
	return peer, false
}

// walk goes through hops from the nearest to the farthest. An entry that is no address ends the trust: the caller is
// the proxy that wrote it.
func (trusted Networks) walk(peer netip.Addr, hops []string) netip.Addr {
	for _, entry := range hops {
		a, ok := Address(entry)
		if !ok {
			return peer
		}
		if peer = a; !trusted.Contain(peer) {
			return peer
		}
	}
	return peer
}

// listHops returns the entries of X-Forwarded-For, the nearest first. Empty ones say nothing.
func listHops(lines []string) (hops []string) {
	for _, line := range slices.Backward(lines) {
		for _, entry := range slices.Backward(strings.Split(line, ",")) {
			if entry = strings.Trim(entry, " \t"); entry != "" {
				hops = append(hops, entry)
			}
		}
	}
	return hops
}

// forwardedHops returns the `for` of each element of Forwarded, the nearest first; "" for an element without one, and
// for a line that does not follow the grammar: whoever wrote it may have hidden elements in it.
func forwardedHops(lines []string) (hops []string) {
	for _, line := range slices.Backward(lines) {
		elements, ok := forwardedElements(line)
		if !ok {
			return append(hops, "")
		}
		slices.Reverse(elements)
		hops = append(hops, elements...)
	}
	return hops
}

// forwardedElements reads one line of Forwarded: elements divided by commas, pairs of an element by semicolons, values
// as tokens or quoted. Addresses with a port are taken without quotes as well, since proxies write them so.
func forwardedElements(line string) (hops []string, ok bool) {
	node, named, pairs := "", false, 0
	for rest := line; ; {
		rest = strings.TrimLeft(rest, " \t")
		if name, value, after, ok := pair(rest); ok {
			pairs++
			if strings.EqualFold(name, "for") {
				if named {
					return nil, false
				}
				node, named = value, true
			}
			rest = strings.TrimLeft(after, " \t")
		}
		if rest != "" && rest[0] == ';' {
			rest = rest[1:]
			continue
		}
		if rest != "" && rest[0] != ',' {
			return nil, false
		}
		if pairs > 0 { // an empty element says nothing
			hops = append(hops, node)
		}
		if rest == "" {
			return hops, true
		}
		node, named, pairs, rest = "", false, 0, rest[1:]
	}
}

// pair reads name=value at the beginning of s.
func pair(s string) (name, value, rest string, ok bool) {
	end := strings.IndexAny(s, "=;,\" \t")
	if end <= 0 || s[end] != '=' {
		return "", "", "", false
	}
	name, s = s[:end], s[end+1:]
	if !strings.HasPrefix(s, `"`) {
		end = strings.IndexAny(s, ";,\" \t")
		if end < 0 {
			end = len(s)
		}
		return name, s[:end], s[end:], true
	}
	var text strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return name, text.String(), s[i+1:], true
		case '\\':
			if i++; i == len(s) {
				return "", "", "", false
			}
		}
		text.WriteByte(s[i])
	}
	return "", "", "", false
}

// Address reads an address in any form that proxies write it: with a port or without, IPv6 in brackets or bare, in
// quotes, mapped IPv4, with a zone.
func Address(s string) (netip.Addr, bool) {
	if len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	host, port := s, "0"
	switch colons := strings.Count(s, ":"); {
	case strings.HasPrefix(s, "["):
		inside, after, closed := strings.Cut(s[1:], "]")
		if !closed || strings.Count(inside, ":") < 2 {
			return netip.Addr{}, false
		}
		if host = inside; after != "" {
			colon := ""
			if colon, port = after[:1], after[1:]; colon != ":" {
				return netip.Addr{}, false
			}
		}
	case colons == 1, colons == 8 && !strings.Contains(s, "::"): // all eight groups, and a port
		at := strings.LastIndexByte(s, ':')
		host, port = s[:at], s[at+1:]
	}
	if !isPort(port) {
		return netip.Addr{}, false
	}
	host, zone, zoned := strings.Cut(host, "%") // a zone means something to the machine that wrote it only
	a, err := netip.ParseAddr(host)
	return a.Unmap(), err == nil && (!zoned || zone != "" && a.Is6())
}

// isPort reports whether s is a port, or what RFC 7239 lets a proxy write in its place.
func isPort(s string) bool {
	if hidden, ok := strings.CutPrefix(s, "_"); ok {
		return hidden != "" && !strings.ContainsFunc(hidden, func(c rune) bool { return !isHidden(c) })
	}
	return s != "" && len(s) <= 5 && strings.Trim(s, "0123456789") == ""
}

func isHidden(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c)
}
