package standin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func fresh() string { return "8585" }

// The examples are those of docs: planner-order-hint-format. The values may
// differ, their order may not.
func TestOrderHintsOfTheDocumentation(t *testing.T) {
	eval := func(in string) string {
		t.Helper()
		v, err := evalHint(in, fresh)
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		return v
	}
	inOrder := []string{eval(" 5637!"), eval(" 5637! 5637 adhg!!"), eval("5637 adhg!"), "adhg", eval("adhg !"), eval("adhg ! !")}
	if !slices.IsSorted(inOrder) || len(slices.Compact(slices.Clone(inOrder))) != len(inOrder) {
		t.Errorf("the order is %q", inOrder)
	}
	empty := []string{eval("  !!"), eval(" !"), eval(" ! !")}
	if !slices.IsSorted(empty) {
		t.Errorf("in an empty list the order is %q", empty)
	}
}

func TestOrderHintsRefused(t *testing.T) {
	for in, piece := range map[string]string{
		"8585269235419217847":   "does not contain spaces or exclamation points",
		"9223370550899070129\"": "does not contain spaces or exclamation points",
		"a b":                   "does not end with an exclamation point",
		"!":                     "without a space",
		" !a":                   "without a space between",
		"b a!":                  "cannot be placed",
		"a a!":                  "cannot be placed",
		"é !":                   "ordinals 32 to 126",
		"a\t!":                  "ordinals 32 to 126",
		"a b! c":                "does not end",
	} {
		if _, err := evalHint(in, fresh); err == nil || !strings.Contains(err.(*refusal).message, piece) || err.(*refusal).status != 400 {
			t.Errorf("%q: %v, want 400 with %q", in, err, piece)
		}
	}
}

func TestBetweenAlwaysFindsRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := []string{fresh()}
		for range rapid.IntRange(1, 60).Draw(t, "inserts") {
			i := rapid.IntRange(0, len(list)).Draw(t, "at")
			prev, next := "", ""
			if i > 0 {
				prev = list[i-1]
			}
			if i < len(list) {
				next = list[i]
			}
			v, err := evalHint(prev+" "+next+"!", fresh)
			if err != nil {
				t.Fatalf("between %q and %q: %v", prev, next, err)
			}
			if v <= prev || next != "" && v >= next || strings.ContainsAny(v, " !") {
				t.Fatalf("between %q and %q came %q", prev, next, v)
			}
			list = slices.Insert(list, i, v)
		}
	})
}

func TestHintsStayShort(t *testing.T) {
	last, first := fresh(), fresh()
	for range 5000 {
		var err error
		if last, err = evalHint(last+" !", fresh); err != nil {
			t.Fatal(err)
		}
		if first, err = evalHint(" "+first+"!", fresh); err != nil {
			t.Fatal(err)
		}
	}
	if len(last) > 8 || len(first) > 8 {
		t.Errorf("after 5000 steps the hints are %q and %q", first, last)
	}
	v := " !"
	for range 500 { // composed by the client alone, without asking for what became of it
		v += " !"
	}
	if got, err := evalHint(v, fresh); err != nil || len(got) > 8 {
		t.Errorf("a long composition became %q, %v", got, err)
	}
}

func TestFreshHintsSortNewestFirst(t *testing.T) {
	c := newClock()
	s := New(Options{Now: c.now})
	last := "~"
	for i := range 100 {
		if i%3 == 0 {
			c.move(1)
		}
		h := s.freshHint()
		if h >= last {
			t.Fatalf("%q does not sort before %q", h, last)
		}
		last = h
	}
}

func FuzzOrderHint(f *testing.F) {
	for _, in := range []string{" !", "a b!", " 5637! 5637 adhg!!", "  !!", "! !", "a", "~~ ~~\"!"} {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		v, err := evalHint(in, fresh)
		if err != nil {
			return
		}
		if v == "" || strings.ContainsAny(v, " !") {
			t.Errorf("%q became %q", in, v)
		}
		for i := range len(v) {
			if v[i] < 32 || v[i] > 126 {
				t.Errorf("%q became %q", in, fmt.Sprintf("%x", v))
			}
		}
	})
}
