package migrate

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
)

func strict() *connector.NameCaps {
	return &connector.NameCaps{Forbidden: `"*:<>?\|`, Controls: true, Reserved: []string{"CON", "desktop.ini"}, Ends: ". ", Begins: " ", MaxBytes: 40, UTF8: true}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"report.docx", "日本語.txt", "a b.c", ".profile", "conman.txt"} {
		if got := takenName(strict(), name); got != name {
			t.Errorf("%q became %q, and the target takes it", name, got)
		}
	}
	for _, name := range []string{"a:b.txt", "a?b.txt", "CON", "con.txt", "Desktop.ini", "ends.", "ends ", " begins", "x\x01y", "bad\xffutf8", strings.Repeat("é", 60) + ".jpeg", "", ".", ".."} {
		got := takenName(strict(), name)
		if got == name || cleanName(strict(), got) != got {
			t.Errorf("%q became %q", name, got)
		}
		if again := takenName(strict(), name); again != got {
			t.Errorf("%q became %q, then %q", name, got, again)
		}
	}
	if a, b := takenName(strict(), "a:b.txt"), takenName(strict(), "a?b.txt"); a == b || !strings.HasSuffix(a, ".txt") {
		t.Errorf("%q and %q", a, b)
	}
	for _, name := range []string{"", ".", ".."} {
		if got := takenName(&connector.NameCaps{Empty: true}, name); got != name {
			t.Errorf("%q became %q where it is a part of a key", name, got)
		}
	}
	if got := takenName(nil, "nul\xff:name?"); got != "nul\xff:name?" {
		t.Errorf("a target without rules was given %q", got)
	}
}

func FuzzNames(f *testing.F) {
	f.Add("a:b.txt")
	f.Add(strings.Repeat("日", 40))
	f.Add("con")
	f.Fuzz(func(t *testing.T, name string) {
		rules := strict()
		got := takenName(rules, name)
		if cleanName(rules, got) != got || got == "" || len(got) > rules.MaxBytes || !utf8.ValidString(got) {
			t.Errorf("%q became %q, which the target refuses", name, got)
		}
	})
}
