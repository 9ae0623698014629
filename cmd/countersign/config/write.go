package config

import (
	"strconv"
	"strings"
)

// Quote is a string as it stands in a config, where a dollar sign is doubled.
func Quote(s string) string { return strconv.Quote(strings.ReplaceAll(s, "$", "$$")) }
