// Package oauth keeps the access tokens of connections fresh (RFC 6749).
package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// Options make Tokens.
type Options struct {
	// HTTP asks for tokens. It signs nothing; its Dialect reads the authority's
	// refusals.
	HTTP *connector.Client
	Now  func() time.Time // nil means time.Now
	// Access is a token that was given; it is used until it is refused or replaced.
	Access string
	// Refresh is the refresh token, "" where another grant is used.
	Refresh string
	// Request makes the request for a token, of a refresh token if there is one. It is
	// safe to send again. nil if nothing replaces Access.
	Request func(refresh string) (connector.Request, error)
	// Renewed seals a refresh token that takes the place of the one before. It is called
	// before what came with it is used: who is killed in between comes back with the
	// old one, which serves until the new one was used. nil if nobody keeps it.
	Renewed func(refresh string) error
}

// Tokens keep one access token fresh. Those who need one while it is being fetched
// wait for the same answer. Safe for concurrent use.
type Tokens struct {
	o    Options
	lock chan struct{} // holds one: a mutex that a context can give up on
	// under lock:
	early, until time.Time // from early on a fresh one is sought; zero if it does not end
	refresh      string
	scopes       []string
	// access is read without the lock: whoever fetches waits for a turn, and whoever
	// signs has one.
	access atomic.Pointer[string]
}

// New returns Tokens that have asked nobody yet.
func New(o Options) *Tokens {
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Tokens{o: o, lock: make(chan struct{}, 1), refresh: o.Refresh}
	t.access.Store(&o.Access)
	return t
}

// Ready sees to a token that is good for a while: a fresh one is fetched when a tenth of
// its life, at most five minutes, is left. It is a Dialect's Ready.
func (t *Tokens) Ready(ctx context.Context) error {
	_, err := t.Get(ctx, "")
	return err
}

// Sign adds the token that is there. It is a Dialect's Sign.
func (t *Tokens) Sign(_ context.Context, r *http.Request) error {
	access := *t.access.Load()
	if access == "" {
		return connector.Errorf(connector.Transient, "the access token was refused a moment ago")
	}
	r.Header.Set("Authorization", "Bearer "+access)
	return nil
}

// Renew is a Dialect's Renew: nil where nothing replaces a token that was refused.
func (t *Tokens) Renew() func(context.Context) error {
	if t.o.Request == nil {
		return nil
	}
	return func(ctx context.Context) error {
		if err := t.take(ctx); err != nil {
			return err
		}
		defer func() { <-t.lock }()
		return t.fetch(ctx)
	}
}

// Get returns a token that is good for a while, and not the refused one; "" refuses
// none.
func (t *Tokens) Get(ctx context.Context, refused string) (string, error) {
	if err := t.take(ctx); err != nil {
		return "", err
	}
	defer func() { <-t.lock }()
	access, now := *t.access.Load(), t.o.Now()
	if access != "" && access != refused && (t.early.IsZero() || now.Before(t.early)) {
		return access, nil
	}
	if t.o.Request == nil {
		if access != refused {
			return access, nil
		}
		return "", connector.Errorf(connector.Auth, "the access token was refused and cannot be renewed").
			WithHint("connect again with a new access token, or with a refresh token")
	}
	err := t.fetch(ctx)
	if err != nil && access != "" && access != refused && now.Before(t.until) && connector.ClassOf(err) == connector.Transient {
		return access, nil // it still serves; the next call tries again
	}
	if err != nil {
		return "", err
	}
	return *t.access.Load(), nil
}

// Drop forgets a token that was refused, unless it was replaced meanwhile. It tells
// whether another try makes sense.
func (t *Tokens) Drop(ctx context.Context, refused string) bool {
	if t.o.Request == nil || t.take(ctx) != nil {
		return false
	}
	defer func() { <-t.lock }()
	if *t.access.Load() == refused {
		t.access.Store(new(string))
	}
	return true
}

// Scopes are what the token may do; nil if the authority did not tell.
func (t *Tokens) Scopes() []string {
	t.lock <- struct{}{}
	defer func() { <-t.lock }()
	return t.scopes
}

func (t *Tokens) take(ctx context.Context) error {
	select {
	case t.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for a token", Err: context.Cause(ctx)}
	}
}

// fetch asks for a token. The caller holds the lock.
func (t *Tokens) fetch(ctx context.Context) error {
	q, err := t.o.Request(t.refresh)
	if err != nil {
		return err
	}
	q.Method, q.Repeatable, q.Reads = http.MethodPost, true, true
	if q.Call == "" {
		q.Call = "POST {token}"
	}
	var told struct {
		Access  string      `json:"access_token"`
		Refresh string      `json:"refresh_token"`
		Expires json.Number `json:"expires_in"` // seconds
		Scope   string      `json:"scope"`
	}
	if _, err := t.o.HTTP.JSON(ctx, q, &told); err != nil {
		return err
	}
	if told.Access == "" {
		return connector.Errorf(connector.Malformed, "%s: the answer holds no token", q.Call)
	}
	if told.Refresh != "" && told.Refresh != t.refresh {
		if t.o.Renewed != nil {
			if err := t.o.Renewed(told.Refresh); err != nil {
				return &connector.Error{Class: connector.Transient, Reason: "a new refresh token could not be sealed, so that the old one is kept", Err: err}
			}
		}
		t.refresh = told.Refresh
	}
	t.early, t.until = time.Time{}, time.Time{}
	if seconds, err := told.Expires.Float64(); err == nil && seconds > 0 {
		life := time.Duration(seconds * float64(time.Second))
		t.until = t.o.Now().Add(life)
		t.early = t.until.Add(-min(life/10, 5*time.Minute))
	}
	t.access.Store(&told.Access)
	t.scopes = strings.Fields(told.Scope)
	return nil
}

// Sealing is a Renewed that seals under the name of a setting; nil where the
// connection seals nothing.
func Sealing(env connector.Env, setting string) func(string) error {
	if env.Renewed == nil {
		return nil
	}
	return func(refresh string) error { return env.Renewed(setting, refresh) }
}
