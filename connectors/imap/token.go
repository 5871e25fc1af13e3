package imap

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// newTokens keeps an access token fresh (RFC 6749, section 6).
func newTokens(cfg config, env connector.Env) *oauth.Tokens {
	o := oauth.Options{HTTP: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), Now: env.Now, Access: cfg.token, Refresh: cfg.refresh, Renewed: oauth.Sealing(env, setRefresh)}
	if cfg.refresh != "" {
		o.Request = func(refresh string) (connector.Request, error) {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {cfg.clientID}}
			if cfg.clientSecret != "" {
				form.Set("client_secret", cfg.clientSecret)
			}
			if cfg.service == serviceMicrosoft {
				form.Set("scope", "https://outlook.office.com/IMAP.AccessAsUser.All offline_access")
			}
			return connector.Request{URL: cfg.tokenURL, Form: form, Class: tokenClass}, nil
		}
	}
	return oauth.New(o)
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
