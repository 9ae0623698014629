package main

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"countersign/cmd/countersign/config"
	"countersign/provider"
	"countersign/provider/simulator"
)

// Whoever adds a provider is told here what is still missing: docs/adding-a-provider.md has the steps.
func TestEveryProviderIsDocumented(t *testing.T) {
	t.Parallel()
	table, err := sideBySide(pageOf(t, "docs", "providers", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	accounts := exampleAccounts(t)
	for name, build := range providers() {
		for _, lack := range lacks(t, name) {
			t.Errorf("%s: %s", name, lack)
		}
		account, ok := accounts[name]
		if !ok {
			t.Errorf("%s: config.example.yaml has no account of it", name)
			continue
		}
		p, err := account.Dry(build)
		if err != nil {
			t.Errorf("%s: the account in config.example.yaml is refused: %v", name, err)
			continue
		}
		cells, ok := table[name]
		if !ok {
			t.Errorf("%s: the table of docs/providers/README.md has no column [%s](%s.md)", name, name, name)
			continue
		}
		for _, fault := range cellFaults(cells, p, providers()[name].Traits.Budget) {
			t.Errorf("%s: docs/providers/README.md, %s", name, fault)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if providers()[name].New == nil {
			t.Errorf("docs/providers/README.md has a column for %s, which cmd/countersign/providers.go lacks", name)
		}
	}
}

// pageOf reads a file of the repository.
func pageOf(t *testing.T, path ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// exampleAccounts are the accounts of config.example.yaml by their provider.
func exampleAccounts(t *testing.T) map[string]*config.Account {
	t.Helper()
	_, c := exampleConfig(t)
	all := map[string]*config.Account{}
	for i := range c.Accounts {
		all[c.Accounts[i].Provider] = &c.Accounts[i]
	}
	return all
}

// lacks tells where a provider is not named, and that nobody plays its service.
func lacks(t *testing.T, name string) []string {
	t.Helper()
	var all []string
	page := filepath.Join("docs", "providers", name+".md")
	if _, err := os.Stat(filepath.Join("..", "..", page)); err != nil {
		all = append(all, page+" is not there")
	} else if want := "`provider: " + name + "`"; !strings.Contains(pageOf(t, page), want) {
		all = append(all, page+" does not say "+want)
	}
	if !strings.Contains(pageOf(t, "README.md"), "](docs/providers/"+name+".md)") {
		all = append(all, "README.md does not lead to "+page)
	}
	if !regexp.MustCompile(`(?m)^ *# .*\b` + name + `\b.*\n *provider: `).MatchString(pageOf(t, "config.example.yaml")) {
		all = append(all, "the comment above the first `provider:` of config.example.yaml does not name it")
	}
	budget := fmt.Sprintf(`\b%s %d\b`, name, providers()[name].Traits.Budget[provider.ClassRead])
	if !regexp.MustCompile(budget).MatchString(pageOf(t, "config.example.yaml")) {
		all = append(all, "the comment above `budget:` of config.example.yaml does not say "+strings.Trim(budget, `\b`))
	}
	if !strings.Contains(pageOf(t, "docs", "grids.md"), "\n### "+name+"\n") {
		all = append(all, "docs/grids.md does not draw its grid: go test ./model -update")
	}
	if !slices.Contains(simulator.Services(), name) {
		all = append(all, "provider/simulator/services.go has no service of that name")
	}
	return all
}

// sideBySide reads the table of docs/providers/README.md: by provider, then by the name of the line.
func sideBySide(page string) (map[string]map[string]string, error) {
	var names []string
	table := map[string]map[string]string{}
	for line := range strings.Lines(page) {
		line, ok := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !ok {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case names == nil:
			for _, c := range cells[1:] {
				m := regexp.MustCompile(`^\[(\w+)\]\((\w+)\.md\)$`).FindStringSubmatch(c)
				if m == nil || m[1] != m[2] {
					return nil, fmt.Errorf("docs/providers/README.md: the column %q is no [NAME](NAME.md)", c)
				}
				names, table[m[1]] = append(names, m[1]), map[string]string{}
			}
		case len(cells) != len(names)+1:
			return nil, fmt.Errorf("docs/providers/README.md: the line %q has %d cells beside its name, and there are %d columns", cells[0], len(cells)-1, len(names))
		default:
			for i, name := range names {
				table[name][cells[0]] = cells[i+1]
			}
		}
	}
	if names == nil {
		return nil, fmt.Errorf("docs/providers/README.md has no table")
	}
	return table, nil
}

// cellFaults holds the cells that code can tell against the code. What a cell says after a semicolon or in
// brackets is about other settings than the example's.
func cellFaults(cells map[string]string, p provider.Service, budget map[provider.Class]int) []string {
	var all []string
	hold := func(line, want string, ok func(plain, cell string) bool) {
		cell, found := cells[line]
		plain, _, _ := strings.Cut(cell, ";")
		plain, _, _ = strings.Cut(plain, "(")
		switch {
		case !found:
			all = append(all, fmt.Sprintf("the table has no line %q", line))
		case !ok(strings.TrimSpace(plain), cell):
			all = append(all, fmt.Sprintf("%s: %q, and the code says %s", line, cell, want))
		}
	}
	begins := func(with string) func(string, string) bool {
		return func(plain, _ string) bool { return plain == with || strings.HasPrefix(plain, with+",") }
	}
	want := fmt.Sprint(budget[provider.ClassRead])
	for _, class := range []provider.Class{provider.ClassFiles, provider.ClassTest} {
		if n := budget[class]; n > 0 {
			want += fmt.Sprintf(", %s %d", class, n)
		}
	}
	hold("budget a minute", want, func(_, cell string) bool { return cell == want })
	hold("discovery", "it begins with: "+discovery(p), begins(discovery(p)))
	hold("registration", "it begins with: "+registering(p), begins(registering(p)))
	if p.Hinter != nil {
		hold("hints", "it has forms of its own (provider.Hinter)",
			func(plain, _ string) bool { return plain != "" && plain != "`ref`" })
	} else {
		hold("hints", "`ref`", func(_, cell string) bool { return cell == "`ref`" })
	}
	if b := p.Batcher; b != nil {
		ends := fmt.Sprintf(", %d a call", b.Batch())
		hold("detail", "it ends with"+ends[1:], func(plain, _ string) bool { return strings.HasSuffix(plain, ends) })
	} else {
		hold("detail", "one a call (no provider.Batcher)",
			func(_, cell string) bool { return cell != "" && !strings.Contains(cell, " a call") })
	}
	return all
}

// discovery is how the table says what a provider lists.
func discovery(p provider.Service) string {
	if p.Lister == nil {
		return "none"
	}
	return map[provider.Listing]string{
		provider.ListsChanged: "what changed since", provider.ListsCreated: "what was created since",
		provider.ListsNewest: "newest first",
	}[p.Lister.Lists()]
}

// registering is how the table says what can be done about a callback's registration.
func registering(p provider.Service) string {
	if p.Setter != nil {
		return "read, set"
	}
	if p.Registrar != nil {
		return "read"
	}
	return "by hand"
}

func TestACellThatIsWrongIsFound(t *testing.T) {
	t.Parallel()
	table, err := sideBySide(pageOf(t, "docs", "providers", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ provider, line, says string }{
		{"onespan", "budget a minute", "121"}, {"dropboxsign", "budget a minute", "100"}, {"onespan", "discovery", "none"},
		{"autosign", "discovery", "newest first"}, {"documenso", "discovery", "what changed since"}, {"documenso",
			"registration", "read, set"},
		{"allsign", "registration", "by hand"}, {"onespan", "registration", "read"}, {"allsign", "hints",
			"`ref`"}, {"onespan", "hints", "return URL"},
		{"documenso", "detail", "by id"}, {"documenso", "detail", "by id, 21 a call"}, {"onespan", "detail",
			"by id, 20 a call"}, {"onespan", "detail", ""},
	} {
		cells := maps.Clone(table[c.provider])
		cells[c.line] = c.says
		p, err := exampleAccounts(t)[c.provider].Dry(providers()[c.provider])
		if err != nil {
			t.Fatal(err)
		}
		faults := cellFaults(cells, p, providers()[c.provider].Traits.Budget)
		if len(faults) != 1 || !strings.HasPrefix(faults[0], c.line+": ") {
			t.Errorf("%s: %q for its %s: found %q", c.provider, c.says, c.line, faults)
		}
		delete(cells, c.line)
		if faults := cellFaults(cells, p, providers()[c.provider].Traits.Budget); len(faults) != 1 {
			t.Errorf("%s: no %s: found %q", c.provider, c.line, faults)
		}
	}
	for _, page := range []string{"", "no table", "| | one |\n", "| | [one](two.md) |\n",
		"| | [one](one.md) |\n| --- |\n"} {
		if _, err := sideBySide(page); err == nil {
			t.Errorf("%q is taken for the table", page)
		}
	}
	if got := lacks(t, "nobody"); len(got) != 6 {
		t.Errorf("a provider that nothing names lacks %q", got)
	}
}

func exampleFile() string { return filepath.Join("..", "..", "config.example.yaml") }

// exampleConfig reads config.example.yaml with made-up secrets, for the providers that there are.
func exampleConfig(t *testing.T) (*app, *config.Config) {
	t.Helper()
	text, err := os.ReadFile(exampleFile())
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{}
	for _, m := range regexp.MustCompile(`\$\{([A-Z_]+)\}`).FindAllStringSubmatch(string(text), -1) {
		env[m[1]] = "made-up-" + m[1]
	}
	for _, name := range []string{"ALLSIGN_WEBHOOK_SECRET", "CRM_HOOK_SECRET"} {
		env[name] = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	}
	a, _, _ := testApp(env)
	a.Providers = providers()
	c, err := config.Parse(exampleFile(), text, config.Source{Lookup: a.Lookup, Providers: a.Providers})
	if err != nil {
		t.Fatal(config.SpelledOut(err))
	}
	return a, c
}
