package revision

// place is where an object lies.
type place struct {
	kind  byte  // absent, free, direct or packed
	index int32 // packed: its index in the object stream
	at    int64 // direct: the offset; packed: the object stream's number
}

// The kinds of places.
const (
	absent byte = iota
	free
	direct
	packed
)

const (
	chunkSize = 512
	// mostNumber is the highest object number there may be.
	mostNumber = 8_388_607
)

type chunk [chunkSize]place

// table says where each object lies. It is copied cheaply: chunks are shared until they are written to.
type table struct {
	chunks []*chunk
	own    []bool
}

func (t *table) get(num int) place {
	if i := num / chunkSize; num >= 0 && i < len(t.chunks) && t.chunks[i] != nil {
		return t.chunks[i][num%chunkSize]
	}
	return place{}
}

func (t *table) set(num int, p place) {
	i := num / chunkSize
	for i >= len(t.chunks) {
		t.chunks, t.own = append(t.chunks, nil), append(t.own, false)
	}
	if !t.own[i] {
		c := new(chunk)
		if t.chunks[i] != nil {
			*c = *t.chunks[i]
		}
		t.chunks[i], t.own[i] = c, true
	}
	t.chunks[i][num%chunkSize] = p
}

func (t *table) clone() *table {
	for i := range t.own {
		t.own[i] = false
	}
	return &table{chunks: append([]*chunk(nil), t.chunks...), own: make([]bool, len(t.own))}
}

// apply writes a section's entries over older ones.
func (t *table) apply(s *section) {
	if s.hidden != nil {
		t.apply(s.hidden)
	}
	for _, run := range s.runs {
		for i, p := range run.places {
			num := run.first + i
			if s.hidden != nil && p.kind == free && s.hidden.get(num).kind > free {
				continue // a program that does not read streams is to see none
			}
			if p.kind != absent {
				t.set(num, p)
			}
		}
	}
}

// highest is the highest number of an object in use; -1 where there is none.
func (t *table) highest() int {
	for i := len(t.chunks) - 1; i >= 0; i-- {
		if t.chunks[i] == nil {
			continue
		}
		for k := chunkSize - 1; k >= 0; k-- {
			if t.chunks[i][k].kind > free {
				return i*chunkSize + k
			}
		}
	}
	return -1
}
