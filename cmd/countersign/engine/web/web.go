// Package web serves HTTP on a socket until its context ends.
package web

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Serve serves on l until ctx ends, then gives the requests in hand some time and closes the rest.
func Serve(ctx context.Context, server *http.Server, l net.Listener, grace time.Duration) error {
	closed := make(chan error, 1)
	unused := context.AfterFunc(ctx, func() {
		out, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err := server.Shutdown(out)
		if err != nil { // some were not done in time
			err = server.Close()
		}
		closed <- err
	})
	if err := server.Serve(l); unused() { // it ended by itself
		return err
	}
	return <-closed
}
