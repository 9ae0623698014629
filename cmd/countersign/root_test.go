package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/output"
)

func TestUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("config.yaml", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string // stderr, or the beginning of stdout where all is well
	}{
		{"", 0, "countersign keeps a local database"},
		{"--help", 0, "countersign keeps a local database"},
		{"list --help", 0, "list prints the table, the newest change first."},
		{"version", 0, "countersign "},
		{"--version", 0, "countersign "},
		{"help", 0, "countersign keeps a local database"},
		{"help callbacks list", 0, "list "},
		{"help sign", 2, "error: countersign has no verb \"sign\": see `countersign --help`\n"},
		{"help callbacks lits", 2, "error: countersign callbacks has no verb \"lits\": did you mean list?\n"},
		{"completion nope", 2, "error: countersign completion has no verb \"nope\": see `countersign completion --help`\n"},
		{"list --limit x", 2, "error: --limit \"x\" is not a whole number: see `countersign list --help`\n"},
		{"list --limit 99999999999999999999", 2,
			"error: --limit \"99999999999999999999\" is out of range: see `countersign list --help`\n"},
		{"simulate --seed -1", 2,
			"error: --seed \"-1\" is not a whole number, 0 or more: see `countersign simulate --help`\n"},
		{"simulate --drop x", 2, "error: --drop \"x\" is not a number: see `countersign simulate --help`\n"},
		{"demo --for x", 2, "error: --for \"x\" is not a length of time such as 30s, 5m or 2h: see `countersign demo --help`\n"},
		{"list --json=maybe", 2, "error: --json \"maybe\" is not true or false: see `countersign list --help`\n"},
		{"gaps --since 9999-01-01", 2,
			"error: invalid argument \"9999-01-01\" for \"--since\" flag: \"9999-01-01\" is still to come: it is " +
				nine.UTC().Format(time.DateTime) + " UTC: see `countersign gaps --help`\n"},
		{"completion bash", 0, "# bash completion V2 for countersign"},
		{"completion fish", 0, "# fish completion for countersign"},
		{"lst", 2, "error: countersign has no verb \"lst\": did you mean list?\n"},
		{"frobnicate", 2, "error: countersign has no verb \"frobnicate\": see `countersign --help`\n"},
		{"callbacks", 2, "error: countersign callbacks needs one of: list, show, explain, replay\n"},
		{"callbacks lits", 2, "error: countersign callbacks has no verb \"lits\": did you mean list?\n"},
		{"list --colour", 2, "error: unknown flag: --colour: see `countersign list --help`\n"},
		{"list sales", 2, "error: countersign list takes no \"sales\": see `countersign list --help`\n"},
		{"list --status signed", 2,
			"error: --status \"signed\" is not one of unknown, draft, in_progress, completed, declined, expired, cancelled, opted_out, failed\n"},
		{"list --limit -1", 2, "error: --limit -1 is below nothing\n"},
		{"list --changed-since soon", 2,
			"error: invalid argument \"soon\" for \"--changed-since\" flag: \"soon\" is not a span such as 30d, 2w, 720h, 2026-01-31 or 2026-01-31T12:00:00Z: see `countersign list --help`\n"},
		{"show", 2, "error: countersign show needs [ACCOUNT] REF: see `countersign show --help`\n"},
		{"gaps --fail-under 200%", 2, "error: \"200%\" is not a share such as 99%: see `countersign gaps --help`\n"},
		{"gaps sales", 2, "error: countersign gaps takes no \"sales\": see `countersign gaps --help`\n"},
		{"show a b c", 2, "error: countersign show takes [ACCOUNT] REF, not 3 arguments: see `countersign show --help`\n"},
		{"documents get 8f3a1c", 2,
			"error: countersign documents get takes ACCOUNT REF, not 1 argument: see `countersign documents get --help`\n"},
		{"callbacks list --verdict bad", 2,
			"error: --verdict \"bad\" is not one of accepted, duplicate, refused, not_understood\n"},
		{"documents list --state gone", 2,
			"error: --state \"gone\" is not one of waiting, stored, quarantined, unobtainable, failed\n"},
		{"changes --after -1", 2, "error: --after and --limit are not below 0\n"},
		{"--config nowhere.yaml list", 2, "error: open nowhere.yaml: no such file or directory\n"},
	} {
		a, stdout, stderr := testApp(map[string]string{})
		code := a.run(context.Background(), strings.Fields(test.args))
		if code != test.code {
			t.Errorf("%q: exit %d, want %d: %s", test.args, code, test.code, stderr)
		}
		switch {
		case code != 0 && (stderr.String() != test.want || stdout.Len() > 0):
			t.Errorf("%q says\n%s%swant\n%s", test.args, stdout, stderr, test.want)
		case code == 0 && (!strings.HasPrefix(stdout.String(), test.want) || stderr.Len() > 0):
			t.Errorf("%q prints\n%.200s%s", test.args, stdout, stderr)
		}
	}
}

