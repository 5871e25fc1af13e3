package wire

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

func sampleRows() []ledger.Row {
	return []ledger.Row{
		{},
		{Key: item.Ref{Kind: item.Task, ID: "1"}, Target: item.Ref{Kind: item.Comment, ID: "größer"}, Parent: item.Ref{ID: "no kind"},
			Version: 1<<64 - 1, Print: 1, State: ledger.Half},
		{Key: item.Ref{Kind: item.Task, ID: string(make([]byte, 300))}, State: 255},
		{Key: item.Ref{Kind: item.Comment, ID: ""}},
	}
}

func TestPackedCrosses(t *testing.T) {
	for _, rows := range [][]ledger.Row{nil, sampleRows(), slices.Repeat(sampleRows(), 500)} {
		var keys []ledger.Key
		for _, r := range rows {
			keys = append(keys, r.Key)
		}
		in := Apply{Rows: rows, Moved: true}
		var out Apply
		through(t, in, &out)
		if !reflect.DeepEqual(in, out) {
			t.Errorf("%d rows crossed as %d", len(in.Rows), len(out.Rows))
		}
		ask := Lookup{Shard: 7, Keys: keys}
		var asked Lookup
		through(t, ask, &asked)
		if !reflect.DeepEqual(ask, asked) {
			t.Errorf("%d keys crossed as %d", len(ask.Keys), len(asked.Keys))
		}
	}
}

func through(t *testing.T, in, out any) {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(in); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&b).Decode(out); err != nil {
		t.Fatal(err)
	}
}

// Every stretch that is cut, or has something behind it, is refused.
func TestPackedDamaged(t *testing.T) {
	whole, err := Packed(sampleRows()).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(whole) {
		var r Packed
		if err := r.UnmarshalBinary(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were taken for a whole", n, len(whole))
		}
	}
	var r Packed
	if err := r.UnmarshalBinary(append(slices.Clone(whole), 0)); err == nil {
		t.Error("a byte too many was not noticed")
	}
	var k Keys
	if err := k.UnmarshalBinary([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0}); err == nil {
		t.Error("an absurd count was believed")
	}
}

func FuzzPacked(f *testing.F) {
	rows, _ := Packed(sampleRows()).MarshalBinary()
	keys, _ := Keys{{Kind: item.Task, ID: "1"}}.MarshalBinary()
	f.Add(rows)
	f.Add(keys)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, r2 Packed
		if r.UnmarshalBinary(b) == nil {
			again, _ := r.MarshalBinary()
			if err := r2.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(r, r2) {
				t.Errorf("%v became %v (%v)", r, r2, err)
			}
		}
		var k, k2 Keys
		if k.UnmarshalBinary(b) == nil {
			again, _ := k.MarshalBinary()
			if err := k2.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(k, k2) {
				t.Errorf("%v became %v (%v)", k, k2, err)
			}
		}
	})
}

func BenchmarkPacked(b *testing.B) {
	rows := make(Packed, 1000)
	for i := range rows {
		rows[i].Key = item.Ref{Kind: item.Task, ID: fmt.Sprintf("5f1b2c3d4e5f6a7b%08x", i)}
		rows[i].Target = rows[i].Key
	}
	for b.Loop() {
		packed, _ := rows.MarshalBinary()
		var back Packed
		if err := back.UnmarshalBinary(packed); err != nil {
			b.Fatal(err)
		}
	}
}
