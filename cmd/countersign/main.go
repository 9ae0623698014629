// Command countersign keeps a local database of e-signature transactions that can be trusted: a
// callback listener updates it at once, polls ask the providers for the truth, and what callbacks
// missed is repaired, recorded and counted.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second one ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
