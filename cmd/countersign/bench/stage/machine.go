package stage

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine is where it was measured.
type Machine struct {
	Cores  int    `json:"cores"`
	CPU    string `json:"cpu"`
	Kernel string `json:"kernel"`
	Memory int64  `json:"memory_bytes"`
	Go     string `json:"go"`
}

// MachineHere says where this runs.
func MachineHere() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	find := func(file, name string) string {
		f, err := os.Open(file)
		if err != nil {
			return ""
		}
		defer f.Close() //nolint:errcheck // only read
		for s := bufio.NewScanner(f); s.Scan(); {
			if key, value, _ := strings.Cut(s.Text(), ":"); strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	m.CPU = find("/proc/cpuinfo", "model name")
	fmt.Sscanf(find("/proc/meminfo", "MemTotal"), "%d", &m.Memory) //nolint:errcheck // 0 where it is not told
	m.Memory <<= 10
	return m
}
