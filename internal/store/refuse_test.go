package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/item"
)

// refused holds an error against its class and words that its reader needs.
func refused(t *testing.T, err error, class connector.Class, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was not refused")
	}
	if connector.ClassOf(err) != class {
		t.Errorf("class %s, want %s: %v", connector.ClassOf(err), class, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func closed(t *testing.T, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSecondRunOfAMigration(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		one, two := openStore(t, opts), openStore(t, opts)
		l := openLedger(t, one, "m")
		err := second(two.Ledger(t.Context(), org, "m"))
		refused(t, err, connector.Conflict, "process "+strconv.Itoa(os.Getpid())+",", "since 2", "one run of a migration")
		refused(t, two.DiscardLedger(t.Context(), org, "m"), connector.Conflict, "one run of a migration")
		closed(t, openLedger(t, two, "another migration"))
		closed(t, l)
		closed(t, openLedger(t, two, "m"))
	})
}

func TestNewerSchema(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		l := openLedger(t, s, "m")
		newer := func(ss session) error {
			if err := ss.exec(both("UPDATE made SET program = '9.8.7'")); err != nil {
				return err
			}
			return ss.exec(statement{
				"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)",
				"INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, true)"})
		}
		for _, db := range []engine{l.db, s.accounts} {
			if err := db.update(t.Context(), durable, newer); err != nil {
				t.Fatal(err)
			}
		}
		closed(t, l)
		refused(t, second(s.Ledger(t.Context(), org, "m")), connector.Permanent, "ledger", "schema 99", "9.8.7", "install")
		refused(t, second(Open(t.Context(), opts)), connector.Permanent, "connections", "schema 99", "9.8.7", "install")
	})
}

func TestSchemaSaysWhoMadeIt(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		l := openLedger(t, openStore(t, opts), "m")
		defer closed(t, l)
		var program string
		err := l.db.view(t.Context(), func(s session) error {
			return s.query(both("SELECT program FROM made"), func(r row) error { program = r.text(0); return nil })
		})
		if err != nil || program != "1.2.3" {
			t.Errorf("%q %v", program, err)
		}
	})
}

// files opens an SQLite store with two ledgers and closes them; the first one
// is numbered 1.
func files(t *testing.T) (*Store, string) {
	t.Helper()
	s := openStore(t, engines()[0].make(t))
	for i, name := range []string{"m", "other"} {
		l := openLedger(t, s, name)
		applyTasks(t, l, i, 0, 2000)
		closed(t, l)
	}
	return s, s.ledgerFile(1, ".db")
}

func TestForeignFiles(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, s *Store, path string) error
		words []string
	}{
		"no database": {func(_ *testing.T, _ *Store, path string) error {
			return os.WriteFile(path, bytes.Repeat([]byte("no database "), 1000), 0o600)
		}, []string{"no database, or its key is another", "rebuild"}},
		"a database of another key": {func(_ *testing.T, s *Store, path string) error {
			return os.Rename(s.ledgerFile(2, ".db"), path)
		}, []string{"its key is another", "rebuild"}},
		"a database without encryption": {func(t *testing.T, _ *Store, path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			db, err := driver.Open("file:" + path)
			if err != nil {
				return err
			}
			_, err = db.ExecContext(t.Context(), "CREATE TABLE x (y)")
			return errors.Join(err, db.Close())
		}, []string{"without encryption", "move it away"}},
		"a folder": {func(_ *testing.T, _ *Store, path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, nil},
		"cut short": {func(_ *testing.T, _ *Store, path string) error { return os.Truncate(path, 5000) },
			[]string{"damaged", "rebuild"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, path := files(t)
			if err := c.spoil(t, s, path); err != nil {
				t.Fatal(err)
			}
			l, err := s.Ledger(t.Context(), org, "m")
			if err == nil { // damage shows itself when the rows are read
				err = second(l.Summary(t.Context()))
				closed(t, l)
			}
			refused(t, err, connector.ClassOf(err), append(c.words, path)...)
			// The way out that the message names.
			if err := s.DiscardLedger(t.Context(), org, "m"); err != nil {
				t.Fatal(err)
			}
			l = openLedger(t, s, "m")
			defer closed(t, l)
			if shards, err := l.Shards(t.Context()); err != nil || len(shards) != 0 {
				t.Errorf("after discarding: %v %v", shards, err)
			}
		})
	}
}

