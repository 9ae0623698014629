// Package values shapes statements that take many rows, and reads times as either database gives them.
package values

import "strings"

// Rows is "(?,?),(?,?)…": n rows of width placeholders.
func Rows(n, width int) string {
	one := "(" + strings.Repeat("?,", width-1) + "?)"
	return strings.Repeat(one+",", n-1) + one
}

// Chunks cuts n rows into pieces of few sizes, so that few statements are prepared. SQLite gains
// nothing from larger ones, PostgreSQL (pg) a way to the server. It ends with the first error of do.
func Chunks(n int, pg bool, do func(from, to int) error) error {
	sizes := []int{256, 128, 64, 32, 16, 8, 4, 2, 1}
	if !pg {
		sizes = sizes[2:]
	}
	for from := 0; from < n; {
		for _, size := range sizes {
			if n-from >= size {
				if err := do(from, from+size); err != nil {
					return err
				}
				from += size
				break
			}
		}
	}
	return nil
}
