// Package arguments reads what the arguments of verbs name: accounts, rows, refs, files, and the answers of a person.
package arguments

import (
	"cmp"
	"strings"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/output"
)

// Configured returns the account of the config that a verb names.
func Configured(c *config.Config, id string) (*config.Account, error) {
	acc, ok := c.Account(id)
	if !ok {
		return nil, output.Usagef("account %q is not in the config: it has %s", id,
			cmp.Or(strings.Join(accountIDs(c), ", "), "none"))
	}
	return acc, nil
}

func accountIDs(c *config.Config) []string {
	var ids []string
	for _, x := range c.Accounts {
		ids = append(ids, x.ID)
	}
	return ids
}