func TestDiscard(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		l := openLedger(t, s, "m")
		applyTasks(t, l, 0, 0, 3)
		key := l.PrintKey()
		closed(t, l)
		if err := s.DiscardLedger(t.Context(), org, "m"); err != nil {
			t.Fatal(err)
		}
		l = openLedger(t, s, "m")
		defer closed(t, l)
		if shards, err := l.Shards(t.Context()); err != nil || len(shards) != 0 {
			t.Errorf("left: %v %v", shards, err)
		}
		if !bytes.Equal(l.PrintKey(), key) {
			t.Error("the prints of what was moved can no longer be compared")
		}
		all, err := s.Migrations(t.Context(), org)
		if err != nil || len(all) != 1 || all[0].Num != 1 || all[0].Name != "m" || all[0].Created.IsZero() {
			t.Errorf("migrations: %+v %v", all, err)
		}
	})
}

// TestFullDisk bounds the file, so that SQLite itself reports it as full.
func TestFullDisk(t *testing.T) {
	s := openStore(t, engines()[0].make(t))
	l := openLedger(t, s, "m")
	defer func() { closed(t, l) }()
	applyTasks(t, l, 0, 0, 10)
	conn := l.db.(*sqliteEngine).conn
	if err := conn.Exec("PRAGMA max_page_count=40"); err != nil {
		t.Fatal(err)
	}
	batch := ledger.Batch{Shard: 1}
	for _, k := range taskKeys(0, 10, 20_000) {
		batch.Rows = append(batch.Rows, ledger.Row{Key: k, Target: k, State: ledger.Made})
	}
	refused(t, l.Apply(t.Context(), batch), connector.Full, "the disk is full", "free some space", "run again")
	if rows, err := l.Lookup(t.Context(), 1, taskKeys(0, 0, 20)); err != nil || len(rows) != 10 {
		t.Fatalf("after it: %d rows, %v", len(rows), err)
	}
	if err := conn.Exec("PRAGMA max_page_count=1000000"); err != nil {
		t.Fatal(err)
	}
	if err := l.Apply(t.Context(), batch); err != nil {
		t.Fatalf("with space again: %v", err)
	}
}

func TestStopped(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		l := openLedger(t, openStore(t, opts), "m")
		defer func() { closed(t, l) }()
		applyTasks(t, l, 0, 0, 10)
		ctx, stop := context.WithCancel(t.Context())
		err := l.db.update(ctx, durable, func(s session) error {
			if err := s.exec(setSwept, int64(1)); err != nil {
				return err
			}
			stop()
			return s.exec(setCursor, []byte("x"), int64(1))
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped midway: %v", err)
		}
		sh, err := l.Shard(t.Context(), item.Ref{Kind: "board", ID: "0"})
		if err != nil || sh.Swept || sh.Cursor != "" {
			t.Errorf("after it: %+v %v", sh, err)
		}
	})
}

