package arguments

import (
	"bufio"
	"context"
	"errors"
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
	if err := env.Printf("%s [y/N] ", question); err != nil {
		return err
	}
	line, err := bufio.NewReader(env.Input(ctx)).ReadString('\n')
	if errors.Is(err, environ.ErrInterrupted) {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	return errors.New("nothing was changed")
}
