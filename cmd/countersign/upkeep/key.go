package upkeep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"countersign/cmd/countersign/config"
	"countersign/cmd/countersign/engine"
	"countersign/cmd/countersign/engine/keyfile"
	"countersign/cmd/countersign/output"
	"countersign/model/store"
	"countersign/model/store/database"
)

// RotateKey makes a new key, unless one was made whose rotation was not finished or old keys are to go, and encrypts
// everything under it.
func RotateKey(ctx context.Context, env *engine.Env, forget bool) error {
	c, err := env.ReadConfig()
	if err != nil {
		return err
	}
	if file, ok := c.SQLiteFile(); ok {
		if err := engine.MustExist(file); err != nil {
			return err
		}
	}
	s, err := env.OpenStore(ctx, c, false)
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // what was written is on disk
	err = s.WithLock(ctx, database.LockServe, env.Owner(), func(ctx context.Context) error {
		return s.WithLock(ctx, database.LockWork, env.Owner(),
			func(ctx context.Context) error { return rotateLocked(ctx, env, c, s, forget) })
	})
	if errors.Is(err, store.ErrLocked) {
		return fmt.Errorf("a daemon or another verb works with the key (%w): stop it, then rotate", err)
	}
	return err
}

// rotateLocked is RotateKey while nobody else works. s has the keys that the file holds now.
func rotateLocked(ctx context.Context, env *engine.Env, c *config.Config, s *store.Store, forget bool) error {
	keys, err := env.InstallationKeys(c)
	if err != nil {
		return err
	}
	rests, err := s.CountSealed(ctx)
	if err != nil {
		return err
	}
	text, _ := env.Lookup(keyfile.Variable)
	switch {
	case rests.Old > 0, forget: // one that was broken off; or nothing new is wanted
	case text != "" && len(keys) == 1:
		return output.Usagef("the key is in %s: put a new one (`openssl rand -base64 32`) before it, with a space between, and rotate again", keyfile.Variable)
	case text != "":
	default:
		keys = slices.Insert(keys, 0, keyfile.New())
		if err := keyfile.Replace(c.InstallationKeyFile(), keys); err != nil {
			return fmt.Errorf("key file: %w", err)
		}
	}
	next, err := env.OpenStore(ctx, c, false) // with the keys as they are now
	if err != nil {
		return err
	}
	defer next.Close() //nolint:errcheck // what was written is on disk
	did, err := next.Reseal(ctx)
	if err != nil {
		return fmt.Errorf("not all is under the new key yet, rotate again: %w", err)
	}
	return finishRotation(env, c, did, keys, forget, text != "")
}

// finishRotation tells what was done, and takes old keys out where that is wanted.
func finishRotation(
	env *engine.Env, c *config.Config, did store.Sealed, keys [][]byte, forget, environment bool,
) error {
	if err := env.TellCount("cli.key.resealed", did.Old, "current", did.Current); err != nil {
		return err
	}
	if did.Unreadable > 0 {
		return fmt.Errorf("%d values rest under none of the keys: if another key was in use, add it to the file, after the first, and rotate again", did.Unreadable)
	}
	switch {
	case !forget:
		return env.Tell("cli.key.keep")
	case environment:
		return env.Tell("cli.key.environment", "variable", keyfile.Variable)
	case len(keys) == 1:
		return env.Tell("cli.key.none", "file", c.InstallationKeyFile())
	}
	if err := keyfile.Replace(c.InstallationKeyFile(), keys[:1]); err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	return env.TellCount("cli.key.out", len(keys)-1, "file", c.InstallationKeyFile())
}
