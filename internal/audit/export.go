package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/rialto-migrate/rialto/connector"
)

// An export is lines of text: this one, the key, the five of the checkpoint as a
// signed note, and one for each entry, which is its record. There is one way to
// write it.
const exportLine = "rialto audit export 1"

const keyLine = "key "

// exportPage is how many records are read at once: the database is not held up
// while whoever takes the export is slow.
const exportPage = 500

// Export writes a log as it stands at its newest checkpoint. What is personal in it
// stays sealed. A log without an entry has nothing to export: Gone.
func (l *Log) Export(ctx context.Context, organisation string, w io.Writer) error {
	c, err := l.Checkpoint(ctx, organisation)
	if err != nil {
		return err
	}
	if c.Size == 0 {
		return connector.Errorf(connector.Gone, "audit: the log of %s is empty", organisation)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s\n%s%s\n%s", exportLine, keyLine, l.public, c.Signed)
	for from := int64(0); from < c.Size; from += exportPage {
		var page bytes.Buffer
		err := l.storage.View(ctx, organisation, func(rows Rows) error {
			return rows.Records(from, min(from+exportPage, c.Size), func(record []byte) error {
				page.Write(record)
				page.WriteByte('\n')
				return nil
			})
		})
		if err != nil {
			return err
		}
		if _, err := page.WriteTo(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Trust is what the reader of an export brings along. Without any, an export is
// only known to be of one piece.
type Trust struct {
	// Key is the key that the service gave out (Log.Key); "" takes the one in the
	// export.
	Key string
	// Since is an earlier checkpoint of the same log, or an earlier export; nil for
	// none.
	Since []byte
}

// A Finding is what a whole export holds.
type Finding struct {
	Checkpoint  Checkpoint
	Key         string
	Since       *Checkpoint // nil if there was none
	First, Last time.Time   // of the entries
	// Open are intended entries whose outcome is not there: under way, or cut off.
	Open int
}

// Check reads an export and reports whether it is whole: that its entries, all of
// them and in their order, are what the checkpoint was signed for, and that the
// log held at an earlier checkpoint what it holds now at those places. It needs no
// database and no network.
func Check(r io.Reader, with Trust) (*Finding, error) {
	in := bufio.NewReaderSize(r, maxRecord+1)
	f, verifier, err := readHead(in, with.Key)
	if err != nil {
		return nil, err
	}
	if with.Since != nil {
		if f.Since, err = readSince(with.Since, verifier); err != nil {
			return nil, err
		}
		switch old := f.Since; {
		case old.Organisation != f.Checkpoint.Organisation:
			return nil, broken("the earlier checkpoint is of another log: %q", old.Organisation)
		case old.Size > f.Checkpoint.Size:
			return nil, broken("the log had %d entries at the earlier checkpoint, and the export has %d", old.Size, f.Checkpoint.Size)
		}
	}
	var tree tree
	open := map[int64]bool{}
	for tree.size < f.Checkpoint.Size {
		num := tree.size + 1
		line, err := readLine(in)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, broken("the export ends within entry %d of %d", num, f.Checkpoint.Size)
		}
		if err != nil {
			return nil, fmt.Errorf("audit: entry %d: %w", num, err)
		}
		e, err := decode(line)
		if err == nil && e.Num != num {
			err = fmt.Errorf("it says that it is entry %d", e.Num)
		}
		if err == nil && e.Organisation != f.Checkpoint.Organisation {
			err = fmt.Errorf("it is of another log")
		}
		if err != nil {
			return nil, broken("entry %d: %v", num, err)
		}
		if num == 1 {
			f.First = e.Time
		}
		f.Last = e.Time
		if e.Outcome == Intended {
			open[num] = true
		}
		delete(open, e.Of)
		tree.add(line)
		if f.Since != nil && tree.size == f.Since.Size && tree.root() != f.Since.Root {
			return nil, broken("the first %d entries are not those of the earlier checkpoint: the log was written anew", tree.size)
		}
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return nil, broken("more follows after the last entry")
	}
	if tree.root() != f.Checkpoint.Root {
		return nil, broken("the entries are not those that were signed")
	}
	f.Open = len(open)
	return f, nil
}

// readHead reads what comes before the entries.
func readHead(in *bufio.Reader, key string) (*Finding, note.Verifier, error) {
	var lines [7][]byte
	for i := range lines {
		line, err := readLine(in)
		if err != nil || i == 0 && string(line) != exportLine {
			return nil, nil, broken("it is no export of an audit log, or its beginning is cut off")
		}
		lines[i] = bytes.Clone(line)
	}
	told, ok := bytes.CutPrefix(lines[1], []byte(keyLine))
	if !ok || key != "" && string(told) != key {
		return nil, nil, broken("it is signed by another key than the one that was given")
	}
	verifier, err := readKey(string(told))
	if err != nil {
		return nil, nil, err
	}
	signed := append(bytes.Join(lines[2:], []byte("\n")), '\n')
	c, err := openCheckpoint(signed, verifier)
	if err != nil {
		return nil, nil, broken("its checkpoint is not what the key signed")
	}
	return &Finding{Checkpoint: c, Key: string(told)}, verifier, nil
}

// readSince reads an earlier checkpoint, or that of an earlier export.
func readSince(b []byte, by note.Verifier) (*Checkpoint, error) {
	if rest, ok := bytes.CutPrefix(b, []byte(exportLine+"\n")); ok {
		lines := bytes.SplitAfterN(rest, []byte("\n"), 7)
		if len(lines) == 7 {
			b = bytes.Join(lines[1:6], nil)
		}
	}
	c, err := openCheckpoint(b, by)
	if err != nil {
		return nil, broken("the earlier checkpoint cannot be read, or another key signed it")
	}
	return &c, nil
}

// readLine returns a line without its end, valid until the next call.
func readLine(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return nil, fmt.Errorf("a line is longer than entries are")
	}
	if err != nil {
		return nil, err
	}
	return line[:len(line)-1], nil
}

func broken(format string, args ...any) error {
	return connector.Errorf(connector.Malformed, "audit: "+format, args...)
}

// A tree is the Merkle tree of the records so far: the roots of its complete
// subtrees, the largest first.
type tree struct {
	size  int64
	roots []tlog.Hash
}

func (t *tree) add(record []byte) {
	t.roots = append(t.roots, tlog.RecordHash(record))
	for n := t.size; n&1 == 1; n >>= 1 { // the new one completes a subtree
		last := len(t.roots) - 1
		t.roots = append(t.roots[:last-1], tlog.NodeHash(t.roots[last-1], t.roots[last]))
	}
	t.size++
}

// root is of a tree that is not empty.
func (t *tree) root() tlog.Hash {
	last := len(t.roots) - 1
	h := t.roots[last]
	for i := last - 1; i >= 0; i-- {
		h = tlog.NodeHash(t.roots[i], h)
	}
	return h
}
