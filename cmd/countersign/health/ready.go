package health

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"countersign/cmd/countersign/config"
)

// Readiness is what the running daemon says of itself at /readyz.
type Readiness struct {
	Known bool // it was asked, and answered or was silent
	Ready bool
	Why   []string // what is not as it should be; where it is not known, why not
}

// readyTimeout is longer than the daemon's own checks may take.
const readyTimeout = 8 * time.Second

// AskReady asks the console of the daemon on this machine. Where nothing listens there, the daemon may have another
// address than this config, or be on another machine: that is not known.
func AskReady(ctx context.Context, c *config.Config) Readiness {
	host, port, err := net.SplitHostPort(c.Console.Address)
	if err != nil || port == "0" {
		return Readiness{Why: []string{"console.address names no port to ask at"}}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	address := net.JoinHostPort(host, port)
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", nil)
	if err != nil {
		return Readiness{Why: []string{"console.address: " + err.Error()}}
	}
	if token := c.Console.Token.Reveal(); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // no proxy: it is this machine
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Readiness{Why: []string{"nothing listens at " + address}}
	case err != nil:
		return Readiness{Known: true, Why: []string{fmt.Sprintf("the console at %s does not answer", address)}}
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	return readAnswer(resp, address)
}

// readAnswer reads an answer of /readyz. Without a token it is no more than its code.
func readAnswer(resp *http.Response, address string) Readiness {
	var answer struct {
		Checks []struct {
			Name  string `json:"name"`
			OK    bool   `json:"ok"`
			Error string `json:"error"`
		} `json:"checks"`
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10)) //nolint:errcheck // the code tells enough
	json.Unmarshal(body, &answer)                            //nolint:errcheck // so it does
	var why []string
	for _, check := range answer.Checks {
		if !check.OK {
			why = append(why, check.Name+": "+check.Error)
		}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return Readiness{Known: true, Ready: true, Why: why}
	case http.StatusServiceUnavailable:
		return Readiness{Known: true, Why: why}
	}
	return Readiness{Why: []string{fmt.Sprintf("the console at %s answers %d", address, resp.StatusCode)}}
}
