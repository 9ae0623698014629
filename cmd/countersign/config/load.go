package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"countersign/cmd/countersign/config/tree"
	"countersign/cmd/countersign/config/values"
	"countersign/provider"
)

// Faults is everything that is wrong with a config.
type Faults = tree.Faults

// Source is what a config is read with.
type Source struct {
	Lookup    func(name string) (string, bool) // the environment
	Providers map[string]provider.Driver
	// WithoutSecrets forgives secrets that are missing: verbs that only read the database run in shells that lack the
	// daemon's.
	WithoutSecrets bool
}

// Load reads a config file and checks all of it. Its error is *Faults where the file can be read.
func Load(file string, from Source) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return Parse(file, text, from)
}

// Find says which file is the config: the one that was named, COUNTERSIGN_CONFIG, ./config.yaml, or the system's.
func Find(named string, lookup func(string) (string, bool)) (string, error) {
	if named != "" {
		return named, nil
	}
	if file, _ := lookup("COUNTERSIGN_CONFIG"); file != "" {
		return file, nil
	}
	for _, file := range []string{"config.yaml", SystemConfig} {
		_, err := os.Stat(file)
		if errors.Is(err, fs.ErrPermission) { // in a folder that is closed to us, such as that of whoever switched the user
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return file, nil
		}
	}
	return "", fmt.Errorf("no config: neither ./config.yaml nor %s exists; write one with `countersign init` or name it with --config", SystemConfig)
}

// Parse reads the text of a config file and checks all of it. Its error is *Faults.
func Parse(file string, text []byte, from Source) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	c := defaults()
	c.file = file
	doc, found := parse(text)
	if doc != nil {
		root, more := tree.Expand(doc, dir, from.Lookup)
		found = append(found, more...)
		if root != nil {
			found = append(found, tree.Decode(root, &c, "")...)
			c.locate(dir, root)
			found = check(&c, root, found, from.Providers)
		}
	}
	err = found.Of(file)
	if list := (*Faults)(nil); from.WithoutSecrets && errors.As(err, &list) {
		err = list.WithoutSecrets()
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// parse turns the file's text into one document; nil where it is none.
func parse(text []byte) (*yaml.Node, tree.List) {
	var doc, more yaml.Node
	var found tree.List
	d := yaml.NewDecoder(bytes.NewReader(text))
	err := d.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}, nil
	case err != nil:
		return nil, tree.List{syntaxFault(err)}
	}
	if d.Decode(&more) == nil {
		found.Add(more.Line, "", "a second document begins here: a config is one")
	}
	return doc.Content[0], found
}

// syntaxFault turns the parser's error into a fault with its line.
func syntaxFault(err error) tree.Fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := tree.Fault{Text: text}
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		f.Line, _ = strconv.Atoi(text[m[2]:m[3]])
		f.Text = text[m[1]:]
	}
	f.Text = "is not YAML: " + f.Text
	return f
}

// locate makes paths absolute and tells each account where it stands.
func (c *Config) locate(dir string, root *tree.Node) {
	if file, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		c.Database = "sqlite:" + tree.Absolute(dir, file)
	}
	if folder, ok := strings.CutPrefix(c.Documents, "file:"); ok {
		c.Documents = "file:" + tree.Absolute(dir, strings.TrimPrefix(folder, "//"))
	}
	for _, path := range []*string{&c.KeyFile, &c.DocumentsSpool, &c.Public.TLS.CertFile, &c.Public.TLS.KeyFile, &c.Public.TLS.ACME.Roots,
		&c.Public.TLS.ACME.Cache} {
		*path = tree.Absolute(dir, *path)
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		a.at = fmt.Sprintf("accounts[%d]", i)
		a.Settings.path, a.Settings.file = a.at+".settings", c.file
		if a.Settings.node == nil {
			a.Settings.node = &tree.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: root.LineOf(a.at)}
		}
		a.BaseURL = strings.TrimRight(a.BaseURL, "/")
		a.Trust.Certificates = tree.Absolute(dir, a.Trust.Certificates)
		for _, tier := range []struct{ own, all *values.Slots }{
			{&a.Polling.Active, &c.Polling.Active}, {&a.Polling.Idle, &c.Polling.Idle}, {&a.Polling.Audit, &c.Polling.Audit},
		} {
			if tier.own.String() == "" {
				*tier.own = *tier.all
			}
		}
	}
	for i := range c.Hooks {
		c.Hooks[i].Credentials = tree.Absolute(dir, c.Hooks[i].Credentials)
	}
	c.Public.URL = strings.TrimRight(c.Public.URL, "/")
	c.Console.URL = strings.TrimRight(c.Console.URL, "/")
}

// SpelledOut is err with every fault of a config in it, for where nobody reads stderr.
func SpelledOut(err error) error {
	var list *Faults
	if !errors.As(err, &list) {
		return err
	}
	return errors.New(strings.Join(list.Lines(), "; "))
}
