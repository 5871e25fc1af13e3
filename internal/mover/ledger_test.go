package mover

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"reflect"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/mover/wire"
	"github.com/rialto-migrate/rialto/item"
)

type (
	jobAnswer  = wire.Job
	doneAnswer = wire.Done
)

func someTime() time.Time { return time.Date(2026, 11, 22, 8, 30, 15, 123456789, time.UTC) }

// someRow is a row of the size that clouds make: ids of 24 and 28 characters.
func someRow(i int) ledger.Row {
	return ledger.Row{
		Key:     item.Ref{Kind: item.Task, ID: fmt.Sprintf("5f1b2c3d4e5f6a7b%08x", i)},
		Target:  item.Ref{Kind: item.Task, ID: fmt.Sprintf("AbCdEfGhIjKlMnOpQrSt%08x", i)},
		Parent:  item.Ref{Kind: item.List, ID: "AbCdEfGhIjKlMnOpQrStUvWxYz01"},
		Version: item.Digest(i)*0x9e3779b97f4a7c15 + 1, Print: item.Digest(i)*0xc2b2ae3d27d4eb4f + 1,
		State: ledger.Made,
	}
}

// overLine returns a ledger as a mover sees it, both ends in this process.
func overLine(t testing.TB, l ledger.Ledger) (farLedger, *rpc.Client) {
	t.Helper()
	near, far, err := pair()
	if err != nil {
		t.Fatal(err)
	}
	server := rpc.NewServer()
	if err := server.RegisterName("Ledger", &ledgerService{ctx: context.Background(), ledger: l}); err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() { server.ServeConn(near); close(served) }()
	defer far.Close()
	conn, err := net.FileConn(far)
	if err != nil {
		t.Fatal(err)
	}
	client := rpc.NewClient(conn)
	t.Cleanup(func() { client.Close(); <-served })
	return farLedger{rpc: client}, client
}

// Whatever is asked over the line is answered as the ledger itself does.
func TestTheLedgerIsTheSameOverTheLine(t *testing.T) {
	ctx := t.Context()
	home := newMemory()
	far, _ := overLine(t, home)
	empty, end := "", "page 7"
	ref := item.Ref{Kind: item.Board, ID: "b1"}
	for i, b := range []ledger.Batch{
		{},
		{Shard: 1, Target: ref, Cursor: &empty},
		{Shard: 1, Cursor: &end, Swept: true},
		{Shard: 1, Since: "changes", Anew: true},
		{Shard: 1, Rows: []ledger.Row{someRow(1), {Key: item.Ref{Kind: item.Task, ID: "dropped"}, State: ledger.Dropped}},
			Intents:  []ledger.Intent{{Key: ref, Op: ledger.Create, Target: ref, Container: ref, Parent: ref, Version: 1, Shape: 1<<64 - 1, Mark: "rialto:task:1", At: someTime()}},
			Failures: []ledger.Failure{{Key: ref, Class: "full", Reason: "bucket 201"}},
			Clear:    []ledger.Key{ref}, Remove: []ledger.Key{ref},
			Aliases: []ledger.Alias{{Alias: "aBcD", Key: ref}}, Links: []ledger.Link{{Key: ref, Alias: "later"}}},
	} {
		if err := far.Apply(ctx, b); err != nil {
			t.Fatal(err)
		}
		if got := home.batches[i]; !reflect.DeepEqual(got, b) {
			t.Errorf("batch %d arrived as\n%+v, was\n%+v", i, got, b)
		}
	}

	type answer struct {
		V   any
		Err error
	}
	for name, ask := range map[string]func(ledger.Ledger) answer{
		"Lookup": func(l ledger.Ledger) answer {
			v, err := l.Lookup(ctx, 1, []ledger.Key{someRow(1).Key, {Kind: item.Task, ID: "unknown"}})
			return answer{v, err}
		},
		"Lookup of nothing": func(l ledger.Ledger) answer { v, err := l.Lookup(ctx, 1, nil); return answer{v, err} },
		"Rows":              func(l ledger.Ledger) answer { v, err := l.Rows(ctx, 1, someRow(1).Key, 10); return answer{v, err} },
		"Count":             func(l ledger.Ledger) answer { v, err := l.Count(ctx, 1); return answer{v, err} },
		"Rows, limited":     func(l ledger.Ledger) answer { v, err := l.Rows(ctx, 1, ledger.Key{}, 1); return answer{v, err} },
		"Find": func(l ledger.Ledger) answer {
			v, err := l.Find(ctx, []ledger.Key{someRow(1).Key})
			return answer{v, err}
		},
		"FindAliases": func(l ledger.Ledger) answer {
			v, err := l.FindAliases(ctx, []string{"aBcD", "unknown"})
			return answer{v, err}
		},
		"FindAliases, none": func(l ledger.Ledger) answer { v, err := l.FindAliases(ctx, nil); return answer{v, err} },
		"InDoubt":           func(l ledger.Ledger) answer { v, err := l.InDoubt(ctx, 1); return answer{v, err} },
		"Failures":          func(l ledger.Ledger) answer { v, err := l.Failures(ctx, 1, 5); return answer{v, err} },
		"Dangling":          func(l ledger.Ledger) answer { v, err := l.Dangling(ctx, 1); return answer{v, err} },
		"Shard":             func(l ledger.Ledger) answer { v, err := l.Shard(ctx, ref); return answer{v, err} },
		"Shards":            func(l ledger.Ledger) answer { v, err := l.Shards(ctx); return answer{v, err} },
		"Begin": func(l ledger.Ledger) answer {
			v, resumed, err := l.Begin(ctx, someTime())
			return answer{[]any{v, err == nil && v.Num == 1 && resumed || v.Num == 1}, err}
		},
		"Passes": func(l ledger.Ledger) answer { v, err := l.Passes(ctx); return answer{v, err} },
	} {
		t.Run(name, func(t *testing.T) {
			want, got := ask(home), ask(far)
			if want.Err != nil || got.Err != nil || !reflect.DeepEqual(got.V, want.V) {
				t.Errorf("over the line %+v, at home %+v", got, want)
			}
		})
	}
	if _, resumed, err := far.Begin(ctx, someTime()); !resumed || err != nil {
		t.Errorf("a pass that goes on is told as new (%v)", err)
	}
	if err := far.End(ctx, someTime(), "complete"); err != nil {
		t.Error(err)
	}
	if p := home.passes[0]; p.Outcome != "complete" || !p.Ended.Equal(someTime()) {
		t.Errorf("the pass ended as %+v", p)
	}
	if err := far.Forget(ctx); err != nil || len(home.rows) != 0 {
		t.Errorf("Forget: %v", err)
	}
}

