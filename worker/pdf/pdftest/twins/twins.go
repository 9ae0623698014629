// Package twins makes the signed files to which something harmless happened after they were signed, one beside each way
// to attack them, and files in the shape that signing services give them. It knows nothing of the program that judges
// them.
package twins

import (
	"fmt"
	"slices"
	"strings"

	"countersign/worker/pdf/pdftest/paper"
)

// Files are all harmless files, each with a classic table and with object streams.
func Files() []paper.File { return paper.Files(Steps()) }

// Steps are all harmless steps.
func Steps() []paper.Step {
	return slices.Concat(untouched(), proof(), signatures(), filled(), notes(), rewritten(), stored(), padded(), Shapes())
}

// on is a step after which a file has to be kept.
func on(base paper.Base, name, says string, do func(d *paper.Doc)) paper.Step {
	return paper.Step{Name: name, Says: says, Want: paper.Kept, On: base, Do: do}
}

const (
	same     = "the same"
	twice    = "the same, signed by one more"
	answered = "the same, with a field filled where it is allowed"
)

func approved(name, says string, do func(d *paper.Doc)) paper.Step {
	return on(paper.Approved, name, says, do)
}

func saved(name string, do func(d *paper.Doc)) paper.Step { return approved(name, same, save(do)) }

func save(do func(d *paper.Doc)) func(d *paper.Doc) {
	return func(d *paper.Doc) {
		do(d)
		d.Save()
	}
}

// untouched are signed files as they are.
func untouched() []paper.Step {
	return []paper.Step{
		on(paper.Approved, "approved", same, nil), on(paper.Seen, "approved, to be seen", same, nil),
		on(paper.Certified1, "certified at 1", same, nil), on(paper.Certified2, "certified at 2", same, nil),
		on(paper.Certified3, "certified at 3", same, nil), on(paper.LocksRent, "one field locked", same, nil),
		on(paper.LocksAll, "all fields locked", same, nil), on(paper.LeavesName, "all fields locked but two", same, nil),
		on(paper.Twice, "signed by two", same, nil),
		on(paper.Base{Signs: []paper.Signing{{}}}, "one page", same, nil),
		on(paper.Base{Lease: paper.Lease{Noise: 30_000}, Signs: []paper.Signing{{}}}, "one page with a picture", same, nil),
		on(paper.Base{Signs: []paper.Signing{{Room: 40_000}}}, "room left in the signature", same, nil),
		on(paper.Base{Signs: []paper.Signing{{Unsorted: true}}}, "signed attributes in another order", same, nil),
		on(paper.Base{Signs: []paper.Signing{{Filter: "ETSI.CAdES.detached"}}}, "PAdES", same, nil),
	}
}

// validation appends data to check signatures with.
func validation(d *paper.Doc, more string) {
	cert := d.Add(paper.S(string(paper.By("Ana Lima").Certificate())))
	crl := d.Add(paper.S("\x30\x03\x02\x01\x00"))
	ocsp := d.Add(paper.S("\x30\x03\x0a\x01\x00"))
	vri := d.Add(paper.D("Cert", paper.Rs(cert), "CRL", paper.Rs(crl), "OCSP", paper.Rs(ocsp), "TU",
		"(D:20260201000000Z)"))
	dss := d.Add(paper.D("Type", "/DSS", "Certs", paper.Rs(cert), "CRLs", paper.Rs(crl), "OCSPs", paper.Rs(ocsp), "VRI",
		"<</"+strings.Repeat("AB", 20)+" "+paper.R(vri)+">>"))
	d.Alter(d.Root, "DSS", paper.R(dss))
	if more != "" {
		d.Alter(d.Root, "Extensions", more)
	}
}

const extension = "<</ESIC<</BaseVersion/1.7/ExtensionLevel 5>>/ADBE<</BaseVersion/1.7/ExtensionLevel 8>>>>"

