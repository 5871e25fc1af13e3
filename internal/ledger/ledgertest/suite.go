package ledgertest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Run holds a ledger against what package ledger promises. open returns an
// empty ledger; reopen closes the one it is given and opens it again, and is
// nil where nothing is kept.
func Run(t *testing.T, open func(*testing.T) ledger.Ledger, reopen func(*testing.T, ledger.Ledger) ledger.Ledger) {
	for _, c := range []struct {
		name string
		test func(*fixture)
	}{
		{"a pass that was cut off goes on, with its cursors", (*fixture).passes},
		{"shards are made once and numbered from 1", (*fixture).shards},
		{"rows are inserted, replaced and looked up", (*fixture).rows},
		{"every field of a row comes back, in any form of id", (*fixture).forms},
		{"a parent stays what it was when the shard's target changes", (*fixture).parents},
		{"rows come by kind and id, page by page", (*fixture).order},
		{"an intent stands until a row, a failure, a removal or a clearing", (*fixture).intents},
		{"a failure stands until a row or a removal of its key", (*fixture).failures},
		{"items are found in any shard, by key and alias", (*fixture).finds},
		{"a link dangles until what it points at has a target", (*fixture).links},
		{"a batch that is refused leaves nothing", (*fixture).refused},
		{"what is asked wrongly is refused", (*fixture).limits},
		{"all of it is forgotten", (*fixture).forgets},
		{"many goroutines may use it at once", (*fixture).concurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(&fixture{t, t.Context(), open(t), reopen})
		})
	}
	t.Run("like the model", func(t *testing.T) { likeModel(t, open) })
}

