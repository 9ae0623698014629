package database

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"countersign/model/store/sqlitefile"
)

// lockForever is what the test binary does as another process: it takes a lock and waits to be killed.
func lockForever(dsn string) {
	d, err := Open(context.Background(), optionsOf(dsn))
	if err == nil {
		_, err = d.Lock(context.Background(), LockServe, "the other", time.Second)
	}
	fmt.Println("locked", err)
	select {}
}

// otherProcess starts a process that holds the lock serve.
func otherProcess(t *testing.T, d *db) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "COUNTERSIGN_TEST_LOCK="+d.dsn)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	check(t, err)
	same(t, "what the other process says", strings.TrimSpace(line), "locked <nil>")
	return cmd
}

func TestALockIsFreeOnceItsProcessIsKilled(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		cmd := otherProcess(t, d)
		_, err := d.Lock(t.Context(), LockServe, "me", time.Second)
		var locked *LockedError
		if !errors.Is(err, ErrLocked) || !errors.As(err, &locked) || locked.Owner != "the other" || locked.Since.IsZero() {
			t.Fatalf("got %v, want it held by the other", err)
		}
		h, err := d.LockOwner(t.Context(), LockServe)
		check(t, err)
		same(t, "owner", h.Owner, "the other")
		check(t, cmd.Process.Kill())
		cmd.Wait() //nolint:errcheck // it was killed
		began := time.Now()
		mine := retryLock(t, d)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("taking over took %v", took)
		}
		check(t, mine.Release())
		check(t, mine.Release())
		if _, err := d.LockOwner(t.Context(), LockServe); !errors.Is(err, ErrNoRow) {
			t.Errorf("after release: %v", err)
		}
	})
}

// retryLock asks until a killed process is gone for the server too.
func retryLock(t *testing.T, d *db) *Lock {
	t.Helper()
	for range 50 {
		h, err := d.Lock(t.Context(), LockServe, "me", time.Second)
		if err == nil {
			return h
		}
		if !errors.Is(err, ErrLocked) {
			t.Fatal(err)
		}
	}
	t.Fatal("the lock of a killed process is still held")
	return nil
}

func TestALockIsAskedFor(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		mine, err := d.Lock(t.Context(), LockWork, "me", time.Second)
		check(t, err)
		other := d.again(t)
		if _, err := other.Lock(t.Context(), LockWork, "you", time.Second); !errors.Is(err, ErrLocked) {
			t.Fatalf("got %v, want ErrLocked", err)
		}
		serve, err := other.Lock(t.Context(), LockServe, "you", time.Second)
		check(t, err)
		check(t, serve.Release())
		check(t, other.WantLock(t.Context(), LockWork))
		select {
		case <-mine.Wanted():
		case <-mine.Lost():
			t.Fatal("lost")
		case <-time.After(10 * time.Second):
			t.Fatal("the wish never arrived")
		}
		check(t, mine.Release())
		check(t, other.WithLock(t.Context(), LockWork, "you", func(ctx context.Context) error { return ctx.Err() }))
	})
}

func TestALockIsLostWithItsFile(t *testing.T) {
	d := openSQLiteTest(t)
	mine, err := d.Lock(t.Context(), LockServe, "me", time.Second)
	check(t, err)
	check(t, os.Remove(sqlitefile.LockPath(d.path, LockServe)))
	select {
	case <-mine.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("the loss was not noticed")
	}
	check(t, mine.Release())
}

func TestALockIsLostWithItsSession(t *testing.T) {
	d := openPostgresTest(t)
	err := d.WithLock(t.Context(), LockServe, "me", func(ctx context.Context) error {
		raw, err := d.write.DB()
		check(t, err)
		_, err = raw.Exec(`SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid = $1 AND l.objid = $2`,
			int64(0x6373676e), advisory(t, d, LockServe))
		check(t, err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(20 * time.Second):
			return errors.New("the loss was not noticed")
		}
	})
	if err != nil && strings.Contains(err.Error(), "noticed") {
		t.Fatal(err)
	}
}

// advisory is the server's number of a lock; somebody has it.
func advisory(t *testing.T, d *db, name string) int64 {
	t.Helper()
	var schema string
	raw, err := d.read.DB()
	check(t, err)
	check(t, raw.QueryRow(`SELECT current_schema()`).Scan(&schema))
	return int64(crc32.ChecksumIEEE([]byte(schema + "\x00" + name)))
}

func TestDaemonsShareALockAndAVerbHasItAlone(t *testing.T) {
	d := openPostgresTest(t)
	alone := 0
	count := func(context.Context) error { alone++; return nil }
	first, err := d.ShareLock(t.Context(), LockWork, "first", time.Minute, count)
	check(t, err)
	second, err := d.again(t).ShareLock(t.Context(), LockWork, "second", time.Minute, count)
	check(t, err)
	same(t, "who was alone at first", alone, 1)
	rows, err := d.LockRows(t.Context(), LockWork)
	check(t, err)
	same(t, "rows", len(rows), 2)
	if _, err := d.again(t).Lock(t.Context(), LockWork, "verb", time.Minute); !errors.Is(err, ErrLocked) {
		t.Fatalf("a verb beside daemons got %v, want ErrLocked", err)
	}
	check(t, first.Release())
	check(t, second.Release())
	verb, err := d.again(t).Lock(t.Context(), LockWork, "verb", time.Minute)
	check(t, err)
	if _, err := d.ShareLock(t.Context(), LockWork, "first", time.Minute, nil); !errors.Is(err, ErrLocked) {
		t.Fatalf("a daemon beside a verb got %v, want ErrLocked", err)
	}
	check(t, verb.Release())
}

// A broken session ends no daemon: the work goes on once the database does.
func TestASharedLockOutlivesItsSession(t *testing.T) {
	d := openPostgresTest(t)
	mine, err := d.ShareLock(t.Context(), LockWork, "me", time.Minute, nil)
	check(t, err)
	check(t, d.Change(t.Context(), func(q *Tx) error {
		return q.Exec(`SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.classid = ? AND d.datname = current_database() AND l.pid <> pg_backend_pid()
AND l.objid = ?`, int64(0x6373676e), advisory(t, d, LockWork))
	}))
	for again := false; !again; {
		select {
		case <-mine.Lost():
			t.Fatal("the lock was lost")
		case <-time.After(lockLook):
		}
		_, err := d.LockOwner(t.Context(), LockWork)
		again = err == nil
	}
	check(t, mine.Release())
}
