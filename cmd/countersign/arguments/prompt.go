package arguments

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
)

// Prompt puts questions to a person, or to a file of answers.
type Prompt struct {
	out io.Writer
	in  *bufio.Reader
}

// NewPrompt asks on stderr and reads the answers from stdin.
func NewPrompt(ctx context.Context, env *engine.Env) Prompt {
	return Prompt{env.Stderr, bufio.NewReader(env.Input(ctx))}
}

// Ask puts a question until an answer passes its check, which says what is wrong with one. An empty answer is the
// fallback. Where no more answers come, the fallback counts; what was wrong with the last answer is the error.
func (p Prompt) Ask(question, fallback string, check func(answer string) (fault string)) (string, error) {
	if fallback != "" {
		question += " [" + fallback + "]"
	}
	var wrong string
	for {
		fmt.Fprintf(p.out, "%s: ", question)
		line, err := p.in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			fmt.Fprintln(p.out)
			return "", err
		}
		answer := cmp.Or(strings.TrimSpace(line), fallback)
		over := err != nil && line == ""
		if err != nil {
			fmt.Fprintln(p.out) // nobody has pressed return
		}
		if over && wrong != "" {
			return "", output.Usagef("the input has ended: %s", wrong)
		}
		fault := check(answer)
		if fault == "" {
			return answer, nil
		}
		if over {
			return "", output.Usagef("the input has ended before an answer to: %s", question)
		}
		wrong = fault
		fmt.Fprintln(p.out, fault)
	}
}
