package autosign

import "testing"

func TestAutosignSignatureMatchesAKnownVector(t *testing.T) {
	t.Parallel()
	// the vector of RFC 4231, test case 2
	if got := bodyProof("Jefe",
		[]byte("what do ya want for nothing?")); got != "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" {
		t.Error(got)
	}
}
