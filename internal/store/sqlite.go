package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	_ "github.com/ncruces/go-sqlite3/vfs/xts" // registers the encrypting file system

	"github.com/rialto-migrate/rialto/connector"
)

// storeKeyBytes is the size of a database's key: AES-256 in XTS mode takes two
// keys of 32 bytes.
const storeKeyBytes = 64

// A sqliteEngine is one encrypted database file with one connection, used by
// one call at a time. The connection is the driver's own, below database/sql:
// the ledger's rows pass through it without being boxed.
type sqliteEngine struct {
	path string
	db   *sql.DB   // owns the connection
	held *sql.Conn // keeps it out of the pool

	mu       sync.Mutex
	conn     *sqlite3.Conn
	prepared map[string]*sqlite3.Stmt
	durable  durability // what the connection is set to
}

// sqliteSettings of one file.
type sqliteSettings struct {
	path string
	key  []byte
	// log keeps a write-ahead log: many small commits are quick, and others may
	// look on meanwhile.
	log bool
	// look only reads, beside a process that writes.
	look bool
	// cacheKiB bounds the pages kept in memory.
	cacheKiB int
}

// openSQLite opens the file, made if it is missing, and brings its schema up
// to date. The caller closes the engine.
func openSQLite(ctx context.Context, cfg sqliteSettings, s schema) (_ *sqliteEngine, err error) {
	defer func() { err = explain(cfg.path, err) }()
	if err := refusePlain(cfg.path); err != nil {
		return nil, err
	}
	// Made here, so that its mode is ours and not the umask's.
	how := os.O_CREATE | os.O_RDWR
	if cfg.look {
		how = os.O_RDWR
	}
	f, err := os.OpenFile(cfg.path, how, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(cfg.path)
	if err != nil {
		return nil, err
	}
	// modeof: the files beside it get its mode.
	query := url.Values{"vfs": {"xts"}, "modeof": {abs}}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: query.Encode()}
	db, err := driver.Open(dsn.String(), cfg.prepare)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.SetMaxOpenConns(1)
	if cfg.look {
		_, err = s.check(ctx, db, dialectSQLite)
	} else {
		err = s.migrate(ctx, db, dialectSQLite)
	}
	if err != nil {
		return nil, err
	}
	e := &sqliteEngine{path: cfg.path, db: db, prepared: map[string]*sqlite3.Stmt{}, durable: durable}
	if e.held, err = db.Conn(ctx); err != nil {
		return nil, err
	}
	err = e.held.Raw(func(c any) error {
		raw, ok := c.(driver.Conn)
		if !ok {
			return fmt.Errorf("store: the driver's connection is a %T", c)
		}
		e.conn = raw.Raw()
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, e.held.Close())
	}
	return e, nil
}

// prepare readies a new connection. The key comes first, before anything is
// read, then how it locks.
func (cfg sqliteSettings) prepare(c *sqlite3.Conn) error {
	pragmas := []string{"PRAGMA hexkey='" + hex.EncodeToString(cfg.key) + "'", "PRAGMA busy_timeout=10000"}
	switch {
	case cfg.look:
		pragmas = append(pragmas, "PRAGMA query_only=ON")
	case cfg.log:
		pragmas = append(pragmas,
			"PRAGMA journal_mode=WAL",
			"PRAGMA wal_autocheckpoint=4000") // pages: about 16 MB
	}
	pragmas = append(pragmas,
		"PRAGMA temp_store=MEMORY",
		fmt.Sprintf("PRAGMA cache_size=-%d", cfg.cacheKiB),
		"PRAGMA synchronous=FULL",
	)
	for _, p := range pragmas {
		if err := c.Exec(p); err != nil {
			return err
		}
	}
	return nil
}

// refusePlain tells a database that is not encrypted, which is not ours, from
// one whose key is another.
func refusePlain(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return nil //nolint:nilerr // whatever is wrong shows itself when it is opened
	}
	defer f.Close()
	start := make([]byte, 16)
	if _, err := io.ReadFull(f, start); err == nil && strings.HasPrefix(string(start), "SQLite format 3") {
		return connector.Errorf(connector.Permanent, "store: %s is a database without encryption, and not one of Rialto's", path).
			WithHint("move it away")
	}
	return nil
}

func (e *sqliteEngine) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, s := range e.prepared {
		errs = append(errs, s.Close())
	}
	clear(e.prepared)
	errs = append(errs, e.held.Close(), e.db.Close())
	return explain(e.path, errors.Join(errs...))
}

