package certificate

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

func rows(n int) Rows {
	return func(yield func(ledger.Row, error) bool) {
		for i := range n {
			r := ledger.Row{Key: item.Ref{Kind: "task", ID: fmt.Sprintf("s %d\n\"", i)}, Target: item.Ref{Kind: "task", ID: fmt.Sprint("t", i)},
				Version: item.Digest(i), Print: item.Digest(2 * i), State: ledger.Made}
			if i%7 == 3 {
				r.State, r.Target = ledger.Dropped, item.Ref{}
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func signer(t *testing.T, seed byte) *Signer {
	t.Helper()
	s, err := NewSigner(bytes.Repeat([]byte{seed}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func written(t *testing.T, s *Signer, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	err := s.Write(&out, Certificate{Organisation: "o-1", Migration: "a \"b\"\n", Program: "rialto test", Made: at, From: "Trello m1", To: "Planner u2",
		Passes: 2, First: at.Add(-time.Hour), Last: at, Failed: 1, Bytes: 12}, rows(n))
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestHolds(t *testing.T) {
	s := signer(t, 1)
	for _, n := range []int{0, 1, 2, 3, 7, 8, 100} {
		text := written(t, s, n)
		for _, key := range []string{"", s.Key()} {
			f, err := Check(bytes.NewReader(text), key)
			if err != nil {
				t.Fatalf("%d rows: %v", n, err)
			}
			if f.Size != int64(n) || f.Key != s.Key() || f.Migration != "a \"b\"\n" || f.Bytes != 12 || f.Failed != 1 {
				t.Errorf("%d rows: %+v", n, f)
			}
		}
	}
	if f, err := Check(bytes.NewReader(written(t, s, 100)), ""); err != nil || f.Items["task made"] != 86 || f.Items["task dropped"] != 14 {
		t.Errorf("%v, %+v", err, f)
	}
}

// The root is that of golang.org/x/mod/sumdb/tlog.
func TestRoot(t *testing.T) {
	var ours tree
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			out[i] = stored[n]
		}
		return out, nil
	})
	for i := range int64(130) {
		record := fmt.Appendf(nil, "row %d", i)
		hashes, err := tlog.StoredHashes(i, record, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
		ours.add(record)
		want, err := tlog.TreeHash(i+1, read)
		if err != nil || ours.root() != want {
			t.Fatalf("of %d rows: %v", i+1, err)
		}
	}
}

// Whatever is changed, it no longer holds.
func TestChanged(t *testing.T) {
	s := signer(t, 1)
	good := written(t, s, 9)
	for at := range good {
		changed := bytes.Clone(good)
		changed[at] ^= 1
		if _, err := Check(bytes.NewReader(changed), s.Key()); err == nil && !strings.Contains(string(good[max(at-120, 0):at]), "\nkey: ") {
			t.Errorf("byte %d (%q) can be changed", at, good[max(at-10, 0):at+1])
		}
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	for name, text := range map[string][]byte{
		"a row less":        bytes.Join(lines[:len(lines)-2], nil),
		"a row more":        append(bytes.Clone(good), lines[len(lines)-2]...),
		"the end cut off":   good[:len(good)-5],
		"nothing":           nil,
		"the key of others": written(t, signer(t, 2), 9),
		"no certificate":    []byte("rows\n"),
	} {
		_, err := Check(bytes.NewReader(text), s.Key())
		if connector.ClassOf(err) != connector.Permanent || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Rows that changed while they were written make no certificate.
func TestMovingRows(t *testing.T) {
	n := 5
	var out bytes.Buffer
	err := signer(t, 1).Write(&out, Certificate{}, func(yield func(ledger.Row, error) bool) {
		n++
		rows(n)(yield)
	})
	if connector.ClassOf(err) != connector.Conflict || err == nil {
		t.Errorf("%v", err)
	}
}
