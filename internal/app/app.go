// Package app holds the use cases: what the command line, the API and the web
// app can do, each once. It keeps connections and ledgers in the store, and has
// the work done by a mover.
package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/mover"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// DatabaseVariable is the environment variable that may hold the address of a
// PostgreSQL database (postgres://…) to keep connections and ledgers in, instead
// of files in the state directory.
const DatabaseVariable = "RIALTO_DATABASE_URL"

// Config makes an App.
type Config struct {
	Connectors []connector.Connector
	StateDir   string // "" is the user's own
	Version    string
	Getenv     func(string) string
	Log        *slog.Logger
	// Unconfined lets a mover run on a system that cannot confine it. Reports
	// say so.
	Unconfined bool
	// Networks are the private ones that movers may connect to; see mover.Reach.
	Networks  []netip.Prefix
	Failpoint string // for tests: where a mover dies
	// Organisation owns what is kept; "" is the command line's own.
	Organisation string
	// Hosted says that whoever makes connections is not whoever runs this machine:
	// a setting then names no file of it, and no server on it unless Networks lists
	// its address.
	Hosted bool
}

// An App carries out the use cases. Close it.
type App struct {
	Config
	store *store.Store
}

// Open opens the state directory, made if it is missing.
func Open(ctx context.Context, c Config) (*App, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
	if c.Organisation == "" {
		c.Organisation = vault.DefaultOrganisation
	}
	s, err := store.Open(ctx, store.Options{Dir: c.StateDir, Program: c.Version, Getenv: c.Getenv,
		Postgres: vault.NewSecret(c.Getenv(DatabaseVariable))})
	if err != nil {
		return nil, err
	}
	return &App{Config: c, store: s}, nil
}

// Of returns the use cases of another organisation, on the same state directory. It
// is not closed by itself.
func (a *App) Of(organisation string) *App {
	c := *a
	c.Organisation = organisation
	return &c
}

// Store is where the use cases keep what they remember, for what else a service
// remembers.
func (a *App) Store() *store.Store { return a.store }

// Close ends the use of the state directory.
func (a *App) Close() error { return a.store.Close() }

// Connector finds a connector by its name.
func (a *App) Connector(name string) (connector.Connector, error) {
	var names []string
	for _, c := range a.Connectors {
		if c.Manifest().Name == name {
			return c, nil
		}
		names = append(names, c.Manifest().Name)
	}
	return nil, fmt.Errorf("there is no cloud %q; there are %s", name, strings.Join(names, ", "))
}

// SignIn has a person sign in on a page of the cloud's own: show is told its
// address and the code to type there. It returns the values with what came of it.
func (a *App) SignIn(ctx context.Context, cloud string, values map[string]string, show func(url, code string)) (map[string]string, error) {
	c, err := a.Connector(cloud)
	if err != nil {
		return nil, err
	}
	set, secret, err := a.sort(c.Manifest(), values)
	if err != nil {
		return nil, err
	}
	out, err := a.work(ctx, job.Spec{Verb: job.SignIn, From: job.End{Connector: cloud, Settings: join(set, secret)}}, nil,
		&Request{Events: func(ev migrate.Event) {
			if ev.Event == "sign-in" {
				show(ev.Link, ev.Reason)
			}
		}})
	if err != nil {
		return nil, err
	}
	if out.Error != nil {
		return nil, out.Error
	}
	for k, v := range values {
		if out.SignedIn[k] == "" {
			out.SignedIn[k] = v
		}
	}
	return out.SignedIn, nil
}

func join(set, secret map[string]string) connector.Settings {
	out := connector.Settings{}
	for k, v := range set {
		out[k] = v
	}
	for k, v := range secret {
		out[k] = v
	}
	return out
}

// RotateRoot replaces the root key and seals everything anew. No other process
// may use the state directory meanwhile; safe to repeat.
func (a *App) RotateRoot(ctx context.Context) error { return a.store.RotateRoot(ctx) }

// Connections lists the connections, without their secrets.
func (a *App) Connections(ctx context.Context) ([]vault.Connection, error) {
	return a.store.Connections(ctx, a.Organisation)
}

// Remove forgets a connection and its secrets.
func (a *App) Remove(ctx context.Context, name string) error {
	return a.store.RemoveConnection(ctx, a.Organisation, name)
}

// Test tries a connection again and says who it is.
func (a *App) Test(ctx context.Context, name string) (connector.Identity, error) {
	end, err := a.end(ctx, name)
	if err != nil {
		return connector.Identity{}, err
	}
	return a.check(ctx, end, nil)
}

func (a *App) check(ctx context.Context, end job.End, r *Request) (connector.Identity, error) {
	out, err := a.work(ctx, job.Spec{Verb: job.Check, From: end}, nil, r)
	if err != nil {
		return connector.Identity{}, err
	}
	if out.Error != nil {
		return connector.Identity{}, out.Error
	}
	return *out.Identity, nil
}

// Scan lists what a connection can see. With count it reads each container and
// counts what it holds; events, which may be nil, is told of each. Where it fails
// in the middle, what was listed so far comes with the error.
func (a *App) Scan(ctx context.Context, name string, count bool, events func(migrate.Event)) (Sight, error) {
	end, err := a.end(ctx, name)
	if err != nil {
		return Sight{}, err
	}
	out, err := a.work(ctx, job.Spec{Verb: job.Scan, From: end, Count: count}, nil, &Request{Events: events})
	if err != nil {
		return Sight{}, err
	}
	in := Sight{Shards: out.Shards, Unseen: out.Unseen}
	if out.Error != nil {
		return in, out.Error
	}
	return in, nil
}

