package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/rialto-migrate/rialto/connector"
)

//go:embed schema
var schemaFiles embed.FS

type dialect struct {
	goose  goose.Dialect
	folder string
	used   string // counts the tables that say the schema's version: 0 or 1
}

// The dialects that the schemas are written in.
var (
	dialectSQLite = dialect{goose.DialectSQLite3, "sqlite",
		"SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'"}
	dialectPostgres = dialect{goose.DialectPostgres, "postgres",
		"SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'goose_db_version'"}
)

// A schema is what a database holds: the tables of one folder under schema/,
// brought up to date step by step.
type schema struct {
	folder  string // accounts or ledger
	program string // the version of this program, noted when it changes the tables
}

// errOld says that a database has tables of an earlier program, which only the
// process that has it may bring up to date.
var errOld = errors.New("store: the tables are those of an earlier program")

// check returns the steps of a schema; errOld if some of them were not taken yet. A
// database from a newer program is refused, with the version to install.
func (s schema) check(ctx context.Context, db *sql.DB, d dialect) (files fs.FS, err error) {
	if files, err = fs.Sub(schemaFiles, "schema/"+s.folder+"/"+d.folder); err != nil {
		return nil, err
	}
	steps, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, err
	}
	var newest int64 // what the last file's name begins with
	if _, err := fmt.Sscanf(steps[len(steps)-1].Name(), "%d", &newest); err != nil {
		return nil, err
	}
	have, err := version(ctx, db, d)
	switch {
	case err != nil:
		return nil, err
	case have > newest:
		program := "a newer version"
		_ = db.QueryRowContext(ctx, "SELECT program FROM made").Scan(&program)
		return nil, connector.Errorf(connector.Permanent, "store: the %s has schema %d, and this program knows %d", s.name(), have, newest).
			WithHint(fmt.Sprintf("it was last used by Rialto %s: install that or a newer one", program))
	case have < newest:
		return files, errOld
	}
	return files, nil
}

// migrate brings the tables up to date.
func (s schema) migrate(ctx context.Context, db *sql.DB, d dialect) error {
	files, err := s.check(ctx, db, d)
	if !errors.Is(err, errOld) {
		return err
	}
	provider, err := goose.NewProvider(d.goose, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "UPDATE made SET program = $1, at = $2", s.program, time.Now().UnixNano())
	return err
}

// version is the number of the last step that was taken; 0 for an empty
// database.
func version(ctx context.Context, db *sql.DB, d dialect) (n int64, err error) {
	if err := db.QueryRowContext(ctx, d.used).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version").Scan(&n)
	return n, err
}

func (s schema) name() string {
	if s.folder == "ledger" {
		return "ledger of this migration"
	}
	return "store of connections"
}
