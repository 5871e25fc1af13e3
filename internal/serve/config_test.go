package serve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the operator writes about other providers of sign-ins is read, checked, and
// shown without its secrets.
func TestSignInByOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rialto.yaml")
	for want, text := range map[string]string{
		"":              "sign_in:\n  - {id: google, name: Google, issuer: https://accounts.google.com, client_id: a, client_secret: hidden-thing}\n",
		"small letters": "sign_in:\n  - {id: Google!, name: Google, issuer: https://accounts.google.com, client_id: a, client_secret: b}\n",
		"needs name":    "sign_in:\n  - {id: google, issuer: https://accounts.google.com, client_id: a}\n",
		"no https://":   "sign_in:\n  - {id: google, name: Google, issuer: accounts.google.com, client_id: a, client_secret: b}\n",
		"not found":     "sign_in:\n  - {id: google, clientsecret: b}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, func(string) string { return "" })
		if err == nil {
			err = c.check()
		}
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		all, err := c.outside()
		if err != nil || len(all.All()) != 1 || all.All()[0].Secret.Reveal() != "hidden-thing" || all.Name("google") != "Google" {
			t.Errorf("got %v, %v", all.All(), err)
		}
		var shown strings.Builder
		if err := c.Show(&shown); err != nil || strings.Contains(shown.String(), "hidden-thing") || !strings.Contains(shown.String(), "id: google") {
			t.Errorf("shown: %s, %v", shown.String(), err)
		}
	}
}
