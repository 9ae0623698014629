// Package equal says whether objects of two revisions of a file are the same, with all that they lead to: numbers as
// numbers, streams by what they unfold to, whatever numbers the objects have.
package equal

import (
	"bytes"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

// Pair is two revisions that are compared. Nodes are objects that have a rule of their own, such as pages: a reference to
// one is the same where it leads to the node that takes its place.
type Pair struct {
	A, B *revision.Revision

	nodesA, nodesB map[int]int // object number to node
	nodes          int
	memo           map[[2]int]bool // objects that are the same
}

// NewPair prepares to compare two revisions.
func NewPair(a, b *revision.Revision) *Pair {
	return &Pair{A: a, B: b, nodesA: map[int]int{}, nodesB: map[int]int{}, memo: map[[2]int]bool{}}
}

// Node makes two objects each other's place, unless one of them has its place.
func (p *Pair) Node(a, b int) {
	if a <= 0 || b <= 0 || p.nodesA[a] > 0 || p.nodesB[b] > 0 {
		return
	}
	p.nodes++
	p.nodesA[a], p.nodesB[b] = p.nodes, p.nodes
}

// IsNode says whether an object of the earlier or the later revision is a node.
func (p *Pair) IsNode(num int, earlier bool) bool {
	if earlier {
		return p.nodesA[num] > 0
	}
	return p.nodesB[num] > 0
}

// Takes says whether an object takes an earlier one's place: as a node, or because it is the same.
func (p *Pair) Takes(was, is any) bool {
	m, n := p.nodesA[Number(was)], p.nodesB[Number(is)]
	if m > 0 || n > 0 {
		return m == n
	}
	return p.Same(was, is)
}

// Number is the object number of a reference; 0 for what is none.
func Number(o any) int {
	if r, ok := o.(object.Ref); ok {
		return r.Num
	}
	return 0
}

// task is a pair of references that has to be compared yet.
type task struct{ a, b object.Ref }

// equality is one question whether two objects are the same, with all that they lead to.
type equality struct {
	*Pair
	todo  []task
	added [][2]int
}

// Same says whether an object of the one revision is an object of the other: numbers as numbers, streams by what they
// unfold to, whatever numbers the objects have. Nodes are the same where they take each other's place.
func (p *Pair) Same(a, b any) bool {
	e := equality{Pair: p}
	ok := e.equal(a, b)
	for ok && len(e.todo) > 0 {
		t := e.todo[len(e.todo)-1]
		e.todo = e.todo[:len(e.todo)-1]
		ok = e.equal(p.A.Load(t.a.Num), p.B.Load(t.b.Num))
	}
	if !ok { // what was taken for the same on the way was never proved
		for _, k := range e.added {
			delete(p.memo, k)
		}
	}
	return ok
}

// equal compares two objects and leaves what they refer to for later.
func (e *equality) equal(a, b any) bool {
	x, isA := a.(object.Ref)
	y, isB := b.(object.Ref)
	switch {
	case isA && isB:
		return e.refs(x, y)
	case isA:
		if _, ok := e.nodesA[x.Num]; ok {
			return false
		}
		a = e.A.Resolve(x)
	case isB:
		if _, ok := e.nodesB[y.Num]; ok {
			return false
		}
		b = e.B.Resolve(y)
	}
	switch v := a.(type) {
	case object.Dict:
		w, ok := b.(object.Dict)
		return ok && e.dicts(v, w, nil)
	case object.Array:
		w, ok := b.(object.Array)
		if !ok || len(v) != len(w) {
			return false
		}
		for i := range v {
			if !e.equal(v[i], w[i]) {
				return false
			}
		}
		return true
	case *object.Stream:
		w, ok := b.(*object.Stream)
		return ok && e.streams(v, w)
	}
	switch b.(type) {
	case object.Dict, object.Array, *object.Stream:
		return false
	}
	return a == b
}

func (e *equality) refs(x, y object.Ref) bool {
	m, isA := e.nodesA[x.Num]
	n, isB := e.nodesB[y.Num]
	if isA || isB {
		return isA && isB && m == n
	}
	pair := [2]int{x.Num, y.Num}
	if e.memo[pair] {
		return true
	}
	e.memo[pair] = true
	e.added = append(e.added, pair)
	e.todo = append(e.todo, task{x, y})
	return true
}

// dicts compares two dictionaries but for some keys. A null is as good as nothing.
func (e *equality) dicts(a, b object.Dict, but func(object.Name) bool) bool {
	if len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) && but == nil { // the same bytes
		for _, x := range a {
			if !e.equal(x.Value, x.Value) {
				return false
			}
		}
		return true
	}
	if a.Twice() || b.Twice() {
		return e.strictly(a, b)
	}
	i, k := 0, 0
	for i < len(a) || k < len(b) {
		var ok bool
		var key object.Name
		switch {
		case k == len(b) || i < len(a) && a[i].Key < b[k].Key:
			key, ok = a[i].Key, e.A.Resolve(a[i].Value) == nil
			i++
		case i == len(a) || b[k].Key < a[i].Key:
			key, ok = b[k].Key, e.B.Resolve(b[k].Value) == nil
			k++
		default:
			key = a[i].Key
			if but == nil || !but(key) {
				ok = e.equal(a[i].Value, b[k].Value)
			}
			i, k = i+1, k+1
		}
		if !ok && (but == nil || !but(key)) {
			return false
		}
	}
	return true
}

// strictly compares dictionaries in which something stands twice.
func (e *equality) strictly(a, b object.Dict) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Key != b[i].Key || !e.equal(a[i].Value, b[i].Value) {
			return false
		}
	}
	return true
}

// coding are the keys that say how a stream's data is written.
func coding(key object.Name) bool { return key == "Length" || key == "Filter" || key == "DecodeParms" }

func (e *equality) streams(a, b *object.Stream) bool {
	if a == b { // the same bytes, but what they refer to may have changed
		return e.dicts(a.Dict, b.Dict, nil)
	}
	if !e.dicts(a.Dict, b.Dict, coding) {
		return false
	}
	if bytes.Equal(a.Raw, b.Raw) && (a.Num == b.Num || !e.B.Encrypted()) &&
		plainly(e.A, a.Dict.Get("Filter")) == plainly(e.B, b.Dict.Get("Filter")) &&
		plainly(e.A, a.Dict.Get("DecodeParms")) == plainly(e.B, b.Dict.Get("DecodeParms")) {
		return true
	}
	was, err := e.A.Decode(a)
	if err != nil {
		return false
	}
	is, err := e.B.Decode(b)
	return err == nil && bytes.Equal(was, is)
}

// plainly writes a filter or its parameters so that equal ones are written alike; streams, which do not belong there,
// are like nothing.
func plainly(r *revision.Revision, o any) string {
	left := mostLooks
	return writePlain(r, o, 8, &left)
}

// Differing are the keys whose values are not the same, in their order. The dictionary's own nodes are not followed.
func (p *Pair) Differing(was, is object.Dict) (keys []object.Name) {
	var last object.Name
	look := func(key object.Name) {
		if len(keys) > 0 && last == key {
			return
		}
		if !p.Same(was.Get(key), is.Get(key)) {
			keys, last = append(keys, key), key
		}
	}
	i, k := 0, 0
	for i < len(was) || k < len(is) {
		switch {
		case k == len(is) || i < len(was) && was[i].Key < is[k].Key:
			look(was[i].Key)
			i++
		case i == len(was) || is[k].Key < was[i].Key:
			look(is[k].Key)
			k++
		default:
			look(was[i].Key)
			i, k = i+1, k+1
		}
	}
	return keys
}
