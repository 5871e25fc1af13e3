package migrate

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

const wholeText = `name: move
from: {connection: old, scope: [5f3a, "board:Marketing"]}
to: {connection: new, place: "group:Marketing"}
timezone: Europe/Oslo
people:
  match: [email, domain]
  domains: {old.example: new.example}
  others: name-in-text
  left: drop
conflict: newest
policies: {archived: skip}
pace: {"Mon-Fri 08:00-18:00": 30%, "Sat 10:00-12:00 Europe/Lisbon": 0%, else: 97%, requests: 100/min, bytes: 2MB/s}
accept: {widening: [5f3a]}
decided: {policies: "Kari, 2026-11-02"}
`

// A text is written so that it reads back the same, with its tables.
func TestTextComesBack(t *testing.T) {
	tables := &File{Spec: Spec{Map: []MapRow{{Source: "5f3a", Wave: 2}}, People: People{Rows: []PersonRow{{Source: "a", Target: "b", Line: 2}}}},
		Decided: Decided{People: map[string]int{"Kari": 1}}}
	f, err := ParseText(wholeText, tables)
	if err != nil {
		t.Fatal(err)
	}
	text, err := f.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseText(text, f)
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if !reflect.DeepEqual(f, again) {
		t.Errorf("got\n%+v\nof\n%+v\n%s", again, f, text)
	}
	if f.Pace.Requests == 0 || len(f.Pace.Windows) != 2 || f.Map[0].Wave != 2 {
		t.Errorf("%+v", f)
	}
}

func TestTextIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\nfrom: {connection: a, scope: ['*']}\nto: {connection: b}\ncolour: red\n":    "line 4, column 1: unknown key",
		"name: x\nfrom: {connection: a, scope: ['*']}\nto: {connection: b}\nconflict: mine\n": "line 4, column 11: policy conflict cannot be",
		"name: [x\nfrom:":    "line ",
		"name: x\n\tfrom: y": "line 2: found a tab",
		"":                   "line 1: the file is empty",
		"name: x\nfrom: {connection: a, scope: ['*']}\nto: {connection: b}\nmap: /etc/passwd\n":         "line 4: map names a file",
		"name: x\nfrom: {connection: a, scope: ['*']}\nto: {connection: b}\npeople: {file: ../x.csv}\n": "line 4: file names a file",
		"name: x\nfrom: {connection: a, scope: ['*']}\nto: {connection: b}\npace: {else: 30}\n":         "line 4, column 14: ",
	} {
		_, err := ParseText(text, nil)
		at, ok := errors.AsType[*TextError](err)
		if !ok || !strings.HasPrefix(at.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}
