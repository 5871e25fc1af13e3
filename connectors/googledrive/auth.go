package googledrive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// The scopes of the Drive API: everything, and reading it
// (https://developers.google.com/workspace/drive/api/guides/api-specific-auth).
const (
	scopeAll  = "https://www.googleapis.com/auth/drive"
	scopeRead = "https://www.googleapis.com/auth/drive.readonly"
)

// tokens keep one person's access token fresh. Those who need one while it is being
// fetched wait for the same answer.
type tokens struct {
	cfg     config
	user    string // whom a service account acts as, "" for itself
	http    *connector.Client
	now     func() time.Time
	renewed func(name, value string) error

	lock    chan struct{} // holds one: a mutex that a context can give up on
	access  string
	early   time.Time // from here on a fresh one is sought; zero for a token that cannot be renewed
	until   time.Time
	refresh string
	granted []string // the scopes, if the authority told them
}

func newTokens(c config, user string, http *connector.Client, now func() time.Time, renewed func(name, value string) error) *tokens {
	t := &tokens{cfg: c, user: user, http: http.With(connector.Dialect{Refuse: refuseToken}), now: now, renewed: renewed, refresh: c.refresh, lock: make(chan struct{}, 1)}
	if !t.renewable() {
		t.access = c.access
	}
	return t
}

func (t *tokens) renewable() bool { return t.cfg.account != nil || t.cfg.refresh != "" }

func (t *tokens) take(ctx context.Context) error {
	select {
	case t.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &connector.Error{Class: connector.Transient, Reason: "stopped while waiting for a token", Err: context.Cause(ctx)}
	}
}

// sign adds a token that is good for a while: a fresh one is fetched when a tenth of
// its life, at most five minutes, is left.
func (t *tokens) sign(ctx context.Context, r *http.Request) error {
	if err := t.take(ctx); err != nil {
		return err
	}
	defer func() { <-t.lock }()
	if t.renewable() && (t.access == "" || !t.now().Before(t.early)) {
		err := t.fetch(ctx)
		if err != nil && (t.access == "" || !t.now().Before(t.until) || connector.ClassOf(err) != connector.Transient) {
			return err
		}
	}
	r.Header.Set("Authorization", "Bearer "+t.access)
	return nil
}

// renew replaces a token that was refused.
func (t *tokens) renew(ctx context.Context) error {
	if !t.renewable() {
		return connector.Errorf(connector.Auth, "the access token was refused and cannot be renewed").
			WithHint("connect again with a new access token, or with a refresh token")
	}
	if err := t.take(ctx); err != nil {
		return err
	}
	defer func() { <-t.lock }()
	return t.fetch(ctx)
}

// scopes are what the token may do; nil if nobody told.
func (t *tokens) scopes() []string {
	t.lock <- struct{}{}
	defer func() { <-t.lock }()
	return t.granted
}

type grant struct {
	Access  string      `json:"access_token"`
	Refresh string      `json:"refresh_token"`
	Expires json.Number `json:"expires_in"` // seconds
	Scope   string      `json:"scope"`
}

// fetch asks the authority; both ways may be repeated
// (https://developers.google.com/identity/protocols/oauth2/web-server#offline,
// https://developers.google.com/identity/protocols/oauth2/service-account).
func (t *tokens) fetch(ctx context.Context) error {
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {t.cfg.clientID}, "client_secret": {t.cfg.clientSecret}, "refresh_token": {t.refresh}}
	if t.cfg.account != nil {
		signed, err := t.cfg.account.assertion(t.cfg.login, t.user, t.now())
		if err != nil {
			return err
		}
		form = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {signed}}
	}
	var g grant
	_, err := t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.cfg.login, Call: "POST {token}", Form: form, Class: classLogin, Repeatable: true, Reads: true}, &g)
	if err != nil {
		return err
	}
	if g.Access == "" {
		return connector.Errorf(connector.Malformed, "the authority answered without a token")
	}
	seconds, _ := g.Expires.Int64()
	life := time.Duration(max(seconds, 1)) * time.Second
	t.access, t.until = g.Access, t.now().Add(life)
	t.early = t.until.Add(-min(life/10, 5*time.Minute))
	t.granted = strings.Fields(g.Scope)
	if g.Refresh != "" && g.Refresh != t.refresh {
		t.refresh = g.Refresh
		if t.renewed != nil {
			if err := t.renewed(setRefreshToken, g.Refresh); err != nil {
				return &connector.Error{Class: connector.Transient, Reason: "the renewed sign-in could not be sealed", Err: err}
			}
		}
	}
	return nil
}

// refuseToken reads the authority's refusal: {error}. The description may name the
// person, and is left out.
func refuseToken(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error string `json:"error"`
	}
	e := connector.RefusePlain(status)
	if json.Unmarshal(body, &told) != nil || !plainCode.MatchString(told.Error) {
		return e
	}
	e.Reason = fmt.Sprintf("POST {token}: %d %s", status, told.Error)
	hint := map[string]string{
		"invalid_client":      "check client-id and client-secret",
		"unauthorized_client": "the service account may not act for this person: an administrator gives its client id the scope " + scopeAll + " under Security, API controls, Domain-wide delegation",
		"invalid_grant":       "sign in again: the refresh token expired, was revoked, or is another client's (an OAuth app that is still in testing gives tokens for seven days); for a service account, check its key, this machine's clock and the address in the setting as",
		"invalid_scope":       "give the OAuth client the scope " + scopeAll,
		"invalid_request":     "check the credentials and the setting login",
		"access_denied":       "an administrator of the domain has closed the Drive API to this client",
	}[told.Error]
	if hint != "" {
		e.Class, e.Hint = connector.Auth, cmp.Or(hint, e.Hint)
	}
	return e
}
