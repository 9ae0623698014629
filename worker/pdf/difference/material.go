package difference

import (
	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
)

// values wants values that lead nowhere.
func (c *comparison) values(what string, o any) {
	if !equal.Flat(c.B, o, 3) {
		c.change("%s leads to something that is no value", what)
	}
}

// metadata wants a stream of metadata that reaches nothing.
func (c *comparison) metadata(o any) {
	s, ok := c.B.Resolve(o).(*object.Stream)
	switch {
	case o == nil || c.B.Resolve(o) == nil:
	case !ok || c.B.Name(s.Dict.Get("Subtype")) != "XML" || !equal.PlainStream(c.B, o):
		c.change("its metadata, which is no metadata")
		return
	}
	c.add(model.AddedMetadata)
}

// private wants what a program notes for itself: a dictionary of values and dates.
func (c *comparison) private(where string, o any) {
	if o = c.B.Resolve(o); o != nil && !equal.Flat(c.B, o, 6) {
		c.change("%s: what a program notes there leads to something that is no value", where)
		return
	}
	c.add(model.AddedMetadata)
}

// extensions wants names of extensions with their versions.
func (c *comparison) extensions(o any, _ int) {
	d, ok := c.B.Resolve(o).(object.Dict)
	if !ok || !equal.Flat(c.B, d, 3) {
		c.change("the catalog: its extensions")
		return
	}
	c.add(model.AddedMetadata)
}

// validation wants a document security store: certificates and revocation data, and nothing else (ETSI EN 319 142-1,
// 5.4.2; ISO 32000-2, 12.8.4.3).
func (c *comparison) validation(o any) {
	d, ok := c.B.Resolve(o).(object.Dict)
	if !ok {
		c.change("the validation data, which is none or was taken out")
		return
	}
	if !c.proof(d, true) {
		c.change("the validation data, which has something else in it")
		return
	}
	c.add(model.AddedValidation)
}

// proof looks at a document security store, or at one signature's part of it.
func (c *comparison) proof(d object.Dict, whole bool) bool {
	for _, e := range d {
		v := c.B.Resolve(e.Value)
		switch e.Key {
		case "Certs", "CRLs", "OCSPs", "Cert", "CRL", "OCSP":
			list, ok := v.(object.Array)
			if !ok && v != nil {
				return false
			}
			for _, x := range list {
				if !c.material(x) {
					return false
				}
			}
		case "TS":
			if v != nil && !c.material(e.Value) {
				return false
			}
		case "VRI":
			each, ok := v.(object.Dict)
			if !whole || !ok && v != nil {
				return false
			}
			for _, x := range each {
				part, ok := c.B.Resolve(x.Value).(object.Dict)
				if !ok || !c.proof(part, false) {
					return false
				}
			}
		default: // Type, TU and what a program notes
			if !equal.Scalar(v) {
				return false
			}
		}
	}
	return true
}

// material wants a stream that says nothing about itself but how its data is written: what draws says more.
func (c *comparison) material(o any) bool {
	if o = c.B.Resolve(o); o == nil {
		return true
	}
	s, ok := o.(*object.Stream)
	if !ok || !equal.PlainStream(c.B, o) {
		return false
	}
	switch c.B.Name(s.Dict.Get("Subtype")) {
	case "Form", "Image", "PS":
		return false
	}
	return true
}
