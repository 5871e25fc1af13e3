package migrate

import (
	"context"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

// large adds a file that goes in twenty parts.
func (g *grove) large() {
	g.to.inParts(100, 64)
	g.from.put("large.bin", strings.Repeat("0123456789abcdef", 80))
}

// TestUploadGoesOn cuts a run off in the middle of an upload in parts, and sees that
// the next one sends the other parts alone.
func TestUploadGoesOn(t *testing.T) {
	g := newGrove(t)
	g.large()
	g.to.onPut = func(n int) error {
		if n == 12 {
			return connector.Errorf(connector.Auth, "the token ended") // ends the pass
		}
		return nil
	}
	if _, err := g.engine().Run(context.Background()); err == nil {
		t.Fatal("the run did not end")
	}
	if len(g.to.uploads) != 1 {
		t.Fatalf("%d uploads are open", len(g.to.uploads))
	}
	g.to.onPut = nil
	g.run("complete")
	g.same()
	if g.to.puts != 20 || len(g.to.uploads) > 0 {
		t.Errorf("%d parts were sent, want 20; %d uploads are open", g.to.puts, len(g.to.uploads))
	}
	g.from.put("large.bin", strings.Repeat("another text, as large as before", 60)) // an update goes in parts, too
	g.run("complete")
	g.same()
	g.verify("equal")
}

func TestUploadOfWhatChanged(t *testing.T) {
	g := newGrove(t)
	g.large()
	g.to.onPut = func(n int) error {
		if n == 5 {
			return connector.Errorf(connector.Auth, "the token ended")
		}
		return nil
	}
	if _, err := g.engine().Run(context.Background()); err == nil {
		t.Fatal("the run did not end")
	}
	g.to.onPut = nil
	g.from.put("large.bin", strings.Repeat("something else ", 100))
	g.run("complete")
	g.same()
	if len(g.to.uploads) > 0 {
		t.Errorf("%d uploads are open", len(g.to.uploads))
	}
}

// TestUploadOfWhatIsGone drops an upload whose file was deleted meanwhile, and one
// that the target has no room for.
func TestUploadOfWhatIsGone(t *testing.T) {
	g := newGrove(t)
	g.large()
	g.to.onPut = func(n int) error {
		if n == 5 {
			return connector.Errorf(connector.Auth, "the token ended")
		}
		return nil
	}
	if _, err := g.engine().Run(context.Background()); err == nil {
		t.Fatal("the run did not end")
	}
	g.to.onPut = nil
	g.from.drop("large.bin")
	g.run("complete")
	g.same()
	if len(g.to.uploads) > 0 {
		t.Errorf("%d uploads are open", len(g.to.uploads))
	}
	g.from.put("larger.bin", strings.Repeat("x", 2000))
	g.to.onPut = func(int) error { return connector.Errorf(connector.Permanent, "no room is left") }
	if r := g.run("partial"); r.Failed != 1 || len(g.to.uploads) > 0 {
		t.Errorf("%+v; %d uploads are open", r.Kinds, len(g.to.uploads))
	}
}

// TestUploadPartsAreTriedAgain fails each part once.
func TestUploadPartsAreTriedAgain(t *testing.T) {
	g := newGrove(t)
	g.large()
	failed := map[int]bool{}
	g.to.onPut = func(n int) error {
		if !failed[n] {
			failed[n] = true
			return connector.Errorf(connector.Transient, "cut")
		}
		return nil
	}
	g.run("complete")
	g.same()
}

func TestParts(t *testing.T) {
	for _, c := range []struct {
		bytes int64
		caps  connector.PartCaps
		n     int
		each  int64
	}{
		{100 << 20, connector.PartCaps{Least: 5 << 20}, 7, 16 << 20},
		{4 << 30, connector.PartCaps{Least: 5 << 20, Parts: 10000}, 256, 16 << 20},
		{5 << 40, connector.PartCaps{Least: 5 << 20, Parts: 10000}, 9987, 525 << 20},
		{100 << 20, connector.PartCaps{Most: 10 << 20}, 10, 10 << 20},
		{1, connector.PartCaps{}, 1, 16 << 20},
	} {
		parts := partsOfBlob(c.bytes, c.caps)
		var sum int64
		for i, p := range parts {
			if p.Number != i+1 || p.Offset != sum || p.Bytes > c.each {
				t.Errorf("%d bytes: part %+v", c.bytes, p)
			}
			sum += p.Bytes
		}
		if sum != c.bytes || len(parts) != c.n {
			t.Errorf("%d bytes: %d parts of %d bytes, want %d", c.bytes, len(parts), sum, c.n)
		}
	}
}

func TestExactly(t *testing.T) {
	read := func(text string, n int64) error {
		b := make([]byte, 64)
		x := &exactly{r: strings.NewReader(text), left: n}
		for {
			if _, err := x.Read(b); err != nil {
				return err
			}
		}
	}
	if err := read("12345", 5); err.Error() != "EOF" {
		t.Error(err)
	}
	for text, class := range map[string]connector.Class{"1234": connector.Transient, "123456": connector.Malformed} {
		if err := read(text, 5); connector.ClassOf(err) != class {
			t.Errorf("%q: %v", text, err)
		}
	}
	if read("", 1).Error() == "EOF" {
		t.Error("nothing is not one byte")
	}
}
