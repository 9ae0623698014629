package killed

import (
	"os"
	"testing"

	"countersign/cmd/countersign/installtest"
)

func TestMain(m *testing.M) { os.Exit(installtest.Tests(m).Run()) }
