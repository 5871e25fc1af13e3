package standin

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"time"
)

const scopeAll = "https://www.googleapis.com/auth/drive"

// An account is a service account with domain-wide delegation.
type account struct {
	email string
	key   *rsa.PrivateKey
	as    map[string]bool // whom it may act as
}

// AddAccount makes a service account that may act as some people, and returns its key
// as the console downloads it.
func (s *Server) AddAccount(as ...string) string {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // never: crypto/rand does not fail
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account = &account{email: "mover@project.iam.gserviceaccount.com", key: key, as: map[string]bool{}}
	for _, who := range as {
		s.account.as[who] = true
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // never: it was just made
	}
	b, err := json.Marshal(map[string]string{"type": "service_account", "client_email": s.account.email, "private_key_id": "k1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": "https://elsewhere.example/token"})
	if err != nil {
		panic(err) // never: it is a map of texts
	}
	return string(b)
}

// token answers POST /token
// (https://developers.google.com/identity/protocols/oauth2/web-server#offline).
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) {
		answer(w, status, map[string]string{"error": code, "error_description": "no."})
	}
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		refuse(400, "invalid_request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]any{"expires_in": int(s.o.TokenLife / time.Second), "token_type": "Bearer", "scope": scopeAll}
	var who *person
	switch r.Form.Get("grant_type") {
	case "refresh_token":
		if r.Form.Get("client_id") != "1234.apps.googleusercontent.com" || r.Form.Get("client_secret") != "GOCSPX-stand-in-secret" {
			refuse(401, "invalid_client")
			return
		}
		old := r.Form.Get("refresh_token")
		if who = s.refresh[old]; who == nil {
			refuse(400, "invalid_grant")
			return
		}
		if s.o.Rotates {
			delete(s.refresh, old)
			fresh := "1//" + s.word(20)
			s.refresh[fresh] = who
			out["refresh_token"] = fresh
		}
	case "urn:ietf:params:oauth:grant-type:jwt-bearer":
		var code string
		if who, code = s.asserted(r.Form.Get("assertion"), "http://"+r.Host+"/token", "https://"+r.Host+"/token"); code != "" {
			refuse(400, code)
			return
		}
	default:
		refuse(400, "unsupported_grant_type")
		return
	}
	access := "ya29." + s.word(40)
	s.access[access] = token{who, s.now().Add(s.o.TokenLife), scopeAll}
	out["access_token"] = access
	answer(w, 200, out)
}

// asserted is whom a signed request names; code is why there is nobody.
func (s *Server) asserted(text string, audiences ...string) (who *person, code string) {
	parts := strings.Split(text, ".")
	if s.account == nil || len(parts) != 3 {
		return nil, "invalid_grant"
	}
	var head struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub, Aud, Scope string
		Iat, Exp             int64
	}
	for i, to := range []any{&head, &claims} {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(b, to) != nil {
			return nil, "invalid_grant"
		}
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	now := s.now().Unix()
	switch {
	case err != nil, head.Alg != "RS256", rsa.VerifyPKCS1v15(&s.account.key.PublicKey, crypto.SHA256, sum[:], sig) != nil,
		claims.Iss != s.account.email, claims.Aud != audiences[0] && claims.Aud != audiences[1], claims.Iat > now+60, claims.Exp < now, claims.Exp > claims.Iat+3600:
		return nil, "invalid_grant"
	case claims.Scope != scopeAll:
		return nil, "invalid_scope"
	case !s.account.as[claims.Sub] || s.person(claims.Sub) == nil:
		return nil, "unauthorized_client"
	}
	return s.person(claims.Sub), ""
}

// caller is who a request comes from; nil if its token is none.
func (s *Server) caller(r *http.Request) *person {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok || !s.now().Before(t.until) {
		return nil
	}
	return t.of
}
