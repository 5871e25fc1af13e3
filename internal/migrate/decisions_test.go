package migrate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// migrationFile writes a migration file with these tables beside it, and returns
// its path.
func migrationFile(t *testing.T, text string, beside map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, text := range beside {
		write(name, text)
	}
	return write("m.yaml", "name: x\nfrom: {connection: a, scope: [\"*\"]}\nto: {connection: b}\n"+text)
}

// TestWhoDecided reads deciders from all three files. What nobody decided and is as
// the program does it unasked says so; what nobody owns up to has no decider.
func TestWhoDecided(t *testing.T) {
	f, err := ReadFile(migrationFile(t, `
map: map.csv
people: {file: people.csv, others: drop}
policies: {deletions: delete}
conflict: source
accept: {widening: [b1, b2]}
decided:
  conflict: "Kari Nordmann, 2026-11-02"
  accept: data protection officer, 2026-11-03
  people: Per, 2026-10-30
  cutover: Kari Nordmann
`, map[string]string{
		"map.csv":    "id;wave;Decided By\nb1;1;Ola, 1 Nov\nb2;-;Ola, 1 Nov\nb3;2;\n",
		"people.csv": "source,target,decided by\nann,-,HR\nbob,b@x.com,\nkim,,nobody yet\nlee,l@x.com,HR\n",
	}))
	if err != nil {
		t.Fatal(err)
	}
	d := f.Decisions()
	for _, want := range []Decision{
		{"archived", "plan", ByDefault},
		{"conflict", "source", "Kari Nordmann, 2026-11-02"},
		{"deletions", "delete", ""},
		{"people.left", "as people.others says", "Per, 2026-10-30"},
		{"people.others", "drop", "Per, 2026-10-30"},
		{"people", "1 person by hand", "Per, 2026-10-30"},
		{"people", "2 people by hand", "HR"},
		{"map", "1 container moves", ""},
		{"map", "1 container moves, 1 stays", "Ola, 1 Nov"},
		{"accept", "more people may see 2 containers", "data protection officer, 2026-11-03"},
		{"cutover", "the old places are closed", "Kari Nordmann"},
	} {
		if !slices.Contains(d.Choices, want) {
			t.Errorf("%+v is not among %+v", want, d.Choices)
		}
	}
	if len(d.Choices) != len(PolicyNames())+8 {
		t.Errorf("%d choices", len(d.Choices))
	}
	if len(d.Containers) != 2 || d.Containers["b2"] != "Ola, 1 Nov" || d.Accepted() != "data protection officer, 2026-11-03" {
		t.Errorf("%q accepted, %q", d.Accepted(), d.Containers)
	}
	// The mover, and with it the ledger, meets none of them.
	crossing, err := json.Marshal(f.Spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"Kari", "Ola", "officer", "HR", "Per,"} {
		if strings.Contains(string(crossing), who) {
			t.Errorf("%s crosses to the mover: %s", who, crossing)
		}
	}
}

// Somebody who decided on the policies decided on the defaults among them.
func TestPoliciesDecidedTogether(t *testing.T) {
	f, err := ReadFile(migrationFile(t, "decided: {policies: Kari, archived: Ola}\n", nil))
	if err != nil {
		t.Fatal(err)
	}
	d := f.Decisions()
	if d.By("archived") != "Ola" || d.By("deletions") != "Kari" || d.By("notify") != "Kari" || d.By("people.others") != ByDefault || d.By("cutover") != "" {
		t.Errorf("%+v", d.Choices)
	}
}

func TestBadDecided(t *testing.T) {
	for text, want := range map[string]string{
		"decided: Kari":                            "m.yaml:4:10: expected what was decided, with who decided it and when",
		"decided: {polices: Kari}":                 `m.yaml:4:11: unknown key "polices"; the keys here are archived, board-description`,
		"decided: {people: Kari, 2026-11-02}":      `m.yaml:4:25: unknown key "2026-11-02"; put a text that has a comma into quotes`,
		"decided: {people: Kari, people: Ola}":     `m.yaml:4:25: the key "people" stands here twice`,
		"decided:\n  people:\n  notify: Ola":       "expected who decided it and when",
		"decided: {people: \" \"}":                 "m.yaml:4:19: expected who decided it and when",
		"decided: {people: [Kari, Ola]}":           "m.yaml:4:19: expected one text here",
		"decided: {map: Kari}":                     "m.yaml: decided names who decided on the map, and there is none",
		"decided: {accept: Kari}":                  "m.yaml: decided names who accepted something, and nothing is",
		"decided: {policies: Kari}\nconflict: all": "m.yaml:5:11: policy conflict cannot be",
	} {
		if _, err := ReadFile(migrationFile(t, text+"\n", nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
