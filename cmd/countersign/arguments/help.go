package arguments

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is how many columns a help text has: those of the narrowest terminal that is still about.
const helpWidth = 80

// Help lays out the help of a verb, and of those below it, in as many columns as a terminal has at least. Examples are
// typed, and stay as they are.
func Help(cmd *cobra.Command) {
	cmd.Long = reflowed(cmd.Long)
	if !cmd.HasParent() {
		cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 80"))
	}
	for _, sub := range cmd.Commands() {
		Help(sub)
	}
}

// reflowed breaks the lines of each paragraph anew; a line that is indented stays one.
func reflowed(text string) string {
	var out, words []string
	flush := func() {
		line := ""
		for _, w := range words {
			if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(w) > helpWidth {
				out, line = append(out, line), ""
			}
			line = strings.TrimPrefix(line+" "+w, " ")
		}
		if line != "" {
			out = append(out, line)
		}
		words = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, " ") {
			flush()
			out = append(out, line)
			continue
		}
		words = append(words, strings.Fields(line)...)
	}
	flush()
	return strings.Join(out, "\n")
}