func TestStateDirectory(t *testing.T) {
	t.Run("its owner's alone", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state", "rialto")
		closed(t, openLedger(t, openStore(t, Options{Dir: dir}), "m"))
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := e.Info()
			if err == nil && info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %o", path, info.Mode().Perm())
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("nothing can be read in it", func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, Options{Dir: dir})
		if err := s.PutConnection(t.Context(), org, sample("canary-name")); err != nil {
			t.Fatal(err)
		}
		l := openLedger(t, s, "canary-migration")
		b := ledger.Batch{Shard: 1, Rows: []ledger.Row{{Key: item.Ref{Kind: "task", ID: "canary-id"}, State: ledger.Made}}}
		if _, err := l.Shard(t.Context(), item.Ref{Kind: "board", ID: "canary-board"}); err != nil {
			t.Fatal(err)
		}
		if err := l.Apply(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		found := 0
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			found++
			content, err := os.ReadFile(path)
			for _, word := range []string{"canary", "SQLite format", "CREATE TABLE"} {
				if bytes.Contains(content, []byte(word)) {
					t.Errorf("%s shows %q", path, word)
				}
			}
			return err
		})
		if err != nil || found < 6 {
			t.Errorf("%d files looked at, %v", found, err)
		}
		closed(t, l)
	})
	t.Run("a file in its place", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, second(Open(t.Context(), Options{Dir: path})), connector.Permanent, path, "cannot be opened")
	})
	t.Run("a folder that cannot be written to", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may write to any folder: run the tests as another user to test this")
		}
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		refused(t, second(Open(t.Context(), Options{Dir: dir})), connector.Permanent, dir, "cannot be written to", "right to write")
	})
	for _, c := range []struct {
		remove string
		words  []string
	}{
		{"root.key", []string{"root.key is missing", "backup", vault.RootVariable}},
		{"accounts.key", []string{"accounts.key is missing", "backup"}},
	} {
		t.Run("without its "+c.remove, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, Options{Dir: dir})
			if err := s.PutConnection(t.Context(), org, sample("a")); err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(filepath.Join(dir, c.remove)); err != nil {
				t.Fatal(err)
			}
			refused(t, second(Open(t.Context(), Options{Dir: dir})), connector.Permanent, c.words...)
		})
	}
	t.Run("the root key from the environment", func(t *testing.T) {
		dir := t.TempDir()
		env := func(value string) func(string) string {
			return func(name string) string { return map[string]string{vault.RootVariable: value}[name] }
		}
		one, two := strings.Repeat("01", 32), strings.Repeat("02", 32)
		s := openStore(t, Options{Dir: dir, Getenv: env(one)})
		if err := s.PutConnection(t.Context(), org, sample("a")); err != nil {
			t.Fatal(err)
		}
		if exists(filepath.Join(dir, "root.key")) {
			t.Error("a root key file was made all the same")
		}
		refused(t, second(Open(t.Context(), Options{Dir: dir, Getenv: env(two)})), connector.Permanent, "another root key", vault.RootVariable)
		if err := openStore(t, Options{Dir: dir, Getenv: env(two + "," + one)}).RotateRoot(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := openStore(t, Options{Dir: dir, Getenv: env(two)}).Connection(t.Context(), org, "a")
		if err != nil || got.Secrets["user"].Reveal() != "canary-user" {
			t.Errorf("after replacing it: %v", err)
		}
	})
}

func TestPostgresAddress(t *testing.T) {
	for name, c := range map[string]struct {
		address string
		class   connector.Class
		words   string
	}{
		"no address":    {"postgres://user:canary@host:port:port/x", connector.Permanent, "cannot be read"},
		"nobody there":  {"postgres://user:canary@127.0.0.1:1/x?connect_timeout=2", connector.Transient, "does not answer"},
		"no such place": {"host=/nowhere user=u password=canary", connector.Transient, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			err := second(Open(t.Context(), Options{Dir: t.TempDir(), Postgres: vault.NewSecret(c.address)}))
			refused(t, err, c.class, c.words)
			if strings.Contains(fmt.Sprintf("%v", err), "canary") {
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	pg := func(code string) error { return fmt.Errorf("x: %w", &pgconn.PgError{Code: code}) }
	for name, c := range map[string]struct {
		err   error
		class connector.Class
		words string
	}{
		"no space":         {&fs.PathError{Op: "write", Path: "p", Err: syscall.ENOSPC}, connector.Full, "free some space"},
		"quota":            {syscall.EDQUOT, connector.Full, "free some space"},
		"SQLite full":      {sqlite3.FULL, connector.Full, "free some space"},
		"SQLite read-only": {sqlite3.READONLY, connector.Permanent, "right to write"},
		"read-only disk":   {syscall.EROFS, connector.Permanent, "right to write"},
		"SQLite busy":      {sqlite3.BUSY, connector.Transient, "another process"},
		"disk failing":     {sqlite3.IOERR_READ, connector.Transient, "disk"},
		"unknown":          {errors.New("x"), connector.Transient, "run again"},
		"server full":      {pg("53100"), connector.Full, "free some space"},
		"password":         {pg("28P01"), connector.Auth, "password"},
		"no database":      {pg("3D000"), connector.Permanent, "createdb"},
		"no right":         {pg("42501"), connector.Forbidden, "right to create"},
		"standby":          {pg("25006"), connector.Permanent, "primary"},
		"shut down":        {pg("57P01"), connector.Transient, "57P01"},
		"syntax":           {pg("42601"), connector.Permanent, "42601"},
		"odd code":         {pg(""), connector.Permanent, "log"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, explain("here", c.err), c.class, "here", c.words) })
	}
	own := connector.Errorf(connector.Gone, "own")
	if err := explain("here", own); err != error(own) {
		t.Errorf("an error with a class became %v", err)
	}
	if explain("here", nil) != nil || !errors.Is(explain("here", sqlite3.INTERRUPT), context.Canceled) || !errors.Is(explain("h", context.Canceled), context.Canceled) {
		t.Error("nothing, or stopping, became something else")
	}
}