func (e *sqliteEngine) byKey() bool { return false }

func (e *sqliteEngine) view(ctx context.Context, work func(session) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.transact(ctx, "BEGIN", work)
}

func (e *sqliteEngine) update(ctx context.Context, d durability, work func(session) error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if d != e.durable {
		level := "NORMAL" // syncs when the log is folded into the file, not at each commit
		if d == durable {
			level = "FULL"
		}
		if err := e.conn.Exec("PRAGMA synchronous=" + level); err != nil {
			return explain(e.path, err)
		}
		e.durable = d
	}
	return e.transact(ctx, "BEGIN IMMEDIATE", work)
}

// transact runs work between begin and COMMIT. The caller holds the lock.
func (e *sqliteEngine) transact(ctx context.Context, begin string, work func(session) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.conn.SetInterrupt(ctx)
	defer func() {
		e.conn.SetInterrupt(context.Background())
		if !e.conn.GetAutocommit() { // not committed: work failed, or COMMIT did
			err = errors.Join(err, e.run("ROLLBACK"))
		}
		err = explain(e.path, err)
	}()
	if err := e.run(begin); err != nil {
		return err
	}
	if err := work(sqliteSession{e}); err != nil {
		return err
	}
	return e.run("COMMIT")
}

func (e *sqliteEngine) run(text string) error {
	st, err := e.prepare(text)
	if err != nil {
		return err
	}
	return st.Exec()
}

// prepare returns the compiled statement, kept from the first use on.
func (e *sqliteEngine) prepare(text string) (*sqlite3.Stmt, error) {
	if st := e.prepared[text]; st != nil {
		return st, nil
	}
	st, _, err := e.conn.PrepareFlags(text, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	e.prepared[text] = st
	return st, nil
}

type sqliteSession struct{ *sqliteEngine }

// enter leaves it to the statements, which all have the scope in their keys.
func (s sqliteSession) enter(scope) error { return nil }

func (s sqliteSession) exec(st statement, args ...any) error {
	return s.forEach(st, args, func(stmt *sqlite3.Stmt) error { return stmt.Exec() })
}

func (s sqliteSession) query(st statement, each func(row) error, args ...any) error {
	return s.forEach(st, args, func(stmt *sqlite3.Stmt) error {
		var r row = sqliteRow{stmt}
		for stmt.Step() {
			if err := each(r); err != nil {
				return errors.Join(err, stmt.Reset())
			}
		}
		return stmt.Reset() // which says the error of the last step again
	})
}

// forEach binds the arguments and does, once for each place in the slices
// among them, or once if there are none.
func (s sqliteSession) forEach(st statement, args []any, do func(*sqlite3.Stmt) error) error {
	stmt, err := s.prepare(st.sqlite)
	if err != nil {
		return err
	}
	times := -1
	for i, a := range args {
		switch a := a.(type) {
		case []int64:
			times = len(a)
		case [][]byte:
			times = len(a)
		case int64:
			err = stmt.BindInt64(i+1, a)
		case string:
			err = stmt.BindText(i+1, a)
		case []byte:
			err = bindBlob(stmt, i+1, a)
		default:
			err = fmt.Errorf("store: an argument of type %T", a)
		}
		if err != nil {
			return err
		}
	}
	if times < 0 {
		return do(stmt)
	}
	for n := range times {
		for i, a := range args {
			switch a := a.(type) {
			case []int64:
				err = stmt.BindInt64(i+1, a[n])
			case [][]byte:
				err = bindBlob(stmt, i+1, a[n])
			}
			if err != nil {
				return err
			}
		}
		if err := do(stmt); err != nil {
			return err
		}
	}
	return nil
}

func bindBlob(stmt *sqlite3.Stmt, i int, b []byte) error {
	if b == nil {
		return stmt.BindNull(i)
	}
	return stmt.BindBlob(i, b)
}

type sqliteRow struct{ stmt *sqlite3.Stmt }

func (r sqliteRow) int(column int) int64   { return r.stmt.ColumnInt64(column) }
func (r sqliteRow) text(column int) string { return r.stmt.ColumnText(column) }

func (r sqliteRow) blob(column int) []byte {
	b := r.stmt.ColumnRawBlob(column)
	if len(b) == 0 && r.stmt.ColumnType(column) != sqlite3.NULL {
		return []byte{}
	}
	return b
}
