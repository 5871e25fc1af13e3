package pairs_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// update writes the committed files anew, for somebody to look at.
var update = flag.Bool("update", false, "write the lists of losses and the pages anew")

// golden holds text against a committed file, or writes it there.
func golden(t testing.TB, path, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the test with -update and look at what it writes", err)
	}
	if string(want) != text {
		t.Errorf("%s is not what it was; look at each line, then run the test with -update:\n%s", path, changed(string(want), text))
	}
}

// changed says which lines came and which went.
func changed(want, got string) string {
	old, now := strings.Split(want, "\n"), strings.Split(got, "\n")
	var b strings.Builder
	for _, l := range old {
		if !slices.Contains(now, l) {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	for _, l := range now {
		if !slices.Contains(old, l) {
			fmt.Fprintf(&b, "+ %s\n", l)
		}
	}
	if b.Len() == 0 {
		return "the same lines in another order"
	}
	return b.String()
}

// goldenLosses holds losses against the committed list of a pair: with counts
// for a board that does not change, without for those that these tests make.
func goldenLosses(t testing.TB, pair string, losses []migrate.Loss, counts bool) {
	t.Helper()
	lines := make([]string, 0, len(losses))
	for _, l := range losses {
		if counts {
			lines = append(lines, fmt.Sprintf("%6d  %s", l.Count, line(l)))
		} else {
			lines = append(lines, line(l))
		}
	}
	golden(t, filepath.Join("testdata", "losses", pair+".golden"), strings.Join(append(lines, ""), "\n"))
}
