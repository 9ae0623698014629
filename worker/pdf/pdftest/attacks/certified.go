package attacks

import (
	"fmt"

	"countersign/worker/pdf/pdftest/paper"
)

// certified are attacks on documents whose author said what may follow: evil annotations and sneaky signatures.
func certified() []paper.Step {
	var out []paper.Step
	levels := map[int]paper.Base{1: paper.Certified1, 2: paper.Certified2, 3: paper.Certified3}
	for level := 1; level <= 3; level++ {
		b := levels[level]
		step := func(name, says string, do func(d *paper.Doc)) {
			out = append(out, on(b, fmt.Sprintf("certified at %d, %s", level, name), says, save(do)))
		}
		for _, kind := range []string{"FreeText", "Stamp", "Redact", "Unheard"} {
			step("an annotation over the page, "+kind, "9000 stands over the rent", func(d *paper.Doc) {
				annotate(d, covering(d, kind))
			})
		}
		step("another content", dearer, func(d *paper.Doc) {
			d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised))
		})
		step("a page more", "a third page", func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page, paper.Page2, d.Add(d.Get(paper.Page2))), "Count", "3")
		})
		step("no permissions any more", "nothing says that it is certified", func(d *paper.Doc) {
			d.Alter(paper.Catalog, "Perms", "")
		})
		step("a field over the page", "9000 stands over the rent", func(d *paper.Doc) {
			d.Alter(paper.Rent, "V", "(9000)", "Rect", "[0 0 300 200]", "AP", "<</N "+paper.R(d.Add(form(cover)))+">>")
		})
		step("a new text field", "9000 stands over the rent", func(d *paper.Doc) {
			d.Field(covering(d, "Widget", "FT", "/Tx", "T", "(New)", "V", "(9000)"), true)
			d.Place()
		})
		step("a level raised in the signature", "anything seems allowed", func(d *paper.Doc) {
			n := signature(d)
			d.Alter(n, "Reference",
				"[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2/P 3>>>>]")
		})
		step("a field filled with a program", "a program of the attacker's runs", func(d *paper.Doc) {
			d.Alter(paper.Rent, "AA", "<</K<</S/JavaScript/JS(event.value=9000)>>>>", "V", "(9000)")
		})
		step("a filled field that changes its neighbour's look", "the rent reads 9000", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana", "Ana")
			d.Set(paper.RentLook, paper.Look("9000"))
		})
		step("a filled field that changes the page's font", "1000 reads 9000", func(d *paper.Doc) {
			fill(d, paper.Name, "Ana", "Ana")
			d.Set(paper.Font, other())
		})
	}
	out = append(out, filledWhereForbidden()...)
	return append(out, sneaky()...)
}

func filledWhereForbidden() []paper.Step {
	return []paper.Step{
		on(paper.Certified1, "certified at 1, a filled field", "a name that the author did not want", save(func(d *paper.Doc) {
			fill(d, paper.Name, "Ana", "Ana")
		})),
		on(paper.Certified1, "certified at 1, a ticked box", "the box is ticked", save(func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes")
		})),
		on(paper.Certified1, "certified at 1, a signature", "one more signer than the author wanted", func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Bruno Diaz"})
		}),
		on(paper.Certified1, "certified at 1, a signature in an empty field", "one more signer", func(d *paper.Doc) {
			d.Sign(paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz")})
		}),
		on(paper.Certified1, "certified at 1, a name and a signature over it", "a name that was not wanted",
			func(d *paper.Doc) {
				fill(d, paper.Name, "Ana", "Ana")
				d.Sign(paper.Signing{By: "Bruno Diaz"})
			}),
		on(paper.Approved, "a certification after an approval", "the second signer claims to be the author",
			save(func(d *paper.Doc) {
				n := signature(d)
				d.Alter(paper.Catalog, "Perms", "<</DocMDP "+paper.R(n)+">>")
			})),
	}
}

