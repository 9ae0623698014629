package engine

import (
	"context"
	"fmt"
	"strings"

	"countersign/model/store"
	"countersign/model/store/database"
)

// HowToReload says how the running daemon is made to read its config again. It names the process and no service
// manager, since a signal works under systemd, in a container and in a plain shell alike.
func (a *Env) HowToReload(ctx context.Context, s *store.Store) string {
	lock, err := s.LockOwner(ctx, database.LockServe)
	if err != nil {
		return "SIGHUP"
	}
	host, pid, _ := strings.Cut(lock.Owner, ", process ")
	if here, _, _ := strings.Cut(a.Owner(), ", process "); host == here && pid != "" {
		return "kill -HUP " + pid
	}
	return fmt.Sprintf("SIGHUP to %s", lock.Owner)
}
