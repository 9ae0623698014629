package page

import (
	"fmt"
	"net/url"
	"slices"

	"countersign/model"
	"countersign/worker/console/look"
	"countersign/worker/console/objects"
)

// Sheet is what a person sees before something is done: what will happen, to how many, what it costs, and what cannot
// be undone. Script shows it in a dialog; without script it is a page.
type Sheet struct {
	Action string     // where the form is sent, below the outside address
	Text   []string   // what will happen
	Costs  []string   // what it costs
	Warn   string     // what cannot be undone; "": all can
	Hidden url.Values // what the form repeats
	Fields []Field    // what the person says
	Do     string     // the word of the button
	Back   string     // where the safe button leads
	Verb   string     // the same on the command line
}

// Field is something that a person says.
type Field struct {
	Name, Label, Hint string
	Kind              string // text, lines, tick
	Value             string
	Ticked            bool
}

// View is the page of the sheet.
func (s Sheet) View(title, nav string) look.View {
	return look.View{Page: "sheet", Title: title, Nav: nav, Data: s}
}

// Costs says how many questions go to which account, and how much of its budget they take.
func (s *Server) Costs(r *Request, byAccount map[string]int) ([]string, error) {
	all, err := s.Reads.Accounts(r.Context())
	if err != nil {
		return nil, err
	}
	var out []string
	for _, name := range slices.Sorted(keys(byAccount)) {
		n, budget := byAccount[name], 0
		if i := slices.IndexFunc(all, func(a objects.Account) bool { return a.ID == name }); i >= 0 {
			budget = all[i].Budget["read"]
		}
		if budget == 0 {
			out = append(out, r.Words.Count("sheet.cost.plain", n, "account", name))
			continue
		}
		minutes := (n + budget - 1) / budget
		out = append(out, r.Words.Count("sheet.cost", n, "account", name, "minutes", minutes, "budget", budget))
	}
	return out, nil
}

func keys(m map[string]int) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// RowsValue is how rows stand in forms: the account, a slash, the ref.
func RowsValue(k model.Key) string { return k.Account + "/" + k.Ref }

// Verb puts a command line together: `countersign list --status completed`.
func Verb(words string, args ...any) string {
	out := "countersign " + words
	for i := 0; i+1 < len(args); i += 2 {
		name, value := fmt.Sprint(args[i]), args[i+1]
		switch v := value.(type) {
		case string:
			if v != "" {
				out += " --" + name + " " + look.Quote(v)
			}
		case []string:
			for _, one := range v {
				out += " --" + name + " " + look.Quote(one)
			}
		case bool:
			if v {
				out += " --" + name
			}
		}
	}
	return out
}
