package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// TestLookBesideAWriter counts a ledger container by container while another
// has it and goes on writing.
func TestLookBesideAWriter(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		if l, err := s.Look(ctx, org, "m"); l != nil || err != nil {
			t.Fatalf("a migration that was never run: %v %v", l, err)
		}
		l := openLedger(t, s, "m")
		defer closed(t, l)
		if _, _, err := l.Begin(ctx, time.Now()); err != nil {
			t.Fatal(err)
		}
		task := func(id string) item.Ref { return item.Ref{Kind: "task", ID: id} }
		board := func(id string) item.Ref { return item.Ref{Kind: "board", ID: id} }
		apply := func(num int64, b ledger.Batch) {
			t.Helper()
			b.Shard = num
			if err := l.Apply(ctx, b); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range []string{"one", "two"} {
			if _, err := l.Shard(ctx, board(id)); err != nil {
				t.Fatal(err)
			}
		}
		apply(1, ledger.Batch{Target: board("p1"), Rows: []ledger.Row{{Key: task("a"), Target: task("b"), State: ledger.Made}, {Key: task("c"), State: ledger.Dropped}},
			Links: []ledger.Link{{Key: task("a"), Alias: "far"}}, Failures: []ledger.Failure{{Key: task("f"), Class: "full", Reason: "403"}}})
		look, err := openStore(t, opts).Look(ctx, org, "m")
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, look)
		check := func(tasks, doubt int64) {
			t.Helper()
			got, err := look.Status(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 2 || got[0].Target != board("p1") || got[1].Source != board("two") {
				t.Fatalf("containers: %+v", got)
			}
			want := map[item.Kind]int64{"task": tasks}
			if !reflect.DeepEqual(got[0].Items, want) || got[0].Failures != 1 || got[0].Links != 1 || got[0].InDoubt != doubt {
				t.Errorf("the first: %+v", got[0])
			}
			if len(got[1].Items) != 0 {
				t.Errorf("the second: %+v", got[1])
			}
		}
		check(1, 0)
		apply(1, ledger.Batch{Rows: []ledger.Row{{Key: task("d"), Target: task("e"), State: ledger.Half}},
			Intents: []ledger.Intent{{Key: task("g"), Op: ledger.Create, At: time.Now()}}})
		check(2, 1)
		if err := look.Apply(ctx, ledger.Batch{Shard: 1, Remove: []ledger.Key{task("a")}}); err == nil {
			t.Error("who only looks on writes")
		}
	})
}

// TestLookAtAnOldLedger opens a ledger that an earlier program left: looking at it
// brings it up to date.
func TestLookAtAnOldLedger(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		l := openLedger(t, s, "m")
		if _, err := l.Shard(ctx, item.Ref{Kind: "board", ID: "one"}); err != nil {
			t.Fatal(err)
		}
		err := l.db.update(ctx, durable, func(ss session) error {
			for _, st := range []string{"ALTER TABLE shard DROP COLUMN cut", "ALTER TABLE shard DROP COLUMN cut_at", "ALTER TABLE shard DROP COLUMN cut_before", "ALTER TABLE shard DROP COLUMN since", "ALTER TABLE intent DROP COLUMN session", "DELETE FROM goose_db_version WHERE version_id >= 2"} {
				if err := ss.exec(both(st)); err != nil {
					return err
				}
			}
			return nil
		})
		closed(t, l)
		if err != nil {
			t.Fatal(err)
		}
		look, err := s.Look(ctx, org, "m")
		if err != nil {
			t.Fatal(err)
		}
		defer closed(t, look)
		if got, err := look.Status(ctx); err != nil || len(got) != 1 {
			t.Errorf("%+v %v", got, err)
		}
	})
}
