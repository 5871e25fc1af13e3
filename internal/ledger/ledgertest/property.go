package ledgertest

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// likeModel applies random batches to a ledger and to the model and compares
// whatever can be asked of them. Few ids, so that they meet often.
func likeModel(t *testing.T, open func(*testing.T) ledger.Ledger) {
	real := open(t)
	ctx := t.Context()
	rapid.Check(t, func(t *rapid.T) {
		if err := real.Forget(ctx); err != nil {
			t.Fatal(err)
		}
		model := New()
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			for _, l := range []ledger.Ledger{real, model} {
				for _, id := range []string{"b1", "b2"} {
					if _, err := l.Shard(ctx, board(id)); err != nil {
						t.Fatal(err)
					}
				}
			}
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				begin := rapid.Int64Range(1, 1e18).Draw(t, "now")
				same(t, "Begin", real, model, func(l ledger.Ledger) any {
					p, resumed, err := l.Begin(ctx, time.Unix(0, begin))
					return []any{p, resumed, err}
				})
			case 1:
				end := rapid.Int64Range(1, 1e18).Draw(t, "now")
				same(t, "End", real, model, func(l ledger.Ledger) any { return l.End(ctx, time.Unix(0, end), "partial") })
			default:
				b := batches().Draw(t, "batch")
				same(t, "Apply", real, model, func(l ledger.Ledger) any { return l.Apply(ctx, b) })
			}
			compare(t, ctx, real, model)
		}
	})
}

func same(t *rapid.T, what string, real, model ledger.Ledger, ask func(ledger.Ledger) any) {
	t.Helper()
	if got, want := plain(ask(real)), plain(ask(model)); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got\n  %+v\nwant\n  %+v", what, got, want)
	}
}

// plain makes texts of errors: two ledgers say the same in errors of their own.
func plain(answer any) any {
	switch a := answer.(type) {
	case error:
		return a.Error()
	case []any:
		for i := range a {
			a[i] = plain(a[i])
		}
	}
	return answer
}

// compare asks both ledgers everything.
func compare(t *rapid.T, ctx context.Context, real, model ledger.Ledger) {
	after, limit := rapid.OneOf(rapid.Just(ledger.Key{}), keys()).Draw(t, "after"), rapid.IntRange(1, 9).Draw(t, "limit")
	some := rapid.SliceOfN(keys(), 0, 5).Draw(t, "keys")
	for name, ask := range map[string]func(ledger.Ledger, int64) (any, error){
		"Passes":   func(l ledger.Ledger, _ int64) (any, error) { return orNil(l.Passes(ctx)) },
		"Shards":   func(l ledger.Ledger, _ int64) (any, error) { return orNil(l.Shards(ctx)) },
		"Rows":     func(l ledger.Ledger, n int64) (any, error) { return orNil(l.Rows(ctx, n, after, limit)) },
		"all Rows": func(l ledger.Ledger, n int64) (any, error) { return orNil(l.Rows(ctx, n, ledger.Key{}, 1e6)) },
		"Count":    func(l ledger.Ledger, n int64) (any, error) { return l.Count(ctx, n) },
		"InDoubt":  func(l ledger.Ledger, n int64) (any, error) { return orNil(l.InDoubt(ctx, n)) },
		"Failures": func(l ledger.Ledger, n int64) (any, error) { return orNil(l.Failures(ctx, n, limit)) },
		"Dangling": func(l ledger.Ledger, n int64) (any, error) { return orNil(l.Dangling(ctx, n)) },
		"Lookup": func(l ledger.Ledger, n int64) (any, error) {
			rows, err := l.Lookup(ctx, n, some)
			slices.SortFunc(rows, func(a, b ledger.Row) int { return ledger.Compare(a.Key, b.Key) })
			return orNil(rows, err)
		},
		"Find": func(l ledger.Ledger, _ int64) (any, error) {
			places, err := l.Find(ctx, some)
			slices.SortFunc(places, func(a, b ledger.Place) int {
				return cmp.Or(cmp.Compare(a.Shard, b.Shard), ledger.Compare(a.Key, b.Key))
			})
			return orNil(places, err)
		},
		"FindAliases": func(l ledger.Ledger, _ int64) (any, error) { return l.FindAliases(ctx, aliasTexts) },
	} {
		for n := range int64(3) {
			same(t, name, real, model, func(l ledger.Ledger) any {
				got, err := ask(l, n+1)
				return []any{got, err}
			})
		}
	}
}

