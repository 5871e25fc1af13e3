package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

const wherePostgres = "PostgreSQL"

// A postgresEngine is one schema of a PostgreSQL database, used through one
// connection, one call at a time. If the connection breaks, the engine stays
// broken: the lock that the connection held is gone with it. One that is shared
// holds no lock, uses several connections, and makes new ones for broken ones.
type postgresEngine struct {
	db     *sql.DB
	shared bool
	rows   bool // the role of rows is there

	mu   sync.Mutex
	conn *sql.Conn // nil if shared
}

// sharedConnections is how many connections to the accounts a process holds.
const sharedConnections = 8

// share lets calls go side by side from now on.
func (e *postgresEngine) share(ctx context.Context) error {
	err := e.conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND pg_has_role(oid, 'MEMBER'))", rowsRole).Scan(&e.rows)
	if err == nil && !e.rows {
		var past bool
		err = e.conn.QueryRowContext(ctx, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user").Scan(&past)
		if err == nil && past {
			err = connector.Errorf(connector.Forbidden, "store: this user of the database sees the rows of every organisation").
				WithHint("use one that is no superuser and does not bypass row-level security, or make the role " + rowsRole + " and grant it to this one")
		}
	}
	if err = errors.Join(err, e.conn.Close()); err != nil {
		return err
	}
	e.conn, e.shared = nil, true
	e.db.SetMaxOpenConns(sharedConnections)
	e.db.SetMaxIdleConns(sharedConnections)
	return nil
}

// openPostgres opens a schema, made if it is missing, and brings its tables up
// to date. With exclusive, one process has the schema at a time. The caller
// closes the engine.
func openPostgres(ctx context.Context, address vault.Secret, name string, exclusive bool, s schema) (_ *postgresEngine, err error) {
	e, err := connectPostgres(ctx, address, name, exclusive)
	if err != nil {
		return nil, err
	}
	_, err = e.conn.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{name}.Sanitize())
	if err == nil {
		err = s.migrate(ctx, e.db, dialectPostgres)
	}
	if err != nil {
		return nil, errors.Join(explain(wherePostgres, err), e.close())
	}
	return e, nil
}

// connectPostgres connects, and takes the schema if exclusive.
func connectPostgres(ctx context.Context, address vault.Secret, name string, exclusive bool) (*postgresEngine, error) {
	cfg, err := pgx.ParseConfig(address.Reveal())
	if err != nil { // not kept: it repeats parts of the address
		return nil, connector.Errorf(connector.Permanent, "store: the address of the PostgreSQL database cannot be read").
			WithHint("write it as postgres://USER:PASSWORD@HOST/DATABASE")
	}
	cfg.RuntimeParams["search_path"] = name
	// Everything is asked for by its key. Before the server has gathered
	// statistics it takes a thousand keys for the whole table, and reads that.
	for _, plan := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin"} {
		cfg.RuntimeParams[plan] = "off"
	}
	cfg.RuntimeParams["application_name"] = "rialto " + strconv.Itoa(os.Getpid())
	e := &postgresEngine{db: stdlib.OpenDB(*cfg)}
	// One connection for the engine, one for bringing the tables up to date.
	e.db.SetMaxOpenConns(2)
	e.db.SetMaxIdleConns(1)
	if e.conn, err = e.db.Conn(ctx); err != nil {
		return nil, errors.Join(explain(wherePostgres, err), e.db.Close())
	}
	if exclusive {
		if err := e.lock(ctx, name); err != nil {
			return nil, errors.Join(explain(wherePostgres, err), e.close())
		}
	}
	return e, nil
}

// A server takes a moment to notice that a process was killed; so long a lock
// is asked for.
const (
	lockPatience = time.Second
	lockPause    = 50 * time.Millisecond
)

// lock takes the schema for this connection. The server lets go of it when the
// connection ends, however that comes about.
func (e *postgresEngine) lock(ctx context.Context, name string) error {
	for until := time.Now().Add(lockPatience); ; {
		var got bool
		err := e.conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock(hashtextextended('rialto ' || $1, 0))", name).Scan(&got)
		if err != nil || got {
			return err
		}
		if time.Now().After(until) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
	var who string
	var since time.Time
	err := e.conn.QueryRowContext(ctx, `SELECT a.application_name, a.backend_start
		FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
		WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
			AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('rialto ' || $1, 0)`, name).Scan(&who, &since)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return busy(holder{Process: strings.TrimPrefix(who, "rialto "), Since: since})
}

func (e *postgresEngine) close() error {
	if e.conn == nil {
		return explain(wherePostgres, e.db.Close())
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	// Not left to the end of the connection, which the server notices later. If
	// the connection is broken, the lock is gone already.
	_, _ = e.conn.ExecContext(context.Background(), "SELECT pg_advisory_unlock_all()")
	return explain(wherePostgres, errors.Join(e.conn.Close(), e.db.Close()))
}

func (e *postgresEngine) byKey() bool { return true }

func (e *postgresEngine) view(ctx context.Context, work func(session) error) error {
	return e.transact(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, work)
}

// update commits with the server's own durability, which by default puts every
// commit on the disk.
func (e *postgresEngine) update(ctx context.Context, d durability, work func(session) error) error {
	return e.transact(ctx, nil, func(s session) error {
		if d == relaxed {
			if err := s.exec(both("SET LOCAL synchronous_commit = off")); err != nil {
				return err
			}
		}
		return work(s)
	})
}

// transact stops between statements when ctx is done, never within one: pgx
// would break the connection, and the lock would be lost with it.
func (e *postgresEngine) transact(ctx context.Context, opts *sql.TxOptions, work func(session) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	defer func() { err = explain(wherePostgres, err) }()
	begin := e.db.BeginTx
	if !e.shared {
		e.mu.Lock()
		defer e.mu.Unlock()
		begin = e.conn.BeginTx
	}
	tx, err := begin(context.WithoutCancel(ctx), opts)
	if err != nil {
		return err
	}
	if err := work(postgresSession{ctx, tx, e.rows}); err != nil {
		if rb := tx.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			err = errors.Join(err, rb)
		}
		return err
	}
	return tx.Commit()
}

type postgresSession struct {
	ctx  context.Context
	tx   *sql.Tx
	rows bool // the role of rows is there
}

// rowsRole may see and change rows, and nothing else.
const rowsRole = "rialto_rows"

func (s postgresSession) enter(whose scope) error {
	st := both("SELECT set_config('rialto.organisation', $1, true), set_config('rialto.person', $2, true)")
	if s.rows {
		st.postgres += ", set_config('role', '" + rowsRole + "', true)"
	}
	return s.query(st, func(row) error { return nil }, whose.organisation, whose.person)
}

func (s postgresSession) exec(st statement, args ...any) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	_, err := s.tx.ExecContext(context.WithoutCancel(s.ctx), st.postgres, args...)
	return err
}

func (s postgresSession) query(st statement, each func(row) error, args ...any) (err error) {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	rows, err := s.tx.QueryContext(context.WithoutCancel(s.ctx), st.postgres, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make(postgresRow, len(names))
	places := make([]any, len(names))
	for i := range places {
		places[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(places...); err != nil {
			return err
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// A postgresRow holds a row's values as pgx gives them: int64, string, []byte
// or nil.
type postgresRow []any

func (r postgresRow) int(column int) int64 {
	n, _ := r[column].(int64)
	return n
}

func (r postgresRow) blob(column int) []byte {
	b, _ := r[column].([]byte)
	return b
}

func (r postgresRow) text(column int) string {
	s, _ := r[column].(string)
	return s
}