// sneaky are signatures that an attacker may make and whose looks lie over the page. Nothing but where they stand tells
// them from honest ones.
func sneaky() []paper.Step {
	var out []paper.Step
	for _, c := range []struct {
		name string
		on   paper.Base
	}{{"approved", paper.Approved}, {"certified at 2", paper.Certified2}, {"certified at 3", paper.Certified3}} {
		out = append(out,
			doubtful(on(c.on, c.name+", a signature in a new field over the page", "9000 stands over the rent",
				func(d *paper.Doc) {
					d.Sign(paper.Signing{By: "Mallory", Rect: "[0 0 300 200]", Look: cover})
				})),
			doubtful(on(c.on, c.name+", a signature over the page that is cut to the rent", "9000 stands over the rent",
				func(d *paper.Doc) {
					d.Sign(paper.Signing{By: "Mallory", Rect: "[20 130 200 150]",
						Look: "1 g 0 0 200 50 re f 0 g BT /F1 24 Tf 0 10 Td (Rent: 9000 EUR a month) Tj ET"})
				})),
			on(c.on, c.name+", a time stamp that lies over the page", "9000 stands over the rent", func(d *paper.Doc) {
				d.Sign(paper.Signing{Stamp: true, Rect: "[0 0 300 200]", Look: cover})
			}),
			on(c.on, c.name+", a signature whose empty field grew", "9000 stands over the rent", func(d *paper.Doc) {
				d.Alter(paper.Empty, "Rect", "[0 0 300 200]")
				d.Sign(paper.Signing{By: "Mallory", Field: paper.Empty, Look: cover})
			}),
			on(c.on, c.name+", a signature with a second widget", "9000 stands over the rent", func(d *paper.Doc) {
				d.Sign(paper.Signing{By: "Mallory", Between: func(d *paper.Doc, _ int) {
					n := d.Fields()[len(d.Fields())-1]
					kid := covering(d, "Widget", "Parent", paper.R(n))
					d.Alter(n, "Kids", paper.Rs(kid))
					annotate(d, kid)
				}})
			}),
			on(c.on, c.name+", a signature in a field that was a text's", "the rent's field shows a signature",
				func(d *paper.Doc) {
					d.Alter(paper.Rent, "FT", "/Sig")
					d.Sign(paper.Signing{By: "Mallory", Field: paper.Rent, Look: paper.Seal("Mallory")})
				}),
		)
	}
	return out
}

// signature is the number of the newest signature's dictionary.
func signature(d *paper.Doc) int {
	n := d.Next() - 1
	for ; n > 0; n-- {
		if d.Get(n).Keys["ByteRange"] != "" {
			break
		}
	}
	return n
}

// locked are fields changed that a signature locks.
func locked() []paper.Step {
	lock := func(name string, on paper.Base, do func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: "locked, " + name, Says: "a field says something that was locked", Want: paper.Altered,
			On: on, Do: do}
	}
	second := func(fields string) paper.Base {
		b := paper.Certified2
		b.Signs = append(b.Signs[:1:1], paper.Signing{By: "Bruno Diaz", Lock: fields})
		return b
	}
	return []paper.Step{
		lock("the one field, filled", paper.LocksRent, save(func(d *paper.Doc) { fill(d, paper.Rent, "9000", "9000") })),
		lock("the one field, only its look", paper.LocksRent, save(func(d *paper.Doc) {
			d.Set(paper.RentLook, paper.Look("9000"))
		})),
		lock("the one field, filled and signed by another", paper.LocksRent, func(d *paper.Doc) {
			fill(d, paper.Rent, "9000", "9000")
			d.Sign(paper.Signing{By: "Bruno Diaz", Field: paper.Empty, Look: paper.Seal("Bruno Diaz")})
		}),
		lock("all fields, filled", paper.LocksAll, save(func(d *paper.Doc) { fill(d, paper.Name, "Ana", "Ana") })),
		lock("all fields, ticked", paper.LocksAll, save(func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes")
		})),
		lock("all but one, another filled", paper.LeavesName, save(func(d *paper.Doc) {
			fill(d, paper.Rent, "9000", "9000")
		})),
		lock("all but one, another ticked", paper.LeavesName, save(func(d *paper.Doc) {
			d.Alter(paper.Agree, "V", "/Yes", "AS", "/Yes")
		})),
		lock("by a second signer, filled", second("/Action/Include/Fields[(Rent)]"), save(func(d *paper.Doc) {
			fill(d, paper.Rent, "9000", "9000")
		})),
		lock("by a second signer, all fields", second("/Action/All"), save(func(d *paper.Doc) {
			fill(d, paper.Name, "Ana", "Ana")
		})),
		lock("by a second signer, filled and signed by a third", second("/Action/All"), func(d *paper.Doc) {
			fill(d, paper.Name, "Ana", "Ana")
			d.Sign(paper.Signing{By: "Carla Ruiz"})
		}),
		lock("the lock taken away", paper.LocksRent, save(func(d *paper.Doc) {
			d.Alter(signature(d), "Reference",
				"[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/V/1.2/P 2>>>>]")
			fill(d, paper.Rent, "9000", "9000")
		})),
		lock("the field renamed and filled", paper.LocksRent, save(func(d *paper.Doc) {
			d.Alter(paper.Rent, "T", "(Free)")
			fill(d, paper.Rent, "9000", "9000")
		})),
	}
}

