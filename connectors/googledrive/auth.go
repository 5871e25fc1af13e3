package googledrive

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// The scopes of the Drive API: everything, and reading it
// (https://developers.google.com/workspace/drive/api/guides/api-specific-auth).
const (
	scopeAll  = "https://www.googleapis.com/auth/drive"
	scopeRead = "https://www.googleapis.com/auth/drive.readonly"
)

// newTokens keeps one person's access token fresh; user is whom a service account acts
// as, "" for itself. Both ways to a token may be repeated
// (https://developers.google.com/identity/protocols/oauth2/web-server#offline,
// https://developers.google.com/identity/protocols/oauth2/service-account).
func newTokens(c config, user string, env connector.Env) *oauth.Tokens {
	o := oauth.Options{HTTP: env.HTTP.With(connector.Dialect{Refuse: refuseToken}), Now: env.Now, Refresh: c.refresh, Renewed: oauth.Sealing(env, setRefreshToken)}
	if c.account == nil && c.refresh == "" {
		o.Access = c.access
		return oauth.New(o)
	}
	now := env.Now
	if now == nil {
		now = time.Now
	}
	o.Request = func(refresh string) (connector.Request, error) {
		form := url.Values{"grant_type": {"refresh_token"}, "client_id": {c.clientID}, "client_secret": {c.clientSecret}, "refresh_token": {refresh}}
		if c.account != nil {
			signed, err := c.account.assertion(c.login, user, now())
			if err != nil {
				return connector.Request{}, err
			}
			form = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {signed}}
		}
		return connector.Request{URL: c.login, Form: form, Class: classLogin}, nil
	}
	return oauth.New(o)
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
