package outside

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/vault"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// A hostile provider signs whatever it is told to.
type hostile struct {
	*httptest.Server
	key, published *rsa.PrivateKey
	about          map[string]any                     // what it says of itself, over the usual
	claims         func(c map[string]any)             // changes the claims of an id token
	sign           func(claims []byte) (token string) // instead of the key
	redeemed       url.Values                         // what was sent for the code
	basic          bool                               // the client showed itself in the header
	nonce          string
	token          func(w http.ResponseWriter) bool // answers instead of the token
}

func newKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signed(t *testing.T, alg jose.SignatureAlgorithm, key any, claims []byte) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "1"))
	if err != nil {
		t.Fatal(err)
	}
	sig, err := s.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	text, err := sig.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newHostile(t *testing.T, key *rsa.PrivateKey) *hostile {
	t.Helper()
	h := &hostile{key: key, published: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		about := map[string]any{"issuer": h.URL, "authorization_endpoint": h.URL + "/authorize", "token_endpoint": h.URL + "/token", "jwks_uri": h.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		maps.Copy(about, h.about)
		answer(w, about)
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.published.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		h.redeemed = r.PostForm
		_, _, h.basic = r.BasicAuth()
		if h.token != nil && h.token(w) {
			return
		}
		claims := map[string]any{"iss": h.URL, "sub": "248289761001", "aud": "rialto", "exp": noon.Add(time.Minute).Unix(), "iat": noon.Unix(), "nonce": h.nonce,
			"email": "ana@example.org", "email_verified": true, "name": "Ana Ferreira"}
		if h.claims != nil {
			h.claims(claims)
		}
		text, err := json.Marshal(claims)
		if err != nil {
			t.Error(err)
		}
		token := ""
		if h.sign != nil {
			token = h.sign(text)
		} else {
			token = signed(t, jose.RS256, h.key, text)
		}
		answer(w, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": token})
	})
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

const back = "https://rialto.example/sign-in/with/it/done"

func (h *hostile) providers(t *testing.T) *Providers {
	t.Helper()
	p, err := New(nil, func() time.Time { return noon }, Provider{ID: "it", Name: "It", Issuer: h.URL, ClientID: "rialto", Secret: vault.NewSecret("the client's secret")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begin goes to the provider as a browser, and returns the trip with what the browser
// brings back.
func (h *hostile) begin(t *testing.T, p *Providers) (Trip, url.Values) {
	t.Helper()
	to, trip, err := p.Begin(t.Context(), "it", back, false)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	sum := sha256.Sum256([]byte(trip.Verifier))
	if !strings.HasPrefix(to, h.URL+"/authorize?") || q.Get("response_type") != "code" || q.Get("redirect_uri") != back || q.Get("code_challenge_method") != "S256" ||
		q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || q.Get("state") != trip.State || q.Get("nonce") != trip.Nonce || len(trip.State) < 40 || len(trip.Nonce) < 40 {
		t.Errorf("the way there is %s", to)
	}
	h.nonce = q.Get("nonce")
	return trip, url.Values{"code": {"the-code"}, "state": {q.Get("state")}}
}

func TestSignIn(t *testing.T) {
	h := newHostile(t, newKey(t))
	h.claims = func(c map[string]any) { c["auth_time"] = noon.Add(-time.Minute).Unix() }
	p := h.providers(t)
	trip, answer := h.begin(t, p)
	who, at, err := p.End(t.Context(), trip, answer)
	if err != nil {
		t.Fatal(err)
	}
	want := account.Identity{Provider: "It", Issuer: h.URL, Subject: "248289761001", Address: "ana@example.org", Verified: true, Name: "Ana Ferreira"}
	if who != want || !at.Equal(noon.Add(-time.Minute)) {
		t.Errorf("got %+v, %v", who, at)
	}
	if h.redeemed.Get("code_verifier") != trip.Verifier || h.redeemed.Get("redirect_uri") != back || h.redeemed.Get("code") != "the-code" || !h.basic {
		t.Errorf("redeemed by %v", h.redeemed)
	}
	// To another browser's trip the answer does not belong.
	other, _ := h.begin(t, p)
	if _, _, err := p.End(t.Context(), other, answer); err == nil {
		t.Error("the state of another browser was taken")
	}
}

// What a provider, or whoever stands between, must not get away with.
func TestHostile(t *testing.T) {
	key, another := newKey(t), newKey(t)
	claim := func(name string, value any) func(*testing.T, *hostile) {
		return func(_ *testing.T, h *hostile) { h.claims = func(c map[string]any) { c[name] = value } }
	}
	for what, c := range map[string]struct {
		change func(t *testing.T, h *hostile)
		answer func(h *hostile, q url.Values)
	}{
		"another audience":            {change: claim("aud", "another")},
		"no audience":                 {change: claim("aud", nil)},
		"several audiences, no party": {change: claim("aud", []string{"rialto", "another"})},
		"another party":               {change: claim("azp", "another")},
		"another nonce":               {change: claim("nonce", "another")},
		"no nonce":                    {change: claim("nonce", nil)},
		"another issuer":              {change: claim("iss", "https://evil.example")},
		"no issuer":                   {change: claim("iss", nil)},
		"expired":                     {change: claim("exp", noon.Add(-time.Second).Unix())},
		"without an end":              {change: claim("exp", nil)},
		"not yet":                     {change: claim("nbf", noon.Add(time.Hour).Unix())},
		"nobody":                      {change: claim("sub", "")},
		"a subject without end":       {change: claim("sub", strings.Repeat("x", 256))},
		"another key":                 {change: func(_ *testing.T, h *hostile) { h.key = another }},
		"not signed": {change: func(_ *testing.T, h *hostile) {
			h.sign = func(claims []byte) string {
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
			}
		}},
		"signed by the client's secret": {change: func(t *testing.T, h *hostile) {
			h.sign = func(claims []byte) string {
				return signed(t, jose.HS256, []byte("the client's secret, long enough for it"), claims)
			}
		}},
		"signed by the public key": {change: func(t *testing.T, h *hostile) {
			h.sign = func(claims []byte) string { return signed(t, jose.HS256, h.published.N.Bytes(), claims) }
		}},
		"a signature of something else": {change: func(t *testing.T, h *hostile) {
			h.sign = func(claims []byte) string {
				parts := strings.Split(signed(t, jose.RS256, h.key, []byte(`{}`)), ".")
				return parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + parts[2]
			}
		}},
		"no id token": {change: func(_ *testing.T, h *hostile) { h.sign = func([]byte) string { return "" } }},
		"the code is refused": {change: func(_ *testing.T, h *hostile) {
			h.token = func(w http.ResponseWriter) bool {
				http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
				return true
			}
		}},
		"another state":           {answer: func(_ *hostile, q url.Values) { q.Set("state", "another") }},
		"no state":                {answer: func(_ *hostile, q url.Values) { q.Del("state") }},
		"another issuer's answer": {answer: func(_ *hostile, q url.Values) { q.Set("iss", "https://evil.example") }},
		"two issuers":             {answer: func(h *hostile, q url.Values) { q["iss"] = []string{h.URL, h.URL} }},
		"no issuer where it tells": {change: func(_ *testing.T, h *hostile) {
			h.about = map[string]any{"authorization_response_iss_parameter_supported": true}
		}},
		"the person did not agree": {answer: func(_ *hostile, q url.Values) { q.Set("error", "access_denied"); q.Del("code") }},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHostile(t, key)
			if c.change != nil {
				c.change(t, h)
			}
			p := h.providers(t)
			trip, answer := h.begin(t, p)
			if c.answer != nil {
				c.answer(h, answer)
			}
			who, _, err := p.End(t.Context(), trip, answer)
			if _, ok := errors.AsType[*account.Refusal](err); !ok {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
}

// What a provider says of itself must be of the issuer that the operator named.
func TestHostileAboutItself(t *testing.T) {
	key := newKey(t)
	for what, about := range map[string]map[string]any{
		"another issuer":     {"issuer": "https://evil.example"},
		"a way without TLS":  {"authorization_endpoint": "http://evil.example/authorize"},
		"keys without TLS":   {"jwks_uri": "http://evil.example/keys"},
		"a token without it": {"token_endpoint": "http://evil.example/token"},
		"no end":             {"filler": strings.Repeat("x", mostBytes)},
	} {
		t.Run(what, func(t *testing.T) {
			h := newHostile(t, key)
			h.about = about
			if to, _, err := h.providers(t).Begin(t.Context(), "it", back, false); connector.ClassOf(err) != connector.Transient {
				t.Errorf("got %s, %v", to, err)
			}
		})
	}
	t.Run("sent elsewhere", func(t *testing.T) {
		h := newHostile(t, key)
		h.token = func(w http.ResponseWriter) bool {
			w.Header().Set("Location", h.URL+"/keys")
			w.WriteHeader(http.StatusTemporaryRedirect)
			return true
		}
		p := h.providers(t)
		trip, answer := h.begin(t, p)
		if who, _, err := p.End(t.Context(), trip, answer); err == nil {
			t.Errorf("got %+v", who)
		}
	})
}

// A provider that takes the form gets the secret in the form, and not both.
func TestSecretInTheForm(t *testing.T) {
	h := newHostile(t, newKey(t))
	h.about = map[string]any{"token_endpoint_auth_methods_supported": []string{"client_secret_post"}}
	h.claims = func(c map[string]any) { c["email_verified"] = "true" }
	p := h.providers(t)
	trip, answer := h.begin(t, p)
	who, _, err := p.End(t.Context(), trip, answer)
	if err != nil || !who.Verified || h.basic || h.redeemed.Get("client_secret") != "the client's secret" {
		t.Errorf("got %+v, %v, %v", who, err, h.redeemed)
	}
}

func TestNewRefuses(t *testing.T) {
	whole := Provider{ID: "it", Name: "It", Issuer: "https://it.example", ClientID: "a", Secret: vault.NewSecret("b")}
	if _, err := New(nil, nil, whole, whole); err == nil || !strings.Contains(err.Error(), "two providers") {
		t.Errorf("twice: %v", err)
	}
	for want, change := range map[string]func(*Provider){
		"small letters": func(p *Provider) { p.ID = "It/../" },
		"needs name":    func(p *Provider) { p.Secret = vault.Secret{} },
		"https://":      func(p *Provider) { p.Issuer = "http://it.example" },
	} {
		p := whole
		change(&p)
		if _, err := New(nil, nil, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	var none *Providers
	if none.All() != nil || none.Name("it") != "" {
		t.Error("without providers there are some")
	}
}
