package migrate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// A grove is two trees and a migration from one to the other.
type grove struct {
	t        *testing.T
	from, to *tree
	led      ledger.Ledger
	policies Policies
}

func newGrove(t *testing.T) *grove {
	g := &grove{t: t, from: newTree("/src"), to: newTree("/dst"), led: ledgertest.New(), policies: Policies{Deletions: "delete"}}
	for i := range 30 {
		g.from.put(fmt.Sprintf("dir %d/sub/file %d.txt", i%3, i), fmt.Sprintf("text %d", i))
	}
	g.from.put("top.txt", "at the top")
	g.from.put("HR/dismissal-Hansen.docx", "secret")
	return g
}

func (g *grove) engine() *Engine {
	g.t.Helper()
	side := func(f *tree) Side { return Side{Connection: f.root, Title: "Tree", Cloud: f, Caps: f.caps} }
	e, err := New(Config{Spec: Spec{Name: "t", Scope: []string{"*"}, Place: "/dst", Policies: g.policies}, From: side(g.from), To: side(g.to), Ledger: g.led, Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		g.t.Fatal(err)
	}
	return e
}

func (g *grove) run(want string) *Report {
	g.t.Helper()
	r, err := g.engine().Run(context.Background())
	if err != nil || r.Status != want {
		g.t.Fatalf("run: %v, %+v, want %s", err, r, want)
	}
	return r
}

func (g *grove) same() {
	g.t.Helper()
	if a, b := g.from.all(), g.to.all(); !maps.Equal(a, b) {
		g.t.Errorf("the source has %v\nthe target has %v", a, b)
	}
}

func (g *grove) verify(want string) *Verdict {
	g.t.Helper()
	v, err := g.engine().Verify(context.Background(), false)
	if err != nil || v.Status != want {
		g.t.Fatalf("verify: %v, %+v, want %s", err, v, want)
	}
	return v
}

func TestTree(t *testing.T) {
	g := newGrove(t)
	f, err := g.engine().Forecast(context.Background())
	if err != nil || f.Kinds[item.File].Create != 32 || f.Kinds[item.Folder].Create != 7 || len(f.Losses) > 0 {
		t.Fatalf("forecast: %v, %+v", err, f)
	}
	if r := g.run("complete"); r.Kinds[item.File].Created != 32 {
		t.Errorf("run: %+v", r.Kinds)
	}
	g.same()
	if v := g.verify("equal"); v.Blobs.Files != 32 || len(v.Extra) > 0 {
		t.Errorf("verify: %+v", v)
	}
	writes, reads := g.to.writes, g.from.reads
	g.run("complete")
	if g.to.writes != writes || g.from.reads != reads {
		t.Errorf("a pass in which nothing changed wrote %d times and read %d files", g.to.writes-writes, g.from.reads-reads)
	}
	g.from.put("top.txt", "edited")
	g.from.put("new/deep/er/file.txt", "new")
	g.from.drop("dir 1")
	g.from.drop("HR/dismissal-Hansen.docx")
	g.run("complete")
	g.same()
	g.verify("equal")
}

func TestTreeUndo(t *testing.T) {
	g := newGrove(t)
	g.to.put("theirs/was there.txt", "before")
	before := g.to.all()
	g.run("complete")
	u, err := g.engine().Undo(context.Background(), false)
	if err != nil || u.Status != "undone" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	if got := g.to.all(); !maps.Equal(got, before) {
		t.Errorf("the target has %v, and had %v", got, before)
	}
	g.run("complete")
	g.to.put("dir 0/sub/file 3.txt", "people wrote this")
	g.to.put("dir 1/note.txt", "and added that")
	if u, err = g.engine().Undo(context.Background(), false); err != nil || u.Status != "partly" {
		t.Fatalf("undo: %v, %+v", err, u)
	}
	want := map[string]string{"theirs": "/", "theirs/was there.txt": "before", "dir 0": "/", "dir 0/sub": "/", "dir 0/sub/file 3.txt": "people wrote this", "dir 1": "/", "dir 1/note.txt": "and added that"}
	if got := g.to.all(); !maps.Equal(got, want) {
		t.Errorf("after an undo the target has %v, want %v", got, want)
	}
}

// TestTreeBothSides edits files at both ends between two passes.
func TestTreeBothSides(t *testing.T) {
	for _, policy := range []string{targetWins, sourceWins} {
		t.Run(policy, func(t *testing.T) {
			g := newGrove(t)
			g.policies.Conflict = policy
			g.run("complete")
			g.from.put("top.txt", "the source's")
			g.to.put("HR/other", "so that the clocks differ")
			g.to.put("top.txt", "the target's")
			g.to.put("dir 0/sub/file 0.txt", "only theirs")
			r := g.run("complete")
			want := map[string]string{targetWins: "the target's", sourceWins: "the source's"}[policy]
			if got := g.to.all()["top.txt"]; got != want || r.Conflicts != 1 || r.InConflict[0].Won != policy {
				t.Errorf("top.txt says %q; conflicts: %+v", got, r.InConflict)
			}
			if got := g.to.all()["dir 0/sub/file 0.txt"]; got != "only theirs" {
				t.Errorf("people's own edit says %q", got)
			}
			if r := g.run("complete"); r.Conflicts != 0 {
				t.Errorf("listed again: %+v", r.InConflict)
			}
			v, err := g.engine().Verify(context.Background(), false)
			if err != nil || v.Edited != 2 || v.Lost != 0 || policy == targetWins && v.Kept != 2 {
				t.Errorf("verify: %v, %+v", err, v)
			}
			if policy == targetWins { // another edit at the source does not take the decision back
				g.from.put("top.txt", "the source's again")
				if r := g.run("complete"); g.to.all()["top.txt"] != "the target's" || r.Conflicts != 1 {
					t.Errorf("top.txt says %q; conflicts: %+v", g.to.all()["top.txt"], r.InConflict)
				}
			}
		})
	}
}

// TestTreeInTheWay finds files at the target that stand where others are to go.
func TestTreeInTheWay(t *testing.T) {
	g := newGrove(t)
	g.to.put("top.txt", "something else")
	g.to.put("HR/dismissal-Hansen.docx", "secret") // the same bytes
	r := g.run("partial")
	if r.Failed != 1 || len(r.Shards[0].Failures) != 1 || r.Shards[0].Failures[0].Key.ID != "/src/top.txt" {
		t.Errorf("failures: %+v", r.Shards[0].Failures)
	}
	if got := g.to.all()["top.txt"]; got != "something else" {
		t.Errorf("what was there says %q", got)
	}
	if _, err := g.engine().Undo(context.Background(), false); err != nil {
		t.Fatal(err)
	}
	if got := g.to.all(); got["HR/dismissal-Hansen.docx"] != "secret" || got["top.txt"] != "something else" {
		t.Errorf("undo removed what was there before: %v", got)
	}
}

// TestTreeInDoubt loses the answer of each write once.
func TestTreeInDoubt(t *testing.T) {
	g := newGrove(t)
	var n atomic.Int64
	g.to.answer = func(connector.Change) error {
		if n.Add(1)%3 == 0 {
			e := connector.Errorf(connector.Transient, "the answer was lost")
			e.InDoubt = true
			return e
		}
		return nil
	}
	g.run("complete")
	g.same()
	g.to.answer = nil
	u, err := g.engine().Undo(context.Background(), false)
	if err != nil || u.Status != "undone" || len(g.to.all()) > 0 {
		t.Errorf("undo: %v, %+v; the target has %v", err, u, g.to.all())
	}
}

// TestTreeLedgerSeesNoPath looks into what is remembered.
func TestTreeLedgerSeesNoPath(t *testing.T) {
	g := newGrove(t)
	g.to.put("top.txt", "in the way") // a failure is remembered, too
	g.run("partial")
	ctx := context.Background()
	shards, err := g.led.Shards(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, s := range shards {
		rows, err := g.led.Rows(ctx, s.Num, item.Ref{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		fails, err := g.led.Failures(ctx, s.Num, 1000)
		if err != nil || len(fails) == 0 {
			t.Fatalf("%v, %v", fails, err)
		}
		for _, r := range rows {
			said = append(said, fmt.Sprintf("%+v", r))
		}
		for _, f := range fails {
			said = append(said, fmt.Sprintf("%+v", f))
		}
	}
	if len(said) < 35 {
		t.Fatalf("only %d rows", len(said))
	}
	if i := slices.IndexFunc(said, func(s string) bool {
		return strings.Contains(s, "Hansen") || strings.Contains(s, "dir ") || strings.Contains(s, "top")
	}); i >= 0 {
		t.Errorf("the ledger holds %s", said[i])
	}
}

// TestTreeRenames moves names that the target refuses.
func TestTreeRenames(t *testing.T) {
	g := newGrove(t)
	k := g.to.caps.Kinds[item.File]
	k.Fields[item.FileName.Name] = connector.FieldCaps{Names: strict(), Why: "the server's rules"}
	g.from.put("a:b.txt", "one")
	g.from.put("a?b.txt", "two")
	f, err := g.engine().Forecast(context.Background())
	if err != nil || len(f.Losses) != 1 || f.Losses[0].Policy != asRenamed || f.Losses[0].Count != 2 {
		t.Fatalf("forecast: %v, %+v", err, f.Losses)
	}
	g.run("complete")
	var texts []string
	for name, text := range g.to.all() {
		if strings.HasPrefix(name, "a_b~") {
			texts = append(texts, text)
		}
	}
	slices.Sort(texts)
	if !slices.Equal(texts, []string{"one", "two"}) {
		t.Errorf("the target has %v", g.to.all())
	}
	g.verify("equal-with-losses")
}

// TestTreeBrief lists briefly: only what changed is asked for, and what cannot be
// told fails by itself.
func TestTreeBrief(t *testing.T) {
	g := newGrove(t)
	g.from.brief = true
	g.from.untold = map[string]error{"/src/top.txt": connector.Errorf(connector.Forbidden, "sealed with another key")}
	r := g.run("partial")
	if f := r.Shards[0].Failures; len(f) != 1 || f[0].Key.ID != "/src/top.txt" || f[0].Class != string(connector.Forbidden) {
		t.Errorf("failures: %+v", f)
	}
	g.from.untold = nil
	g.run("complete")
	g.same()
	g.verify("equal")
	g.from.put("dir 0/sub/file 0.txt", "edited")
	asked := g.from.asked
	g.run("complete")
	g.same()
	if n := g.from.asked - asked; n != 1 {
		t.Errorf("one file changed, and %d were asked for", n)
	}
}