// further are changes between two signatures.
func further() []paper.Step {
	between := func(name, says string, on paper.Base, do func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: "between two signatures, " + name, Says: says, Want: paper.Altered, On: on,
			Do: func(d *paper.Doc) {
				do(d)
				d.Sign(paper.Signing{By: "Bruno Diaz"})
			}}
	}
	again := func(name, says string, do func(d *paper.Doc)) paper.Step {
		return paper.Step{Name: "after two signatures, " + name, Says: says, Want: paper.Altered, On: paper.Twice,
			Do: save(do)}
	}
	content := func(d *paper.Doc) { d.Set(paper.Contents, d.Get(paper.Contents).Saying(raised)) }
	return []paper.Step{
		between("another content", dearer, paper.Approved, content),
		between("another content, saved before", dearer, paper.Approved, save(content)),
		between("another font", "1000 reads 9000", paper.Approved, func(d *paper.Doc) { d.Set(paper.Font, other()) }),
		between("an annotation", "9000 stands over the rent", paper.Approved, func(d *paper.Doc) {
			d.Annotate(covering(d, "FreeText"))
		}),
		between("a page more", "a third page", paper.Approved, func(d *paper.Doc) {
			d.Alter(paper.Pages, "Kids", paper.Rs(paper.Page, paper.Page2, d.Add(d.Get(paper.Page2))), "Count", "3")
		}),
		between("the first one's look", "it says another signer", paper.Seen, func(d *paper.Doc) {
			d.Alter(paper.Empty, "AP", "<</N "+paper.R(d.Add(form(paper.Seal("Carla Ruiz"))))+">>")
		}),
		between("the first one taken out", "the first signer is gone", paper.Seen, func(d *paper.Doc) {
			d.Alter(paper.Empty, "V", "")
		}),
		between("a certified text", dearer, paper.Certified2, content),
		between("an annotation in a certified text", "9000 stands over the rent", paper.Certified2, func(d *paper.Doc) {
			d.Annotate(covering(d, "FreeText"))
		}),
		again("another content", dearer, content),
		again("another value", dearer, func(d *paper.Doc) { fill(d, paper.Rent, "9000", "9000") }),
		again("the second one taken out", "the second signer is gone", func(d *paper.Doc) {
			d.Alter(d.Fields()[len(d.Fields())-1], "V", "")
		}),
		again("the second one's field taken out", "the second signer is gone", func(d *paper.Doc) {
			d.Alter(paper.Form, "Fields", paper.Rs(d.Fields()[:len(d.Fields())-1]...))
		}),
		again("the first one in the second one's field", "Ana Lima signed twice", func(d *paper.Doc) {
			f := d.Fields()
			d.Alter(f[len(f)-1], "V", d.Get(f[len(f)-2]).Keys["V"])
		}),
	}
}
