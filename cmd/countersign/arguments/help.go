package arguments

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// helpWidth is how many columns a help text has: those of the narrowest terminal that is still about.
const helpWidth = 80

// named is a line of a list: a name, and what is said of it.
var named = regexp.MustCompile(`^ +(?:\S+  +)?`)

// hang lets templates say a sentence behind a name of so many columns.
var hang = sync.OnceFunc(func() {
	cobra.AddTemplateFunc("hang", func(text string, name int) string { return hanging(text, name+len("   ")) })
})

// Help lays out the help of a verb, and of those below it, in as many columns as a terminal has at least. Examples are
// typed, and stay as they are.
func Help(cmd *cobra.Command) {
	cmd.Long = reflowed(cmd.Long)
	if !cmd.HasParent() {
		hang()
		cmd.SetUsageTemplate(strings.NewReplacer(".FlagUsages", ".FlagUsagesWrapped 80", "{{.Short}}", "{{hang .Short .NamePadding}}",
			`Use "{{.CommandPath}} [command] --help" for more information about a command.`,
			`"{{.CommandPath}} VERB --help" says more about a verb.`).Replace(cmd.UsageTemplate()))
	}
	for _, sub := range cmd.Commands() {
		Help(sub)
	}
}

// reflowed breaks the lines of each paragraph anew. A line that is indented stays one, and what does not fit stands below
// the place where its own text begins.
func reflowed(text string) string {
	var out, paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			out = append(out, hanging(strings.Join(paragraph, " "), 0))
		}
		paragraph = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		name := named.FindString(line)
		switch {
		case line == "":
			flush()
			out = append(out, "")
		case name != "":
			flush()
			out = append(out, name+hanging(line[len(name):], utf8.RuneCountInString(name)))
		default:
			paragraph = append(paragraph, line)
		}
	}
	flush()
	return strings.Join(out, "\n")
}

// hanging breaks a text whose every line begins behind so many columns.
func hanging(text string, behind int) string {
	var b strings.Builder
	at := behind
	for i, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case at+1+n > helpWidth:
			b.WriteString("\n" + strings.Repeat(" ", behind))
			at = behind
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}
