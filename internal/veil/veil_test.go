package veil

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

func file(path string) item.Ref { return item.Ref{Kind: item.File, ID: path} }

func drive(path string) item.Ref { return item.Ref{Kind: item.Drive, ID: path} }

func TestLedgerSeesNoPath(t *testing.T) {
	ctx := context.Background()
	under := &spy{Ledger: ledgertest.New()}
	v, err := New(under, bytes.Repeat([]byte{7}, 32), Sides{Source: true, Target: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := v.Shard(ctx, drive("/bucket"))
	if err != nil {
		t.Fatal(err)
	}
	one, two, bad := file("/bucket/HR/dismissal-Hansen.docx"), file("/bucket/HR/b"), file("/bucket/HR/broken")
	to := file("/copy/HR/dismissal-Hansen.docx")
	err = v.Apply(ctx, ledger.Batch{Shard: s.Num, Target: drive("/copy"),
		Rows:     []ledger.Row{{Key: one, Target: to, Parent: item.Ref{Kind: item.Folder, ID: "/copy/HR"}, State: ledger.Made, Version: 5}, {Key: drive("/bucket"), Target: drive("/copy"), State: ledger.Made}},
		Intents:  []ledger.Intent{{Key: two, Op: ledger.Create, Target: item.Ref{Kind: item.File}, Mark: "/copy/HR/b", Session: "https://up.test/HR?secret", At: time.Unix(1, 0)}},
		Failures: []ledger.Failure{{Key: bad, Class: "permanent", Reason: "too long"}}})
	if err != nil {
		t.Fatal(err)
	}
	rows, err := v.Lookup(ctx, s.Num, []item.Ref{one, drive("/bucket")})
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	for _, r := range rows {
		if r.Key == one && (r.Target != to || r.Parent != (item.Ref{Kind: item.Folder, ID: "/copy/HR"}) || r.Version != 5) {
			t.Errorf("looked up: %+v", r)
		}
	}
	all, err := v.Rows(ctx, s.Num, item.Ref{}, 10)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, r := range all {
		if r.Key.Kind == item.File && (r.Key != v.Key(one) || r.Target != to) {
			t.Errorf("walked: %+v", r)
		}
	}
	doubt, err := v.InDoubt(ctx, s.Num)
	if err != nil || len(doubt) != 1 || doubt[0].Mark != "/copy/HR/b" || doubt[0].Session != "https://up.test/HR?secret" || doubt[0].Key != v.Key(two) {
		t.Errorf("in doubt: %+v, %v", doubt, err)
	}
	failed, err := v.Failures(ctx, s.Num, 10)
	if err != nil || len(failed) != 1 || failed[0].Key != bad || failed[0].Reason != "too long" {
		t.Errorf("failed: %+v, %v", failed, err)
	}
	if places, err := v.Find(ctx, []item.Ref{one}); err != nil || len(places) != 1 || places[0].Key != one || places[0].Target != to {
		t.Errorf("found: %+v, %v", places, err)
	}
	for _, told := range under.told {
		for _, word := range []string{"HR", "Hansen", "broken", "secret"} {
			if strings.Contains(told, word) {
				t.Errorf("the ledger was told %q: %s", word, told)
			}
		}
	}
	other, err := New(under, bytes.Repeat([]byte{8}, 32), Sides{Source: true, Target: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Rows(ctx, s.Num, item.Ref{}, 10); err == nil {
		t.Error("another key opens what was sealed")
	}
	if err := v.Apply(ctx, ledger.Batch{Shard: s.Num, Remove: []item.Ref{one}, Clear: []item.Ref{two}}); err != nil {
		t.Fatal(err)
	}
	if rows, err := v.Lookup(ctx, s.Num, []item.Ref{one}); err != nil || len(rows) != 0 {
		t.Errorf("removed, and still there: %v, %v", rows, err)
	}
}

func TestLength(t *testing.T) {
	v, err := New(ledgertest.New(), make([]byte, 32), Sides{Source: true, Target: true})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		path := "/" + strings.Repeat("x", n)
		s, err := v.sealed(path)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := v.opened(s); err != nil || back != path {
			t.Errorf("%q came back as %q, %v", path, back, err)
		}
		if key := v.Key(file(path)).ID; len(key)%4 != 0 || len(s)%4 != 0 {
			t.Errorf("of %d bytes: a key of %d and a sealed path of %d digits: the store packs multiples of four", len(path), len(key), len(s))
		}
	}
	a, b, c := v.Key(file("/a/one")).ID, v.Key(file("/a/two")).ID, v.Key(file("/b/one")).ID
	if a[:8] != b[:8] || a[:8] == c[:8] || a == b {
		t.Errorf("keys do not stand together by folder: %s %s %s", a, b, c)
	}
	if v.Key(v.Key(file("/a/one"))) != v.Key(file("/a/one")) {
		t.Error("a key is hashed twice")
	}
}

// spy notes what a ledger is told.
type spy struct {
	ledger.Ledger
	told []string
}

func (s *spy) Apply(ctx context.Context, b ledger.Batch) error {
	s.told = append(s.told, fmt.Sprintf("%+v", b))
	return s.Ledger.Apply(ctx, b)
}

func (s *spy) Lookup(ctx context.Context, shard int64, keys []item.Ref) ([]ledger.Row, error) {
	s.told = append(s.told, fmt.Sprintf("%+v", keys))
	return s.Ledger.Lookup(ctx, shard, keys)
}
