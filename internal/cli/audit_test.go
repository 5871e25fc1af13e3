package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/store"
)

func TestAuditVerify(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "state")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.AuditLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	export := func() []byte {
		e := audit.Entry{Organisation: "acme", Actor: audit.ByService(), Action: "end \x1b[31msessions", Outcome: audit.Done}
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		e.Outcome = audit.Intended
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := l.Export(t.Context(), "acme", &out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	first := export()
	old, err := l.Checkpoint(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	second := export()
	older, checkpoint, newer := file("older", first), file("checkpoint", old.Signed), file("newer", second)
	changed := file("changed", bytes.Replace(second, []byte("sessions"), []byte("Sessions"), 1))
	otherKey := strings.Replace(l.Key(), "rialto.audit+", "rialto.audit+0", 1)
	for name, c := range map[string]struct {
		args []string
		code int
		out  string
	}{
		"whole":             {[]string{newer}, ExitDone, `The log of "acme" is whole: 4 entries`},
		"its key is told":   {[]string{newer}, ExitDone, l.Key()},
		"open ones":         {[]string{newer}, ExitDone, "of 2 intended actions"},
		"the key":           {[]string{newer, "--key", l.Key()}, ExitDone, "by the key that you gave"},
		"another key":       {[]string{newer, "--key", otherKey}, ExitFailed, "another key"},
		"since":             {[]string{newer, "--since", checkpoint}, ExitDone, "exactly the 2 entries"},
		"since an export":   {[]string{newer, "--since", older}, ExitDone, "exactly the 2 entries"},
		"an older one":      {[]string{older, "--since", newer}, ExitFailed, "had 4 entries"},
		"changed":           {[]string{changed}, ExitFailed, "not those that were signed"},
		"no export":         {[]string{checkpoint}, ExitFailed, "no export"},
		"no file":           {[]string{filepath.Join(dir, "none")}, ExitUsage, "no such file"},
		"no file for since": {[]string{newer, "--since", filepath.Join(dir, "none")}, ExitUsage, "no such file"},
		"no argument":       {nil, ExitUsage, "needs an export"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := run(t, append([]string{"audit", "verify"}, c.args...)...)
			if code != c.code || !strings.Contains(out, c.out) {
				t.Errorf("exit %d: %s\nwant %d, %q", code, out, c.code, c.out)
			}
			if strings.Contains(out, "\x1b") {
				t.Errorf("it drives the terminal: %q", out)
			}
		})
	}
	code, out := run(t, "--json", "audit", "verify", newer, "--since", older)
	var report struct {
		Event, Status, Root, Key string
		Entries, Since           int64
		WithoutOutcome           int `json:"without_outcome"`
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != ExitDone {
		t.Fatalf("exit %d, %v: %s", code, err, out)
	}
	if report.Event != "done" || report.Status != "whole" || report.Entries != 4 || report.Since != 2 || report.WithoutOutcome != 2 || report.Key != l.Key() {
		t.Errorf("got %+v", report)
	}
}

func run(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = Run(context.WithoutCancel(t.Context()), Config{In: strings.NewReader(""), Out: &b, Err: &b, Getenv: func(string) string { return "" }}, args)
	return code, b.String()
}
