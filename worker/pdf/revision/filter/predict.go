package filter

// unpredict undoes a predictor: what each byte or sample differs from its neighbours.
func unpredict(in []byte, p Params) ([]byte, error) {
	if p.Predictor < 2 {
		return in, nil
	}
	colors, bits, columns := max(p.Colors, 1), p.Bits, max(p.Columns, 1)
	if bits == 0 {
		bits = 8
	}
	if colors > 1<<10 || bits > 32 || columns > 1<<24 {
		return nil, errData
	}
	pixel, row := max(colors*bits/8, 1), (colors*bits*columns+7)/8
	if p.Predictor == 2 {
		return unTIFF(in, colors, bits, row)
	}
	out := make([]byte, 0, len(in))
	above := make([]byte, row)
	for len(in) > 0 {
		kind := in[0]
		in = in[1:]
		n := min(row, len(in))
		start := len(out)
		out = append(out, in[:n]...)
		in = in[n:]
		line := out[start:]
		if err := unPNG(kind, line, above, pixel); err != nil {
			return nil, err
		}
		if len(line) == row {
			above = line
		}
	}
	return out, nil
}

func unPNG(kind byte, line, above []byte, pixel int) error {
	for i := range line {
		var left, corner byte
		if i >= pixel {
			left, corner = line[i-pixel], above[i-pixel]
		}
		switch kind {
		case 0:
			return nil
		case 1:
			line[i] += left
		case 2:
			line[i] += above[i]
		case 3:
			line[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			line[i] += paeth(left, above[i], corner)
		default:
			return errData
		}
	}
	return nil
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// unTIFF undoes the second predictor for samples of one byte; others are rare and not undone.
func unTIFF(in []byte, colors, bits, row int) ([]byte, error) {
	if bits != 8 {
		return nil, ErrUnknown
	}
	out := append([]byte(nil), in...)
	for start := 0; start < len(out); start += row {
		line := out[start:min(start+row, len(out))]
		for i := colors; i < len(line); i++ {
			line[i] += line[i-colors]
		}
	}
	return out, nil
}