// Each verb has a sentence, an example, and a help that fits a terminal of 80 columns.
func TestEveryVerbHelps(t *testing.T) {
	t.Parallel()
	a, stdout, _ := testApp(nil)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		stdout.Reset()
		if err := cmd.Help(); err != nil {
			t.Error(err)
		}
		for line := range strings.Lines(stdout.String()) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 && !strings.Contains(cmd.CommandPath(), "completion") {
				t.Errorf("%s --help has a line of %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		if cmd.HasParent() && (cmd.Short == "" || cmd.Example == "" && !cmd.HasSubCommands()) {
			t.Errorf("%s lacks a sentence or an example", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(a.root())
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err  error
		code int
		says string
	}{
		{nil, 0, ""},
		{errors.New("fetch sales/x: 503\nService Unavailable"), 1, "error: fetch sales/x: 503; Service Unavailable\n"},
		{output.Usagef("no such thing"), 2, "error: no such thing\n"},
		{&output.ExitError{Code: output.ExitDrift}, 3, ""},
		{fmt.Errorf("while %w", &output.ExitError{Code: output.ExitDrift, Err: errors.New("drifting")}), 3,
			"error: while drifting\n"},
		{&os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, 0, ""},
		{fmt.Errorf("write: %w", io.ErrClosedPipe), 0, ""},
	} {
		a, _, stderr := testApp(nil)
		a.began = true
		if code := a.exit(test.err); code != test.code || stderr.String() != test.says {
			t.Errorf("%v: exit %d, %q", test.err, code, stderr)
		}
	}
}

// Whoever interrupts a verb reads that, and nothing of contexts.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	_, config := seeded(t, false)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, args := range []string{"list", "export transactions", "changes", "gaps"} {
		a, _, stderr := testApp(nil)
		code := a.run(ctx, append([]string{"--config", config}, strings.Fields(args)...))
		if code != output.ExitFailed || stderr.String() != "error: interrupted\n" {
			t.Errorf("%s: exit %d, %s", args, code, stderr)
		}
	}
}

func TestWithoutAConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	a, _, stderr := testApp(map[string]string{})
	if code := a.run(t.Context(), []string{"config", "check"}); code != output.ExitUsage ||
		!strings.HasPrefix(stderr.String(), "error: no config: ") {
		t.Errorf("without a config: exit %d, %s", code, stderr)
	}
}

// A shell offers files where a verb takes one, and nowhere else.
func TestFilesAreOfferedWhereAVerbTakesOne(t *testing.T) {
	for verb, want := range map[string]string{"show": ":4\n", "track": ":4\n", "registration show": ":4\n",
		"restore": ":0\n"} {
		a, stdout, _ := testApp(map[string]string{})
		args := append(append([]string{"__complete"}, strings.Fields(verb)...), "")
		if code := a.run(context.Background(), args); code != 0 || stdout.String() != want {
			t.Errorf("%s: exit %d, %q, want %q", verb, code, stdout, want)
		}
	}
}
