package arguments

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TakesRefs says whether a verb's arguments hold refs, which are the providers' and may begin with a dash.
func TakesRefs(cmd *cobra.Command) bool { return strings.Contains(cmd.Use, "REF") }

// RefsAsTheyAre puts what is no flag of a verb that takes refs behind --, so that a ref such as -2r3z is read as it is.
// What begins with two dashes stays: there a flag that was mistyped is likelier, and the error names the cure.
func RefsAsTheyAre(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil || !TakesRefs(cmd) {
		return args
	}
	var flags, refs []string
	for i := 0; i < len(rest); i++ {
		arg := rest[i]
		if arg == "--" {
			refs = append(refs, rest[i+1:]...)
			break
		}
		flag, value, is := flagOf(cmd, arg)
		if !is {
			refs = append(refs, arg)
			continue
		}
		flags = append(flags, arg)
		if flag != nil && !value && flag.NoOptDefVal == "" && i+1 < len(rest) {
			i++
			flags = append(flags, rest[i])
		}
	}
	return slices.Concat(strings.Fields(cmd.CommandPath())[1:], flags, []string{"--"}, refs)
}

// flagOf says whether a word is a flag of a verb, which one where it is known, and whether the flag's value is in it.
func flagOf(cmd *cobra.Command, word string) (flag *pflag.Flag, value, is bool) {
	if name, long := strings.CutPrefix(word, "--"); long {
		name, _, value = strings.Cut(name, "=")
		return anyFlag(cmd, func(set *pflag.FlagSet) *pflag.Flag { return set.Lookup(name) }), value, true
	}
	name, short := strings.CutPrefix(word, "-")
	if !short || name == "" {
		return nil, false, false
	}
	if name == "h" {
		return nil, false, true // cobra adds it later
	}
	flag = anyFlag(cmd, func(set *pflag.FlagSet) *pflag.Flag { return set.ShorthandLookup(name[:1]) })
	return flag, len(name) > 1, flag != nil
}

func anyFlag(cmd *cobra.Command, look func(*pflag.FlagSet) *pflag.Flag) *pflag.Flag {
	if f := look(cmd.Flags()); f != nil {
		return f
	}
	return look(cmd.InheritedFlags())
}
