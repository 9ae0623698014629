package move

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/model/store/durable"
)

// line is one of the config that has to be another.
type line struct{ key, value, secretless string }

func (l line) String() string { return l.key + ": " + config.Quote(l.value) }

// shown is the line without a password.
func (l line) shown() string {
	if l.secretless != "" && l.secretless != l.value {
		return l.key + ": " + config.Quote(l.secretless) + " # and what --to had beside that"
	}
	return l.String()
}

// lines are those that have to be others. What lay beside a SQLite file by itself has to be named now.
func (j *job) lines() []line {
	all := []line{{"database", j.new.Database, j.done.To}}
	bare := *j.new
	if bare.KeyFile = j.old.KeyFile; bare.InstallationKeyFile() != j.new.KeyFile {
		all = append(all, line{key: "key_file", value: j.new.KeyFile})
	}
	return all
}

// write changes the lines of the config file, and leaves all else in it as it is.
func write(c *config.Config, lines []line) error {
	text, err := os.ReadFile(c.File())
	if err != nil {
		return err
	}
	info, err := os.Stat(c.File())
	if err != nil {
		return err
	}
	for _, l := range lines {
		text = set(text, l)
	}
	return durable.Write(c.File(), durable.How{Replace: true, Mode: info.Mode().Perm() & fs.ModePerm}, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
}

// comment is what may stand behind a value.
var comment = regexp.MustCompile(`[ \t]+#.*$`)

// set puts a line in the place of the one that sets its key, whose comment stays, or before all others.
func set(text []byte, l line) []byte {
	key := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(l.key) + `[ \t]*:[^\r\n]*`)
	if at := key.FindIndex(text); at != nil {
		rest := comment.FindString(string(text[at[0]:at[1]]))
		return bytes.Join([][]byte{text[:at[0]], []byte(l.String() + rest), text[at[1]:]}, nil)
	}
	head := ""
	if rest, ok := strings.CutPrefix(string(text), "\uFEFF"); ok {
		head, text = "\uFEFF", []byte(rest)
	}
	return fmt.Appendf(nil, "%s%s\n%s", head, l, text)
}
