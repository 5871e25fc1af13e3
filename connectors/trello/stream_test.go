package trello

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
)

// streamed are answers, and what comes before and after them on bad days.
func streamed() []string {
	return []string{
		`{}`, `{"id":"b","name":"B","cards":[{"id":"1","name":"x"},null,7,{"id":"2"}],"lists":[{"id":"l"}]}`,
		`{"id":"b","cards":null,"actions":{"not":["a",{"list":1}]},"checklists":"none","name":3}`,
		`{"checklists":[{"id":"c","checkItems":[{"id":"e"}]}],"unknown":{"a":1},"id":"b"}`,
		`{"id":"b","cards":[{"id":"1"}`, `{"id":"b"} trailing`, `[1,2]`, `null`, ``, `"text"`, `{"id":`, `[{"id":"1"},{"id":"2"}]`, `[{"id":"1"},`, `{"a":[}`,
	}
}

// sameReading compares what is read while it comes in with what is read as a
// whole.
func sameReading(t *testing.T, in string) {
	t.Helper()
	var whole, stream board
	werr, serr := json.Unmarshal([]byte(in), &whole), stream.ReadJSON(strings.NewReader(in))
	null := strings.TrimSpace(in) == "null" // Unmarshal takes it for nothing; no answer is that
	if (werr == nil) != (serr == nil) && !null {
		t.Errorf("%.60q: as a whole %v, as a stream %v", in, werr, serr)
	}
	if werr == nil && serr == nil && !alike(whole, stream) {
		t.Errorf("%.60q: as a whole %+v, as a stream %+v", in, whole, stream)
	}
	var all, one list[card]
	werr, serr = json.Unmarshal([]byte(in), &all), one.ReadJSON(strings.NewReader(in))
	if (werr == nil) != (serr == nil) || werr == nil && len(all)+len(one) > 0 && !reflect.DeepEqual(all, one) {
		t.Errorf("%.60q: as a whole %d %v, as a stream %d %v", in, len(all), werr, len(one), serr)
	}
}

func alike(a, b board) bool {
	for _, x := range []*board{&a, &b} {
		x.Cards, x.Actions, x.Checklists = orNil(x.Cards), orNil(x.Actions), orNil(x.Checklists)
		slices.Sort(x.strays)
		for i := range x.Cards {
			slices.Sort(x.Cards[i].strays)
		}
	}
	return reflect.DeepEqual(a, b)
}

func orNil[T any](l list[T]) list[T] {
	if len(l) == 0 {
		return nil
	}
	return l
}

func TestReadAsItComesIn(t *testing.T) {
	for _, in := range streamed() {
		sameReading(t, in)
	}
}

// The real boards read the same either way.
func TestReadBoardsAsTheyComeIn(t *testing.T) {
	for _, name := range []string{"gocd-test-drive.json", "pacs-spark-2015.json", "clipkit-japanese-2015.json"} {
		data, err := os.ReadFile(connectortest.Shared(t, "data", "trello", name))
		if err != nil {
			t.Fatal(err)
		}
		sameReading(t, string(data))
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, in := range streamed() {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var b board
		_ = b.ReadJSON(strings.NewReader(in)) // it may fail, and not panic
		var l list[card]
		if err := l.ReadJSON(strings.NewReader(in)); err == nil && !json.Valid([]byte(in)) {
			t.Errorf("%.80q is no JSON and is read as %d cards", in, len(l))
		}
	})
}
