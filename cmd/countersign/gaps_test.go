package main

import (
	"testing"

	"countersign/cmd/countersign/output"
)

func TestGapsFailUnderIsExitThree(t *testing.T) {
	t.Parallel()
	_, config := seeded(t, false)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"--account", "sales", "--fail-under"}, output.ExitDrift},
		{[]string{"--account", "sales", "--json", "--fail-under=99%"}, output.ExitDrift},
		{[]string{"--account", "sales", "--fail-under", "90.1%"}, output.ExitDrift},
		{[]string{"--account", "sales", "--fail-under", "90%"}, output.ExitDone},
		{[]string{"--account", "old", "--fail-under"}, output.ExitDone},
		{[]string{"--fail-under"}, output.ExitDone}, // no account is in the config
		{[]string{"--account", "sales"}, output.ExitDone},
		{[]string{"--fail-under", "101%"}, output.ExitUsage},
		{[]string{"99%"}, output.ExitUsage},
		{[]string{"--fail-under", "90%", "more"}, output.ExitUsage},
	} {
		a, _, stderr := testApp(nil)
		if code := a.run(t.Context(), append([]string{"--config", config, "gaps"}, c.args...)); code != c.code {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, stderr)
		}
	}
}
