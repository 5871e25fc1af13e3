package box

import (
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// newTokens keeps an access token fresh
// (https://developer.box.com/reference/post-oauth2-token).
//
// A refresh token serves once. Box takes the old one until the first use of what it
// was exchanged for, and answers with the same pair till then
// (support.box.com/hc/en-us/community/posts/15765421154323): what comes is sealed
// before anything is signed with it.
func newTokens(env connector.Env, cfg config) (*oauth.Tokens, error) {
	s := env.Settings
	o := oauth.Options{HTTP: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), Now: env.Now, Refresh: s[setRefresh], Renewed: oauth.Sealing(env, setRefresh)}
	switch {
	case o.Refresh != "" && cfg.enterprise != "":
		return nil, connector.Errorf(connector.Permanent, "both a refresh-token and an enterprise are set").WithHint("set one of them: the enterprise acts as the app, the token as a person")
	case o.Refresh != "" || cfg.enterprise != "":
		if cfg.client == "" || cfg.secret == "" {
			return nil, connector.Errorf(connector.Auth, "the setting client-id or client-secret is missing").WithHint("connect again and give both: the app's Configuration page shows them")
		}
		o.Request = func(refresh string) (connector.Request, error) {
			form := url.Values{"client_id": {cfg.client}, "client_secret": {cfg.secret}}
			if refresh != "" {
				form.Set("grant_type", "refresh_token")
				form.Set("refresh_token", refresh)
			} else {
				form.Set("grant_type", "client_credentials")
				form.Set("box_subject_type", "enterprise")
				form.Set("box_subject_id", cfg.enterprise)
			}
			return connector.Request{URL: cfg.base + "/oauth2/token", Form: form, Call: "POST /oauth2/token"}, nil
		}
	case s[setAccess] != "":
		o.Access = s[setAccess]
	default:
		return nil, connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("give client-id, client-secret and enterprise to act as an app, or a refresh-token to act as a person")
	}
	return oauth.New(o), nil
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
