// Package moving copies a database into an empty one of either kind, while others write to it: pass after pass of what
// has changed, and the last one while nobody writes. What both hold is compared in one form.
package moving

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"countersign/model/store/database"
	"countersign/model/store/sqlitefile"
)

// kind is what the values of a column are, in both databases.
type kind int

const (
	whole kind = iota
	truth
	text
	content
	moment
	hash   // text; in SQLite, hex as bytes
	digits // text; in SQLite, bytes
)

// restsOtherwise are columns whose values SQLite keeps in another form.
var restsOtherwise = map[string]kind{
	"callbacks.dedupe_key": hash, "callbacks.body_hash": hash, "confirmations.times": digits,
}

// stays says of a table that it is not copied: the steps of the schema, who uses the database and how it is moved, the
// search index, which is made anew, and jobs, which the rows name.
func stays(table string) bool {
	switch table {
	case sqlitefile.StepsTable, "locks", "turns", "handover", "search": // turns end by themselves
		return true
	}
	return strings.HasPrefix(table, "search_") || strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "sqlite_")
}

// column is one of a table.
type column struct {
	name string
	kind kind
}

// table is one that is copied.
type table struct {
	name      string
	columns   []column
	keys      []int // the columns of its primary key, in their order there
	insert    *database.Multi
	stretches []stretch
}

// shape is what a database says of a table.
type shape struct {
	kinds map[string]string // by column
	order []string
	keys  []string
}

const sqliteShape = `SELECT m.name, c.name, c.type, c.pk FROM sqlite_master m, pragma_table_info(m.name) c
WHERE m.type = 'table' ORDER BY m.name, c.cid`

const postgresShape = `SELECT c.table_name, c.column_name, c.data_type, COALESCE(array_position(i.indkey::int[], a.attnum::int) + 1, 0)
FROM information_schema.columns c
JOIN pg_class t ON t.relname = c.table_name AND t.relkind = 'r' AND t.relnamespace = to_regnamespace(quote_ident(current_schema()))
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = c.column_name
LEFT JOIN pg_index i ON i.indrelid = t.oid AND i.indisprimary
WHERE c.table_schema = current_schema() ORDER BY c.table_name, c.ordinal_position`

// shapesOf reads what tables there are to copy.
func shapesOf(ctx context.Context, d *database.DB) (map[string]*shape, error) {
	out := map[string]*shape{}
	query := sqliteShape
	if d.Postgres() {
		query = postgresShape
	}
	err := d.View(ctx, func(q *database.Tx) error {
		return q.Each(func(r *sql.Rows) error {
			var table, name, kind string
			var key int
			if err := r.Scan(&table, &name, &kind, &key); err != nil || stays(table) {
				return err
			}
			s := out[table]
			if s == nil {
				s = &shape{kinds: map[string]string{}}
				out[table] = s
			}
			s.kinds[name], s.order = kind, append(s.order, name)
			if key > 0 {
				s.keys = append(s.keys, make([]string, max(0, key-len(s.keys)))...)
				s.keys[key-1] = name
			}
			return nil
		}, query)
	})
	return out, err
}

// tablesOf are the tables that both databases have; what only one has is an error.
func tablesOf(ctx context.Context, from, to *database.DB) ([]*table, error) {
	mine, err := shapesOf(ctx, from)
	if err != nil {
		return nil, err
	}
	theirs, err := shapesOf(ctx, to)
	if err != nil {
		return nil, err
	}
	if a, b := slices.Sorted(maps.Keys(mine)), slices.Sorted(maps.Keys(theirs)); !slices.Equal(a, b) {
		return nil, fmt.Errorf("the databases have different tables, %d here and %d there: both must be of this version", len(a), len(b))
	}
	var out []*table
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		t, err := tableOf(name, mine[name], theirs[name])
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func tableOf(name string, mine, theirs *shape) (*table, error) {
	t := &table{name: name, stretches: []stretch{{}}}
	if len(mine.order) != len(theirs.order) || !slices.Equal(mine.keys, theirs.keys) || len(mine.keys) == 0 {
		return nil, fmt.Errorf("table %s is another one there: both must be of this version", name)
	}
	for _, c := range mine.order {
		here, err := kindOf(name, c, mine.kinds[c])
		if err != nil {
			return nil, err
		}
		there, err := kindOf(name, c, theirs.kinds[c])
		if err != nil {
			return nil, err
		}
		if here != there {
			return nil, fmt.Errorf("column %s.%s is another one there: both must be of this version", name, c)
		}
		t.columns = append(t.columns, column{c, here})
	}
	for _, k := range mine.keys {
		t.keys = append(t.keys, slices.Index(mine.order, k))
	}
	t.insert = database.NewMulti("INSERT INTO "+name+" ("+t.names()+") VALUES ", len(t.columns), "")
	return t, nil
}

// kindOf reads what a column was declared as.
func kindOf(table, name, declared string) (kind, error) {
	if k, ok := restsOtherwise[table+"."+name]; ok {
		return k, nil
	}
	switch strings.ToLower(declared) {
	case "integer", "bigint", "smallint":
		return whole, nil
	case "boolean":
		return truth, nil
	case "text":
		return text, nil
	case "blob", "bytea":
		return content, nil
	case "stamp", "timestamp with time zone":
		return moment, nil
	}
	return 0, fmt.Errorf("column %s.%s is a %q, which no move knows", table, name, declared)
}

// names are columns as they stand in a query.
func (t *table) names() string {
	all := make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i] = `"` + c.name + `"`
	}
	return strings.Join(all, ", ")
}

// key is the primary key as it stands in a query.
func (t *table) key() string {
	all := make([]string, len(t.keys))
	for i, k := range t.keys {
		all[i] = `"` + t.columns[k].name + `"`
	}
	return strings.Join(all, ", ")
}

// within is the condition on keys behind from and up to to; nil is no bound.
func (t *table) within(from, to []any) database.Where {
	var w database.Where
	one := "(" + strings.Repeat("?, ", len(t.keys)-1) + "?)"
	if from != nil {
		w.Add("("+t.key()+") > "+one, from...)
	}
	if to != nil {
		w.Add("("+t.key()+") <= "+one, to...)
	}
	return w
}
