package microsoft

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// DeviceCode signs a person in: show is called once with the address to open
// and the code to type there, and then the authority is asked until they have
// done it. It returns the refresh token, a secret that the vault seals as the
// setting refresh-token. scopes are what they are asked to consent to, as Graph
// names them ("Files.ReadWrite.All"). env needs the settings tenant (or none) and
// client-id.
// It ends with ctx, or when the code expires, usually after 15 minutes.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-device-code
func DeviceCode(ctx context.Context, env connector.Env, scopes []string, show func(url, code string)) (refreshToken string, err error) {
	graph, err := address(env.Settings, connector.SettingURL, GraphURL)
	if err != nil {
		return "", err
	}
	if env.Settings[SettingClientID] == "" {
		return "", connector.Errorf(connector.Auth, "the setting client-id is missing").
			WithHint("give the id of an app that allows public client flows")
	}
	named := connector.Settings{SettingRefreshToken: "none yet"}
	for k, v := range env.Settings {
		if k != SettingAccessToken && k != SettingRefreshToken {
			named[k] = v
		}
	}
	env.Settings = named
	t, err := newTokens(env, graph)
	if err != nil {
		return "", err
	}
	asked := []string{"offline_access"}
	for _, s := range scopes {
		asked = append(asked, t.resource+"/"+s)
	}
	id := env.Settings[SettingClientID]
	var code struct {
		Device   string      `json:"device_code"`
		User     string      `json:"user_code"`
		Address  string      `json:"verification_uri"`
		Expires  json.Number `json:"expires_in"`
		Interval json.Number `json:"interval"`
	}
	_, err = t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.endpoint + "/devicecode", Class: "login", Repeatable: true, Reads: true,
		Form: url.Values{"client_id": {id}, "scope": {strings.Join(asked, " ")}}}, &code)
	if err != nil {
		return "", err
	}
	if code.Device == "" || code.User == "" {
		return "", connector.Errorf(connector.Malformed, "the authority answered without a code")
	}
	show(code.Address, code.User)
	every := seconds(code.Interval, 5)
	end := time.NewTimer(time.Duration(seconds(code.Expires, 900)) * time.Second)
	defer end.Stop()
	for {
		wait := time.NewTimer(time.Duration(every) * time.Second)
		select {
		case <-wait.C:
		case <-end.C:
			wait.Stop()
			return "", expired()
		case <-ctx.Done():
			wait.Stop()
			return "", &connector.Error{Class: connector.Transient, Reason: "signing in was stopped", Err: context.Cause(ctx)}
		}
		var g struct {
			Refresh string `json:"refresh_token"`
		}
		_, err := t.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: t.endpoint + "/token", Class: "login", Repeatable: true, Reads: true,
			Form: url.Values{"client_id": {id}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {code.Device}}}, &g)
		switch Code(err) {
		case "authorization_pending":
			continue
		case "slow_down": // RFC 8628, section 3.5
			every += 5
			continue
		case "expired_token", "code_expired":
			return "", expired()
		case "authorization_declined", "access_denied":
			return "", connector.Errorf(connector.Auth, "the sign-in was declined").WithHint("run connect again and accept")
		}
		if err != nil {
			return "", err
		}
		if g.Refresh == "" {
			return "", connector.Errorf(connector.Auth, "the authority gave no lasting sign-in").
				WithHint("let the app use offline_access")
		}
		return g.Refresh, nil
	}
}

func expired() error {
	return connector.Errorf(connector.Auth, "the code expired before anybody signed in").WithHint("run connect again")
}

func seconds(n json.Number, standard int64) int64 {
	if s, err := n.Int64(); err == nil && s > 0 {
		return s
	}
	return standard
}
