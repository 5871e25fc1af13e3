// Package outside signs people in by other providers, over OpenID Connect
// (https://openid.net/specs/openid-connect-core-1_0.html): Microsoft Entra, Google,
// Slack, or any other that the operator names. It uses the code flow with PKCE
// (RFC 7636, S256), state and nonce, and believes an id token only as
// https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation says.
package outside

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Provider is one that the operator trusts to say who somebody is.
type Provider struct {
	ID       string // part of addresses: small letters, digits and hyphens
	Name     string // as people know it
	Issuer   string // https://…, exactly as the provider writes it
	ClientID string
	Secret   vault.Secret
}

// Providers are all of them. It is safe for concurrent use.
type Providers struct {
	list   []*provider
	client *http.Client
	now    func() time.Time
}

type provider struct {
	Provider
	mu    sync.Mutex
	known *known
}

// known is what a provider says of itself.
type known struct {
	*oidc.Provider
	endpoint  oauth2.Endpoint
	tellsIss  bool // answers bring the issuer (RFC 9207)
	forgotten time.Time
}

const (
	knownFor  = 24 * time.Hour
	within    = 10 * time.Second // an answer of a provider
	mostBytes = 1 << 20          // of an answer
	mostSub   = 255              // characters of a subject (OpenID Connect Core, 2)
)

// algorithms are those that an id token may be signed by: none that needs no key or
// one that both ends know.
func algorithms() []string {
	return []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}
}

// New checks what the operator wrote. Providers are asked at the first sign-in. transport nil
// is http.DefaultTransport; now nil is time.Now.
func New(transport http.RoundTripper, now func() time.Time, all ...Provider) (*Providers, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	if now == nil {
		now = time.Now
	}
	p := &Providers{now: now, client: &http.Client{Transport: narrow{transport}, Timeout: within,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("outside: a provider sent us elsewhere") }}}
	id := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)
	for _, one := range all {
		switch {
		case !id.MatchString(one.ID):
			return nil, fmt.Errorf("sign_in: id %q: use small letters, digits and hyphens", one.ID)
		case p.find(one.ID) != nil:
			return nil, fmt.Errorf("sign_in: two providers have the id %s", one.ID)
		case one.Name == "" || one.ClientID == "" || one.Secret.IsZero():
			return nil, fmt.Errorf("sign_in: %s needs name, client_id and client_secret", one.ID)
		case !safe(one.Issuer):
			return nil, fmt.Errorf("sign_in: %s: issuer %q is no https:// address", one.ID, one.Issuer)
		}
		p.list = append(p.list, &provider{Provider: one})
	}
	return p, nil
}

// safe reports whether an address is reached by HTTPS, or on this machine.
func safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// narrow cuts answers that are too long.
type narrow struct{ http.RoundTripper }

func (n narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := n.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, mostBytes), resp.Body}
	}
	return resp, err
}

// All are the providers in the operator's order. It is safe to ask a nil *Providers.
func (p *Providers) All() (out []Provider) {
	if p == nil {
		return nil
	}
	for _, one := range p.list {
		out = append(out, one.Provider)
	}
	return out
}

func (p *Providers) find(id string) *provider {
	if p == nil {
		return nil
	}
	if i := slices.IndexFunc(p.list, func(o *provider) bool { return o.ID == id }); i >= 0 {
		return p.list[i]
	}
	return nil
}

// Name is how people know a provider; "" for one that is not there.
func (p *Providers) Name(id string) string {
	if one := p.find(id); one != nil {
		return one.Name
	}
	return ""
}

// A Trip is what is to be known when a browser comes back. It is secret.
type Trip struct {
	Provider, State, Nonce, Verifier, Redirect string
}

func unreachable(id string, err error) error {
	return connector.Errorf(connector.Transient, "outside: the provider %s does not answer as it should: %T", id, err).
		WithHint("sign in another way, or try again later")
}

