package pdf

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/worker/pdf/pdftest"
)

// seal is a throwaway key with its certificates, the signer's first.
type seal struct {
	key   *rsa.PrivateKey
	certs []*x509.Certificate
}

// rsaKey is made once: keys take long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// newSeal makes a self-signed certificate that is valid from one time to another; with a chain, one that an
// authority issued.
func newSeal(t testing.TB, from, to time.Time, chain bool) seal {
	t.Helper()
	return newSealWith(t, rsaKey(), from, to, chain)
}

func newSealWith(t testing.TB, key *rsa.PrivateKey, from, to time.Time, chain bool) seal {
	t.Helper()
	make := func(serial int64, cn string, parent *x509.Certificate) *x509.Certificate {
		c := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: cn,
				Organization: []string{"Throwaway"}}, NotBefore: from, NotAfter: to,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment, BasicConstraintsValid: true,
			IsCA: parent == nil && chain,
		}
		if parent == nil {
			parent = c
		}
		if c.IsCA {
			c.KeyUsage = x509.KeyUsageCertSign
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), key)
		check(t, err)
		out, err := x509.ParseCertificate(der)
		check(t, err)
		return out
	}
	if !chain {
		return seal{key, []*x509.Certificate{make(7, "Ana Lima", nil)}}
	}
	root := make(1, "Throwaway Root", nil)
	return seal{key, []*x509.Certificate{make(8, "Ana Lima", root), root}}
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values []asn1.RawValue `asn1:"set"`
}

var (
	oidData       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidTST        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidRSA        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
)

func der(t testing.TB, v any) []byte {
	t.Helper()
	out, err := asn1.Marshal(v)
	check(t, err)
	return out
}

func raw(t testing.TB, v any) asn1.RawValue { return asn1.RawValue{FullBytes: der(t, v)} }

// cms makes a detached CMS message over covered; a content makes one that carries it (a time stamp's).
func (s seal) cms(t testing.TB, covered, content []byte, contentType asn1.ObjectIdentifier) []byte {
	t.Helper()
	what := covered
	if content != nil {
		what = content
	}
	sum := sha256.Sum256(what)
	attrs := []attribute{
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}, []asn1.RawValue{raw(t, contentType)}},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}, []asn1.RawValue{raw(t, sum[:])}},
	}
	set := der(t, struct {
		A []attribute `asn1:"set"`
	}{attrs})
	var inner asn1.RawValue
	_, err := asn1.Unmarshal(set, &inner)
	check(t, err)
	digest := sha256.Sum256(inner.Bytes)
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	check(t, err)
	var set0 asn1.RawValue
	_, err = asn1.Unmarshal(inner.Bytes, &set0)
	check(t, err)
	alg := pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}
	info := der(t, struct {
		Version int
		Issuer  struct {
			Name   asn1.RawValue
			Serial *big.Int
		}
		Digest    pkix.AlgorithmIdentifier
		Attrs     asn1.RawValue
		Method    pkix.AlgorithmIdentifier
		Signature []byte
	}{
		1, struct {
			Name   asn1.RawValue
			Serial *big.Int
		}{asn1.RawValue{FullBytes: s.certs[0].RawIssuer}, s.certs[0].SerialNumber},
		alg, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: set0.Bytes},
		pkix.AlgorithmIdentifier{Algorithm: oidRSA, Parameters: asn1.NullRawValue}, signature,
	})
	var certs []byte
	for _, c := range s.certs {
		certs = append(certs, c.Raw...)
	}
	encap := der(t, contentType)
	if content != nil {
		encap = append(encap, der(t, asn1.RawValue{Class: 2, Tag: 0, IsCompound: true, Bytes: der(t, content)})...)
	}
	seq := func(class, tag int, bodies ...[]byte) []byte {
		return der(t, asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: slices.Concat(bodies...)})
	}
	signed := seq(0, 16, der(t, 1), seq(0, 17, der(t, alg)), seq(0, 16, encap), seq(2, 0, certs), seq(0, 17, info))
	return seq(0, 16, der(t, oidSignedData), seq(2, 0, signed))
}

