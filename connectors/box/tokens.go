package box

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// tokens keep one access token fresh. Those who need one while it is being fetched
// wait for the same answer.
//
// A refresh token serves once. Box takes the old one until the first use of what it
// was exchanged for, and answers with the same pair till then
// (support.box.com/hc/en-us/community/posts/15765421154323). So the new one is handed
// over to be sealed before anything is signed with what came beside it: who is killed
// in between comes back with the old one, and it still serves.
type tokens struct {
	cfg     config
	http    *connector.Client
	now     func() time.Time
	renewed func(name, value string) error

	lock    chan struct{} // holds one; a mutex that a context can give up on
	early   time.Time     // from here on a fresh one is sought; zero for one that cannot be renewed
	refresh string
	// access is the token. It is read without the lock: whoever fetches waits for a turn,
	// and whoever signs has one.
	access atomic.Pointer[string]
}

func (t *tokens) token() string {
	if a := t.access.Load(); a != nil {
		return *a
	}
	return ""
}

func newTokens(env connector.Env, cfg config) (*tokens, error) {
	s := env.Settings
	t := &tokens{cfg: cfg, http: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), now: env.Now, renewed: env.Renewed, refresh: s[setRefresh], lock: make(chan struct{}, 1)}
	if t.now == nil {
		t.now = time.Now
	}
	switch {
	case t.refresh != "" && cfg.enterprise != "":
		return nil, connector.Errorf(connector.Permanent, "both a refresh-token and an enterprise are set").WithHint("set one of them: the enterprise acts as the app, the token as a person")
	case t.refresh != "" || cfg.enterprise != "":
		if cfg.client == "" || cfg.secret == "" {
			return nil, connector.Errorf(connector.Auth, "the setting client-id or client-secret is missing").WithHint("connect again and give both: the app's Configuration page shows them")
		}
	case s[setAccess] != "":
		given := s[setAccess]
		t.access.Store(&given)
	default:
		return nil, connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("give client-id, client-secret and enterprise to act as an app, or a refresh-token to act as a person")
	}
	return t, nil
}

func (t *tokens) renewable() bool { return t.refresh != "" || t.cfg.enterprise != "" }

func (t *tokens) take(ctx context.Context) error {
	select {
	case t.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for a token", Err: context.Cause(ctx)}
	}
}

// ready sees to a token that is good for a while. It is called before a request takes
// its turn: one that holds the only turn there is would wait for its token's for ever.
func (t *tokens) ready(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer func() { <-t.lock }()
	if t.renewable() && (t.token() == "" || !t.now().Before(t.early)) {
		return t.fetch(ctx)
	}
	return nil
}

// sign adds the token. One that ended meanwhile is refused, and renewed then.
func (t *tokens) sign(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", "Bearer "+t.token())
	return nil
}

// renew replaces a token that was refused; nil for one that nothing replaces.
func (t *tokens) renew() func(context.Context) error {
	if !t.renewable() {
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

// fetch asks for a token. Both grants may be repeated: see tokens
// (https://developer.box.com/reference/post-oauth2-token).
func (t *tokens) fetch(ctx context.Context) error {
	form := url.Values{"client_id": {t.cfg.client}, "client_secret": {t.cfg.secret}}
	if t.refresh != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", t.refresh)
	} else {
		form.Set("grant_type", "client_credentials")
		form.Set("box_subject_type", "enterprise")
		form.Set("box_subject_id", t.cfg.enterprise)
	}
	var told struct {
		Access  string  `json:"access_token"`
		Refresh string  `json:"refresh_token"`
		Expires float64 `json:"expires_in"` // seconds
	}
	_, err := t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.cfg.base + "/oauth2/token", Form: form, Repeatable: true, Reads: true}, &told)
	if err != nil {
		return err
	}
	if told.Access == "" {
		return connector.Errorf(connector.Malformed, "POST /oauth2/token: the answer holds no token")
	}
	if told.Refresh != "" && told.Refresh != t.refresh {
		if t.renewed != nil {
			if err := t.renewed(setRefresh, told.Refresh); err != nil {
				return &connector.Error{Class: connector.Transient, Reason: "a new refresh token could not be sealed, so that the old one is kept", Err: err}
			}
		}
		t.refresh = told.Refresh
	}
	life := time.Duration(told.Expires) * time.Second
	t.access.Store(&told.Access)
	t.early = t.now().Add(life - min(life/10, 5*time.Minute))
	return nil
}

// refuseToken gives refusals of POST /oauth2/token a class (RFC 6749, 5.2).
func refuseToken(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &told) != nil || !isCode(told.Error) || status >= 500 || status == http.StatusTooManyRequests {
		return nil
	}
	e := connector.Errorf(connector.Auth, "%d %s", status, told.Error)
	switch told.Error {
	case "invalid_client":
		e.Hint = "client-id or client-secret is wrong: connect again with those of the app's Configuration page"
	case "invalid_grant":
		e.Hint = "connect again: a refresh token ends after 60 days without use, and once another run has used it; for an enterprise, an admin has to authorize the app first"
	case "unauthorized_client":
		e.Hint = "the app's authentication is of another kind: its Configuration page tells which"
	default:
		e.Hint = "connect again: Box does not take these credentials"
	}
	return e
}
