package arguments

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
	"countersign/model/store/durable"
)

// NotOurs refuses a target of a verb that is a file of this installation, or lies in a folder of it: what an export
// replaces, or a copy joins, must not be the table, its keys or its documents.
func NotOurs(c *config.Config, target string) error {
	where, err := settled(target)
	if err != nil {
		return err
	}
	for _, own := range ownPaths(c) {
		path, err := settled(own.path)
		if err != nil {
			return err
		}
		if where == path || own.folder && strings.HasPrefix(where, path+string(filepath.Separator)) {
			return output.Usagef("%s is %s: name another place", target, own.is)
		}
	}
	return nil
}

// ownPath is a file or folder that countersign itself writes or reads.
type ownPath struct {
	path, is string
	folder   bool
}

// ownPaths lists what belongs to an installation.
func ownPaths(c *config.Config) []ownPath {
	all := []ownPath{{path: c.File(), is: "the config"}}
	if file, ok := c.SQLiteFile(); ok {
		for _, end := range []string{"", "-wal", "-shm", "-journal", ".serve.lock", ".work.lock"} {
			all = append(all, ownPath{path: file + end, is: "the database or a file of it"})
		}
	}
	for _, own := range []ownPath{
		{path: c.InstallationKeyFile(), is: "the installation key"},
		{path: c.Public.TLS.CertFile, is: "the listener's certificate"},
		{path: c.Public.TLS.KeyFile, is: "the listener's key"},
		{path: c.ACMECache(), is: "in the folder of certificates", folder: true},
		{path: c.DocumentsFolder(), is: "in the document folder", folder: true},
		{path: c.SpoolFolder(), is: "in documents_spool", folder: true},
	} {
		if own.path != "" {
			all = append(all, own)
		}
	}
	return all
}

// settled is the absolute path of a file, links resolved; of a file that is not there yet, its folder's.
func settled(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	for rest, at := "", path; ; rest, at = filepath.Join(filepath.Base(at), rest), filepath.Dir(at) {
		real, err := filepath.EvalSymlinks(at)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if at == filepath.Dir(at) {
			return path, nil
		}
	}
}

// WriteConfig writes a config that only we may read. One that is there is the operator's to see to, unless forced;
// what is no config, such as a database, is never written over.
func WriteConfig(file, text string, force bool) error {
	if force {
		if real, err := filepath.EvalSymlinks(file); err == nil {
			file = real // the link stays
		}
		if err := MayBeConfig(file); err != nil {
			return err
		}
	}
	how := durable.How{Replace: force}
	if info, err := os.Stat(file); err == nil && force {
		how.Mode = info.Mode().Perm() // a group that could read it still can
	}
	err := durable.Write(file, how, func(f *os.File) error { _, err := f.WriteString(text); return err })
	if errors.Is(err, fs.ErrExist) {
		return output.Usagef("%s is there already: name another file, or --force", file)
	}
	return err
}

// MayBeConfig refuses a file that cannot be a config of any kind.
func MayBeConfig(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return output.Usagef("%s is no ordinary file: name another", file)
	}
	is, err := isText(file)
	if err == nil && !is {
		return output.Usagef("%s is no config: --force writes over a config only", file)
	}
	return err
}

// EmptyFolder makes a folder, or takes one that is empty. One in which anything lies is refused.
func EmptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if len(list) > 0 {
		return output.Usagef("%s is not empty, %s lies in it: name a new folder", dir, output.Quoted(list[0].Name()))
	}
	return nil
}

// NewFile refuses the name of a file that is there.
func NewFile(flag, name string) error {
	if _, err := os.Lstat(name); err == nil {
		return output.Usagef("%s: %s is there already: name a new file", flag, name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// isText says whether a file begins as text does: a config, whole or not, and neither a database nor a key.
func isText(file string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // only read
	head := make([]byte, 4096)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	head = head[:n]
	for cut := 0; cut < utf8.UTFMax && len(head) == 4096-cut && !utf8.Valid(head); cut++ {
		head = head[:len(head)-1] // a letter that the bound cut in two
	}
	return utf8.Valid(head) && bytes.IndexByte(head, 0) < 0, nil
}
