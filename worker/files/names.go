package files

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strings"
	"time"
)

// DocumentPath returns the path of a document: ACCOUNT/YYYY/MM/REF/DOCUMENT.pdf, and DOCUMENT.v2.pdf from the second
// version on. Year and month are those of the transaction's creation.
func DocumentPath(account, ref, doc string, created time.Time, version int) string {
	suffix := ".pdf"
	if version > 1 {
		suffix = fmt.Sprintf(".v%d.pdf", version)
	}
	return path.Join(part(account), created.UTC().Format("2006"), created.UTC().Format("01"), part(ref), part(doc)+suffix)
}

// Quarantined returns the path in quarantine of a file with a given path among the others.
func Quarantined(name string) string { return path.Join(quarantineFolder, name) }

// part makes one path part of an opaque string: what is not plain is percent-encoded, and a part
// over 120 bytes is its first 100, ~ and 16 hex of its SHA-256. Different strings stay different.
func part(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		plain := letter || c == '-' || c == '_' || c == '=' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	out := b.String()
	if out == "" {
		return "%"
	}
	if len(out) > 120 {
		sum := sha256.Sum256([]byte(out))
		return out[:100] + "~" + hex.EncodeToString(sum[:8])
	}
	return out
}

// FoldersOfAccount are the folders that have an account's files, a folder a year, then a folder a month in each.
func FoldersOfAccount(account string) []string {
	return []string{part(account), path.Join(quarantineFolder, part(account))}
}

// FolderOfRef is the folder of a transaction in that of a month.
func FolderOfRef(ref string) string { return part(ref) }

// LinkFilesOf is what the names of the files begin with that links brought for a document; for "": for any.
func LinkFilesOf(id string) string {
	if id == "" {
		return linkFolder + "/"
	}
	return path.Join(linkFolder, id+"-")
}
