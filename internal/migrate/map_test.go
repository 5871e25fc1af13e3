package migrate

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

// another puts one more board into a source, with two tasks; the first board's
// first task points at the first of them.
func another(m *memory, id, name string) {
	board := item.Item{Ref: item.Ref{Kind: item.Board, ID: id}}
	item.Name.Set(&board, name)
	m.put(board)
	list := item.Item{Ref: item.Ref{Kind: item.List, ID: id + "-list"}, Parent: board.Ref}
	item.Name.Set(&list, "All")
	m.put(list)
	for i := range 2 {
		t := item.Item{Ref: item.Ref{Kind: item.Task, ID: fmt.Sprintf("%s-c%d", id, i)}, Parent: board.Ref}
		item.Title.Set(&t, fmt.Sprintf("%s %d", name, i))
		item.InList.Set(&t, list.Ref)
		m.put(t)
	}
	m.edit(item.Ref{Kind: item.Task, ID: "c0"}, func(it *item.Item) {
		item.Description.Set(it, item.Description.Get(*it)+" http://src/task/"+id+"-c0")
	})
}

// titled finds a task of the target by its title.
func titled(t *testing.T, m *memory, title string) item.Item {
	t.Helper()
	for _, it := range m.items {
		if it.Kind == item.Task && item.Title.Get(it) == title {
			return it
		}
	}
	t.Fatalf("the target has no task %q", title)
	return item.Item{}
}

func (b *bench) boards() (names []string) {
	for _, it := range b.to.items {
		if it.Kind == item.Board {
			names = append(names, item.Name.Get(it))
		}
	}
	slices.Sort(names)
	return names
}

