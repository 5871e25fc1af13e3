package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Draft is a connection whose credentials were tried and are not kept yet. It
// holds secrets and is never shown; Identity is who they are and what they may do.
type Draft struct {
	Identity connector.Identity
	conn     vault.Connection
}

// Name is what the connection is to be called.
func (d *Draft) Name() string { return d.conn.Name }

// Connect tries credentials and, if they work, seals them under a name. It
// returns who they are. A connection of that name is replaced.
func (a *App) Connect(ctx context.Context, name, cloud string, values map[string]string) (connector.Identity, error) {
	d, err := a.Try(ctx, name, cloud, values)
	if err != nil {
		return connector.Identity{}, err
	}
	return d.Identity, a.store.PutConnection(ctx, a.Organisation, d.conn)
}

// Try tries credentials and keeps nothing.
func (a *App) Try(ctx context.Context, name, cloud string, values map[string]string) (*Draft, error) {
	c, err := a.Connector(cloud)
	if err != nil {
		return nil, err
	}
	set, secret, err := a.sort(c.Manifest(), values)
	if err != nil {
		return nil, err
	}
	// What the check renews has no connection yet to be sealed with.
	var renewing sync.Mutex
	id, err := a.check(ctx, job.End{Connection: name, Connector: cloud, Settings: join(set, secret)}, &Request{Renewed: func(field, value string) {
		renewing.Lock()
		defer renewing.Unlock()
		secret[field] = value
	}})
	if err != nil {
		return nil, err
	}
	for k, v := range id.Settings {
		if set[k] == "" {
			set[k] = v
		}
	}
	d := &Draft{Identity: id, conn: vault.Connection{Name: name, Connector: cloud, Identity: id.ID, Settings: set, Secrets: map[string]vault.Secret{}, Created: time.Now()}}
	for k, v := range secret {
		d.conn.Secrets[k] = vault.NewSecret(v)
	}
	return d, nil
}

// Keep seals what was tried. A name that is taken is a Conflict.
func (a *App) Keep(ctx context.Context, d *Draft) error {
	if err := a.Free(ctx, d.conn.Name); err != nil {
		return err
	}
	return a.store.PutConnection(ctx, a.Organisation, d.conn)
}

// Free refuses the name of a connection that is there: a Conflict.
func (a *App) Free(ctx context.Context, name string) error {
	all, err := a.Connections(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(c vault.Connection) bool { return c.Name == name }) {
		return connector.Errorf(connector.Conflict, "there is a connection of this name").WithHint("choose another name, or remove that one first")
	}
	return nil
}

// A SettingError is a setting that cannot be.
type SettingError struct{ Setting, Reason string }

func (e *SettingError) Error() string { return e.Setting + ": " + e.Reason }

// Settings are what a cloud asks for here: paths name files of this machine, which
// are nobody's but its own operator's.
func (a *App) Settings(m connector.Manifest) []connector.Setting {
	return slices.DeleteFunc(slices.Clone(m.Settings), func(s connector.Setting) bool { return s.Path && a.Hosted })
}

// Complete refuses settings of which a needed one is missing; those that come of
// a sign-in may be.
func (a *App) Complete(m connector.Manifest, values map[string]string, signIn bool) error {
	for _, s := range a.Settings(m) {
		if values[s.Name] == "" && !s.Optional && (!signIn || !s.Secret) {
			return &SettingError{s.Name, "this is needed"}
		}
	}
	return nil
}

// sort parts values into plain settings and secrets, and refuses what the
// connector does not know. Paths are made absolute: the mover has no working
// folder of the user's.
func (a *App) sort(m connector.Manifest, values map[string]string) (set, secret map[string]string, err error) {
	set, secret = map[string]string{}, map[string]string{}
	var names []string
	for _, s := range m.Settings {
		names = append(names, s.Name)
		v := values[s.Name]
		if v == "" {
			continue
		}
		switch {
		case s.Secret:
			secret[s.Name] = v
		case s.Path && a.Hosted:
			return nil, nil, &SettingError{s.Name, "it names a file of the server, which a connection cannot read"}
		case s.Path:
			abs, err := filepath.Abs(v)
			if err != nil {
				return nil, nil, err
			}
			if _, err := os.Stat(abs); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			set[s.Name] = abs
		default:
			set[s.Name] = v
		}
	}
	for k := range values {
		if !slices.Contains(names, k) {
			return nil, nil, fmt.Errorf("%s has no setting %q; it has %s", m.Name, k, strings.Join(names, ", "))
		}
	}
	return set, secret, nil
}

// Clouds are those that can be connected here, by name: one that needs a file of
// this machine cannot.
func (a *App) Clouds() (out []connector.Manifest) {
	for _, c := range a.Connectors {
		m := c.Manifest()
		if a.Hosted && slices.ContainsFunc(m.Settings, func(s connector.Setting) bool { return s.Path && !s.Optional }) {
			continue
		}
		out = append(out, m)
	}
	slices.SortFunc(out, func(x, y connector.Manifest) int { return strings.Compare(x.Title, y.Title) })
	return out
}