// orNil makes nil of an empty list: both say the same.
func orNil[T any](out []T, err error) (any, error) {
	if len(out) == 0 {
		return nil, err
	}
	return out, err
}

var aliasTexts = []string{"aa", "kX9d", "short", "日本"}

func keys() *rapid.Generator[ledger.Key] {
	return rapid.Custom(func(t *rapid.T) ledger.Key {
		kind := rapid.SampledFrom([]item.Kind{"task", "list", "a"}).Draw(t, "kind")
		return item.Ref{Kind: kind, ID: idTexts().Draw(t, "id")}
	})
}

// idTexts are of all forms, and short, so that they sort close together.
func idTexts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(ids()[:16]),
		rapid.StringMatching(`[0-9a-c]{1,4}`),
		rapid.StringMatching(`[A-Za-c0-9_-]{4}`),
		rapid.StringMatching(`0000000[0-2]-0000-0000-0000-00000000000[0-2]`),
	)
}

func refs() *rapid.Generator[item.Ref] {
	return rapid.OneOf(rapid.Just(item.Ref{}), rapid.Just(board("plan")), rapid.Just(board("plan2")), keys())
}

func batches() *rapid.Generator[ledger.Batch] {
	return rapid.Custom(func(t *rapid.T) ledger.Batch {
		digest := rapid.Uint64()
		b := ledger.Batch{
			Shard:  rapid.Int64Range(1, 3).Draw(t, "shard"), // the third is unknown
			Target: rapid.SampledFrom([]item.Ref{{}, {}, board("plan"), board("plan2")}).Draw(t, "target"),
			Clear:  rapid.SliceOfN(keys(), 0, 2).Draw(t, "clear"),
			Remove: rapid.SliceOfN(keys(), 0, 2).Draw(t, "remove"),
			Swept:  rapid.IntRange(0, 4).Draw(t, "swept") == 0,
			Anew:   rapid.IntRange(0, 4).Draw(t, "anew") == 0,
			Since:  rapid.SampledFrom([]string{"", "", "a", "b"}).Draw(t, "since"),
		}
		b.Rows = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Row {
			return ledger.Row{
				Key: keys().Draw(t, "key"), Target: refs().Draw(t, "to"), Parent: refs().Draw(t, "parent"),
				Version: item.Digest(digest.Draw(t, "version")), Print: item.Digest(digest.Draw(t, "print")),
				State: ledger.State(rapid.IntRange(1, 6).Draw(t, "state")), Base: rapid.StringN(0, 9, 40).Draw(t, "base"),
			}
		}), 0, 6).Draw(t, "rows")
		b.Intents = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Intent {
			return ledger.Intent{
				Key: keys().Draw(t, "key"), Op: ledger.Op(rapid.IntRange(1, 3).Draw(t, "op")), Target: refs().Draw(t, "to"),
				Container: refs().Draw(t, "container"), Parent: refs().Draw(t, "parent"),
				Version: item.Digest(digest.Draw(t, "version")), Shape: item.Digest(digest.Draw(t, "shape")),
				Mark: rapid.String().Draw(t, "mark"), Session: rapid.String().Draw(t, "session"), At: time.Unix(0, rapid.Int64Range(1, 9).Draw(t, "at")),
			}
		}), 0, 3).Draw(t, "intents")
		b.Failures = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Failure {
			return ledger.Failure{Key: keys().Draw(t, "key"), Class: "full", Reason: rapid.String().Draw(t, "reason")}
		}), 0, 2).Draw(t, "failures")
		b.Aliases = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Alias {
			return ledger.Alias{Alias: rapid.SampledFrom(aliasTexts).Draw(t, "alias"), Key: keys().Draw(t, "key")}
		}), 0, 2).Draw(t, "aliases")
		b.Links = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Link {
			return ledger.Link{Alias: rapid.SampledFrom(aliasTexts).Draw(t, "alias"), Key: keys().Draw(t, "key")}
		}), 0, 2).Draw(t, "links")
		if rapid.IntRange(0, 4).Draw(t, "cuts") == 0 {
			b.Cut = &ledger.Cut{State: ledger.CutState(rapid.IntRange(1, 3).Draw(t, "cut")), At: time.Unix(0, rapid.Int64Range(1, 1e18).Draw(t, "cut at")),
				Before: rapid.SampledFrom([]string{"", "closed", "日本"}).Draw(t, "before")}
		}
		if rapid.Bool().Draw(t, "moves") {
			cursor := rapid.String().Draw(t, "cursor")
			b.Cursor = &cursor
		}
		return b
	})
}
