package arguments

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/output"
	"countersign/provider"
)

// RefsOf gathers an account's refs from the command line and a file, each once, and says how many rows of the file were
// other accounts'. All faults are told at once.
func RefsOf(
	ctx context.Context, env *engine.Env, c *config.Config, account, file string, refs []string,
) (all []string, others int, err error) {
	var errs []error
	seen := map[string]bool{}
	take := func(where, ref string) {
		if fault := refFault(ref); fault != "" {
			errs = append(errs, fmt.Errorf("%s%s", where, fault))
		} else if !seen[ref] {
			seen[ref] = true
			all = append(all, ref)
		}
	}
	for _, ref := range refs {
		take("", ref)
	}
	if file != "" {
		in, name := env.Input(ctx), "stdin"
		if file != "-" {
			f, err := os.Open(file)
			if err != nil {
				return nil, 0, output.Usagef("%w", err)
			}
			defer f.Close() //nolint:errcheck // only read
			in, name = f, file
		}
		r := refReader{account: account, accounts: append(accountIDs(c), account)}
		r.take = func(line int, ref string) { take(fmt.Sprintf("%s:%d: ", name, line), ref) }
		r.wrong = func(line int, what string) { errs = append(errs, fmt.Errorf("%s:%d: %s", name, line, what)) }
		if err := r.read(in); err != nil {
			return nil, 0, output.Usagef("%s: %w", name, err)
		}
		others = r.others
	}
	if len(errs) > 0 {
		more := ""
		if len(errs) > 20 {
			more = fmt.Sprintf("; and %d more wrong lines", len(errs)-20)
		}
		return nil, 0, output.Usagef("%w%s: nothing is done", errors.Join(errs[:min(len(errs), 20)]...), more)
	}
	if len(all) == 0 {
		return nil, 0, output.Usagef("%s holds no refs of %s", file, account)
	}
	return all, others, nil
}

// refReader reads the refs of an account from a file.
type refReader struct {
	account  string
	accounts []string // those that a row may name
	take     func(line int, ref string)
	wrong    func(line int, what string)
	others   int // rows of other accounts
}

// columns is how the lines of a file are read.
type columns struct {
	comma      rune // 0: one ref a line
	ref, whose int  // whose: -1 where no account is named
	head       bool // the first line names them
}

// read finds out from the first line how the file is made, and reads it.
func (r *refReader) read(in io.Reader) error {
	text := bufio.NewReader(in)
	if mark, err := text.Peek(3); err == nil && string(mark) == "\ufeff" {
		text.Discard(3) //nolint:errcheck // they were just seen
	} else if mark, _ := text.Peek(2); string(mark) == "\xff\xfe" || string(mark) == "\xfe\xff" {
		return errors.New("is UTF-16: save it as UTF-8")
	}
	skipped := 0
	for {
		line, err := text.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		skipped++
		first := strings.TrimSpace(line)
		if first != "" && first[0] != '#' && !strings.HasPrefix(first, "sep=") { // which spreadsheets write
			return r.readFrom(text, line, skipped)
		}
		if err != nil {
			return nil
		}
	}
}

// readFrom reads the first line that counts and all that follow it.
func (r *refReader) readFrom(rest io.Reader, first string, at int) error {
	c, err := r.columnsOf(strings.TrimRight(first, "\r\n"))
	if err != nil {
		return fmt.Errorf("line %d: %w", at, err)
	}
	if c.head {
		first = ""
	} else {
		at--
	}
	in := io.MultiReader(strings.NewReader(first), rest)
	if c.comma != 0 {
		return r.readTable(in, c, at)
	}
	s := bufio.NewScanner(in)
	s.Buffer(nil, 1<<20)
	for n := at + 1; s.Scan(); n++ {
		switch line := strings.TrimSpace(s.Text()); {
		case line == "" || line[0] == '#':
		case strings.ContainsAny(line, " \t,;"):
			r.wrong(n, output.Quoted(line)+" is more than a ref: refs that hold blanks, commas or semicolons stand in quotes, below "+
				"a head line `ref`")
		default:
			r.take(n, line)
		}
	}
	return s.Err()
}

// columnsOf reads the first line: a head, an account and a ref, or a ref.
func (r *refReader) columnsOf(first string) (columns, error) {
	fields := func(comma rune) []string {
		in := csv.NewReader(strings.NewReader(first))
		in.Comma = comma
		head, err := in.Read()
		if err != nil {
			return nil
		}
		for i := range head {
			head[i] = strings.TrimSpace(head[i])
		}
		return head
	}
	named := func(head []string, name string) int {
		return slices.IndexFunc(head, func(s string) bool { return strings.EqualFold(s, name) })
	}
	several := false
	for _, comma := range []rune{';', '\t', ','} {
		head := fields(comma)
		if ref := named(head, "ref"); ref >= 0 {
			return columns{comma, ref, named(head, "account"), true}, nil
		}
		if len(head) == 2 && slices.Contains(r.accounts, head[0]) {
			return columns{comma, 1, 0, false}, nil
		}
		several = several || len(head) > 1
	}
	if several {
		return columns{}, errors.New("has several columns: name them in a head line, with a column ref, or write ACCOUNT;REF")
	}
	return columns{ref: 0, whose: -1}, nil
}

// readTable reads the rows that follow line at.
func (r *refReader) readTable(in io.Reader, c columns, at int) error {
	rows := csv.NewReader(in)
	rows.Comma, rows.Comment, rows.FieldsPerRecord = c.comma, '#', -1
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("a table, counted from line %d: %w", at+1, err)
		}
		line, _ := rows.FieldPos(0)
		cell := func(column int) string {
			if column < 0 || column >= len(row) {
				return ""
			}
			return strings.TrimSpace(row[column])
		}
		whose := cell(c.whose)
		switch {
		case !c.head && len(row) != 2:
			r.wrong(at+line, fmt.Sprintf("%d columns, and two before", len(row)))
		case whose != "" && !slices.Contains(r.accounts, whose):
			r.wrong(at+line, fmt.Sprintf("account %s is not in the config", output.Quoted(whose)))
		case whose != "" && whose != r.account:
			r.others++
		default:
			r.take(at+line, cell(c.ref))
		}
	}
}

// refFault says why something can be no ref; "" where it can. A ref is the provider's, and any text to us: the rule is
// provider.IsRef alone, here as in the API.
func refFault(ref string) string {
	switch {
	case ref == "":
		return "a ref is empty"
	case len(ref) > provider.MaxRef:
		return fmt.Sprintf("a ref of %d bytes is too long", len(ref))
	case !provider.IsRef(ref):
		return fmt.Sprintf("%s is no ref: it is no text", output.Quoted(ref))
	}
	return ""
}