type fixture struct {
	*testing.T
	ctx    context.Context
	l      ledger.Ledger
	reopen func(*testing.T, ledger.Ledger) ledger.Ledger
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

func task(id string) item.Ref  { return item.Ref{Kind: "task", ID: id} }
func board(id string) item.Ref { return item.Ref{Kind: "board", ID: id} }
func list(id string) item.Ref  { return item.Ref{Kind: "list", ID: id} }

func made(source, target string) ledger.Row {
	return ledger.Row{Key: task(source), Target: task(target), Version: 1, Print: 2, State: ledger.Made}
}

func (f *fixture) ok(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) apply(b ledger.Batch) {
	f.Helper()
	f.ok(f.l.Apply(f.ctx, b))
}

func (f *fixture) shard(id string) int64 {
	f.Helper()
	s, err := f.l.Shard(f.ctx, board(id))
	f.ok(err)
	return s.Num
}

// again opens the ledger anew, where that can be done.
func (f *fixture) again() {
	f.Helper()
	if f.reopen != nil {
		f.l = f.reopen(f.T, f.l)
	}
}

func (f *fixture) lookup(shard int64, keys ...ledger.Key) []ledger.Row {
	f.Helper()
	rows, err := f.l.Lookup(f.ctx, shard, keys)
	f.ok(err)
	slices.SortFunc(rows, func(a, b ledger.Row) int { return ledger.Compare(a.Key, b.Key) })
	return rows
}

func equal[T comparable](f *fixture, what string, got, want []T) {
	f.Helper()
	if !slices.Equal(got, want) {
		f.Fatalf("%s: got\n  %+v\nwant\n  %+v", what, got, want)
	}
}

func (f *fixture) passes() {
	num := f.shard("b1")
	first, resumed, err := f.l.Begin(f.ctx, noon.In(time.FixedZone("", 3600)))
	f.ok(err)
	if resumed || first != (ledger.Pass{Num: 1, Began: noon}) {
		f.Fatalf("first pass: %+v, resumed %v", first, resumed)
	}
	cursor := "page-2\x00\xff"
	f.apply(ledger.Batch{Shard: num, Cursor: &cursor})
	f.apply(ledger.Batch{Shard: num, Swept: true})
	f.again()
	same, resumed, err := f.l.Begin(f.ctx, noon.Add(time.Hour))
	f.ok(err)
	if !resumed || same != first {
		f.Fatalf("after a cut: %+v, resumed %v", same, resumed)
	}
	s, err := f.l.Shard(f.ctx, board("b1"))
	f.ok(err)
	if s.Cursor != cursor || !s.Swept {
		f.Fatalf("the cursor of a resumed pass: %+v", s)
	}
	empty := ""
	f.apply(ledger.Batch{Shard: num, Cursor: &empty})
	if s, _ = f.l.Shard(f.ctx, board("b1")); s.Cursor != "" || !s.Swept {
		f.Fatalf("a cursor set to nothing: %+v", s)
	}
	f.apply(ledger.Batch{Shard: num, Cursor: &cursor})
	f.ok(f.l.End(f.ctx, noon.Add(time.Minute), "complete"))
	f.ok(f.l.End(f.ctx, noon.Add(time.Hour), "failed")) // nothing runs: nothing happens
	second, resumed, err := f.l.Begin(f.ctx, noon.Add(time.Hour))
	f.ok(err)
	if resumed || second.Num != 2 {
		f.Fatalf("second pass: %+v, resumed %v", second, resumed)
	}
	if s, _ = f.l.Shard(f.ctx, board("b1")); s.Cursor != "" || s.Swept {
		f.Fatalf("the shard of a new pass: %+v", s)
	}
	since := "changes\x00\xff"
	f.apply(ledger.Batch{Shard: num, Since: since})
	f.again()
	f.apply(ledger.Batch{Shard: num, Swept: true})
	if s, _ = f.l.Shard(f.ctx, board("b1")); s.Since != since {
		f.Fatalf("from where changes are told: %+v", s)
	}
	f.apply(ledger.Batch{Shard: num, Anew: true})
	if s, _ = f.l.Shard(f.ctx, board("b1")); s.Since != "" {
		f.Fatalf("after it was cleared: %+v", s)
	}
	f.again()
	passes, err := f.l.Passes(f.ctx)
	f.ok(err)
	equal(f, "passes", passes, []ledger.Pass{
		{Num: 1, Began: noon, Ended: noon.Add(time.Minute), Outcome: "complete"},
		{Num: 2, Began: noon.Add(time.Hour)},
	})
}

func (f *fixture) shards() {
	for i, id := range []string{"b1", "5f0a", "b1", "plan é 日本", "5f0a"} {
		s, err := f.l.Shard(f.ctx, board(id))
		f.ok(err)
		want := ledger.Shard{Num: []int64{1, 2, 1, 3, 2}[i], Source: board(id)}
		if s != want {
			f.Fatalf("shard %q: %+v, want %+v", id, s, want)
		}
	}
	f.apply(ledger.Batch{Shard: 2, Target: board("plan-2")})
	f.again()
	shards, err := f.l.Shards(f.ctx)
	f.ok(err)
	equal(f, "shards", shards, []ledger.Shard{
		{Num: 1, Source: board("b1")}, {Num: 2, Source: board("5f0a"), Target: board("plan-2")}, {Num: 3, Source: board("plan é 日本")},
	})
}

func (f *fixture) rows() {
	one, two := f.shard("b1"), f.shard("b2")
	a, b := made("a", "ta"), made("b", "tb")
	f.apply(ledger.Batch{Shard: one, Rows: []ledger.Row{b, a}})
	f.apply(ledger.Batch{Shard: two, Rows: []ledger.Row{made("a", "other")}})
	f.again()
	equal(f, "both", f.lookup(one, task("b"), task("a"), task("a"), task("zz"), list("a")), []ledger.Row{a, b})
	equal(f, "unknown shard", f.lookup(99, task("a")), nil)
	a2 := ledger.Row{Key: task("a"), State: ledger.Dropped, Version: 9}
	b2 := made("b", "tb2")
	f.apply(ledger.Batch{Shard: one, Rows: []ledger.Row{made("b", "no"), a2, b2}}) // of one key, the last counts
	equal(f, "replaced", f.lookup(one, task("a"), task("b")), []ledger.Row{a2, b2})
	f.apply(ledger.Batch{Shard: one, Remove: []ledger.Key{task("a"), task("never")}})
	equal(f, "removed", f.lookup(one, task("a"), task("b")), []ledger.Row{b2})
	equal(f, "the other shard's", f.lookup(two, task("a")), []ledger.Row{made("a", "other")})
}

// ids are of every form that clouds use, and of those just beside them.
func ids() []string {
	return []string{
		"a", "ab", "abc", "abcd", "0", "00", "12345", "123456", "-", "--", "----", "____", "zzzz", "z", "A", "AB",
		"5f0a1b2c3d4e5f6071829304", "5F0A1B2C3D4E5F6071829304", "5f0a1b2c3d4e5f607182930",
		"UhvJE7mCNkmdrk6Ww1mS3mUAGjmv", "UhvJE7mCNkmdrk6Ww1mS3mUAGjm=", "xqQg5FS2LkCp935s-FIFm2QAFkHM",
		"01234567-89ab-cdef-0123-456789abcdef", "01234567-89AB-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcde",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "plan:category7", "é", "日本語", "\x00", "\xff", "with space", "a/b?c=d",
		strings.Repeat("long", 100), strings.Repeat("0", 200),
	}
}

func (f *fixture) forms() {
	num := f.shard("b1")
	var rows []ledger.Row
	var keys []ledger.Key
	for i, id := range ids() {
		rows = append(rows, ledger.Row{
			Key: task(id), Target: item.Ref{Kind: "post", ID: id}, Parent: list(id + "0"),
			Version: item.Digest(1<<63 + uint64(i)), Print: item.Digest(^uint64(i)), State: ledger.State(i%5 + 1),
		})
		keys = append(keys, task(id))
	}
	f.apply(ledger.Batch{Shard: num, Rows: rows})
	f.again()
	slices.SortFunc(rows, func(a, b ledger.Row) int { return ledger.Compare(a.Key, b.Key) })
	equal(f, "rows", f.lookup(num, keys...), rows)
	places, err := f.l.Find(f.ctx, keys)
	f.ok(err)
	if len(places) != len(keys) {
		f.Fatalf("found %d of %d", len(places), len(keys))
	}
}

func (f *fixture) parents() {
	num := f.shard("b1")
	inBoard, inList, none := made("a", "ta"), made("b", "tb"), made("c", "tc")
	inBoard.Parent, inList.Parent = board("plan-1"), list("l1")
	f.apply(ledger.Batch{Shard: num, Rows: []ledger.Row{inBoard, inList, none}, Target: board("plan-1")})
	all := []ledger.Row{inBoard, inList, none}
	equal(f, "at first", f.lookup(num, task("a"), task("b"), task("c")), all)
	later := made("d", "td")
	later.Parent = board("plan-2")
	f.apply(ledger.Batch{Shard: num, Target: board("plan-2"), Rows: []ledger.Row{later}})
	f.again()
	equal(f, "with another target", f.lookup(num, task("a"), task("b"), task("c"), task("d")), append(all, later))
}

func (f *fixture) order() {
	num, other := f.shard("b1"), f.shard("b2")
	var want []ledger.Row
	for i, kind := range []item.Kind{"task", "list", "comment", "attachment"} {
		for _, id := range ids() {
			want = append(want, ledger.Row{Key: item.Ref{Kind: kind, ID: id}, Target: task(id), Version: item.Digest(i), State: ledger.Made})
		}
	}
	f.apply(ledger.Batch{Shard: num, Rows: want})
	f.apply(ledger.Batch{Shard: other, Rows: []ledger.Row{made("a", "elsewhere")}})
	slices.SortFunc(want, func(a, b ledger.Row) int { return ledger.Compare(a.Key, b.Key) })
	n, err := f.l.Count(f.ctx, num)
	f.ok(err)
	equal(f, "a count of rows", []int{n}, []int{len(want)})
	for _, limit := range []int{1, 7, len(want), 10_000} {
		var got []ledger.Row
		after := ledger.Key{}
		for {
			page, err := f.l.Rows(f.ctx, num, after, limit)
			f.ok(err)
			if len(page) == 0 {
				break
			}
			if len(page) > limit {
				f.Fatalf("%d rows in a page of %d", len(page), limit)
			}
			got = append(got, page...)
			after = page[len(page)-1].Key
		}
		equal(f, fmt.Sprint("pages of ", limit), got, want)
	}
	for _, after := range []ledger.Key{list(""), list("ab0"), {Kind: "m", ID: "x"}, task("zzzzz"), {Kind: "zebra"}, {Kind: "a"}} {
		got, err := f.l.Rows(f.ctx, num, after, 10_000)
		f.ok(err)
		i := slices.IndexFunc(want, func(r ledger.Row) bool { return ledger.Compare(r.Key, after) > 0 })
		if i < 0 {
			i = len(want)
		}
		equal(f, "after "+after.String(), got, want[i:])
	}
}

func (f *fixture) doubts(num int64) []ledger.Intent {
	f.Helper()
	in, err := f.l.InDoubt(f.ctx, num)
	f.ok(err)
	return in
}

func (f *fixture) intents() {
	num := f.shard("b1")
	intent := func(id string, after time.Duration) ledger.Intent {
		return ledger.Intent{
			Key: task(id), Op: ledger.Create, Target: item.Ref{Kind: "task"}, Container: board("plan-1"), Parent: list("l1"),
			Version: 7, Shape: 1<<63 + 8, Mark: "https://example.org/" + id + "\x00\xfe", At: noon.Add(after), Session: "sealed\xff" + id,
		}
	}
	a, b, c, d := intent("a", 3), intent("b", 2), intent("c", 1), intent("d", 0)
	d.Op, d.Target, d.Mark = ledger.Delete, task("td"), ""
	f.apply(ledger.Batch{Shard: num, Intents: []ledger.Intent{a, b, c, d}})
	f.again()
	equal(f, "all", f.doubts(num), []ledger.Intent{d, c, b, a})
	equal(f, "another shard's", f.doubts(num+1), nil)
	f.apply(ledger.Batch{Shard: num, Rows: []ledger.Row{made("a", "ta")}})
	equal(f, "after a row", f.doubts(num), []ledger.Intent{d, c, b})
	f.apply(ledger.Batch{Shard: num, Failures: []ledger.Failure{{Key: task("b"), Class: "full"}}})
	equal(f, "after a failure", f.doubts(num), []ledger.Intent{d, c})
	f.apply(ledger.Batch{Shard: num, Clear: []ledger.Key{task("c")}})
	equal(f, "after a clearing", f.doubts(num), []ledger.Intent{d})
	d.Version = 8
	f.apply(ledger.Batch{Shard: num, Intents: []ledger.Intent{d}})
	equal(f, "replaced", f.doubts(num), []ledger.Intent{d})
	f.apply(ledger.Batch{Shard: num, Rows: []ledger.Row{made("d", "td")}, Intents: []ledger.Intent{a}})
	equal(f, "a row and an intent", f.doubts(num), []ledger.Intent{a})
	f.apply(ledger.Batch{Shard: num, Remove: []ledger.Key{task("a")}})
	equal(f, "after a removal", f.doubts(num), nil)
}

func (f *fixture) failed(num int64, limit int) []ledger.Failure {
	f.Helper()
	out, err := f.l.Failures(f.ctx, num, limit)
	f.ok(err)
	return out
}

func (f *fixture) failures() {
	num := f.shard("b1")
	a := ledger.Failure{Key: task("5f"), Class: "full", Reason: "bucket 5f holds 200"}
	b := ledger.Failure{Key: task("5g"), Class: "gone", Reason: ""}
	c := ledger.Failure{Key: list("z"), Class: "quota", Reason: "\xff"}
	f.apply(ledger.Batch{Shard: num, Failures: []ledger.Failure{b, a, c}})
	f.again()
	equal(f, "all", f.failed(num, 10), []ledger.Failure{c, a, b})
	equal(f, "two", f.failed(num, 2), []ledger.Failure{c, a})
	a.Class = "conflict"
	f.apply(ledger.Batch{Shard: num, Failures: []ledger.Failure{a}, Rows: []ledger.Row{made("5f", "t"), made("5g", "u")}})
	equal(f, "after rows", f.failed(num, 10), []ledger.Failure{c, a})
	f.apply(ledger.Batch{Shard: num, Remove: []ledger.Key{c.Key}})
	equal(f, "after a removal", f.failed(num, 10), []ledger.Failure{a})
}

func (f *fixture) finds() {
	one, two := f.shard("b1"), f.shard("b2")
	alias := func(a, id string) ledger.Alias { return ledger.Alias{Alias: a, Key: task(id)} }
	f.apply(ledger.Batch{
		Shard: one, Target: board("plan-1"), Rows: []ledger.Row{made("a", "ta"), {Key: task("x"), State: ledger.Dropped}},
		Aliases: []ledger.Alias{alias("kX9dQ2ab", "a"), alias("short", "x"), alias("early", "b"), alias("twice", "x"), alias("twice", "a")},
	})
	f.apply(ledger.Batch{Shard: two, Rows: []ledger.Row{made("b", "tb"), made("c", "tc")}, Aliases: []ledger.Alias{alias("日本", "c")}})
	f.again()
	places, err := f.l.Find(f.ctx, []ledger.Key{task("c"), task("a"), task("a"), task("nowhere"), task("x")})
	f.ok(err)
	slices.SortFunc(places, func(a, b ledger.Place) int { return ledger.Compare(a.Key, b.Key) })
	pa := ledger.Place{Shard: one, Key: task("a"), Target: task("ta"), Container: board("plan-1"), State: ledger.Made}
	pc := ledger.Place{Shard: two, Key: task("c"), Target: task("tc"), State: ledger.Made}
	px := ledger.Place{Shard: one, Key: task("x"), Container: board("plan-1"), State: ledger.Dropped}
	equal(f, "by key", places, []ledger.Place{pa, pc, px})

	f.aliases(map[string]ledger.Place{"kX9dQ2ab": pa, "short": px, "日本": pc, "twice": pa})
	// "early" named an item that its shard did not know; its row makes it known.
	f.apply(ledger.Batch{Shard: one, Rows: []ledger.Row{made("b", "tb1")}})
	pb := ledger.Place{Shard: one, Key: task("b"), Target: task("tb1"), Container: board("plan-1"), State: ledger.Made}
	f.aliases(map[string]ledger.Place{"kX9dQ2ab": pa, "short": px, "日本": pc, "twice": pa, "early": pb})
	// An item that went from one shard to the other, with its alias.
	f.apply(ledger.Batch{Shard: two, Rows: []ledger.Row{made("a", "ta2")}, Aliases: []ledger.Alias{alias("kX9dQ2ab", "a")}})
	if places, err = f.l.Find(f.ctx, []ledger.Key{task("a")}); err != nil || len(places) != 2 {
		f.Fatalf("an item that two shards know: %+v %v", places, err)
	}
	f.apply(ledger.Batch{Shard: one, Remove: []ledger.Key{task("a")}})
	pa2 := ledger.Place{Shard: two, Key: task("a"), Target: task("ta2"), State: ledger.Made}
	f.aliases(map[string]ledger.Place{"kX9dQ2ab": pa2, "short": px, "日本": pc, "early": pb})
}

func (f *fixture) aliases(want map[string]ledger.Place) {
	f.Helper()
	got, err := f.l.FindAliases(f.ctx, []string{"kX9dQ2ab", "short", "日本", "early", "twice", "never", "", "short"})
	f.ok(err)
	if !maps.Equal(got, want) {
		f.Fatalf("aliases: got\n  %+v\nwant\n  %+v", got, want)
	}
}

func (f *fixture) dangling(num int64) []ledger.Link {
	f.Helper()
	out, err := f.l.Dangling(f.ctx, num)
	f.ok(err)
	return out
}

func (f *fixture) links() {
	one, two := f.shard("b1"), f.shard("b2")
	la, lb := ledger.Link{Key: task("a"), Alias: "kX9dQ2ab"}, ledger.Link{Key: task("b"), Alias: "kX9dQ2ab"}
	lc := ledger.Link{Key: task("a"), Alias: "never"}
	f.apply(ledger.Batch{Shard: one, Rows: []ledger.Row{made("a", "ta")}, Links: []ledger.Link{la, lc, lb, la}})
	f.again()
	equal(f, "nothing known yet", f.dangling(one), nil)
	dropped := ledger.Row{Key: task("far"), State: ledger.Dropped}
	f.apply(ledger.Batch{Shard: two, Rows: []ledger.Row{dropped}, Aliases: []ledger.Alias{{Alias: "kX9dQ2ab", Key: task("far")}}})
	equal(f, "left out", f.dangling(one), nil)
	f.apply(ledger.Batch{Shard: two, Rows: []ledger.Row{made("far", "tfar")}})
	equal(f, "known", f.dangling(one), []ledger.Link{la, lb})
	equal(f, "the other shard's", f.dangling(two), nil)
	f.apply(ledger.Batch{Shard: one, Rows: []ledger.Row{made("a", "ta")}}) // its links are settled
	equal(f, "one settled", f.dangling(one), []ledger.Link{lb})
	f.apply(ledger.Batch{Shard: one, Remove: []ledger.Key{task("b")}})
	equal(f, "one removed", f.dangling(one), nil)
}

func (f *fixture) refused() {
	num := f.shard("b1")
	f.apply(ledger.Batch{Shard: num, Rows: []ledger.Row{made("a", "ta")}})
	cursor := "next"
	for name, b := range map[string]ledger.Batch{
		"no id":       {Shard: num, Rows: []ledger.Row{made("b", "tb"), made("", "tc")}},
		"no kind":     {Shard: num, Rows: []ledger.Row{made("b", "tb")}, Clear: []ledger.Key{{ID: "x"}}},
		"no state":    {Shard: num, Rows: []ledger.Row{made("b", "tb"), {Key: task("c")}}},
		"no shard":    {Shard: 77, Rows: []ledger.Row{made("b", "tb")}, Cursor: &cursor},
		"empty alias": {Shard: num, Rows: []ledger.Row{made("b", "tb")}, Aliases: []ledger.Alias{{Alias: "x"}}},
	} {
		err := f.l.Apply(f.ctx, b)
		if err == nil || connector.ClassOf(err) != connector.Permanent {
			f.Fatalf("%s: %v", name, err)
		}
	}
	stopped, stop := context.WithCancel(f.ctx)
	stop()
	if err := f.l.Apply(stopped, ledger.Batch{Shard: num, Rows: []ledger.Row{made("b", "tb")}}); err == nil {
		f.Fatal("a stopped call applied a batch")
	}
	equal(f, "rows", f.lookup(num, task("a"), task("b")), []ledger.Row{made("a", "ta")})
	if s, _ := f.l.Shard(f.ctx, board("b1")); s.Cursor != "" {
		f.Fatalf("the cursor moved to %q", s.Cursor)
	}
}

func (f *fixture) limits() {
	many, texts := make([]ledger.Key, ledger.MaxKeys+1), make([]string, ledger.MaxKeys+1)
	for i := range many {
		many[i], texts[i] = task(fmt.Sprint("t", i)), fmt.Sprint(i)
	}
	num := f.shard("b1")
	_, lookup := f.l.Lookup(f.ctx, num, many)
	_, find := f.l.Find(f.ctx, many)
	_, alias := f.l.FindAliases(f.ctx, texts)
	_, rows := f.l.Rows(f.ctx, num, ledger.Key{}, 0)
	_, failures := f.l.Failures(f.ctx, num, -1)
	_, shard := f.l.Shard(f.ctx, item.Ref{})
	for name, err := range map[string]error{"Lookup": lookup, "Find": find, "FindAliases": alias, "Rows": rows, "Failures": failures, "Shard": shard} {
		if err == nil || connector.ClassOf(err) != connector.Permanent {
			f.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.l.Lookup(f.ctx, num, many[:ledger.MaxKeys]); err != nil {
		f.Error(err)
	}
}

func (f *fixture) forgets() {
	num := f.shard("b1")
	_, _, err := f.l.Begin(f.ctx, noon)
	f.ok(err)
	f.apply(ledger.Batch{
		Shard: num, Target: board("p"), Rows: []ledger.Row{made("a", "ta")}, Swept: true,
		Intents:  []ledger.Intent{{Key: task("b"), Op: ledger.Create}},
		Failures: []ledger.Failure{{Key: task("c"), Class: "gone"}},
		Aliases:  []ledger.Alias{{Alias: "x", Key: task("a")}},
		Links:    []ledger.Link{{Key: task("a"), Alias: "x"}},
	})
	f.ok(f.l.Forget(f.ctx))
	f.again()
	passes, err := f.l.Passes(f.ctx)
	f.ok(err)
	shards, err := f.l.Shards(f.ctx)
	f.ok(err)
	if len(passes)+len(shards) != 0 {
		f.Fatalf("left: %v %v", passes, shards)
	}
	if s, err := f.l.Shard(f.ctx, board("b1")); err != nil || s != (ledger.Shard{Num: 1, Source: board("b1")}) {
		f.Fatalf("a shard after it: %+v %v", s, err)
	}
	left := len(f.lookup(1, task("a"))) + len(f.doubts(1)) + len(f.failed(1, 9)) + len(f.dangling(1))
	if left != 0 {
		f.Fatalf("%d things are left", left)
	}
	f.aliases(map[string]ledger.Place{})
}

func (f *fixture) concurrent() {
	done := make(chan error)
	for worker := range 4 {
		go func() {
			done <- func() error {
				s, err := f.l.Shard(f.ctx, board(fmt.Sprint("b", worker%2)))
				if err != nil {
					return err
				}
				for i := range 20 {
					id := fmt.Sprint(worker, "-", i)
					key := item.Ref{Kind: item.Kind(fmt.Sprint("kind", i%3)), ID: id}
					row := ledger.Row{Key: key, Target: key, State: ledger.Made}
					b := ledger.Batch{Shard: s.Num, Rows: []ledger.Row{row}, Aliases: []ledger.Alias{{Alias: id, Key: key}}}
					if err := f.l.Apply(f.ctx, b); err != nil {
						return err
					}
					if rows, err := f.l.Lookup(f.ctx, s.Num, []ledger.Key{key}); err != nil || len(rows) != 1 {
						return fmt.Errorf("own row: %v, %w", rows, err)
					}
				}
				return nil
			}()
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			f.Error(err)
		}
	}
	total := 0
	for num := range int64(2) {
		rows, err := f.l.Rows(f.ctx, num+1, ledger.Key{}, 1000)
		f.ok(err)
		total += len(rows)
	}
	if total != 80 {
		f.Fatalf("%d rows of 80", total)
	}
}
