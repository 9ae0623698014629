package child

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreeAddress is an address of this machine where nobody listens. It lies below the ports that outgoing connections
// are given, so that none of them takes it before a child does.
func FreeAddress() (string, error) {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(8000)) //nolint:gosec // any will do
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no free port between 12000 and 20000")
}
