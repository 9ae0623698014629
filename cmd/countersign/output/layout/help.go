package layout

import "strings"

// helpWidth is how wide a help text is at most: that of the narrowest terminal in use.
const helpWidth = 80

// Help is what --help prints: the paragraphs of long anew, and the usage, whose examples stay as they are.
func Help(long, usage string) string {
	var out []string
	for _, paragraph := range paragraphs(long) {
		out = append(out, wrapped(paragraph, hangOf(paragraph))...)
	}
	out = append(out, "")
	example := false
	for _, line := range strings.Split(strings.TrimRight(usage, "\n"), "\n") {
		if line != "" && line[0] != ' ' {
			example = strings.HasPrefix(line, "Examples:")
		}
		if example {
			out = append(out, line)
			continue
		}
		out = append(out, wrapped(line, hangOf(line))...)
	}
	return strings.Join(out, "\n") + "\n"
}

// paragraphs joins the lines of each paragraph; a line that is indented stands alone.
func paragraphs(text string) (out []string) {
	joins := false
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		plain := line != "" && line[0] != ' '
		if plain && joins {
			out[len(out)-1] += " " + line
		} else {
			out = append(out, line)
		}
		joins = plain
	}
	return out
}

// hangOf is how far the lines after the first are indented: to the column in which what is said of a flag or a verb
// begins, or as far as the first.
func hangOf(line string) int {
	indent := len(line) - len(strings.TrimLeft(line, " "))
	if indent == 0 {
		return 0
	}
	for i := indent; i+2 < len(line); i++ { // the last run of blanks of two and more, within the first half
		if line[i] == ' ' && line[i+1] == ' ' && i < helpWidth/2 {
			column := i + len(line[i:]) - len(strings.TrimLeft(line[i:], " "))
			if column < helpWidth/2+8 {
				return column
			}
		}
	}
	return indent
}

// wrapped breaks a line between words, where it is too wide.
func wrapped(line string, hang int) (out []string) {
	for columns(line) > helpWidth {
		at := strings.LastIndexByte(line[:min(helpWidth+1, len(line))], ' ')
		if at <= hang {
			break // a word of that length
		}
		out = append(out, strings.TrimRight(line[:at], " "))
		line = strings.Repeat(" ", hang) + strings.TrimLeft(line[at:], " ")
	}
	return append(out, line)
}
