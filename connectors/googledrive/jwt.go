package googledrive

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// An account is a service account's key.
type account struct {
	email string
	keyID string
	key   *rsa.PrivateKey
}

// readAccount reads the JSON that the Cloud console downloads. Its token_uri is not
// followed: what is signed goes to the endpoint that the connection knows.
func readAccount(text string) (*account, error) {
	bad := connector.Errorf(connector.Auth, "the setting %s is no service account's key", setAccount).
		WithHint("set it to the JSON file that the Cloud console downloads (IAM and Admin, Service accounts, Keys), as one line: jq -c . key.json")
	var told struct {
		Type  string `json:"type"`
		Email string `json:"client_email"`
		KeyID string `json:"private_key_id"`
		Key   string `json:"private_key"`
	}
	if json.Unmarshal([]byte(text), &told) != nil || told.Type != "service_account" || told.Email == "" {
		return nil, bad
	}
	block, _ := pem.Decode([]byte(told.Key))
	if block == nil {
		return nil, bad
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, bad
	}
	return &account{email: told.Email, keyID: told.KeyID, key: key}, nil
}

// assertion is a signed request for a token, good for an hour (RFC 7523;
// https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests).
func (a *account) assertion(audience, user string, now time.Time) (string, error) {
	head := map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.keyID}
	claims := map[string]any{"iss": a.email, "scope": scopeAll, "aud": audience, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	if user != "" {
		claims["sub"] = user
	}
	h, err := json.Marshal(head)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding
	text := b64.EncodeToString(h) + "." + b64.EncodeToString(c)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, a.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", &connector.Error{Class: connector.Auth, Reason: "the service account's key cannot sign", Hint: "make a new key in the Cloud console", Err: err}
	}
	return text + "." + b64.EncodeToString(sig), nil
}
