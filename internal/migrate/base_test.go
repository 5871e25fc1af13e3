package migrate

import (
	"reflect"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

// TestNamesOfFields sees that no two names of a kind look alike in a packed base.
func TestNamesOfFields(t *testing.T) {
	for _, info := range item.Kinds() {
		met := map[uint16]string{}
		names := []string{item.Position.Name}
		for _, f := range info.Fields {
			if f.Name != item.Position.Name {
				names = append(names, f.Name)
			}
		}
		for _, k := range item.Kinds() {
			names = append(names, string(k.Kind))
		}
		for _, name := range names {
			h := nameHash(name)
			if other, twice := met[h]; twice && other != name {
				t.Errorf("%s: %s and %s have one hash", info.Kind, name, other)
			}
			met[h] = name
		}
	}
}

func TestPackedBase(t *testing.T) {
	names := []string{"title", "due", "list", "checklist", "description"}
	for _, b := range []base{
		{},
		{"title": {given: 1}, "due": {given: 1<<24 - 1}},
		{"title": {given: 7, kept: 9}, "list": {given: 0x010203}, "checklist": {kept: 5}},
		{"description": {given: 3, kept: 1<<24 - 1}, "title": {given: 2}},
	} {
		packed := b.pack()
		if packed == "" {
			t.Errorf("%v: packed to nothing", b)
		}
		if got := unpack(packed, names); !reflect.DeepEqual(got, b) {
			t.Errorf("%v came back as %v", b, got)
		}
	}
	if got := unpack("", names); got != nil {
		t.Errorf("a base that was not taken: %v", got)
	}
	if got := unpack((base{"title": {given: 4}, "other": {given: 1, kept: 2}}).pack(), names); !reflect.DeepEqual(got, base{"title": {given: 4}}) {
		t.Errorf("a field that is no more: %v", got)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add("\x00", "title")
	f.Add((base{"title": {given: 4, kept: 5}}).pack(), "title")
	f.Fuzz(func(_ *testing.T, packed, name string) { unpack(packed, []string{name}) })
}
