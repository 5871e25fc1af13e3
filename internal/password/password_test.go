package password

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/vault"
)

func hasher(t *testing.T) *Hasher {
	t.Helper()
	h, err := NewHasher(2)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestHash(t *testing.T) {
	h := hasher(t)
	a, err := h.Hash(t.Context(), "correct horse battery staple")
	if err != nil {
		t.Fatal(err)
	}
	b, _ := h.Hash(t.Context(), "correct horse battery staple")
	if a == b || !strings.HasPrefix(a, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(a, "horse") {
		t.Errorf("got %s and %s", a, b)
	}
	for password, want := range map[string]bool{"correct horse battery staple": true, "correct horse battery stapl": false, "": false} {
		if ok, again, err := h.Check(t.Context(), a, password); ok != want || again || err != nil {
			t.Errorf("%q: %v %v %v", password, ok, again, err)
		}
	}
	if ok, _, err := h.Check(t.Context(), "", ""); ok || err != nil {
		t.Errorf("no hash: %v %v", ok, err)
	}
	// é as one character and as two.
	c, _ := h.Hash(t.Context(), "caf\u00e9 caf\u00e9 caf\u00e9")
	if ok, _, _ := h.Check(t.Context(), c, "cafe\u0301 cafe\u0301 cafe\u0301"); !ok {
		t.Error("the same letters in another form are another password")
	}
}

// The vectors of argon2id's and PBKDF2's own documents (RFC 9106, 5.3 needs a secret that the format has
// no place for; so: the reference implementation's test.c; and RFC 7914, 11).
func TestVectors(t *testing.T) {
	salt := base64.RawStdEncoding.EncodeToString([]byte("somesalt"))
	sum, err := hex.DecodeString("09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7")
	if err != nil {
		t.Fatal(err)
	}
	h := hasher(t)
	ok, again, err := h.Check(t.Context(), "$argon2id$v=19$m=65536,t=2,p=1$"+salt+"$"+base64.RawStdEncoding.EncodeToString(sum), "password")
	if !ok || !again || err != nil {
		t.Errorf("argon2id: %v %v %v", ok, again, err)
	}
	want, err := pbkdf2.Key(sha256.New, "password", []byte("somesalt"), 1000, 32)
	if err != nil {
		t.Fatal(err)
	}
	ok, again, err = h.Check(t.Context(), "$pbkdf2-sha256$i=1000$"+salt+"$"+base64.RawStdEncoding.EncodeToString(want), "password")
	if !ok || !again || err != nil {
		t.Errorf("pbkdf2: %v %v %v", ok, again, err)
	}
	fips := &Hasher{turns: make(chan struct{}, 1), fips: true}
	hash, err := fips.Hash(t.Context(), "p")
	if err != nil || !strings.HasPrefix(hash, "$pbkdf2-sha256$i=600000$") {
		t.Errorf("got %s, %v", hash, err)
	}
	if ok, again, err := fips.Check(t.Context(), hash, "p"); !ok || again || err != nil {
		t.Errorf("its own: %v %v %v", ok, again, err)
	}
}

func TestBadHashes(t *testing.T) {
	h := hasher(t)
	salt, sum := "c29tZXNhbHQ", base64.RawStdEncoding.EncodeToString(make([]byte, 32))
	for _, bad := range []string{
		"x", "$argon2id$", "$argon2i$v=19$m=65536,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=16$m=65536,t=2,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + sum, "$argon2id$v=19$m=65536,t=9999,p=1$" + salt + "$" + sum,
		"$argon2id$v=19$m=65536,t=2,p=0$" + salt + "$" + sum, "$argon2id$v=19$m=65536,t=2,p=1$*$" + sum,
		"$argon2id$v=19$m=65536,t=2,p=1$" + salt + "$AAAA", "$pbkdf2-sha256$i=99999999999$" + salt + "$" + sum,
	} {
		if ok, _, err := h.Check(t.Context(), bad, "p"); ok || err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func TestTurns(t *testing.T) {
	h := hasher(t)
	for range cap(h.turns) {
		h.turns <- struct{}{}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := h.Hash(ctx, "p"); err == nil {
		t.Error("a third one did not wait")
	}
}

func TestRefuse(t *testing.T) {
	for password, want := range map[string]string{
		"":                           "needs 12",
		"short":                      "needs 12",
		"password1234":               "guessed first",
		"aaaaaaaaaaaaaaaa":           "guessed first",
		"qwertyuiopasdf":             "guessed first",
		"ana.ferreira1":              "guessed first",
		strings.Repeat("x7!k", 65):   "at most 256",
		"bad \xff bytes here":        "no characters",
		"correct tulip bridge seven": "",
		"дождь лодка весло стол": "",
		"K7#mq!vR2x-Lw":             "",
		"summer bridge tulip seven": "",
	} {
		err := Refuse(vault.NewSecret(password), "Ana Ferreira", "ana@example.org")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", password, err, want)
		}
		if err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$" + base64.RawStdEncoding.EncodeToString(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, hash string) {
		s, err := parse(hash)
		if err != nil {
			return
		}
		again, err := parse(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q: %v", hash, err)
		}
	})
}
