package store

import (
	"os"
	"testing"
	"time"
)

func BenchmarkOnly(b *testing.B) {
	d := openSQLiteTest(b)
	d.now = utcClock(time.Now)
	d.running(b)
	for b.Loop() {
		for r := range 50 {
			s := produce(b, makeEvents(b, d.Store, r), d.ingest)
			if r%5 == 4 || r < 3 {
				i, _ := os.Stat(d.path)
				b.Log((r+1)*eventsInARound, s.wall/eventsInARound, s.cpu/eventsInARound, i.Size()/int64((r+1)*eventsInARound))
			}
		}
		break
	}
}
