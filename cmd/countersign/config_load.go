package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"countersign/cmd/countersign/output"

	"go.yaml.in/yaml/v3"
)

// config returns the whole config, checked, with every secret in place: for verbs that call
// providers or answer them.
func (a *Env) config() (*Config, error) { return a.loadConfig(false) }

// readConfig returns the config for verbs that only read the database: they run in shells that
// lack the daemon's secrets, so these may be missing.
func (a *Env) readConfig() (*Config, error) { return a.loadConfig(true) }

func (a *Env) loadConfig(forgive bool) (*Config, error) {
	file, err := a.configFile()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, output.Usagef("%w", err)
	}
	c, err := a.parseConfig(file, text)
	var list *faults
	if errors.As(err, &list) {
		if list = list.but(forgive); list == nil {
			return c, nil
		}
		return nil, &output.ExitError{Code: output.ExitUsage, Err: list}
	}
	return c, err
}

// configFile says which file is read.
func (a *Env) configFile() (string, error) {
	if a.configFlag != "" {
		return a.configFlag, nil
	}
	if file, _ := a.lookup("COUNTERSIGN_CONFIG"); file != "" {
		return file, nil
	}
	for _, file := range []string{"config.yaml", systemConfig} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return file, nil
		}
	}
	return "", output.Usagef("no config: neither ./config.yaml nor %s exists; write one with `countersign init` or name it with --config", systemConfig)
}

// parseConfig reads a config and checks all of it. Its error is *faults; the config is returned
// with it, as far as it could be read.
func (a *Env) parseConfig(file string, text []byte) (*Config, error) {
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	r := newReader(file, dir, a.lookup)
	c := defaults()
	c.file = file
	if root := r.parse(text); root != nil {
		root = r.resolve(root, "")
		if r.count > mostNodes {
			return &c, r.found
		}
		r.decode(root, reflect.ValueOf(&c).Elem(), "")
		r.locate(&c)
		r.check(&c, a.providers)
	}
	if len(r.found.all) > 0 {
		return &c, r.found.sorted()
	}
	return &c, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// parse turns the file's text into one document.
func (r *reader) parse(text []byte) *yaml.Node {
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	err := d.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	case err != nil:
		r.found.all = append(r.found.all, syntaxFault(err))
		return nil
	}
	if d.Decode(&more) == nil {
		r.bad(&more, "", "a second document begins here: a config is one")
	}
	return doc.Content[0]
}

// syntaxFault turns the parser's error into a fault with its line.
func syntaxFault(err error) fault {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	f := fault{text: text}
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		f.line, _ = strconv.Atoi(text[m[2]:m[3]])
		f.text = text[m[1]:]
	}
	f.text = "is not YAML: " + f.text
	return f
}

// locate makes paths absolute and tells each account where it stands.
func (r *reader) locate(c *Config) {
	if file, ok := strings.CutPrefix(c.Database, "sqlite:"); ok {
		c.Database = "sqlite:" + r.absolute(file)
	}
	if dir, ok := strings.CutPrefix(c.Documents, "file:"); ok {
		c.Documents = "file:" + r.absolute(strings.TrimPrefix(dir, "//"))
	}
	for _, path := range []*string{&c.KeyFile, &c.Public.TLS.CertFile, &c.Public.TLS.KeyFile, &c.Public.TLS.ACME.Roots, &c.Public.TLS.ACME.Cache} {
		*path = r.absolute(*path)
	}
	for i := range c.Accounts {
		a := &c.Accounts[i]
		a.at, a.reader = fmt.Sprintf("accounts[%d]", i), r
		a.BaseURL = strings.TrimRight(a.BaseURL, "/")
		a.Polling.Active = cmp.Or(a.Polling.Active, c.Polling.Active)
		a.Polling.Idle = cmp.Or(a.Polling.Idle, c.Polling.Idle)
		a.Polling.Audit = cmp.Or(a.Polling.Audit, c.Polling.Audit)
	}
	c.Public.URL = strings.TrimRight(c.Public.URL, "/")
}
