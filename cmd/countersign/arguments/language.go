package arguments

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"countersign/cmd/countersign/engine"
	"countersign/model/words"
)

// language is the language in which env speaks. It is a pflag.Value.
type language struct{ env *engine.Env }

// Set chooses it.
func (l language) Set(s string) error {
	if !slices.Contains(words.Languages(), s) {
		return fmt.Errorf("%q is not one of %s", s, strings.Join(words.Languages(), ", "))
	}
	l.env.Words = words.For(s)
	return nil
}

func (l language) String() string { return "" }

// Type is what the help calls it.
func (l language) Type() string { return "LANGUAGE" }

// Language is the flag that chooses the language of what people read, over that of the environment.
func Language(root *cobra.Command, env *engine.Env) {
	all := words.Languages()
	root.PersistentFlags().Var(language{env}, "lang",
		"`LANGUAGE` of what people read: "+strings.Join(all, ", ")+" (default: as LC_ALL, LC_MESSAGES or LANG say)")
	root.RegisterFlagCompletionFunc("lang", cobra.FixedCompletions(all, cobra.ShellCompDirectiveNoFileComp)) //nolint:errcheck // the flag is there
}
