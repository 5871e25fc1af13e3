package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/item"
)

type placeOf = ledger.Place

func taskKeys(shard, from, to int) (keys []item.Ref) {
	for n := from; n < to; n++ {
		keys = append(keys, item.Ref{Kind: "task", ID: fmt.Sprintf("%d-%d", shard, n)})
	}
	return keys
}

func applyTasks(t *testing.T, l *Ledger, shard, from, to int) {
	t.Helper()
	sh, err := l.Shard(t.Context(), item.Ref{Kind: "board", ID: fmt.Sprint(shard)})
	if err != nil {
		t.Fatal(err)
	}
	b := ledger.Batch{Shard: sh.Num}
	for _, k := range taskKeys(shard, from, to) {
		b.Rows = append(b.Rows, ledger.Row{Key: k, Target: k, State: ledger.Made})
	}
	if err := l.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func sample(name string) vault.Connection {
	return vault.Connection{
		Name: name, Connector: "redmine", Identity: "5f0a",
		Settings: map[string]string{"url": "https://redmine.example.org"},
		Secrets:  map[string]vault.Secret{"user": vault.NewSecret("canary-user"), "password": vault.NewSecret("canary-password")},
		Created:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

func TestConnections(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		a, b := sample("a"), sample("b é")
		for _, c := range []vault.Connection{b, a} {
			if err := s.PutConnection(ctx, org, c); err != nil {
				t.Fatal(err)
			}
		}
		other := sample("a")
		other.Secrets = map[string]vault.Secret{"token": vault.NewSecret("theirs")}
		if err := s.PutConnection(ctx, "other", other); err != nil {
			t.Fatal(err)
		}
		again := openStore(t, opts)
		if got, err := again.Connection(ctx, org, "a"); err != nil || !reflect.DeepEqual(got, a) {
			t.Fatalf("got %+v %v", got, err)
		}
		all, err := again.Connections(ctx, org)
		a.Secrets, b.Secrets = nil, nil
		if err != nil || !reflect.DeepEqual(all, []vault.Connection{a, b}) {
			t.Fatalf("all: %+v %v", all, err)
		}
		if err := s.RenewSecret(ctx, org, "a", "password", vault.NewSecret("renewed")); err != nil {
			t.Fatal(err)
		}
		got, err := again.Connection(ctx, org, "a")
		if err != nil || got.Secrets["password"].Reveal() != "renewed" || got.Secrets["user"].Reveal() != "canary-user" {
			t.Fatalf("after renewing: %v", err)
		}
		c := sample("a")
		c.Settings, c.Secrets = map[string]string{"export": "x.json"}, nil
		if err := s.PutConnection(ctx, org, c); err != nil {
			t.Fatal(err)
		}
		if got, err = s.Connection(ctx, org, "a"); err != nil || len(got.Secrets) != 0 || !reflect.DeepEqual(got.Settings, c.Settings) {
			t.Fatalf("replaced: %+v %v", got, err)
		}
		if err := s.RemoveConnection(ctx, org, "a"); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"read":   second(s.Connection(ctx, org, "a")),
			"renew":  s.RenewSecret(ctx, org, "a", "token", vault.NewSecret("x")),
			"remove": s.RemoveConnection(ctx, org, "a"),
		} {
			if connector.ClassOf(err) != connector.Gone || !strings.Contains(err.Error(), "rialto connect") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := s.Connection(ctx, "other", "a"); err != nil || got.Secrets["token"].Reveal() != "theirs" {
			t.Errorf("another organisation's: %v", err)
		}
		for _, name := range []string{"", "a\x00b", "a\nb", "a\u202eb", "\xff", strings.Repeat("a", 201)} {
			c := sample(name)
			if err := s.PutConnection(ctx, org, c); connector.ClassOf(err) != connector.Permanent {
				t.Errorf("the name %q: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestSealedRows: a sealed value that was changed, or swapped with that of
// another row, is refused.
func TestSealedRows(t *testing.T) {
	for name, sql := range map[string]string{
		"changed":             "UPDATE connection_value SET sealed_value = $1 WHERE connection = 'a'",
		"of another row":      "UPDATE connection_value SET sealed_value = (SELECT v.sealed_value FROM connection_value v WHERE v.connection = 'b' AND v.field = 'password') WHERE connection = 'a' AND field = 'password'",
		"of another field":    "UPDATE connection_value SET sealed_value = (SELECT v.sealed_value FROM connection_value v WHERE v.connection = 'a' AND v.field = 'user') WHERE connection = 'a' AND field = 'password'",
		"a secret as a plain": "UPDATE connection_value SET secret = 0 WHERE connection = 'a' AND field = 'password'",
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, opts Options) {
				s := openStore(t, opts)
				for _, n := range []string{"a", "b"} {
					if err := s.PutConnection(t.Context(), org, sample(n)); err != nil {
						t.Fatal(err)
					}
				}
				err := s.write(t.Context(), everyone, func(ss session) error {
					if strings.Contains(sql, "$1") {
						return ss.exec(both(sql), []byte("changed"))
					}
					return ss.exec(both(sql))
				})
				if err != nil {
					t.Fatal(err)
				}
				if c, err := s.Connection(t.Context(), org, "a"); err == nil || !strings.Contains(err.Error(), "does not open") {
					t.Errorf("got %v %v", c, err)
				}
				if _, err := s.Connection(t.Context(), org, "b"); err != nil {
					t.Errorf("the other one: %v", err)
				}
			})
		})
	}
}

func TestRotateRoot(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		rootFile := filepath.Join(opts.Dir, "root.key")
		s := openStore(t, opts)
		if err := s.PutConnection(ctx, org, sample("a")); err != nil {
			t.Fatal(err)
		}
		l := openLedger(t, s, "m")
		applyTasks(t, l, 0, 0, 3)
		printKey := l.PrintKey()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		old, err := os.ReadFile(rootFile)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.RotateRoot(ctx); err != nil {
				t.Fatal(err)
			}
		}
		fresh, err := os.ReadFile(rootFile)
		if err != nil || bytes.Equal(old, fresh) || bytes.Count(fresh, []byte("\n")) != 1 {
			t.Fatalf("the root key file holds %d lines, changed: %v, %v", bytes.Count(fresh, []byte("\n")), !bytes.Equal(old, fresh), err)
		}
		again := openStore(t, opts)
		if c, err := again.Connection(ctx, org, "a"); err != nil || c.Secrets["user"].Reveal() != "canary-user" {
			t.Fatalf("after it: %v", err)
		}
		l = openLedger(t, again, "m")
		if !bytes.Equal(l.PrintKey(), printKey) {
			t.Error("the prints have another key")
		}
		if rows, err := l.Lookup(ctx, 1, taskKeys(0, 0, 3)); err != nil || len(rows) != 3 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// The old key no longer opens anything.
		if err := os.WriteFile(rootFile, old, 0o600); err != nil {
			t.Fatal(err)
		}
		err = second(Open(ctx, opts))
		if err == nil { // PostgreSQL asks for a key at the first use
			wrong := openStore(t, opts)
			err = second(wrong.Connection(ctx, org, "a"))
		}
		if err == nil || !strings.Contains(err.Error(), "root key") {
			t.Errorf("with the old root key: %v", err)
		}
	})
}
