package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"

	"github.com/rialto-migrate/rialto/connector"
)

// explain turns what a database or the system says into an error with a class
// and a hint. where names the database: a file's path, or "PostgreSQL". Errors
// that have a class already pass through.
func explain(where string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*connector.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, sqlite3.INTERRUPT) {
		return fmt.Errorf("store: stopped: %w", context.Canceled)
	}
	class, reason, hint := explainPostgres(err)
	if reason == "" {
		class, reason, hint = explainFile(err)
	}
	e := connector.Errorf(class, "store: %s: %s", where, reason).WithHint(hint)
	e.Err = err
	return e
}

// explainFile is for SQLite and the files around it.
func explainFile(err error) (class connector.Class, reason, hint string) {
	class = connector.Permanent
	switch {
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		class, reason, hint = connector.Full, "the disk is full", "free some space and run again: nothing of this step was kept, and what came before it is safe"
	case errors.Is(err, sqlite3.NOTADB), errors.Is(err, sqlite3.IOERR_BADKEY):
		reason, hint = "it is no database, or its key is another one", "restore the state directory and the root key from the same backup, or move the file away and run rialto ledger rebuild"
	case errors.Is(err, sqlite3.CORRUPT):
		reason, hint = "it is damaged", "restore it from a backup, or move the file away and run rialto ledger rebuild"
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, sqlite3.PERM), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		reason, hint = "it cannot be written to", "give this user the right to write to its folder, or choose another state directory"
	case errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		reason, hint = "it cannot be opened", "see that its folder is there and that this user may write to it"
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		class, reason, hint = connector.Transient, "another process is using it", "wait until that process is done, or stop it"
	case errors.Is(err, sqlite3.IOERR):
		class, reason, hint = connector.Transient, "the disk failed to read or write", "look at the system's log; the disk may be failing"
	default:
		class, reason, hint = connector.Transient, "it failed", "run again; if it stays, look at the disk or the database server"
	}
	return class, reason, hint
}

// explainPostgres returns no reason for what PostgreSQL and its driver did not
// say.
func explainPostgres(err error) (connector.Class, string, string) {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		code := "the server says " + pg.Code
		in := func(class string) bool { return strings.HasPrefix(pg.Code, class) }
		switch {
		case pg.Code == "53100":
			return connector.Full, "the server's disk is full", "free some space there and run again: nothing of this step was kept, and what came before it is safe"
		case in("28"):
			return connector.Auth, "the server refuses this user (" + pg.Code + ")", "check the user and password of the database's address"
		case pg.Code == "3D000":
			return connector.Permanent, "there is no such database", "create it with createdb, or correct the address"
		case pg.Code == "42501":
			return connector.Forbidden, "this user may not do that (" + pg.Code + ")", "give the user the right to create schemas in the database"
		case pg.Code == "25006":
			return connector.Permanent, "the server is read-only", "name the primary server"
		case in("53"), in("57"), in("40"), in("08"):
			return connector.Transient, code, "run again; if it stays, look at the server's log"
		}
		return connector.Permanent, code, "look at the server's log"
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return connector.Transient, "the server does not answer", "start it, or correct the address of the database"
	}
	return "", "", ""
}
