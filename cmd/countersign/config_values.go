package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"countersign/provider"
)

// Secret is a value that prints as <secret>.
type Secret = provider.Secret

const day = 24 * time.Hour

// parser is a value of the config that reads its own text. Its errors do not repeat the text.
type parser interface{ parse(text string) error }

// Duration is a length of time: 30d, 2w, 12h, 5m, 10s.
type Duration time.Duration

func (d *Duration) parse(text string) error {
	v, err := parseDuration(text)
	if err != nil {
		return errors.New("is not a duration such as 30d, 2w, 12h, 5m or 10s")
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string { return time.Duration(d).String() }

// Keep is how long something is kept; forever is as long as there is room.
type Keep time.Duration

const forever Keep = 0

func (k *Keep) parse(text string) error {
	if text == "forever" {
		*k = forever
		return nil
	}
	v, err := parseDuration(text)
	switch {
	case err != nil:
		return errors.New("is not a duration such as 90d or 12h, nor forever")
	case v == 0:
		return errors.New("keeps nothing: say how long, or forever")
	}
	*k = Keep(v)
	return nil
}

func (k Keep) String() string {
	switch {
	case k == forever:
		return "forever"
	case time.Duration(k)%day == 0:
		return fmt.Sprintf("%dd", time.Duration(k)/day)
	}
	return time.Duration(k).String()
}

// Size is a number of bytes: 512MiB, 1GiB, 10MB.
type Size int64

func (s *Size) parse(text string) error {
	fault := errors.New("is not a size such as 512MiB or 1GiB")
	number := strings.TrimRight(text, "kKMGTiB ")
	unit := strings.TrimSpace(text[len(number):])
	n, err := strconv.ParseInt(number, 10, 64)
	scale, ok := map[string]int64{
		"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[unit]
	if err != nil || !ok || n < 0 || n > (1<<62)/scale {
		return fault
	}
	*s = Size(n * scale)
	return nil
}

func (s Size) String() string {
	for _, u := range []struct {
		name string
		is   Size
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s >= u.is && s%u.is == 0 {
			return fmt.Sprintf("%d%s", s/u.is, u.name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Mode is the rights of a file: 0600, 0640.
type Mode fs.FileMode

func (m *Mode) parse(text string) error {
	v, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 12)
	switch {
	case err != nil:
		return errors.New("is not a file mode such as 0600 or 0640")
	case v&0o600 != 0o600:
		return errors.New("takes the rights to read and write from countersign itself")
	case v&0o007 != 0 || v&^0o777 != 0:
		return errors.New("lets everybody in: signers' names are in there")
	}
	*m = Mode(v)
	return nil
}

func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// Percent is a share: 99%, 99.5%.
type Percent float64

func (p *Percent) parse(text string) error {
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || v < 0 || v > 100 {
		return errors.New("is not a share such as 99%")
	}
	*p = Percent(v)
	return nil
}

func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }
