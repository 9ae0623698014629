// Package browser tries the console of the real daemon in Chromium, beside simulated services.
package browser

import (
	"os"
	"testing"

	"countersign/cmd/countersign/installtest"
)

func TestMain(m *testing.M) {
	code := installtest.Tests(m).Run()
	if started.end != nil {
		started.end()
	}
	os.Exit(code)
}
