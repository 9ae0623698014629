package environ

import "golang.org/x/net/http/httpproxy"

// Proxies are HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment, in capitals or small letters.
func Proxies(lookup func(string) (string, bool)) *httpproxy.Config {
	of := func(names ...string) string {
		for _, name := range names {
			if v, _ := lookup(name); v != "" {
				return v
			}
		}
		return ""
	}
	return &httpproxy.Config{
		HTTPProxy:  of("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: of("HTTPS_PROXY", "https_proxy"),
		NoProxy:    of("NO_PROXY", "no_proxy"),
		CGI:        of("REQUEST_METHOD") != "",
	}
}