// proof is validation data and time stamps.
func proof() []paper.Step {
	var out []paper.Step
	for _, b := range []struct {
		name string
		on   paper.Base
	}{{"approved", paper.Approved}, {"certified at 1", paper.Certified1}, {"certified at 2", paper.Certified2},
		{"all fields locked", paper.LocksAll}, {"signed by two", paper.Twice}} {
		step := func(name string, do func(d *paper.Doc)) {
			out = append(out, on(b.on, b.name+", "+name, same, do))
		}
		dss := save(func(d *paper.Doc) { validation(d, "") })
		stamp := func(d *paper.Doc) { d.Sign(paper.Signing{Stamp: true}) }
		step("validation data", dss)
		step("a time stamp", stamp)
		step("validation data and a time stamp over it", func(d *paper.Doc) {
			dss(d)
			stamp(d)
		})
		step("validation data and a time stamp, again", func(d *paper.Doc) {
			for range 2 {
				dss(d)
				stamp(d)
			}
			dss(d)
		})
	}
	return append(out,
		saved("validation data with extensions", func(d *paper.Doc) { validation(d, extension) }),
		saved("validation data in the catalog itself", func(d *paper.Doc) {
			cert := d.Add(paper.S(string(paper.By("Ana Lima").Certificate())))
			d.Alter(paper.Catalog, "DSS", "<</Certs"+paper.Rs(cert)+"/VRI<</"+strings.Repeat("CD", 20)+"<</Cert"+
				paper.Rs(cert)+"/TU(D:20260201000000Z)>>>>>>")
		}),
		saved("validation data, its arrays by reference", func(d *paper.Doc) {
			cert := d.Add(paper.S(string(paper.By("Ana Lima").Certificate())))
			list := d.Add(paper.T(paper.Rs(cert)))
			d.Alter(paper.Catalog, "DSS", paper.R(d.Add(paper.D("Certs", paper.R(list), "CRLs", "[]"))))
		}),
		saved("validation data, and more of it in the same dictionary", func(d *paper.Doc) {
			validation(d, "")
			d.Save()
			dss := d.Next()
			for dss--; d.Get(dss).Keys["VRI"] == ""; dss-- {
			}
			more := d.Add(paper.S(string(paper.By("Bruno Diaz").Certificate())))
			d.Alter(dss, "Certs", paper.Rs(more))
		}),
		approved("validation data in a stream of objects behind a table, or the other way round", same,
			func(d *paper.Doc) {
				d.Packed = !d.Packed
				d.Deflate = d.Packed
				validation(d, "")
				d.Save()
			}),
	)
}

// signatures are further ones.
func signatures() []paper.Step {
	bruno := paper.Signing{By: "Bruno Diaz"}
	empty := paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz")}
	margin := paper.Signing{By: "Bruno Diaz", Rect: "[180 10 290 40]", Look: paper.Seal("Bruno Diaz")}
	more := func(name string, on paper.Base, s paper.Signing) paper.Step {
		return paper.Step{Name: name, Says: twice, Want: paper.Kept, On: on, Do: func(d *paper.Doc) { d.Sign(s) }}
	}
	return []paper.Step{
		more("a second signature in a new field", paper.Approved,
			paper.Signing{By: "Bruno Diaz", Name: "Landlord", Filter: "ETSI.CAdES.detached"}),
		more("a second signature in an empty field", paper.Approved, empty),
		more("a second signature to be seen in the margin", paper.Approved, margin),
		more("a second signature that locks a field", paper.Approved,
			paper.Signing{By: "Bruno Diaz", Lock: "/Action/Include/Fields[(Name)]"}),
		more("certified at 2, a signature in an empty field", paper.Certified2, empty),
		more("certified at 2, a signature that nobody sees", paper.Certified2, bruno),
		more("certified at 3, a signature in an empty field", paper.Certified3, empty),
		more("all fields locked but two, a signature in an empty field", paper.LeavesName, empty),
		on(paper.Approved, "signed by many", "the same, signed by eight", func(d *paper.Doc) {
			for i := range 7 {
				d.Sign(paper.Signing{By: fmt.Sprintf("Signer %d", i)})
			}
		}),
		on(paper.Approved, "a second signature in the other form of file", twice, func(d *paper.Doc) {
			d.Packed = !d.Packed
			d.Deflate = d.Packed
			d.Sign(bruno)
		}),
		on(paper.Approved, "a second signature, the annotations in an array of their own", twice, func(d *paper.Doc) {
			b := bruno
			b.Between = func(d *paper.Doc, _ int) {
				d.Alter(paper.Page, "Annots", paper.R(d.Add(paper.T(paper.Rs(d.Annots()...)))))
			}
			d.Sign(b)
		}),
		on(paper.Approved, "a second signature, with new dates of page, catalog and metadata", twice, func(d *paper.Doc) {
			b := bruno
			b.Between = func(d *paper.Doc, _ int) {
				dates(d)
				d.Set(paper.Metadata, paper.Dated("2026-02-01T00:00:00Z"))
				d.Alter(paper.Info, "ModDate", "(D:20260201000000Z)")
			}
			d.Sign(b)
		}),
		on(paper.Base{Signs: []paper.Signing{{}}}, "a second signature in a file that had no form", twice,
			func(d *paper.Doc) { d.Sign(bruno) }),
	}
}

