package dropbox

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// tokens keep one access token fresh
// (https://developers.dropbox.com/oauth-guide#using-refresh-tokens). Those who need
// one while it is being fetched wait for the same answer.
type tokens struct {
	cfg     config
	http    *connector.Client
	now     func() time.Time
	renewed func(name, value string) error

	turn    chan struct{} // holds one: a mutex that a context can give up on
	access  string
	early   time.Time // from here on a fresh one is sought; zero for a token that was given
	refresh string
}

func newTokens(env connector.Env, cfg config) (*tokens, error) {
	t := &tokens{cfg: cfg, http: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), now: env.Now, renewed: env.Renewed, turn: make(chan struct{}, 1),
		access: cfg.access, refresh: cfg.refresh}
	if t.now == nil {
		t.now = time.Now
	}
	switch {
	case cfg.refresh != "" && cfg.key == "":
		return nil, connector.Errorf(connector.Auth, "the setting %s is missing", setKey).WithHint("connect again and give the key of the app that the refresh token is of")
	case cfg.refresh == "" && cfg.access == "":
		return nil, connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("connect again and give app-key, app-secret and refresh-token, or an access-token")
	case cfg.refresh != "":
		t.access = ""
	}
	return t, nil
}

// renew is what replaces a token that was refused; nil where nothing can.
func (t *tokens) renew() func(context.Context) error {
	if t.refresh == "" {
		return nil
	}
	return func(ctx context.Context) error {
		if err := t.take(ctx); err != nil {
			return err
		}
		defer func() { <-t.turn }()
		return t.fetch(ctx)
	}
}

func (t *tokens) take(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for a token", Err: context.Cause(ctx)}
	}
}

// sign adds a token that is good for a while yet: a fresh one is fetched when a tenth
// of its life, at most five minutes, is left.
func (t *tokens) sign(ctx context.Context, r *http.Request) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer func() { <-t.turn }()
	if t.refresh != "" && (t.access == "" || !t.now().Before(t.early)) {
		if err := t.fetch(ctx); err != nil {
			return err
		}
	}
	r.Header.Set("Authorization", "Bearer "+t.access)
	return nil
}

// fetch asks for an access token. It may be repeated.
func (t *tokens) fetch(ctx context.Context) error {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.refresh}, "client_id": {t.cfg.key}}
	if t.cfg.secret != "" {
		form.Set("client_secret", t.cfg.secret)
	}
	var told struct {
		Access  string      `json:"access_token"`
		Refresh string      `json:"refresh_token"`
		Expires json.Number `json:"expires_in"` // seconds
	}
	_, err := t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.cfg.api + "/oauth2/token", Form: form, Class: classLogin, Call: "oauth2/token", Repeatable: true, Reads: true}, &told)
	if err != nil {
		return err
	}
	if told.Access == "" {
		return connector.Errorf(connector.Malformed, "oauth2/token: the answer holds no token")
	}
	seconds, _ := told.Expires.Int64()
	life := time.Duration(max(seconds, 1)) * time.Second
	t.access, t.early = told.Access, t.now().Add(life-min(life/10, 5*time.Minute))
	if told.Refresh != "" && told.Refresh != t.refresh {
		t.refresh = told.Refresh
		if t.renewed != nil {
			if err := t.renewed(setRefresh, told.Refresh); err != nil {
				return &connector.Error{Class: connector.Transient, Reason: "the renewed sign-in could not be sealed", Err: err}
			}
		}
	}
	return nil
}

// refuseToken reads a refusal of the token service: {error, error_description}. The
// description is left out.
func refuseToken(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error string `json:"error"`
	}
	e := connector.RefusePlain(status)
	if json.Unmarshal(body, &told) != nil || !plainTag.MatchString(told.Error) {
		return e
	}
	e.Reason = fmt.Sprintf("%d %s", status, told.Error)
	switch told.Error {
	case "invalid_grant":
		e.Class, e.Hint = connector.Auth, "ask for a new refresh token: this one was revoked, or is of another app"
	case "invalid_client", "invalid_client_id", "unauthorized_client":
		e.Class, e.Hint = connector.Auth, "check app-key and app-secret: they are not those of the app"
	case "invalid_request", "unsupported_grant_type":
		e.Class, e.Hint = connector.Auth, "check app-key, app-secret and refresh-token"
	}
	return e
}
