package difference

import (
	"countersign/model"
	"countersign/worker/pdf/difference/equal"
	"countersign/worker/pdf/object"
)

const (
	mostTagLevels = 200
	mostTags      = 1_000_000
)

// tags is the comparison of two trees of tags.
type tags struct {
	*comparison
	count  int
	judged map[int]bool // tags of the new tree that were compared with themselves
}

// structure wants the tree of tags, which programs read aloud, to be the same but for tags of new signatures' fields.
func (c *tags) structure(was, is any) {
	old, now := c.A.Dict(was), c.B.Dict(is)
	c.Node(equal.Number(was), equal.Number(is)) // to which the tags lead back
	c.pairTags(was, is, 0)
	if len(now) == 0 || now.Twice() {
		c.change("the tags of the document")
		return
	}
	if !c.kids(old.Get("K"), now.Get("K"), 0) {
		c.change("the tags of the document")
		return
	}
	for _, key := range c.Differing(old, now) {
		switch key {
		case "K":
		case "ParentTree":
			if !c.tagIndex(old.Get(key), now.Get(key)) {
				c.change("the tags of the document: which part of a page they belong to")
				return
			}
		case "ParentTreeNextKey", "Type":
			c.values("a tag's number", now.Get(key))
		case "RoleMap":
			if len(c.A.Dict(old.Get(key))) > 0 || !equal.Flat(c.B, now.Get(key), 2) {
				c.change("the tags of the document: what they mean")
				return
			}
		default:
			c.change("the tags of the document: %s", c.quoted(key))
			return
		}
	}
	c.add(model.AddedMetadata)
}

// kidsOf are a tag's kids, of which one stands without an array.
func kidsOf(o any) object.Array {
	switch v := o.(type) {
	case nil:
		return nil
	case object.Array:
		return v
	}
	return object.Array{o}
}

// pairTags makes each tag that the signed tree has the place of the same one now.
func (c *tags) pairTags(was, is any, deep int) {
	if deep > mostTagLevels || c.count > mostTags {
		return
	}
	now := map[int]any{}
	for _, o := range kidsOf(c.listed(c.B.Dict(is).Get("K"), false)) {
		now[equal.Number(o)] = o
	}
	for _, o := range kidsOf(c.listed(c.A.Dict(was).Get("K"), true)) {
		n := equal.Number(o)
		to, ok := now[n]
		if n <= 0 || !ok || c.IsNode(n, true) {
			continue
		}
		c.count++
		c.Node(n, n)
		c.pairTags(o, to, deep+1)
	}
}

// listed resolves a list of kids that stands by reference, and leaves a kid's own reference.
func (c *tags) listed(o any, before bool) any {
	r := c.B
	if before {
		r = c.A
	}
	if list, ok := r.Resolve(o).(object.Array); ok {
		return list
	}
	return o
}

// kids compares the kids of a tag.
func (c *tags) kids(was, is any, deep int) bool {
	old, now := kidsOf(c.listed(was, true)), kidsOf(c.listed(is, false))
	if c.count++; deep > mostTagLevels || c.count > mostTags {
		return false
	}
	k := 0
	for _, o := range now {
		if k < len(old) && c.Same(old[k], o) {
			if n := equal.Number(o); n > 0 && c.IsNode(equal.Number(old[k]), true) && !c.tag(old[k], o, deep) {
				return false
			}
			k++
			continue
		}
		if !c.newTag(o, deep) {
			return false
		}
	}
	return k == len(old)
}

// tag compares a tag with itself. Its kids have each other's place and so are the same to whoever compares what leads to
// them: each is looked at by itself, once.
func (c *tags) tag(was, is any, deep int) bool {
	x, y := c.A.Dict(was), c.B.Dict(is)
	if n := equal.Number(is); c.judged[n] {
		return true
	} else if n > 0 {
		c.judged[n] = true
	}
	if _, ok := x.Get("S").(object.Name); !ok {
		return true // no tag but a field or a page, which is judged where it belongs
	}
	for _, key := range c.Differing(x, y) {
		if key != "K" {
			return false
		}
	}
	return c.kids(x.Get("K"), y.Get("K"), deep+1) && (!y.Twice() || x.Twice())
}

// newTag wants a tag that says nothing and leads to the field of a new signature.
func (c *tags) newTag(o any, deep int) bool {
	d, ok := c.B.Resolve(o).(object.Dict)
	if c.count++; !ok || deep > mostTagLevels || c.count > mostTags || d.Twice() {
		return false
	}
	for _, e := range d {
		switch e.Key {
		case "Type", "S", "ID", "Lang", "P", "Pg", "K", "Obj", "R", "T":
		case "A":
			if !equal.Flat(c.B, e.Value, 3) {
				return false
			}
		default:
			return false
		}
	}
	if c.B.Name(d.Get("Type")) == "OBJR" {
		n := equal.Number(d.Get("Obj"))
		return c.widgets[n]
	}
	kids := kidsOf(c.listed(d.Get("K"), false))
	for _, k := range kids {
		if !c.newTag(k, deep+1) {
			return false
		}
	}
	return len(kids) > 0
}

// tagIndex compares the tree of numbers that leads from parts of pages to tags: what was there has to lead where it
// did.
func (c *tags) tagIndex(was, is any) bool {
	old, now := map[int]any{}, map[int]any{}
	c.numbers(was, true, old, 0)
	c.numbers(is, false, now, 0)
	for n, o := range old {
		if !c.Same(o, now[n]) {
			return false
		}
	}
	for n, o := range now {
		if _, ok := old[n]; ok {
			continue
		}
		if c.B.Resolve(o) == nil {
			continue
		}
		if list, ok := c.B.Resolve(o).(object.Array); ok {
			if len(list) > 0 {
				return false
			}
			continue
		}
		if !c.newTag(o, 0) && !c.IsNode(equal.Number(o), false) {
			return false
		}
	}
	return true
}

// numbers reads a number tree.
func (c *tags) numbers(o any, before bool, into map[int]any, deep int) {
	r := c.B
	if before {
		r = c.A
	}
	if c.count++; deep > mostTree || c.count > mostTags {
		return
	}
	d := r.Dict(o)
	list := r.Array(d.Get("Nums"))
	for i := 0; i+1 < len(list); i += 2 {
		if n, ok := r.Number(list[i]); ok {
			into[int(n)] = list[i+1]
		}
	}
	for _, k := range r.Array(d.Get("Kids")) {
		c.numbers(k, before, into, deep+1)
	}
}
