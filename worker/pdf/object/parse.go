package object

import (
	"bytes"
	"errors"
	"math"
	"strconv"
)

// mostDepth limits how deep objects nest.
const mostDepth = 100

var (
	errEnd    = errors.New("the file ends within an object")
	errDeep   = errors.New("its objects nest too deep")
	errSyntax = errors.New("an object is not written as the format says")
)

// Parser reads objects from bytes, one after another.
type Parser struct {
	Raw  []byte
	At   int  // where the parser stands
	Refs bool // references are read: a content stream has none

	depth int
}

// Has says whether a word comes next, and goes on behind it.
func (p *Parser) Has(word string) bool {
	if !bytes.HasPrefix(p.Raw[p.At:], []byte(word)) {
		return false
	}
	p.At += len(word)
	return true
}

// White says whether a byte is white space.
func White(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func delimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

// Blank skips white space and comments.
func (p *Parser) Blank() {
	for p.At < len(p.Raw) {
		switch c := p.Raw[p.At]; {
		case White(c):
			p.At++
		case c == '%':
			for p.At < len(p.Raw) && p.Raw[p.At] != '\n' && p.Raw[p.At] != '\r' {
				p.At++
			}
		default:
			return
		}
	}
}

// Next reads one object or keyword. It fails where nothing is left.
func (p *Parser) Next() (any, error) {
	p.Blank()
	if p.At >= len(p.Raw) {
		return nil, errEnd
	}
	switch c := p.Raw[p.At]; {
	case c == '/':
		p.At++
		return p.name(), nil
	case c == '(':
		return p.literal()
	case c == '<':
		if p.At+1 < len(p.Raw) && p.Raw[p.At+1] == '<' {
			p.At += 2
			return p.dict()
		}
		return p.hex()
	case c == '[':
		p.At++
		return p.array()
	case c == ']' || c == '{' || c == '}' || c == ')':
		p.At++
		return Keyword(p.Raw[p.At-1 : p.At]), nil
	case c == '>':
		if p.At+1 < len(p.Raw) && p.Raw[p.At+1] == '>' {
			p.At += 2
			return Keyword(">>"), nil
		}
		p.At++
		return Keyword(">"), nil
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		return p.number(), nil
	}
	return p.word(), nil
}

func (p *Parser) regular() []byte {
	from := p.At
	for p.At < len(p.Raw) && !White(p.Raw[p.At]) && !delimiter(p.Raw[p.At]) {
		p.At++
	}
	return p.Raw[from:p.At]
}

func (p *Parser) word() any {
	switch w := p.regular(); string(w) {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	default:
		return Keyword(w)
	}
}

func (p *Parser) name() Name {
	w := p.regular()
	if bytes.IndexByte(w, '#') < 0 {
		return Name(w)
	}
	out := make([]byte, 0, len(w))
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) && digit(w[i+1]) >= 0 && digit(w[i+2]) >= 0 {
			out = append(out, byte(digit(w[i+1])<<4|digit(w[i+2])))
			i += 2
			continue
		}
		out = append(out, w[i])
	}
	return Name(out)
}

func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a number, or a reference where one begins with it.
func (p *Parser) number() any {
	w := p.regular()
	n, whole, ok := parseNumber(w)
	switch {
	case !ok:
		return Keyword(w)
	case !p.Refs || !whole || n < 0:
		return n
	}
	before := p.At
	if gen, ok := p.Whole(); ok && gen <= 65535 {
		p.Blank()
		if p.At < len(p.Raw) && p.Raw[p.At] == 'R' && (p.At+1 == len(p.Raw) || White(p.Raw[p.At+1]) ||
			delimiter(p.Raw[p.At+1])) {
			p.At++
			return Ref{int(n), gen}
		}
	}
	p.At = before
	return n
}

// Whole reads digits; nothing is read where there are none.
func (p *Parser) Whole() (int, bool) {
	before := p.At
	p.Blank()
	n, from := 0, p.At
	for p.At < len(p.Raw) && p.Raw[p.At] >= '0' && p.Raw[p.At] <= '9' && p.At-from < 15 {
		n = 10*n + int(p.Raw[p.At]-'0')
		p.At++
	}
	if p.At == from || p.At < len(p.Raw) && !White(p.Raw[p.At]) && !delimiter(p.Raw[p.At]) {
		p.At = before
		return 0, false
	}
	return n, true
}

