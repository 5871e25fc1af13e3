//go:build linux

// Package storetest starts a PostgreSQL server of its own, for tests and
// benchmarks.
package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver
)

// Binaries is where Debian puts PostgreSQL 15.
const Binaries = "/usr/lib/postgresql/15/bin"

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New(Binaries + " is missing: install Debian's package postgresql-15 to test against PostgreSQL")

// A Cluster is a running server that listens on a unix socket only. It ends
// with this process at the latest.
type Cluster struct {
	dir     string
	process *os.Process
	ended   chan struct{}
	serial  atomic.Int64
}

// Start makes a database cluster in a temporary folder and serves it. With
// safe, commits reach the disk as they would by default. The caller stops it.
func Start(safe bool) (_ *Cluster, err error) {
	if _, err := os.Stat(filepath.Join(Binaries, "initdb")); err != nil {
		return nil, ErrMissing
	}
	dir, err := os.MkdirTemp("", "rialto-postgres-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	cred, err := unprivileged(dir)
	if err != nil {
		return nil, err
	}
	initdb := c.command(cred, "initdb", "-D", filepath.Join(dir, "data"), "-U", "rialto", "--auth=trust", "-E", "UTF8", "--no-locale", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	args := []string{"-D", filepath.Join(dir, "data"), "-k", dir, "-c", "listen_addresses="}
	if !safe {
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	server := c.command(cred, "postgres", args...)
	var log bytes.Buffer
	server.Stdout, server.Stderr = &log, &log
	server.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started := make(chan error)
	go func() {
		// The signal comes when the thread that started the server ends, so this
		// one must live as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			_ = server.Wait()
		}
		close(c.ended)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	c.process = server.Process
	if err := c.wait(); err != nil {
		return nil, errors.Join(err, c.Stop(), errors.New(log.String()))
	}
	return c, nil
}

// Stop ends the server and removes its folder.
func (c *Cluster) Stop() error {
	select {
	case <-c.ended:
	default:
		if err := c.process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		<-c.ended
	}
	return os.RemoveAll(c.dir)
}

// Database makes an empty database and returns its address.
func (c *Cluster) Database(ctx context.Context) (string, error) {
	name := fmt.Sprintf("test%d", c.serial.Add(1))
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return "", err
	}
	_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	return c.address(name), errors.Join(err, db.Close())
}

func (c *Cluster) address(database string) string {
	return fmt.Sprintf("host=%s user=rialto dbname=%s sslmode=disable", c.dir, database)
}

func (c *Cluster) wait() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	db, err := sql.Open("pgx", c.address("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	for {
		if err = db.PingContext(ctx); err == nil {
			return nil
		}
		select {
		case <-c.ended:
			return fmt.Errorf("the server ended: %w", err)
		case <-ctx.Done():
			return fmt.Errorf("the server does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Cluster) command(cred *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(Binaries, name), args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	return cmd
}

// unprivileged gives the folder to the user postgres where this process is
// root's, because the server refuses to run as root.
func unprivileged(dir string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, int(uid), int(gid))
}

// Size is how many bytes a database's tables and indexes take.
func (c *Cluster) Size(ctx context.Context, address string) (n int64, err error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname LIKE 'rialto\_ledger\_%' AND c.relkind = 'r'`).Scan(&n)
	return n, errors.Join(err, db.Close())
}