// A Sight is what a connection sees, and what it knows that it does not see.
type Sight struct {
	Shards []job.Shard
	Unseen []job.Unseen
}

// end opens a connection's secrets.
func (a *App) end(ctx context.Context, name string) (job.End, error) {
	c, err := a.store.Connection(ctx, a.Organisation, name)
	if err != nil {
		return job.End{}, err
	}
	set := connector.Settings{}
	for k, v := range c.Settings {
		set[k] = v
	}
	for k, v := range c.Secrets {
		set[k] = v.Reveal()
	}
	return job.End{Connection: name, Connector: c.Connector, Settings: set}, nil
}

// A Request is one verb on one migration.
type Request struct {
	Verb   string // of package job
	File   *migrate.File
	Select migrate.Selection
	DryRun bool
	Revert bool // cutover: take it back
	Tell   bool // run: the step that tells people, too; see migrate.Config
	Names  bool
	// Events takes what happens, one at a time; nil drops it.
	Events func(migrate.Event)
	// Moved is told the mover's process and how it is confined, once it runs.
	Moved func(pid int, r confine.Report)
	// Wrote is told at the end what the kernel counts as written to disk by the
	// mover since it was confined; it is not called if the kernel does not tell.
	Wrote func(bytes int64)
	// Renewed takes the secrets that a cloud renewed for a connection which is not kept
	// yet; nil seals them with the connection. Called from any goroutine.
	Renewed func(name, value string)
}

// Do carries out a verb on a migration. An Outcome that has an Error tells how
// far the verb came. Ending the context stops cleanly: what is under way is
// finished and remembered.
func (a *App) Do(ctx context.Context, r Request) (*job.Outcome, error) {
	from, err := a.end(ctx, r.File.From)
	if err != nil {
		return nil, err
	}
	to, err := a.end(ctx, r.File.To)
	if err != nil {
		return nil, err
	}
	led, err := a.store.Ledger(ctx, a.Organisation, r.File.Name)
	if err != nil {
		return nil, err
	}
	defer led.Close()
	spec := job.Spec{Verb: r.Verb, From: from, To: to, Migration: r.File.Spec, Key: led.PrintKey(), Select: r.Select, DryRun: r.DryRun, Tell: r.Tell, Revert: r.Revert, Names: r.Names, Failpoint: a.Failpoint}
	return a.work(ctx, spec, led, &r)
}

// Ledger opens the ledger of a migration for looking at. The caller closes it.
func (a *App) Ledger(ctx context.Context, migration string) (*store.Ledger, error) {
	return a.store.Ledger(ctx, a.Organisation, migration)
}

// DiscardLedger deletes the ledger of a migration, before it is rebuilt.
func (a *App) DiscardLedger(ctx context.Context, migration string) error {
	return a.store.DiscardLedger(ctx, a.Organisation, migration)
}

// moverMemory is where the mover's garbage is collected more often rather than
// its memory grow, in bytes. What it holds does not depend on the size of files.
const moverMemory = 54 << 20

// work starts a mover and waits for it.
func (a *App) work(ctx context.Context, spec job.Spec, led ledger.Ledger, r *Request) (*job.Outcome, error) {
	b, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	if led == nil {
		led = noLedger{}
	}
	config := mover.Config{Job: b, MemoryLimit: moverMemory, Policy: a.policy(spec), Reach: a.reach(spec), Ledger: led, Log: a.Log,
		OnRenewed: func(connection, name, value string) error {
			if r != nil && r.Renewed != nil {
				r.Renewed(name, value)
				return nil
			}
			return a.store.RenewSecret(context.WithoutCancel(ctx), a.Organisation, connection, name, vault.NewSecret(value))
		}}
	if r != nil && r.Events != nil {
		config.OnEvent = func(raw []byte) { job.Events(raw, r.Events) }
	}
	if r != nil && r.File != nil {
		since, err := a.Paused(ctx, r.File.Name)
		if err != nil {
			return nil, err
		}
		config.Paused = !since.IsZero()
	}
	p, err := mover.Start(ctx, config)
	if err != nil {
		return nil, err
	}
	if r != nil && r.File != nil {
		go a.followPause(ctx, r.File.Name, p)
	}
	raw, err := p.Wait()
	if rep, ok := p.Report(); ok && r != nil && r.Moved != nil {
		r.Moved(p.PID(), rep)
	}
	if written, ok := p.Written(); ok && r != nil && r.Wrote != nil {
		r.Wrote(written)
	}
	if err != nil {
		return nil, err
	}
	var out job.Outcome
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("the mover's answer cannot be read")
	}
	return &out, nil
}

// policy grants the mover the files that its connections name, for reading.
func (a *App) policy(spec job.Spec) confine.Policy {
	p := confine.Policy{Unconfined: a.Unconfined}
	if dir, err := a.stateDir(); err == nil {
		p.Probe = []string{dir}
	}
	for _, end := range []job.End{spec.From, spec.To} {
		c, err := a.Connector(end.Connector)
		if err != nil {
			continue
		}
		for _, s := range c.Manifest().Settings {
			if path := end.Settings[s.Name]; s.Path && path != "" {
				p.ReadPaths = append(p.ReadPaths, path)
			}
		}
	}
	return p
}

func (a *App) stateDir() (string, error) {
	if a.StateDir != "" {
		return a.StateDir, nil
	}
	return store.DefaultDir(a.Getenv)
}