// stamp makes a time stamp over covered.
func (s seal) stamp(t testing.TB, covered []byte, at time.Time) []byte {
	sum := sha256.Sum256(covered)
	alg := der(t, pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: asn1.NullRawValue})
	imprint := der(t, asn1.RawValue{Tag: 16, IsCompound: true, Bytes: append(alg, der(t, sum[:])...)})
	body := slices.Concat(der(t, 1), der(t, asn1.ObjectIdentifier{1, 2, 3}), imprint, der(t, big.NewInt(1)),
		der(t, asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(at.UTC().Format("20060102150405Z"))}))
	return s.cms(t, nil, der(t, asn1.RawValue{Tag: 16, IsCompound: true, Bytes: body}), oidTST)
}

// paper is a PDF that grows by revisions.
type paper struct {
	raw    []byte
	next   int // the first free object number
	last   int // where the last cross-reference table lies
	fields []int
	spans  [4]int // the last signature's ByteRange
}

func newPaper(word string) paper {
	all := pdftest.Plain(word)
	return paper{raw: all, next: 6, last: bytes.LastIndex(all, []byte("xref\n0 6"))}
}

// revise appends a revision with these objects.
func (p paper) revise(objects map[int]string) paper {
	var b bytes.Buffer
	b.Write(p.raw)
	at, numbers := map[int]int{}, []int{}
	for n := range objects {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		at[n] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", n, objects[n])
		p.next = max(p.next, n+1)
	}
	table := b.Len()
	b.WriteString("xref\n")
	for _, n := range numbers {
		fmt.Fprintf(&b, "%d 1\n%010d 00000 n \n", n, at[n])
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n", p.next, p.last, table)
	p.raw, p.last = b.Bytes(), table
	return p
}

func (p paper) refs() string {
	var b strings.Builder
	for _, n := range p.fields {
		fmt.Fprintf(&b, "%d 0 R ", n)
	}
	return b.String()
}

// catalog and page name the fields that the paper has.
func (p paper) catalog(more string) string {
	return "<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[" + p.refs() + "]>>" + more + ">>"
}

func (p paper) page(content string) string {
	return "<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents " + content +
		"/Resources<</Font<</F1 5 0 R>>>>/Annots[" + p.refs() + "]>>"
}

// how a paper is signed; the zero value is a plain detached signature.
type how struct {
	subFilter string
	spans     func(good [4]int) [4]int // what stands in ByteRange instead
	message   func(covered []byte) []byte
	more      map[int]string // objects of the same revision
}

const room = 8192

// sign appends a signature by s over everything.
func (p paper) sign(t testing.TB, s seal, h how) paper {
	t.Helper()
	if h.subFilter == "" {
		h.subFilter = "adbe.pkcs7.detached"
	}
	sig, field := p.next, p.next+1
	p.fields = append(slices.Clone(p.fields), field)
	kind := "Sig"
	if h.subFilter == "ETSI.RFC3161" {
		kind = "DocTimeStamp"
	}
	objects := map[int]string{
		1: p.catalog(""), 3: p.page("4 0 R"),
		sig: fmt.Sprintf("<</Type/%s/Filter/Adobe.PPKLite/SubFilter/%s/Name(Ana Lima)/Reason(I agree)/M(D:20260131120000Z)/ByteRange[0 %010d %010d %010d]/Contents<%s>>>",
			kind, h.subFilter, 0, 0, 0, strings.Repeat("0", 2*room)),
		field: fmt.Sprintf("<</Type/Annot/Subtype/Widget/FT/Sig/T(S%d)/F 132/Rect[0 0 0 0]/P 3 0 R/V %d 0 R>>", field, sig),
	}
	for n, o := range h.more {
		objects[n] = o
	}
	start := len(p.raw)
	p = p.revise(objects)
	gap := start + bytes.Index(p.raw[start:], []byte("/Contents<")) + len("/Contents")
	end := gap + 2*room + 2
	p.spans = [4]int{0, gap, end, len(p.raw) - end}
	written := p.spans
	if h.spans != nil {
		written = h.spans(p.spans)
	}
	at := start + bytes.Index(p.raw[start:], []byte("/ByteRange[")) + len("/ByteRange[")
	copy(p.raw[at:], fmt.Sprintf("0 %010d %010d %010d", written[1], written[2], written[3]))
	covered := slices.Concat(p.raw[:gap], p.raw[end:])
	var message []byte
	switch {
	case h.message != nil:
		message = h.message(covered)
	case h.subFilter == "ETSI.RFC3161":
		message = s.stamp(t, covered, noon.Add(time.Minute))
	default:
		message = s.cms(t, covered, nil, oidData)
	}
	copy(p.raw[gap+1:], hex.EncodeToString(message))
	return p
}
