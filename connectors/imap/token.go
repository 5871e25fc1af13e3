package imap

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// Tokens hands out access tokens, and fetches new ones with the refresh token (RFC
// 6749, section 6) when one is old or was refused.
type tokens struct {
	cfg     config
	http    *connector.Client
	now     func() time.Time
	renewed func(name, value string) error

	mu      sync.Mutex
	access  string
	refresh string
	until   time.Time // zero if unknown
}

// early is how long before its end a token is replaced.
const early = 2 * time.Minute

func newTokens(cfg config, env connector.Env) *tokens {
	t := &tokens{cfg: cfg, access: cfg.token, refresh: cfg.refresh, now: env.Now, renewed: env.Renewed}
	if t.now == nil {
		t.now = time.Now
	}
	t.http = env.HTTP.With(connector.Dialect{Refuse: refuseToken})
	return t
}

// get returns a token that is not the refused one; "" refuses none.
func (t *tokens) get(ctx context.Context, refused string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.access != "" && t.access != refused && (t.until.IsZero() || t.now().Before(t.until)) {
		return t.access, nil
	}
	if t.refresh == "" {
		return "", connector.Errorf(connector.Auth, "the access token was refused, and there is no refresh token").
			WithHint("connect again with a new token, or with refresh-token and client-id")
	}
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.refresh}, "client_id": {t.cfg.clientID}}
	if t.cfg.clientSecret != "" {
		form.Set("client_secret", t.cfg.clientSecret)
	}
	if t.cfg.service == serviceMicrosoft {
		form.Set("scope", "https://outlook.office.com/IMAP.AccessAsUser.All offline_access")
	}
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Expires int    `json:"expires_in"`
	}
	_, err := t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.cfg.tokenURL, Form: form, Reads: true, Repeatable: true, Class: tokenClass, Call: "POST {token}"}, &answer)
	if err != nil {
		return "", err
	}
	if answer.Access == "" {
		return "", connector.Errorf(connector.Malformed, "POST {token}: the answer holds no token")
	}
	t.access, t.until = answer.Access, time.Time{}
	if answer.Expires > 0 {
		t.until = t.now().Add(max(time.Duration(answer.Expires)*time.Second-early, 0))
	}
	if answer.Refresh != "" && answer.Refresh != t.refresh {
		t.refresh = answer.Refresh
		if t.renewed != nil {
			if err := t.renewed(setRefresh, t.refresh); err != nil {
				return "", err
			}
		}
	}
	return t.access, nil
}

// refuseToken reads why there is no token (RFC 6749, section 5.2). Its words for people
// are left out.
func refuseToken(status int, _ http.Header, body []byte) *connector.Error {
	var why struct{ Error string }
	if status != http.StatusBadRequest && status != http.StatusUnauthorized || json.Unmarshal(body, &why) != nil {
		return nil
	}
	switch why.Error {
	case "invalid_grant", "invalid_client", "unauthorized_client", "interaction_required", "invalid_scope":
		return connector.Errorf(connector.Auth, "the service gives no token: %s", why.Error).WithHint("connect again with a new refresh-token; client-id and client-secret must be those that it was made with")
	}
	return nil
}
