// Package values reads the values of a config that have a form of their own: lengths of time, sizes, shares, cron
// lines.
package values

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"countersign/cmd/countersign/config/tree"
	"countersign/provider"
)

// Secret is a value that prints as <secret>.
type Secret = provider.Secret

// Day is 24 hours: every day of this program is one of UTC.
const Day = 24 * time.Hour

// Duration is a length of time: 30d, 2w, 12h, 5m, 10s.
type Duration time.Duration

// Parse reads a length of time.
func (d *Duration) Parse(text string) error {
	v, err := tree.ParseDuration(text)
	if err != nil {
		return errors.New("is not a duration such as 30d, 2w, 12h, 5m or 10s")
	}
	*d = Duration(v)
	return nil
}

// String is the length of time as Go writes it.
func (d Duration) String() string { return time.Duration(d).String() }

// Lifetime is how long something is kept; forever is as long as there is room.
type Lifetime time.Duration

// Forever is the lifetime without an end.
const Forever Lifetime = 0

// Parse reads a length of time, or forever.
func (k *Lifetime) Parse(text string) error {
	if text == "forever" {
		*k = Forever
		return nil
	}
	v, err := tree.ParseDuration(text)
	switch {
	case err != nil:
		return errors.New("is not a duration such as 90d or 12h, nor forever")
	case v == 0:
		return errors.New("keeps nothing: say how long, or forever")
	}
	*k = Lifetime(v)
	return nil
}

// String is the length of time in days where it is whole days.
func (k Lifetime) String() string {
	switch {
	case k == Forever:
		return "forever"
	case time.Duration(k)%Day == 0:
		return fmt.Sprintf("%dd", time.Duration(k)/Day)
	}
	return time.Duration(k).String()
}

// Size is a number of bytes: 512MiB, 1GiB, 10MB.
type Size int64

// Parse reads a size with its unit.
func (s *Size) Parse(text string) error {
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

// String is the size in the largest unit that divides it.
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

// Parse reads a mode in octal.
func (m *Mode) Parse(text string) error {
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

// String is the mode in octal.
func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// Percent is a share: 99%, 99.5%.
type Percent float64

// ParsePercent reads a share.
func ParsePercent(text string) (p Percent, err error) {
	err = p.Parse(text)
	return p, err
}

// Parse reads a share, with or without its sign.
func (p *Percent) Parse(text string) error {
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || v < 0 || v > 100 {
		return errors.New("is not a share such as 99%")
	}
	if v > 0 && v <= 1 && !strings.HasSuffix(text, "%") { // as written, and as a part of one
		return fmt.Errorf("may be %s or %s: write the one that is meant, with its %%", Percent(v),
			Percent(math.Round(v*1e8)/1e6))
	}
	*p = Percent(v)
	return nil
}

// String is the share with its sign.
func (p Percent) String() string { return strconv.FormatFloat(float64(p), 'f', -1, 64) + "%" }

// Slots are the times of a cron line, in UTC.
type Slots struct {
	line  string
	times cron.Schedule
}

// Next is the first of the times after now; zero where there are no slots.
func (s Slots) Next(now time.Time) time.Time {
	if s.times == nil {
		return time.Time{}
	}
	return s.times.Next(now.UTC())
}

// Shortest is the shortest time between two slots that follow each other, as far as a year shows it; 0 where there are
// none. A line that names no day of the month and no month repeats each week, so a week of it is enough: each verb
// reads the config at its start.
func (s Slots) Shortest() (least time.Duration) {
	at := s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	last := at.Add(366 * Day)
	if s.weekly() {
		last = at.Add(7 * Day)
	}
	for range 400 {
		next := s.Next(at)
		if at.IsZero() || next.IsZero() || next.After(last) && least > 0 {
			break
		}
		if gap := next.Sub(at); least == 0 || gap < least {
			least = gap
		}
		at = next
	}
	return least
}

// weekly says whether the slots of one week are those of every week.
func (s Slots) weekly() bool {
	const every = 1 << 63 // how the cron library marks a field that is a star
	spec, ok := s.times.(*cron.SpecSchedule)
	return ok && spec.Dom&every != 0 && spec.Month&every != 0
}

// String is the cron line.
func (s Slots) String() string { return s.line }

// Parse takes an empty line for none: the account has those of all accounts.
func (s *Slots) Parse(text string) error {
	if text == "" {
		*s = Slots{}
		return nil
	}
	read, err := ParseSlots(text)
	if err == nil {
		*s = read
	}
	return err
}

// slotLine reads five fields, or six with seconds first.
var slotLine = cron.NewParser(cron.SecondOptional | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// ParseSlots reads a cron line. The cron parser panics on some lines and takes others that
// never come, so it is guarded.
func ParseSlots(line string) (slots Slots, err error) {
	defer func() {
		if recover() != nil {
			slots, err = Slots{}, errors.New("is not a cron line")
		}
	}()
	switch {
	case strings.Contains(line, "TZ="):
		return Slots{}, errors.New("names a time zone: slots are in UTC")
	case strings.HasPrefix(line, "@every"):
		return Slots{}, errors.New("counts from each start, so daily restarts starve it: give fixed slots such as 0 */6 * * *")
	}
	times, err := slotLine.Parse(line)
	if err != nil {
		return Slots{}, errors.New("is not a cron line such as 0 */6 * * * (minute, hour, day, month, weekday)")
	}
	if times.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Slots{}, errors.New("never comes: there is no such day")
	}
	return Slots{line, times}, nil
}

// Network is an address or a network of addresses: 10.0.0.0/8, ::1.
type Network struct{ netip.Prefix }

// Parse reads an address or a network.
func (n *Network) Parse(text string) error {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		ip, bad := netip.ParseAddr(text)
		if bad != nil || ip.Zone() != "" {
			return errors.New("is neither an address nor a network such as 10.0.0.0/8")
		}
		p = netip.PrefixFrom(ip.Unmap(), ip.Unmap().BitLen())
	}
	if p.Addr().Is4In6() && p.Bits() >= 96 { // callers are compared as IPv4
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	n.Prefix = p.Masked()
	return nil
}

// Loopback says whether only this machine can reach address.
func Loopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// LoopbackURL says whether a URL stays on this machine.
func LoopbackURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && Loopback(u.Hostname()+":0")
}