func TestErrorsOfTheLedgerKeepTheirClass(t *testing.T) {
	far, _ := overLine(t, newMemory())
	_, err := far.Lookup(t.Context(), 13, []ledger.Key{someRow(1).Key})
	e, ok := errors.AsType[*connector.Error](err)
	if !ok || e.Class != connector.Full || e.Hint != "make room" || e.RetryAfter != time.Minute || e.InDoubt {
		t.Errorf("%#v", err)
	}
	if err := far.Apply(t.Context(), ledger.Batch{Shard: 13}); connector.ClassOf(err) != connector.Full || connector.InDoubt(err) {
		t.Errorf("%#v", err)
	}
	if err := far.End(t.Context(), someTime(), "complete"); connector.ClassOf(err) != connector.Permanent {
		t.Errorf("%#v", err)
	}
}

func TestACutLine(t *testing.T) {
	far, client := overLine(t, newMemory())
	client.Close()
	_, err := far.Lookup(t.Context(), 1, []ledger.Key{someRow(1).Key})
	if connector.ClassOf(err) != connector.Transient || connector.InDoubt(err) {
		t.Errorf("a question: %#v", err)
	}
	if err := far.Apply(t.Context(), ledger.Batch{}); !connector.InDoubt(err) {
		t.Errorf("a change is not in doubt: %#v", err)
	}
}

// A change is waited for although its context ends; a question is not.
func TestContextsOverTheLine(t *testing.T) {
	book := newMemory()
	book.block, book.begun = make(chan struct{}), make(chan struct{})
	far, client := overLine(t, book)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- far.Apply(ctx, ledger.Batch{Shard: 1}) }()
	<-book.begun
	cancel()
	select {
	case err := <-ended:
		t.Fatalf("Apply ended although nobody knows what became of it: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(book.block)
	if err := <-ended; err != nil || book.applied() != 1 {
		t.Errorf("%v", err)
	}
	if err := far.Apply(ctx, ledger.Batch{Shard: 1}); !errors.Is(err, context.Canceled) || book.applied() != 1 {
		t.Errorf("a change after the end of its context: %v", err)
	}

	book.mu.Lock() // the ledger is busy
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		_, err := ask[[]ledger.Shard](ctx, client, "Ledger.Shards", wire.None(false))
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	book.mu.Unlock()
}