// TestWaves moves a map of boards wave by wave: each goes to its place under its
// name, and links into a later wave are mended when that one lands, without
// anything else of the earlier wave being touched.
func TestWaves(t *testing.T) {
	b := newBench(t, everything())
	another(b.from, "b2", "Sales")
	another(b.from, "b3", "Old things")
	b.spec.Scope = []string{"*"}
	b.spec.Place = "group:All"
	b.spec.Map = []MapRow{
		{Source: "b2", Place: "group:Sales", Target: "Sales, moved", Wave: 2, Where: "m.csv:2"},
		{Source: "b1", Wave: 1, Where: "m.csv:3"},
		{Source: "b3", Out: true, Where: "m.csv:4"},
	}
	with := func(sel Selection) *Engine {
		e := b.engine()
		e.Select = sel
		return e
	}
	run := func(sel Selection) *Report {
		t.Helper()
		r, err := with(sel).Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != "complete" {
			t.Fatalf("%s: %+v", r.Status, r.Shards)
		}
		return r
	}
	f, err := with(Selection{Wave: 1}).Forecast(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Shards) != 1 || f.Shards[0].Source != "b1" || f.Shards[0].Wave != 1 {
		t.Errorf("the forecast of wave 1: %+v", f.Shards)
	}
	r := run(Selection{Wave: 1})
	if got := b.boards(); !slices.Equal(got, []string{"Marketing", "Marketing (archive)"}) && !slices.Equal(got, []string{"Marketing"}) {
		t.Errorf("after wave 1: %q", got)
	}
	if r.Shards[0].Wave != 1 || r.Shards[0].Created == 0 {
		t.Errorf("its line: %+v", r.Shards[0])
	}
	if d := item.Description.Get(titled(t, b.to, "Task 0")); !strings.Contains(d, "http://src/task/b2-c0") {
		t.Errorf("a link into wave 2: %q", d)
	}
	// People go on at the source; wave 2 does not carry what they do in wave 1.
	b.from.edit(item.Ref{Kind: item.Task, ID: "c1"}, func(it *item.Item) { item.Title.Set(it, "Task 1, edited") })
	b.from.edit(item.Ref{Kind: item.Task, ID: "c0"}, func(it *item.Item) { item.Title.Set(it, "Task 0, edited") })
	r = run(Selection{Wave: 2})
	if len(r.Shards) != 1 || r.Shards[0].Source != "b2" || r.Kinds[item.Task].Created != 2 {
		t.Errorf("wave 2: %+v %+v", r.Shards, r.Kinds)
	}
	if !slices.Contains(b.boards(), "Sales, moved") || slices.Contains(b.boards(), "Old things") {
		t.Errorf("after wave 2: %q", b.boards())
	}
	if !slices.Contains(b.to.places, "group:Sales") || !slices.Contains(b.to.places, "group:All") {
		t.Errorf("places: %q", b.to.places)
	}
	sales := titled(t, b.to, "Sales 0")
	if d := item.Description.Get(titled(t, b.to, "Task 0")); !strings.Contains(d, "http://dst/task/"+sales.ID) || !strings.Contains(d, "http://src/task/b3-c0") {
		t.Errorf("the link into wave 2 was not mended, or that to what stays was touched: %q", d)
	}
	titled(t, b.to, "Task 1")
	// The next pass over all carries it; then nothing is left to do.
	run(Selection{})
	titled(t, b.to, "Task 1, edited")
	titled(t, b.to, "Task 0, edited")
	b.verify("equal-with-losses")
	before := b.to.writes
	run(Selection{})
	if b.to.writes != before {
		t.Errorf("a pass with nothing to do wrote %d times", b.to.writes-before)
	}
	// A wave is undone by itself.
	if _, err := with(Selection{Wave: 2}).Undo(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if got := b.boards(); slices.Contains(got, "Sales, moved") || !slices.Contains(got, "Marketing") {
		t.Errorf("after undoing wave 2: %q", got)
	}
	run(Selection{})
	b.verify("equal-with-losses")
}

func TestSelection(t *testing.T) {
	b := newBench(t, everything())
	another(b.from, "b2", "Sales")
	b.spec.Scope = []string{"*"}
	lines := func(sel Selection) string {
		e := b.engine()
		e.Select = sel
		f, err := e.Forecast(context.Background())
		if err != nil {
			return err.Error()
		}
		var ids []string
		for _, s := range f.Shards {
			ids = append(ids, s.Source)
		}
		return strings.Join(ids, " ")
	}
	for _, c := range []struct {
		sel  Selection
		want string
	}{
		{Selection{}, "b1 b2"},
		{Selection{Limit: 1}, "b1"},
		{Selection{Only: []string{"b2"}}, "b2"},
		{Selection{Only: []string{"Sales", "http://src/board/b1"}}, "b1 b2"},
		{Selection{Only: []string{"Sales", "nothing"}}, `--only: nothing in the migration is called "nothing"`},
		{Selection{Wave: 1}, "there are no waves without a map"},
	} {
		if got := lines(c.sel); !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %s, want %s", c.sel, got, c.want)
		}
	}
	b.spec.Map = []MapRow{{Source: "b2", Wave: 3, Where: "m.csv:2"}, {Source: "b9", Where: "m.csv:3"}}
	if got := lines(Selection{}); !strings.Contains(got, `m.csv:3: nothing at the source has the id "b9"`) {
		t.Error(got)
	}
	b.spec.Map[1] = MapRow{Source: "6.1E+23", Link: "http://src/board/b1", Where: "m.csv:3"} // a spreadsheet took the id for a number
	if got := lines(Selection{}); got != "b2 b1" {
		t.Error(got)
	}
	b.spec.Map[1].Link = "http://src/board/b2"
	if got := lines(Selection{}); !strings.Contains(got, "m.csv:3: this is the container of line 2") {
		t.Error(got)
	}
}

// TestLinesDeletedAndAdded: a board whose line somebody deleted, or that came after
// the scan, stays where it is, and the forecast says so; what it moved before stands.
func TestLinesDeletedAndAdded(t *testing.T) {
	b := newBench(t, everything())
	another(b.from, "b2", "Sales")
	b.spec.Scope = []string{"*"}
	whole := []MapRow{{Source: "b1", Wave: 1, Where: "m.csv:2"}, {Source: "b2", Wave: 2, Where: "m.csv:3"}}
	for _, c := range []struct {
		when string
		rows []MapRow
		sel  Selection
		want string
	}{
		{"whole", whole, Selection{}, ""},
		{"deleted", whole[:1], Selection{}, "1 container has no line in the map, so that no wave moves what is there: b2."},
		{"deleted, and one wave asked", whole[:1], Selection{Wave: 1}, ""},
		{"meant to stay", []MapRow{whole[0], {Source: "b2", Out: true, Where: "m.csv:3"}}, Selection{}, ""},
	} {
		b.spec.Map = c.rows
		e := b.engine()
		e.Select = c.sel
		f, err := e.Forecast(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(slices.DeleteFunc(f.Notices, func(n string) bool { return !strings.Contains(n, "map") }), "\n")
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s: %q, want %q", c.when, got, c.want)
		}
	}
	b.spec.Map = whole
	b.run("complete")
	boards := b.boards()
	b.spec.Map = whole[:1]
	b.run("complete")
	if got := b.boards(); !slices.Equal(got, boards) {
		t.Errorf("a line was deleted, and the target has %q, had %q", got, boards)
	}
	b.verify("equal-with-losses")
}

