package tables

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"countersign/cmd/countersign/bench/browser"
)

const paintings = 5

// paints is when the largest thing of a page is painted in Chromium, at the processor's speed and at a quarter of it, and
// how many requests a browser sends.
func paints(ctx context.Context, base, account string, times int) (out []Figure, err error) {
	program := browser.Find()
	if program == "" {
		return []Figure{{What: "largest paint: there is no Chromium here", Unit: "ms", Want: "Chromium", Met: false}}, nil
	}
	b, err := browser.Open(ctx, program)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	for _, speed := range []slowness{{"", 1, 400}, {", a quarter of the speed", 4, 800}} {
		if err := b.Slow(speed.rate); err != nil {
			return out, err
		}
		for _, p := range pages(account)[:6] {
			if p.most > 8<<10 || !strings.Contains(p.path, "?") { // the overview, the list, one transaction
				f, err := painted(b, base, p, speed, min(times, paintings))
				if err != nil {
					return out, err
				}
				out = append(out, f...)
			}
		}
	}
	return out, nil
}

// slowness is at which part of its speed the processor runs, and by when the largest thing is to be painted then.
type slowness struct {
	what string
	rate int
	most float64
}

// painted shows a page a few times. The first view fetches all.
func painted(b *browser.Browser, base string, p seen, slow slowness, times int) (out []Figure, err error) {
	var at, requests []float64
	for i := range times {
		if i == 0 {
			if err := b.Forget(); err != nil {
				return nil, err
			}
		}
		n, paint, err := b.View(base + p.path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.path, err)
		}
		at, requests = append(at, paint), append(requests, float64(n))
	}
	if slow.rate == 1 && p.path == "/" {
		out = append(out, atMost("requests of a first view in Chromium", "requests", requests[0], 8),
			atMost("requests of a later view in Chromium", "requests", requests[len(requests)-1], 1))
	}
	f := spread("largest paint: "+p.name+slow.what, "ms", at, 0)
	f.Want, f.Met = fmt.Sprintf("median at most %g", slow.most), f.Value <= slow.most
	return append(out, f), nil
}
