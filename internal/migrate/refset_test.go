package migrate

import (
	"fmt"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

func TestRefSet(t *testing.T) {
	s := newRefSet()
	ref := func(n int) item.Ref { return item.Ref{Kind: item.File, ID: fmt.Sprint("/a/", n)} }
	const n = 2 * mostExact
	for i := range n {
		s.add(ref(i))
		s.add(ref(i))
	}
	if s.bloom == nil || s.exact != nil {
		t.Fatal("the set is still exact")
	}
	for i := range n {
		if !s.has(ref(i)) {
			t.Fatalf("the set denies %v", ref(i))
		}
	}
	if got := s.len(); got < n-10 || got > n {
		t.Errorf("%d items were added, and it says %d", n, got)
	}
	wrong := 0
	for i := range n {
		if s.has(ref(n + i)) {
			wrong++
		}
	}
	if wrong > 20 {
		t.Errorf("of %d others it claims to hold %d", n, wrong)
	}
}