func parseNumber(w []byte) (n Number, whole, ok bool) {
	i, sign := 0, 1.0
	for i < len(w) && (w[i] == '+' || w[i] == '-') {
		if w[i] == '-' {
			sign = -1
		}
		i++
	}
	value, scale, seen := 0.0, 0.0, false
	for ; i < len(w); i++ {
		switch c := w[i]; {
		case c >= '0' && c <= '9':
			seen = true
			if value = 10*value + float64(c-'0'); scale > 0 {
				scale *= 10
			}
		case c == '.' && scale == 0:
			scale = 1
		case c == '-' && seen: // 12-34 is read as 12 by everybody
			i = len(w)
		default:
			return 0, false, false
		}
	}
	if scale > 1e15 || value > 1e18 {
		f, err := strconv.ParseFloat(string(w), 64)
		return Number(f), false, err == nil
	}
	if scale > 1 {
		value /= scale
	}
	return Number(sign * value), scale == 0 && value < math.MaxInt32, seen || scale == 1 && len(w) == 1
}

func (p *Parser) literal() (any, error) {
	p.At++
	start, level, plain := p.At, 1, true
	for ; p.At < len(p.Raw); p.At++ {
		switch p.Raw[p.At] {
		case '\\':
			plain = false
			p.At++
		case '\r':
			plain = false
		case '(':
			level++
		case ')':
			if level--; level == 0 {
				in := p.Raw[start:p.At]
				p.At++
				if plain {
					return String(in), nil
				}
				return unescaped(in), nil
			}
		}
	}
	p.At = len(p.Raw)
	return nil, errEnd
}

func unescaped(in []byte) String {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		c := in[i]
		if c == '\r' {
			if i+1 < len(in) && in[i+1] == '\n' {
				i++
			}
			c = '\n'
		} else if c == '\\' && i+1 < len(in) {
			i++
			switch c = in[i]; c {
			case 'n':
				c = '\n'
			case 'r':
				c = '\r'
			case 't':
				c = '\t'
			case 'b':
				c = '\b'
			case 'f':
				c = '\f'
			case '\n':
				continue
			case '\r':
				if i+1 < len(in) && in[i+1] == '\n' {
					i++
				}
				continue
			case '0', '1', '2', '3', '4', '5', '6', '7':
				n := int(c - '0')
				for k := 0; k < 2 && i+1 < len(in) && in[i+1] >= '0' && in[i+1] <= '7'; k++ {
					i++
					n = 8*n + int(in[i]-'0')
				}
				c = byte(n)
			}
		}
		out = append(out, c)
	}
	return String(out)
}

func (p *Parser) hex() (any, error) {
	p.At++
	end := bytes.IndexByte(p.Raw[p.At:], '>')
	if end < 0 {
		return nil, errEnd
	}
	in := p.Raw[p.At : p.At+end]
	p.At += end + 1
	out, half := make([]byte, 0, len(in)/2+1), -1
	for _, c := range in {
		d := digit(c)
		switch {
		case d < 0 && White(c):
		case d < 0:
			return nil, errSyntax
		case half < 0:
			half = d
		default:
			out, half = append(out, byte(half<<4|d)), -1
		}
	}
	if half >= 0 {
		out = append(out, byte(half<<4))
	}
	return String(out), nil
}

func (p *Parser) array() (any, error) {
	if p.depth++; p.depth > mostDepth {
		return nil, errDeep
	}
	out := Array{}
	for {
		o, err := p.Next()
		if err != nil {
			return nil, err
		}
		if k, ok := o.(Keyword); ok {
			if k == "]" {
				p.depth--
				return out, nil
			}
			return nil, errSyntax
		}
		out = append(out, o)
	}
}

func (p *Parser) dict() (any, error) {
	if p.depth++; p.depth > mostDepth {
		return nil, errDeep
	}
	var out Dict
	for {
		k, err := p.Next()
		if err != nil {
			return nil, err
		}
		if k == Keyword(">>") {
			p.depth--
			return sorted(out), nil
		}
		key, ok := k.(Name)
		if !ok {
			return nil, errSyntax
		}
		v, err := p.Next()
		if err != nil {
			return nil, err
		}
		if word, ok := v.(Keyword); ok {
			if word != ">>" {
				return nil, errSyntax
			}
			p.At -= 2 // a key without a value
			v = nil
		}
		out = append(out, Entry{key, v})
	}
}
