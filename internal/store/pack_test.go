package store

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"testing"
)

func TestForms(t *testing.T) {
	for _, c := range []struct {
		id    string
		form  form
		bytes int // packed, without the head
	}{
		{"5f0a1b2c3d4e5f6071829304", hexes, 12},
		{"01234567-89ab-cdef-0123-456789abcdef", uuids, 16},
		{"UhvJE7mCNkmdrk6Ww1mS3mUAGjmv", base64s, 21},
		{"5F0A1B2C3D4E5F6071829304", base64s, 18},
		{"01234567-89AB-cdef-0123-456789abcdef", base64s, 27},
		{"123", raw, 3},
		{"1234", hexes, 2},
		{"plan:category7", raw, 14},
		{"", raw, 0},
	} {
		if f := formOf(c.id); f != c.form || len(appendID(nil, f, c.id)) != c.bytes {
			t.Errorf("%q: form %d in %d bytes, want %d in %d", c.id, f, len(appendID(nil, f, c.id)), c.form, c.bytes)
		}
	}
}

func TestUnpackRefusesWhatNobodyPacked(t *testing.T) {
	k := newKinds()
	k.add("task")
	for name, b := range map[string][]byte{
		"a kind that has no number": {head(2, raw), 'x'},
		"a UUID of five bytes":      {head(1, uuids), 1, 2, 3, 4, 5},
		"half a base64 group":       {head(1, base64s), 1},
	} {
		if ref, err := k.unpack(b); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v %v", name, ref, err)
		}
	}
	if _, err := unpackAlias(nil); err == nil {
		t.Error("an alias of no bytes was read")
	}
}

// FuzzPack: an id comes back, packed ids of one form sort as the ids do, and a
// bound parts the ids of each form exactly where an id stands.
func FuzzPack(f *testing.F) {
	for _, pair := range [][2]string{
		{"5f0a", "5f"}, {"abc", "abcd"}, {"UhvJE7mC", "Uhv"}, {"zzzz", "zz~"}, {"", "0"},
		{"01234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdef0"},
		{"01234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-"}, {"ffff", "fg"}, {"____", "__`"}, {"\xff", "\x00"},
	} {
		f.Add(pair[0], pair[1])
		f.Add(pair[1], pair[0])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		fa := formOf(a)
		pa := appendID(nil, fa, a)
		if back, err := unpackID(fa, pa); err != nil || back != a {
			t.Fatalf("%q came back as %q, %v", a, back, err)
		}
		if alias, err := unpackAlias(packAlias(a)); err != nil || alias != a {
			t.Fatalf("alias %q came back as %q, %v", a, alias, err)
		}
		if fb := formOf(b); fa == fb {
			if pb := appendID(nil, fb, b); bytes.Compare(pa, pb) != cmp.Compare(a, b) {
				t.Fatalf("%q and %q sort otherwise when packed", a, b)
			}
		}
		bound := boundAfter(fa, b)
		at := bytes.Compare(pa, bound.from)
		through := !bound.none && (at > 0 || at == 0 && !bound.after)
		if through != (a > b) {
			t.Fatalf("after %q, the bound %+v lets %q through: %v", b, bound, a, through)
		}
	})
}

func TestSieve(t *testing.T) {
	const shards, keys = 100, 2000
	s := newSieve(shards * keys)
	key := func(shard, n int) []byte { return []byte{byte(shard), byte(n), byte(n >> 8), 7} }
	for shard := range shards {
		for n := range keys {
			s.add(int64(shard), key(shard, n))
		}
	}
	if s.full() {
		t.Error("full at its own size")
	}
	wrong, asked := 0, 0
	for shard := range shards {
		for n := range 100 {
			hash := s.hash(key(shard, n))
			for other := range shards {
				lets := s.lets(int64(other), hash)
				if other == shard && !lets {
					t.Fatalf("the sieve holds back a key of its own shard")
				}
				if other != shard {
					asked++
					if lets {
						wrong++
					}
				}
			}
		}
	}
	if rate := float64(wrong) / float64(asked); rate > 0.01 {
		t.Errorf("%.4f of what does not belong goes through", rate)
	}
}

// TestFindSifted: with many shards, Find goes through the sieve and answers as
// before, also for what came after the sieve was made and once it is full.
func TestFindSifted(t *testing.T) {
	l := openLedger(t, openStore(t, engines()[0].make(t)), "sifted")
	defer func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}()
	fill := func(from, to int) {
		for shard := range 3 * fewShards {
			applyTasks(t, l, shard, from, to)
		}
	}
	check := func(upTo int) {
		t.Helper()
		for shard := range 3 * fewShards {
			places, err := l.Find(t.Context(), taskKeys(shard, 0, upTo+3))
			if err != nil {
				t.Fatal(err)
			}
			wrong := slices.ContainsFunc(places, func(p placeOf) bool { return p.Shard != int64(shard)+1 })
			if len(places) != upTo || wrong {
				t.Fatalf("shard %d: %d found of %d: %v", shard, len(places), upTo, places)
			}
		}
	}
	fill(0, 5)
	check(5)
	if l.sieve == nil {
		t.Fatal("no sieve was made")
	}
	fill(5, 9)
	check(9)
	old := l.sieve
	old.room = 1
	check(9)
	if l.sieve == old {
		t.Error("a full sieve stays")
	}
}
