package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// log6 is a log of six entries, with its export after three and after all: the
// same in every process, as fuzzing has several.
func log6(t testing.TB) (l *Log, since Checkpoint, three, six []byte) {
	t.Helper()
	l = newLog(t, &heap{}, locks{})
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	l.now = func() time.Time { at = at.Add(time.Second); return at }
	for i := range 6 {
		if _, err := l.Append(t.Context(), entry(fmt.Sprint("step ", i))); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := l.Export(t.Context(), "acme", &out); err != nil {
			t.Fatal(err)
		}
		switch i {
		case 2:
			three = out.Bytes()
			since, _ = l.Checkpoint(t.Context(), "acme")
		case 5:
			six = out.Bytes()
		}
	}
	return l, since, three, six
}

func TestExport(t *testing.T) {
	l, since, three, six := log6(t)
	for name, with := range map[string]Trust{
		"alone":           {},
		"the key":         {Key: l.Key()},
		"a checkpoint":    {Key: l.Key(), Since: since.Signed},
		"an older export": {Since: three},
		"itself":          {Since: six},
	} {
		f, err := Check(bytes.NewReader(six), with)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if f.Checkpoint.Size != 6 || f.Checkpoint.Organisation != "acme" || f.Key != l.Key() || f.First.After(f.Last) || f.First.IsZero() || f.Open != 0 {
			t.Errorf("%s: %+v", name, f)
		}
		if (f.Since != nil) != (with.Since != nil) {
			t.Errorf("%s: since %+v", name, f.Since)
		}
	}
	if err := l.Export(t.Context(), "zeta", io.Discard); connector.ClassOf(err) != connector.Gone {
		t.Errorf("an empty log: %v", err)
	}
}

// TestEveryMutationIsFound changes every byte of an export, deletes it, puts one
// in before it, and cuts the export there. With RIALTO_SOAK, each byte is changed
// to all others.
func TestEveryMutationIsFound(t *testing.T) {
	_, _, whole, _ := log6(t)
	soak := os.Getenv("RIALTO_SOAK") != ""
	refused := func(what string, at int, b []byte) {
		if f, err := Check(bytes.NewReader(b), Trust{}); err == nil {
			t.Fatalf("%s at %d of %d was not found: %+v", what, at, len(whole), f)
		} else if connector.ClassOf(err) != connector.Malformed && connector.ClassOf(err) != connector.Permanent {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
	}
	for i, was := range whole {
		values := []byte{was ^ 1, was ^ 0x20, '\n'}
		if soak {
			values = values[:0]
			for v := range 256 {
				values = append(values, byte(v))
			}
		}
		b := bytes.Clone(whole)
		for _, v := range values {
			if v == was {
				continue
			}
			b[i] = v
			refused(fmt.Sprintf("a change to %q", v), i, b)
		}
		refused("a deletion", i, append(bytes.Clone(whole[:i]), whole[i+1:]...))
		refused("a truncation", i, whole[:i])
		for _, v := range []byte{was, '\n'} {
			refused(fmt.Sprintf("an insertion of %q", v), i, append(append(bytes.Clone(whole[:i]), v), whole[i:]...))
		}
	}
	refused("a line more", len(whole), append(bytes.Clone(whole), '\n'))
}

// TestEveryRearrangementIsFound walks entries: one taken away, doubled, exchanged
// with another, or put in from another log.
func TestEveryRearrangementIsFound(t *testing.T) {
	l, since, three, six := log6(t)
	lines := strings.SplitAfter(string(six), "\n")
	lines = lines[:len(lines)-1]
	const head = 7
	if len(lines) != head+6 {
		t.Fatalf("%d lines", len(lines))
	}
	refused := func(what string, lines []string) {
		if _, err := Check(strings.NewReader(strings.Join(lines, "")), Trust{}); err == nil {
			t.Errorf("%s was not found", what)
		}
	}
	for i := head; i < len(lines); i++ {
		refused(fmt.Sprint("without ", i), append(append([]string{}, lines[:i]...), lines[i+1:]...))
		refused(fmt.Sprint("doubled ", i), append(append([]string{}, lines[:i+1]...), lines[i:]...))
		for j := head; j < i; j++ {
			swapped := append([]string{}, lines...)
			swapped[i], swapped[j] = lines[j], lines[i]
			refused(fmt.Sprint(i, " and ", j), swapped)
		}
	}
	// The older checkpoint over the newer entries, and the other way round.
	old := strings.SplitAfter(string(three), "\n")
	refused("an older head", append(append([]string{}, old[:head]...), lines[head:]...))
	refused("a newer head", append(append([]string{}, lines[:head]...), old[head:len(old)-1]...))

	// A log written anew by whoever has the key: of one piece, and yet not what it was.
	anew := newLog(t, &heap{}, locks{})
	for i := range 6 {
		appendAll(t, anew, entry(fmt.Sprint("other ", i)))
	}
	_, export := exported(t, anew)
	stranger, err := New(&heap{}, locks{}, bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	appendAll(t, stranger, entry("mine"))
	_, strange := exported(t, stranger)
	foreign := entry("x")
	foreign.Organisation = "zeta"
	appendAll(t, anew, foreign)
	other, err := anew.Checkpoint(t.Context(), "zeta")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		export []byte
		with   Trust
		want   string
	}{
		"of one piece":        {export, Trust{Key: l.Key()}, ""},
		"written anew":        {export, Trust{Since: since.Signed}, "written anew"},
		"cut":                 {three, Trust{Since: six}, "had 6 entries"},
		"another key":         {strange, Trust{Key: l.Key()}, "another key"},
		"since, another key":  {strange, Trust{Since: since.Signed}, "another key signed it"},
		"another log":         {six, Trust{Since: other.Signed}, "another log"},
		"since is no note":    {six, Trust{Since: []byte("x")}, "cannot be read"},
		"since is empty":      {six, Trust{Since: []byte{}}, "cannot be read"},
		"since is only begun": {six, Trust{Since: []byte(exportLine + "\n")}, "cannot be read"},
	} {
		_, err := Check(bytes.NewReader(c.export), c.with)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A reader's own failure is no finding.
func TestReaderFails(t *testing.T) {
	_, _, _, six := log6(t)
	lost := errors.New("the disk failed")
	_, err := Check(io.MultiReader(bytes.NewReader(six[:len(six)-9]), failing{lost}), Trust{})
	if !errors.Is(err, lost) {
		t.Error(err)
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

// FuzzCheck gives the reader of exports anything: it refuses all but the export
// itself, without a panic.
func FuzzCheck(f *testing.F) {
	l, _, three, six := log6(f)
	for _, seed := range [][]byte{nil, []byte(exportLine), three, six, six[:len(six)-1], bytes.ReplaceAll(six, []byte("\n"), []byte("\r\n"))} {
		f.Add(seed, []byte(nil))
		f.Add(six, seed)
	}
	f.Fuzz(func(t *testing.T, export, since []byte) {
		found, err := Check(bytes.NewReader(export), Trust{Key: l.Key(), Since: since})
		if err == nil && !bytes.Equal(export, six) && !bytes.Equal(export, three) {
			t.Errorf("it was taken for whole: %+v", found)
		}
	})
}
