package arguments

import (
	"bufio"
	"context"
	"errors"
	"slices"
	"strings"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/environ"
	"countersign/cmd/countersign/output"
)

// Confirm asks a person whether to go on. Without a terminal, --yes is required.
func Confirm(ctx context.Context, env *engine.Env, yes bool, question string) error {
	if yes {
		return nil
	}
	if !output.IsTerminal(env.Stdout) {
		return output.Usagef("this cannot be undone, and nobody is there to ask: say --yes")
	}
	if err := env.Printf("%s ", env.Say("cli.confirm", "question", question)); err != nil {
		return err
	}
	line, err := bufio.NewReader(env.Input(ctx)).ReadString('\n')
	if errors.Is(err, environ.ErrInterrupted) {
		return err
	}
	yeses := strings.Fields(env.Say("cli.confirm.yes"))
	if slices.Contains(yeses, strings.ToLower(strings.TrimSpace(line))) {
		return nil
	}
	return errors.New("nothing was changed")
}
