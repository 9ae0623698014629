package main

import (
	"testing"
)

func TestGapsFailUnderIsExitThree(t *testing.T) {
	t.Parallel()
	_, config := seeded(t, false)
	for _, c := range []struct {
		args []string
		code int
	}{
		{[]string{"--account", "sales", "--fail-under"}, exitDrift},
		{[]string{"--account", "sales", "--json", "--fail-under=99%"}, exitDrift},
		{[]string{"--account", "sales", "--fail-under", "90.1%"}, exitDrift},
		{[]string{"--account", "sales", "--fail-under", "90%"}, exitDone},
		{[]string{"--account", "old", "--fail-under"}, exitDone},
		{[]string{"--fail-under"}, exitDone}, // no account is in the config
		{[]string{"--account", "sales"}, exitDone},
		{[]string{"--fail-under", "101%"}, exitUsage},
		{[]string{"99%"}, exitUsage},
		{[]string{"--fail-under", "90%", "more"}, exitUsage},
	} {
		a, _, stderr := testApp(nil)
		if code := a.run(t.Context(), append([]string{"--config", config, "gaps"}, c.args...)); code != c.code {
			t.Errorf("%v: exit %d, want %d: %s", c.args, code, c.code, stderr)
		}
	}
}
