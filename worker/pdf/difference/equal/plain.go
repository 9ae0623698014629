package equal

import (
	"fmt"
	"strings"

	"countersign/worker/pdf/object"
	"countersign/worker/pdf/revision"
)

func writePlain(r *revision.Revision, o any, deep int, left *int) string {
	if *left--; deep == 0 || *left < 0 {
		return "?" // no filter has parameters of that size
	}
	switch v := r.Resolve(o).(type) {
	case object.Array:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = writePlain(r, x, deep-1, left)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case object.Dict:
		var b strings.Builder
		for _, e := range v {
			fmt.Fprintf(&b, "/%q %s ", string(e.Key), writePlain(r, e.Value, deep-1, left))
		}
		return "<<" + b.String() + ">>"
	case *object.Stream:
		return fmt.Sprintf("stream %p", v)
	case nil:
		return ""
	default:
		return fmt.Sprintf("%T %v", v, v)
	}
}

// Scalar says whether an object is a value that leads nowhere.
func Scalar(o any) bool {
	switch o.(type) {
	case nil, bool, object.Number, object.String, object.Name:
		return true
	}
	return false
}

// mostLooks is how many objects are looked at to answer one question.
const mostLooks = 100_000

// Flat says whether an object has only values in it, so deep at most. What it refers to must be values too. What is too
// large to look through is none.
func Flat(r *revision.Revision, o any, deep int) bool {
	left := mostLooks
	return flat(r, o, deep, &left)
}

func flat(r *revision.Revision, o any, deep int, left *int) bool {
	o = r.Resolve(o)
	if *left--; *left < 0 {
		return false
	}
	if Scalar(o) {
		return true
	}
	if deep == 0 {
		return false
	}
	switch v := o.(type) {
	case object.Array:
		for _, x := range v {
			if !flat(r, x, deep-1, left) {
				return false
			}
		}
		return true
	case object.Dict:
		for _, e := range v {
			if !flat(r, e.Value, deep-1, left) {
				return false
			}
		}
		return true
	}
	return false
}

// PlainStream says whether an object is a stream whose dictionary leads nowhere.
func PlainStream(r *revision.Revision, o any) bool {
	s, ok := r.Resolve(o).(*object.Stream)
	if !ok {
		return false
	}
	for _, e := range s.Dict {
		if !Flat(r, e.Value, 3) {
			return false
		}
	}
	return true
}
