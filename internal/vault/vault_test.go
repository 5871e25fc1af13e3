package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

func testRoot(t *testing.T, first byte) *Root {
	t.Helper()
	r, err := NewRoot(bytes.Repeat([]byte{first}, keyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func testKey(t *testing.T, organisation string) *Key {
	t.Helper()
	k, err := NewKey(organisation)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealedOpensInItsSlotOnly(t *testing.T) {
	k := testKey(t, "acme")
	slot := Slot{Organisation: "acme", Owner: "connection:old", Field: "token"}
	sealed, err := k.Seal(slot, []byte("hunter2"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("hunter2")) {
		t.Fatal("the value shows")
	}
	if got, err := k.Open(slot, sealed); err != nil || string(got) != "hunter2" {
		t.Fatalf("got %q %v", got, err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	for name, try := range map[string]func() ([]byte, error){
		"changed":                 func() ([]byte, error) { return k.Open(slot, changed) },
		"cut short":               func() ([]byte, error) { return k.Open(slot, sealed[:3]) },
		"empty":                   func() ([]byte, error) { return k.Open(slot, nil) },
		"another connection":      func() ([]byte, error) { return k.Open(Slot{"acme", "connection:new", "token"}, sealed) },
		"another field":           func() ([]byte, error) { return k.Open(Slot{"acme", "connection:old", "key"}, sealed) },
		"parts shifted":           func() ([]byte, error) { return k.Open(Slot{"acme", "connection:oldt", "oken"}, sealed) },
		"another organisation":    func() ([]byte, error) { return k.Open(Slot{"other", "connection:old", "token"}, sealed) },
		"another one's key":       func() ([]byte, error) { return testKey(t, "acme").Open(slot, sealed) },
		"sealed for another slot": func() ([]byte, error) { return k.Seal(Slot{Organisation: "other"}, nil) },
	} {
		got, err := try()
		if err == nil {
			t.Errorf("%s: opened to %q", name, got)
			continue
		}
		if connector.ClassOf(err) != connector.Permanent || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	again, err := k.Seal(slot, []byte("hunter2"))
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("sealed twice, the bytes are the same (%v)", err)
	}
}

func TestKeyUnderRoot(t *testing.T) {
	old, fresh := testRoot(t, 1), testRoot(t, 2)
	k := testKey(t, "acme")
	slot := Slot{Organisation: "acme", Owner: "o", Field: "f"}
	value, err := k.Seal(slot, []byte("v"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := k.Sealed(old)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(r *Root, organisation string, sealed []byte) error {
		k, err := OpenKey(r, organisation, sealed)
		if err != nil {
			return err
		}
		got, err := k.Open(slot, value)
		if err == nil && string(got) != "v" {
			t.Errorf("got %q", got)
		}
		return err
	}
	if err := opens(old, "acme", sealed); err != nil {
		t.Error(err)
	}
	changed := bytes.Clone(sealed)
	changed[len(changed)/2] ^= 1
	for name, err := range map[string]error{
		"another root":         opens(fresh, "acme", sealed),
		"another organisation": opens(old, "other", sealed),
		"changed":              opens(old, "acme", changed),
		"empty":                opens(old, "acme", nil),
	} {
		if err == nil || !strings.Contains(err.Error(), "root key") {
			t.Errorf("%s: %v", name, err)
		}
	}

	// The root key is replaced: first both open, then the new one alone.
	both, err := old.With(bytes.Repeat([]byte{2}, keyBytes))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // safe to repeat
		if sealed, err = Rewrap(both, "acme", sealed); err != nil {
			t.Fatal(err)
		}
	}
	if err := opens(both.Newest(), "acme", sealed); err != nil {
		t.Error(err)
	}
	if err := opens(fresh, "acme", sealed); err != nil {
		t.Error(err)
	}
	if err := opens(old, "acme", sealed); err == nil {
		t.Error("the old root key opens what was rewrapped")
	}
}

func TestSecretShowsNothing(t *testing.T) {
	s := NewSecret("hunter2")
	c := Connection{Name: "n", Secrets: map[string]Secret{"token": s}}
	asJSON, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": c, "d": map[Secret]int{s: 1}})
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "p", &s, "c", c, "any", []any{s})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "p", &s, "c", c, "any", []any{s})
	shown := string(asJSON) + log.String() + fmt.Sprint(s, &s, c) + s.String() + s.GoString()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10s"} {
		shown += fmt.Sprintf(verb+verb+verb, s, &s, c)
	}
	shown += fmt.Errorf("wrapped: %v", s).Error()
	if strings.Contains(shown, "hunter") || strings.Contains(shown, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(shown, hidden) {
		t.Errorf("it shows: %s", shown)
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !(Secret{}).IsZero() {
		t.Error("the secret itself is not kept")
	}
	r := testRoot(t, 'k')
	if out := fmt.Sprintf("%v %+v %#v %s", r, r, r, r); strings.Contains(out, "107") || strings.Contains(out, "kkk") || strings.Contains(out, "0x6b") {
		t.Errorf("the root key shows: %s", out)
	}
}

func TestLoadRoot(t *testing.T) {
	none := func(string) string { return "" }
	sealed := func(r *Root) []byte {
		b, err := r.Encrypt([]byte("x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Run("made once, kept, for its owner alone", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "new", "root.key")
		if _, err := LoadRoot(path, false, none); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "backup") {
			t.Fatalf("a missing file: %v", err)
		}
		first, err := LoadRoot(path, true, none)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("mode %v %v", info.Mode(), err)
		}
		second, err := LoadRoot(path, true, none)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.Decrypt(sealed(first), nil); err != nil {
			t.Error("another key was made")
		}
		if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
			t.Errorf("files left: %v", left)
		}
		if err := makeRoot(path); !errors.Is(err, fs.ErrExist) {
			t.Errorf("a second make: %v", err)
		}
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o620} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadRoot(path, true, none); err == nil || !strings.Contains(err.Error(), "chmod 600") {
				t.Errorf("mode %o: %v", mode, err)
			}
		}
	})
	hexKey := strings.Repeat("0f", 32)
	base64Key := "Dw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8PDw8="
	for name, c := range map[string]struct{ text, want string }{
		"hex":           {hexKey, ""},
		"base64":        {base64Key, ""},
		"unpadded":      {strings.TrimRight(base64Key, "=") + "\n", ""},
		"two":           {strings.Repeat("ff", 32) + "," + hexKey, ""},
		"two lines":     {strings.Repeat("ff", 32) + "\n" + hexKey + "\n", ""},
		"too short":     {hexKey[2:], "holds no key"},
		"no key at all": {"correct horse battery staple", "holds no key"},
		"only spaces":   {"  ", "is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "root.key")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			env := func(name string) string { return map[string]string{RootVariable: c.text}[name] }
			want, err := NewRoot(bytes.Repeat([]byte{0x0f}, 32))
			if err != nil {
				t.Fatal(err)
			}
			fromFile, fileErr := LoadRoot(path, false, none)
			fromEnv, envErr := LoadRoot("/nowhere", false, env)
			for where, r := range map[string]struct {
				*Root
				error
			}{"file": {fromFile, fileErr}, "environment": {fromEnv, envErr}} {
				if c.want != "" {
					if r.error == nil || !strings.Contains(r.Error(), c.want) || strings.Contains(r.Error(), c.text) && len(c.text) > 4 {
						t.Errorf("%s: %v", where, r.error)
					}
					continue
				}
				if r.error != nil {
					t.Fatalf("%s: %v", where, r.error)
				}
				if _, err := r.Decrypt(sealed(want), nil); err != nil {
					t.Errorf("%s: another key was read: %v", where, err)
				}
			}
		})
	}
	t.Run("no file at all", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "root.key")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadRoot(path, true, none); err == nil || !strings.Contains(err.Error(), "empty") {
			t.Errorf("an empty file: %v", err)
		}
		if _, err := LoadRoot(filepath.Dir(path), true, none); err == nil {
			t.Error("a folder was taken for a key")
		}
	})
}
