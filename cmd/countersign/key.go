package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"countersign/model/store"
	"countersign/model/store/database"
)

func keyVerb(a *app) *cobra.Command {
	return group("key", "Change the installation key", keyRotateVerb(a))
}

func keyRotateVerb(a *app) *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Make a new installation key and encrypt everything under it",
		Long: `rotate writes a new key before the old one into the key file, then encrypts tokens, links and refused
bodies anew. It is refused while a daemon runs. Broken off at any point, nothing is lost: both keys are
in the file, and rotate goes on where it was and makes no further key.

The old key stays in the file, after the new one: hashes of secret headers were made with it, and a
backup from before needs it. --forget-old takes old keys out, once nothing rests under them; ` + "`callbacks\nexplain` and `replay`" + ` then no longer recognise the headers of callbacks that came before the change.

Where the key is in COUNTERSIGN_KEY, put the new one before the old one there, with a space between, and
rotate encrypts under the first.`,
		Example: "  systemctl stop countersign && countersign key rotate && systemctl start countersign\n  countersign key rotate --forget-old",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.rotateKey(cmd.Context(), forget) },
	}
	cmd.Flags().BoolVar(&forget, "forget-old", false, "take old keys out of the key file, once nothing rests under them")
	return cmd
}

// rotateKey makes a new key, unless one was made whose rotation was not finished or old keys are to go, and encrypts
// everything under it.
func (a *app) rotateKey(ctx context.Context, forget bool) error {
	c, err := a.readConfig()
	if err != nil {
		return err
	}
	if file, ok := c.sqliteFile(); ok {
		if err := there(file); err != nil {
			return err
		}
	}
	s, err := a.openStore(ctx, c, false)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what was written is on disk
	err = s.WithLock(ctx, database.LockServe, a.owner(), func(ctx context.Context) error {
		return s.WithLock(ctx, database.LockWork, a.owner(), func(ctx context.Context) error { return a.rotateHeld(ctx, c, s, forget) })
	})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon or another verb works with the key (%w): stop it, then rotate", err)
	}
	return err
}

// rotateHeld is rotateKey while nobody else works. s has the keys that the file holds now.
func (a *app) rotateHeld(ctx context.Context, c *Config, s *store.Store, forget bool) error {
	keys, err := a.installationKeys(c)
	if err != nil {
		return err
	}
	rests, err := s.CountSealed(ctx)
	if err != nil {
		return err
	}
	text, _ := a.lookup(keyName)
	switch {
	case rests.Old > 0, forget: // one that was broken off; or nothing new is wanted
	case text != "" && len(keys) == 1:
		return usagef("the key is in %s: put a new one (`openssl rand -base64 32`) before it, with a space between, and rotate again", keyName)
	case text != "":
	default:
		keys = slices.Insert(keys, 0, newKey())
		if err := replaceKeys(c.keyFile(), keys); err != nil {
			return fmt.Errorf("key file: %w", err)
		}
	}
	next, err := a.openStore(ctx, c, false) // with the keys as they are now
	if err != nil {
		return err
	}
	defer next.Close() //nolint:errcheck // what was written is on disk
	did, err := next.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("not all is under the new key yet, rotate again: %w", err)
	}
	return a.rotated(c, did, keys, forget, text != "")
}

// rotated tells what was done, and takes old keys out where that is wanted.
func (a *app) rotated(c *Config, did store.Sealed, keys [][]byte, forget, environment bool) error {
	if err := a.printf("%d values were encrypted anew, %d rested under the current key\n", did.Old, did.Current); err != nil {
		return err
	}
	if did.Unreadable > 0 {
		return fmt.Errorf("%d values rest under none of the keys: if another key was in use, add it to the file, after the first, and rotate again", did.Unreadable)
	}
	switch {
	case !forget:
		return a.printf("keep a copy of the key with the next backup; the old one is needed for those before\n")
	case environment:
		return a.printf("nothing rests under old keys: take them out of %s\n", keyName)
	case len(keys) == 1:
		return a.printf("%s holds no old key\n", c.keyFile())
	}
	if err := replaceKeys(c.keyFile(), keys[:1]); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return a.printf("%d old keys were taken out of %s\n", len(keys)-1, c.keyFile())
}

// sealed says under which keys what is encrypted rests.
func (d *doctor) sealed(ctx context.Context, s *store.Store) {
	if s == nil {
		return
	}
	keys, err := d.installationKeys(d.config)
	if err != nil {
		return // told with the key
	}
	switch rests, err := s.CountSealed(ctx); {
	case err != nil:
		d.say("FAIL", "encrypted values", "%v", err)
	case rests.Unreadable > 0:
		d.say("FAIL", "encrypted values", "%d rest under no key that is here: add the key that was in use to %s, after the first",
			rests.Unreadable, or(d.config.keyFile(), keyName))
	case rests.Old > 0:
		d.say("warn", "encrypted values", "%d rest under an old key: stop the daemon and finish with `countersign key rotate`", rests.Old)
	case len(keys) > 1:
		d.say("ok", "encrypted values", "all under the current key; %s kept: `countersign key rotate --forget-old` takes them out", count(len(keys)-1, "old key"))
	default:
		d.say("ok", "encrypted values", "all under the key")
	}
}