// filled are fields filled where it is allowed: under a certification, or before the next one signs.
func filled() []paper.Step {
	fill := func(d *paper.Doc, value string) {
		d.Alter(paper.Name, "V", "("+value+")", "AP", "<</N "+paper.R(d.Add(paper.Look(value)))+">>")
	}
	tick := func(d *paper.Doc) { d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes") }
	name := func(d *paper.Doc) { fill(d, "Ana Lima") }
	return []paper.Step{
		on(paper.Certified2, "certified at 2, a name", answered, save(name)),
		on(paper.Certified2, "certified at 2, a name in the appearance that was there", answered, save(func(d *paper.Doc) {
			d.Alter(paper.Name, "V", "(Ana Lima)")
			d.Set(paper.NameLook, paper.Look("Ana Lima"))
		})),
		on(paper.Certified2, "certified at 2, a ticked box", answered, save(tick)),
		on(paper.Certified3, "certified at 3, a name and a ticked box", answered, save(func(d *paper.Doc) {
			name(d)
			tick(d)
		})),
		on(paper.Certified2, "certified at 2, a name and a signature over it", answered, func(d *paper.Doc) {
			name(d)
			d.Sign(paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz")})
		}),
		on(paper.LocksRent, "another field locked, a name", answered, save(name)),
		on(paper.LeavesName, "all fields locked but the name, a name", answered, save(name)),
		on(paper.Approved, "a name by the next signer", answered, func(d *paper.Doc) {
			name(d)
			d.Sign(paper.Signing{By: "Bruno Diaz"})
		}),
		on(paper.Approved, "a ticked box by the next signer", answered, func(d *paper.Doc) {
			tick(d)
			d.Sign(paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz")})
		}),
		on(paper.Approved, "a name, saved before the next signer signs", answered, func(d *paper.Doc) {
			name(d)
			d.Save()
			d.Sign(paper.Signing{By: "Bruno Diaz"})
		}),
	}
}

// dates sets what programs note about when something was changed.
func dates(d *paper.Doc) {
	notes := "<</Throwaway<</LastModified(D:20260201000000Z)/Private<</A 1>>>>>>"
	d.Alter(paper.Catalog, "PieceInfo", notes)
	d.Alter(paper.Page, "PieceInfo", notes, "LastModified", "(D:20260201000000Z)")
}

// notes are what programs say about a file.
func notes() []paper.Step {
	rights := paper.Prepared(func(d *paper.Doc) {
		d.Set(70, paper.D("Type", "/Sig", "Filter", "/Adobe.PPKLite", "SubFilter", "/adbe.pkcs7.detached", "Reference",
			"[<</Type/SigRef/TransformMethod/UR3>>]"))
		d.Alter(paper.Catalog, "Perms", "<</UR3 "+paper.R(70)+">>")
	})
	return []paper.Step{
		saved("new metadata", func(d *paper.Doc) { d.Set(paper.Metadata, paper.Dated("2026-02-01T00:00:00Z")) }),
		saved("new metadata in a new object", func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Metadata", paper.R(d.Add(paper.Dated("2026-02-01T00:00:00Z"))))
		}),
		saved("new document information", func(d *paper.Doc) {
			d.Alter(paper.Info, "ModDate", "(D:20260201000000Z)", "Producer", "(Another)")
		}),
		saved("document information in a new object", func(d *paper.Doc) {
			d.Info = d.Add(d.Get(paper.Info).With("ModDate", "(D:20260201000000Z)"))
		}),
		saved("a producer's dates", dates),
		saved("an extension", func(d *paper.Doc) { d.Alter(paper.Catalog, "Extensions", extension) }),
		saved("a version", func(d *paper.Doc) { d.Alter(paper.Catalog, "Version", "/2.0") }),
		on(rights, "usage rights replaced", same, save(func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Perms", "<</UR3 "+paper.R(d.Add(d.Get(70).With("M", "(D:20260201000000Z)")))+">>")
		})),
	}
}
