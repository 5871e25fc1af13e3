package microsoft

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// The settings that every connector upon Graph shares.
const (
	SettingTenant       = "tenant"
	SettingClientID     = "client-id"
	SettingClientSecret = "client-secret"
	SettingRefreshToken = "refresh-token"
	SettingAccessToken  = "access-token"
	SettingRights       = "rights"
	SettingLogin        = "login"
)

// Settings lists what a connection to Graph needs, for a Manifest.
func Settings() []connector.Setting {
	return []connector.Setting{
		{Name: SettingTenant, Help: "the directory's id or domain: Microsoft Entra admin center, Overview", Optional: true},
		{Name: SettingClientID, Help: "the application (client) id: Microsoft Entra admin center, App registrations", Optional: true},
		{Name: SettingClientSecret, Help: "a client secret of that app, for migrations that act as the app", Secret: true, Optional: true},
		{Name: SettingRefreshToken, Help: "what signing in as a person gave; connect obtains it", Secret: true, Optional: true},
		{Name: SettingAccessToken, Help: "a ready access token, instead of all the above; it ends after about an hour", Secret: true, Optional: true},
		{Name: SettingRights, Help: "app or delegated: whose rights an access-token carries that does not tell", Optional: true},
		{Name: SettingLogin, Help: "the sign-in host of a national cloud; else " + LoginURL, Optional: true},
		{Name: connector.SettingURL, Help: "the Graph host of a national cloud; else " + GraphURL, Optional: true},
	}
}

// Delegated reports whether a connection with these settings acts as a person.
// An app alone may not write to a group's conversations. Pure.
func Delegated(s connector.Settings) bool {
	switch {
	case s[SettingRefreshToken] != "":
		return true
	case s[SettingAccessToken] == "":
		return false
	case s[SettingRights] != "":
		return s[SettingRights] == "delegated"
	}
	return len(readClaims(s[SettingAccessToken]).scopes()) > 0
}

// tokens keep one access token of Microsoft Entra fresh.
type tokens struct {
	*oauth.Tokens
	http      *connector.Client
	endpoint  string // of the authority, up to /oauth2/v2.0
	resource  string // scheme and host of Graph
	delegated bool
}

// newTokens makes them. Both grants may be repeated:
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow#refresh-the-access-token
func newTokens(env connector.Env, graph *url.URL) (*tokens, error) {
	s := env.Settings
	login, err := address(s, SettingLogin, LoginURL)
	if err != nil {
		return nil, err
	}
	if r := s[SettingRights]; r != "" && r != "app" && r != "delegated" {
		return nil, connector.Errorf(connector.Permanent, "the setting rights is neither app nor delegated")
	}
	t := &tokens{delegated: Delegated(s), endpoint: login.String() + "/" + url.PathEscape(cmp.Or(s[SettingTenant], "organizations")) + "/oauth2/v2.0",
		resource: graph.Scheme + "://" + graph.Host}
	if env.HTTP != nil {
		t.http = env.HTTP.With(connector.Dialect{Refuse: refuseToken})
	}
	o := oauth.Options{HTTP: t.http, Now: env.Now, Refresh: s[SettingRefreshToken], Renewed: oauth.Sealing(env, SettingRefreshToken)}
	switch {
	case o.Refresh != "" && s[SettingClientID] == "":
		return nil, connector.Errorf(connector.Auth, "the setting client-id is missing").WithHint("connect again and give the app's id")
	case o.Refresh == "" && s[SettingAccessToken] != "":
		o.Access = s[SettingAccessToken]
	case o.Refresh == "" && (s[SettingClientID] == "" || s[SettingClientSecret] == "" || s[SettingTenant] == ""):
		return nil, connector.Errorf(connector.Auth, "the connection has no credentials").
			WithHint("give tenant, client-id and client-secret to act as an app, or sign in as a person")
	default:
		o.Request = func(refresh string) (connector.Request, error) {
			form := url.Values{"client_id": {s[SettingClientID]}}
			if secret := s[SettingClientSecret]; secret != "" {
				form.Set("client_secret", secret)
			}
			if refresh != "" {
				form.Set("grant_type", "refresh_token")
				form.Set("refresh_token", refresh)
			} else {
				form.Set("grant_type", "client_credentials")
				form.Set("scope", t.resource+"/.default")
			}
			return connector.Request{URL: t.endpoint + "/token", Form: form, Class: "login"}, nil
		}
	}
	t.Tokens = oauth.New(o)
	return t, nil
}

// usedToken is the context key under which sign notes the token it used, so
// that of many calls that are refused at once only the first drops it.
type usedToken struct{}

func note(ctx context.Context) (context.Context, *string) {
	used := new(string)
	return context.WithValue(ctx, usedToken{}, used), used
}

func (t *tokens) sign(ctx context.Context, r *http.Request) error {
	if err := t.Sign(ctx, r); err != nil {
		return err
	}
	if used, ok := ctx.Value(usedToken{}).(*string); ok {
		*used = strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
	return nil
}

func (t *tokens) claims(ctx context.Context) ([]string, error) {
	access, err := t.Get(ctx, "")
	if err != nil {
		return nil, err
	}
	c := readClaims(access)
	return append(c.Roles, c.scopes()...), nil
}

type tokenClaims struct {
	Scp   string   `json:"scp"`
	Roles []string `json:"roles"`
}

func (c tokenClaims) scopes() []string { return strings.Fields(c.Scp) }

// readClaims looks into a token that is a JWT; nothing depends on its truth,
// the service checks every request. It is empty for an opaque token.
func readClaims(token string) (c tokenClaims) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return c
	}
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return tokenClaims{}
	}
	return c
}

// refuseToken reads the authority's refusal: {error, error_codes}. The
// description may name the app and the person and is left out.
func refuseToken(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error string `json:"error"`
		Codes []int  `json:"error_codes"`
	}
	e := connector.RefusePlain(status)
	if json.Unmarshal(body, &told) != nil || !plainCode.MatchString(told.Error) {
		return e
	}
	e.Err = &Refusal{Status: status, Code: told.Error}
	e.Reason = fmt.Sprintf("%d %s", status, told.Error)
	if len(told.Codes) > 0 {
		e.Reason += fmt.Sprintf(" AADSTS%d", told.Codes[0])
	}
	switch told.Error {
	case "invalid_client", "unauthorized_client":
		e.Class, e.Hint = connector.Auth, "check client-id and client-secret: the secret may have expired"
	case "invalid_grant", "interaction_required", "consent_required", "login_required":
		e.Class, e.Hint = connector.Auth, "sign in again: the sign-in expired, was revoked, or lacks consent"
	case "invalid_request", "invalid_scope", "invalid_resource":
		e.Class, e.Hint = connector.Auth, "check tenant, client-id, login and url: they may be of different clouds"
	case "temporarily_unavailable", "server_error":
		e.Class = connector.Transient
	}
	return e
}
