package cms_test

import (
	"testing"

	"countersign/worker/pdf/cms"
	"countersign/worker/pdf/cms/cmstest"
)

func BenchmarkVerify(b *testing.B) {
	root := cmstest.New(b, cmstest.Certificate{Name: "Root", CA: true})
	clock := root.Issue(b, cmstest.Certificate{Name: "Clock"})
	for _, kind := range []cmstest.Kind{cmstest.RSA, cmstest.P256, cmstest.P521, cmstest.Brainpool, cmstest.RSALargeE} {
		s := root.Issue(b, cmstest.Certificate{Kind: kind})
		g := given(detached, s.Sign(b, covered, cmstest.Message{Time: noon, ESS: 2, Stamp: clock, StampTime: noon}), covered)
		b.Run(string(kind), func(b *testing.B) {
			for b.Loop() {
				if r := cms.Verify(g); r.Status != cms.Verified {
					b.Fatal(r.Reason)
				}
			}
		})
	}
}
