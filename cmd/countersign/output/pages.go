package output

// How much is read and shown at a time.
const (
	onScreen = 50  // rows on a terminal, unless --all or --limit say otherwise
	AtOnce   = 500 // rows read from the database at a time
)

// EachOf calls do for what fetch returns, a page at a time, up to limit (0: all).
func EachOf[T any](limit int, fetch func(limit int, cursor string) ([]T, string, error), do func(T) error) error {
	cursor := ""
	for left := limit; ; {
		size := AtOnce
		if limit > 0 {
			size = min(size, left)
		}
		list, next, err := fetch(size, cursor)
		if err != nil {
			return err
		}
		for _, v := range list {
			if err := do(v); err != nil {
				return err
			}
		}
		left -= len(list)
		if next == "" || limit > 0 && left <= 0 {
			return nil
		}
		cursor = next
	}
}

// Shown is how many rows a table shows: limit, or on a terminal a screen of them.
func (p *Printer) Shown(limit int, all bool) int {
	if limit == 0 && p.Terminal && !all {
		return onScreen
	}
	return limit
}