// ask learns what a provider says of itself, once a day.
func (p *Providers) ask(ctx context.Context, one *provider) (*known, error) {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.known != nil && p.now().Before(one.known.forgotten) {
		return one.known, nil
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), one.Issuer)
	if err != nil {
		return nil, unreachable(one.ID, err)
	}
	var more struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		Iss     bool     `json:"authorization_response_iss_parameter_supported"`
		Keys    string   `json:"jwks_uri"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, unreachable(one.ID, err)
	}
	k := &known{Provider: found, endpoint: found.Endpoint(), tellsIss: more.Iss, forgotten: p.now().Add(knownFor)}
	if !safe(k.endpoint.AuthURL) || !safe(k.endpoint.TokenURL) || !safe(more.Keys) {
		return nil, unreachable(one.ID, errors.New("an address without HTTPS"))
	}
	// To try both, as the library would, could use up the code. The form is what all of the
	// large providers take; where nothing is said it is the header (OpenID Connect
	// Discovery, 3).
	k.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if slices.Contains(more.Methods, "client_secret_post") {
		k.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	one.known = k
	return k, nil
}

func (p *Providers) flow(one *provider, k *known, redirect string) oauth2.Config {
	return oauth2.Config{ClientID: one.ClientID, ClientSecret: one.Secret.Reveal(), Endpoint: k.endpoint, RedirectURL: redirect, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ErrUnknown says that there is no such provider.
var ErrUnknown = errors.New("outside: there is no such provider")

// Begin returns where to send a browser, and what to keep of it until it is at
// redirect. again asks the provider not to take an earlier sign-in for this one.
func (p *Providers) Begin(ctx context.Context, id, redirect string, again bool) (to string, trip Trip, err error) {
	one := p.find(id)
	if one == nil {
		return "", trip, ErrUnknown
	}
	k, err := p.ask(ctx, one)
	if err != nil {
		return "", trip, err
	}
	trip = Trip{Provider: id, State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect}
	options := []oauth2.AuthCodeOption{oidc.Nonce(trip.Nonce), oauth2.S256ChallengeOption(trip.Verifier)}
	if again {
		options = append(options, oauth2.SetAuthURLParam("max_age", "0"))
	}
	flow := p.flow(one, k, redirect)
	return flow.AuthCodeURL(trip.State, options...), trip, nil
}

// refuse is what people are told of an answer that is not believed. Which of the
// checks it failed is nothing that they could mend.
func refuse() error {
	return &account.Refusal{Reason: "the other provider's answer cannot be believed: begin once more"}
}

// End takes the answer that a browser brought back, and says who the provider says it
// is, and when it last recognised the person (zero if it does not tell). A Refusal is an answer
// that is not believed.
func (p *Providers) End(ctx context.Context, trip Trip, answer url.Values) (who account.Identity, at time.Time, err error) {
	one := p.find(trip.Provider)
	if one == nil {
		return who, at, ErrUnknown
	}
	k, err := p.ask(ctx, one)
	if err != nil {
		return who, at, err
	}
	if trip.State == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(trip.State)) != 1 {
		return who, at, refuse()
	}
	// RFC 9207, 2.4: another provider's answer is not sent to this one.
	if iss, told := answer["iss"]; told && !slices.Equal(iss, []string{one.Issuer}) || !told && k.tellsIss {
		return who, at, refuse()
	}
	if answer.Get("error") != "" {
		return who, at, &account.Refusal{Reason: "the other provider did not sign you in"}
	}
	flow := p.flow(one, k, trip.Redirect)
	token, err := flow.Exchange(oidc.ClientContext(ctx, p.client), answer.Get("code"), oauth2.VerifierOption(trip.Verifier))
	if err != nil {
		if _, said := errors.AsType[*oauth2.RetrieveError](err); said {
			return who, at, refuse()
		}
		return who, at, unreachable(one.ID, err)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := k.Verifier(&oidc.Config{ClientID: one.ClientID, SupportedSigningAlgs: algorithms(), Now: p.now})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return who, at, refuse()
	}
	var claims struct {
		Party    string `json:"azp"`
		Address  string `json:"email"`
		Verified any    `json:"email_verified"`
		Name     string `json:"name"`
		AuthTime int64  `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil {
		return who, at, refuse()
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(trip.Nonce)) != 1 || id.Subject == "" || len(id.Subject) > mostSub ||
		claims.Party != "" && claims.Party != one.ClientID || claims.Party == "" && len(id.Audience) > 1 {
		return who, at, refuse()
	}
	if claims.AuthTime != 0 {
		at = time.Unix(claims.AuthTime, 0)
	}
	// Some providers write the truth value as a text.
	verified := claims.Verified == true || claims.Verified == "true"
	return account.Identity{Provider: one.Name, Issuer: id.Issuer, Subject: id.Subject, Address: claims.Address, Verified: verified, Name: claims.Name}, at, nil
}