func TestReadMap(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"good":           {"id;name;wave;target;place\n5f1;A;1;;\n5f2;A;2,0;;\n5f3;B;-;;\n5f4;C;;X;group:G\n", ""},
		"no id column":   {"name,wave\nA,1\n", "the column id"},
		"no id":          {"id,wave\n,1\n", "m.csv:2: the id is missing"},
		"twice":          {"id,wave\na,1\nb,1\na,2\n", "m.csv:4: a stands in line 2 already"},
		"wave by words":  {"id,wave\na,first\n", `m.csv:2: the wave "first" is no whole number`},
		"half a wave":    {"id,wave\na,1.5\n", `"1.5"`},
		"a date":         {"id,wave\na,45962\n", `"45962"`},
		"target twice":   {"id,target\na,Sales\nb,sales \n", `m.csv:3: the target "sales" is taken by line 2`},
		"target, a name": {"id,name,target\na,Sales,\nb,B,Sales\n", `m.csv:3: the target "Sales" is taken by line 2`},
		"other place":    {"id,target,place\na,Sales,group:A\nb,Sales,group:B\n", ""},
		"nothing":        {"id,wave\n", "no lines below the first"},
		"decided, a day": {"id,wave,decided by\na,1,Kari 2026-11-02\nb,1,46328\n", `m.csv:3: "46328" in the column decided by names nobody`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "m.csv")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			rows, err := ReadMap(path)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if name == "good" && (rows[1].Wave != 2 || !rows[2].Out || rows[3].Target != "X" || rows[3].Place != "group:G") {
				t.Errorf("%+v", rows)
			}
		})
	}
}

// TestNamesTakenAtTheTarget: two containers of one place must not get one name, in
// whatever order their waves come. Only the source tells the names of containers
// that the map does not name.
func TestNamesTakenAtTheTarget(t *testing.T) {
	for name, c := range map[string]struct {
		rows []MapRow
		want string
	}{
		"the place by default, and by name": {[]MapRow{{Source: "b1", Target: "One", Wave: 2, Where: "m.csv:2"}, {Source: "b2", Place: "group:all", Target: "one", Wave: 1, Where: "m.csv:3"}},
			`m.csv:3: the target "one" is taken by line 2`},
		"a name that the map does not hold": {[]MapRow{{Source: "b1", Wave: 2, Where: "m.csv:2"}, {Source: "b2", Target: "MARKETING", Wave: 1, Where: "m.csv:3"}},
			`m.csv:3: the target "MARKETING" is taken by line 2`},
		"the other line first": {[]MapRow{{Source: "b2", Target: "Marketing", Wave: 1, Where: "m.csv:2"}, {Source: "b1", Wave: 2, Where: "m.csv:3"}},
			`m.csv:3: the target "Marketing" is taken by line 2`},
		"what stays takes none": {[]MapRow{{Source: "b1", Out: true, Where: "m.csv:2"}, {Source: "b2", Target: "Marketing", Where: "m.csv:3"}}, ""},
		"another place":         {[]MapRow{{Source: "b1", Where: "m.csv:2"}, {Source: "b2", Target: "Marketing", Place: "group:Sales", Where: "m.csv:3"}}, ""},
		"both their own":        {[]MapRow{{Source: "b1", Where: "m.csv:2"}, {Source: "b3", Where: "m.csv:3"}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, everything())
			another(b.from, "b2", "Sales")
			another(b.from, "b3", "Marketing")
			b.spec.Scope, b.spec.Place, b.spec.Map = []string{"*"}, "group:All", c.rows
			_, err := b.engine().Forecast(t.Context())
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
