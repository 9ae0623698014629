package store

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"countersign/model"
)

// speaks stores callbacks of a provider, about a transaction each four, and returns their ids and how long they rest.
func (d *db) speaks(t *testing.T, from, n int) (ids []string, bytes int64) {
	t.Helper()
	for i := from; i < from+n; i++ {
		e := d.told(t, int64(i/4), i%4, int64(i), noon.Add(time.Duration(i)*time.Second))
		d.do(t, func(b *Batch) error {
			ids = append(ids[:i-from], b.AddCallback(e.packed))
			return nil
		}, e.k)
	}
	first, err := callbackNumber(ids[0])
	check(t, err)
	check(t, d.raw(t).QueryRow(fmt.Sprintf(`SELECT SUM(LENGTH(body)) FROM callbacks WHERE n >= %d`, first)).Scan(&bytes))
	return ids, bytes
}

func (d *db) learnt() bool {
	d.dictionaries.mu.Lock()
	defer d.dictionaries.mu.Unlock()
	return d.dictionaries.of["autosign"] != nil
}

// A provider's bodies become smaller once there are enough to make a dictionary from, and whoever opens the database
// reads those before and after.
func TestBodiesAreCompressedByADictionary(t *testing.T) {
	both(t, func(t *testing.T, d *db) {
		d.running(t)
		d.do(t, func(b *Batch) error {
			b.PutAccount(model.Account{ID: "sales", Provider: "autosign", FirstStartAt: noon})
			return nil
		})
		early, without := d.speaks(t, 0, samplesOf)
		for end := time.Now().Add(20 * time.Second); !d.learnt(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no dictionary was made")
			}
		}
		late, with := d.speaks(t, 1000, samplesOf)
		if with > without*3/4 {
			t.Errorf("%d bytes with a dictionary, %d without", with, without)
		}
		same(t, "dictionaries", d.count(t, "dictionaries"), 1)
		var dictionary []byte
		check(t, d.raw(t).QueryRow(`SELECT dictionary FROM dictionaries`).Scan(&dictionary))
		if strings.Contains(string(dictionary), "clients.example") {
			t.Error("an address stands in the dictionary")
		}
		other := d.again(t)
		for i, id := range []string{early[7], late[7]} {
			c, err := other.Callback(t.Context(), id)
			check(t, err)
			want := d.told(t, int64([]int{7, 1007}[i]/4), 3, int64([]int{7, 1007}[i]), noon.Add(time.Duration([]int{7, 1007}[i])*time.Second))
			same(t, "body", string(c.Body), string(want.packed.Body))
			same(t, "headers", c.Headers, want.packed.Headers)
		}
	})
}

// A database that is put in the place of one in use gets the dictionary with the first body that is written by it.
func TestAnotherDatabaseGetsTheDictionaryToo(t *testing.T) {
	d, blank := openSQLiteTest(t), openSQLiteTest(t)
	_, err := blank.raw(t).Exec(`PRAGMA wal_checkpoint(TRUNCATE)`)
	check(t, err)
	d.running(t)
	d.do(t, func(b *Batch) error {
		b.PutAccount(model.Account{ID: "sales", Provider: "autosign", FirstStartAt: noon})
		return nil
	})
	d.speaks(t, 0, samplesOf)
	for end := time.Now().Add(20 * time.Second); !d.learnt(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no dictionary was made")
		}
	}
	d.speaks(t, 1000, 1)
	for _, end := range []string{"-wal", "-shm"} {
		check(t, os.Remove(d.Path()+end))
	}
	check(t, os.Rename(blank.Path(), d.Path()))
	ids, _ := d.speaks(t, 2000, 1)
	c, err := d.again(t).Callback(t.Context(), ids[0])
	check(t, err)
	same(t, "body", len(c.Body) > 2000, true)
}
