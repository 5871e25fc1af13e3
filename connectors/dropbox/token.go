package dropbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// newTokens keeps an access token fresh
// (https://developers.dropbox.com/oauth-guide#using-refresh-tokens).
func newTokens(env connector.Env, cfg config) (*oauth.Tokens, error) {
	o := oauth.Options{HTTP: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), Now: env.Now, Access: cfg.access}
	switch {
	case cfg.refresh != "" && cfg.key == "":
		return nil, connector.Errorf(connector.Auth, "the setting %s is missing", setKey).WithHint("connect again and give the key of the app that the refresh token is of")
	case cfg.refresh == "" && cfg.access == "":
		return nil, connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("connect again and give app-key, app-secret and refresh-token, or an access-token")
	case cfg.refresh != "":
		o.Access, o.Refresh, o.Renewed = "", cfg.refresh, oauth.Sealing(env, setRefresh)
		o.Request = func(refresh string) (connector.Request, error) {
			form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}, "client_id": {cfg.key}}
			if cfg.secret != "" {
				form.Set("client_secret", cfg.secret)
			}
			return connector.Request{URL: cfg.api + "/oauth2/token", Form: form, Class: classLogin, Call: "oauth2/token"}, nil
		}
	}
	return oauth.New(o), nil
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
