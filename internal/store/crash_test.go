package store

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/item"
)

// The child process of the crash test learns from these where to write.
const (
	crashDir      = "RIALTO_TEST_CRASH_DIR"
	crashPostgres = "RIALTO_TEST_CRASH_POSTGRES"
	crashFirst    = "RIALTO_TEST_CRASH_FIRST"
)

// crashRows is how many rows a batch of the crash test has.
const crashRows = 40

// crashBatch is the n-th batch: rows, intents, an alias and the cursor all say
// which one it is.
func crashBatch(shard int64, n int) ledger.Batch {
	cursor := strconv.Itoa(n)
	b := ledger.Batch{Shard: shard, Cursor: &cursor}
	for i := range crashRows {
		key := crashKey(n, i)
		b.Rows = append(b.Rows, ledger.Row{Key: key, Target: key, Version: item.Digest(n), State: ledger.Made})
	}
	if n%2 == 0 {
		b.Intents = []ledger.Intent{{Key: item.Ref{Kind: "task", ID: "in doubt"}, Op: ledger.Create, Version: item.Digest(n)}}
	}
	b.Aliases = []ledger.Alias{{Alias: "alias " + cursor, Key: crashKey(n, 0)}}
	return b
}

func crashKey(n, i int) item.Ref { return item.Ref{Kind: "task", ID: fmt.Sprintf("%d %06d", i, n)} }

// crashChild applies batches until it is killed, and says after each that it
// was acknowledged.
func crashChild() int {
	err := func() error {
		ctx := context.Background()
		s, err := Open(ctx, Options{Dir: os.Getenv(crashDir), Postgres: vault.NewSecret(os.Getenv(crashPostgres))})
		if err != nil {
			return err
		}
		l, err := s.Ledger(ctx, org, "crash")
		if err != nil {
			return err
		}
		shard, err := l.Shard(ctx, item.Ref{Kind: "board", ID: "b"})
		if err != nil {
			return err
		}
		first, err := strconv.Atoi(os.Getenv(crashFirst))
		if err != nil {
			return err
		}
		for n := first; ; n++ {
			if err := l.Apply(ctx, crashBatch(shard.Num, n)); err != nil {
				return err
			}
			fmt.Println(n)
		}
	}()
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// TestKilled kills a process that applies batches, again and again. After
// each kill every batch is there whole or not at all, and every acknowledged
// one is there.
func TestKilled(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		rounds := 12
		if testing.Short() {
			rounds = 3
		}
		next := 0
		for range rounds {
			acknowledged := killChild(t, opts, next)
			kept := checkWhole(t, opts, next)
			if acknowledged >= kept {
				t.Fatalf("batch %d was acknowledged, and the last one kept is %d", acknowledged, kept-1)
			}
			next = kept
		}
		if next < rounds {
			t.Fatalf("only %d batches were applied: the test is too short to tell", next)
		}
		t.Logf("%d kills, %d batches", rounds, next)
	})
}

// killChild starts a child, lets it apply some batches, and kills it at a
// random moment. It returns the last batch that was acknowledged.
func killChild(t *testing.T, opts Options, first int) int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashDir+"="+opts.Dir, crashPostgres+"="+opts.Postgres.Reveal(), fmt.Sprintf("%s=%d", crashFirst, first))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := first - 1
	lines := bufio.NewScanner(out)
	killing := false
	for lines.Scan() { // on to the end: what was said before the kill counts
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if !killing {
			killing = true
			time.AfterFunc(time.Duration(rand.IntN(40_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil || complaint.Len() > 0 {
		t.Fatalf("the child was not killed: %v %s", err, complaint.String())
	}
	return last
}

// checkWhole opens the ledger anew and returns how many batches it holds.
func checkWhole(t *testing.T, opts Options, from int) int {
	t.Helper()
	ctx := t.Context()
	s := openStore(t, opts)
	l := openAfterKill(t, s)
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	shard, err := l.Shard(ctx, item.Ref{Kind: "board", ID: "b"})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := strconv.Atoi(shard.Cursor)
	if err != nil {
		t.Fatalf("the cursor is %q", shard.Cursor)
	}
	kept++
	for n := from; n < kept+2; n++ {
		var keys []item.Ref
		for i := range crashRows {
			keys = append(keys, crashKey(n, i))
		}
		rows, err := l.Lookup(ctx, shard.Num, keys)
		if err != nil {
			t.Fatal(err)
		}
		places, err := l.FindAliases(ctx, []string{fmt.Sprint("alias ", n)})
		if err != nil {
			t.Fatal(err)
		}
		want := map[bool]int{true: crashRows}[n < kept]
		if len(rows) != want || len(places) != min(want, 1) {
			t.Fatalf("batch %d of %d: %d rows of %d, %d aliases", n, kept, len(rows), want, len(places))
		}
	}
	intents, err := l.InDoubt(ctx, shard.Num)
	if err != nil {
		t.Fatal(err)
	}
	if last := (kept - 1) / 2 * 2; len(intents) != 1 || intents[0].Version != item.Digest(last) {
		t.Fatalf("intents %+v; the last one announced was %d", intents, last)
	}
	return kept
}

// openAfterKill waits until the server has noticed that the child is gone.
func openAfterKill(t *testing.T, s *Store) *Ledger {
	t.Helper()
	for range 100 {
		l, err := s.Ledger(t.Context(), org, "crash")
		if err == nil {
			return l
		}
		if s.opts.Postgres.IsZero() {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the lock of a killed process stays")
	return nil
}
