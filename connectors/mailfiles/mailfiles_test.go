package mailfiles

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/item"
)

func TestCapabilities(t *testing.T) { connectortest.Capable(t, New().Capabilities(nil)) }

// tree writes files below a temporary folder.
func files(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range content {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(at, 0o700); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(at, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func source(t testing.TB, dir string, with connector.Settings) connector.Source {
	t.Helper()
	set := connector.Settings{setFolder: dir}
	maps.Copy(set, with)
	c, err := New().Open(t.Context(), connector.Env{Settings: set})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// list returns a whole listing, what is brief in it fetched.
func list(t testing.TB, src connector.Source) []item.Bundle {
	t.Helper()
	var out []item.Bundle
	whole := false
	for p, err := range src.List(t.Context(), connector.Shard{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		whole = slices.Contains(p.Whole, item.Message)
		var refs []item.Ref
		for _, b := range p.Bundles {
			if b.Item.Brief {
				refs = append(refs, b.Item.Ref)
			} else {
				out = append(out, b)
			}
		}
		for b, err := range src.Fetch(t.Context(), connector.Shard{}, refs) {
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b)
		}
	}
	if !whole {
		t.Error("the listing is not whole")
	}
	return out
}

func read(t testing.TB, src connector.Source, b item.Blob) string {
	t.Helper()
	r, err := src.Open(t.Context(), b, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if b.Bytes != int64(len(got)) {
		t.Errorf("%d bytes are told and %d come", b.Bytes, len(got))
	}
	return string(got)
}

// told is what a source tells: "folder: mark flags bytes".
func told(t testing.TB, src connector.Source) []string {
	t.Helper()
	names := map[string]string{}
	var out []string
	for _, b := range list(t, src) {
		it := b.Item
		switch it.Kind {
		case item.Folder:
			names[it.ID] = strings.TrimPrefix(names[it.Parent.ID]+"/"+item.Name.Get(it), "/")
			if use := item.SpecialUse.Get(it); use != "" {
				out = append(out, names[it.ID]+" is for "+use)
			}
		case item.Message:
			out = append(out, fmt.Sprintf("%s: %s %v %q", names[it.Parent.ID], it.URL, item.Flags.Get(it), read(t, src, *it.Blob)))
		}
	}
	slices.Sort(out)
	return out
}

func TestTrees(t *testing.T) {
	const m = "Message-ID: <1@x>\nSubject: y\n\nhi\n"
	const served = `"Message-ID: <1@x>\r\nSubject: y\r\n\r\nhi\r\n"`
	const box = "From a@b Sat Feb  3 04:05:06 2001\n" + m + "\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		with  connector.Settings
		want  []string
	}{
		{"Maildir++", map[string]string{"cur/1.a:2,S": m, "new/2.b": "Message-ID: <2@x>\r\n\r\n", "tmp/3.c": m, ".Sent/cur/1.a:2,RSFDPa": m, ".Sent/dovecot-keywords": "0 $Work\n1 x\n",
			".Gr&APYA3w-e.2001/cur/4": m, ".notmail/x": m, "subscriptions": "Sent\n"}, nil,
			[]string{"Größe/2001: mid:1@x [] " + served, `INBOX: mid:1@x [\Seen] ` + served, `INBOX: mid:2@x [] "Message-ID: <2@x>\r\n\r\n"`,
				`Sent is for sent`, `Sent: mid:1@x [$Forwarded $Work \Answered \Draft \Flagged \Seen] ` + served}},
		{"Maildir in folders", map[string]string{"INBOX/cur/1": m, "Work/cur/": "", "Work/2001/cur/1:2,": m, "other/notes.txt": "x"}, nil,
			[]string{"INBOX: mid:1@x [] " + served, "Work/2001: mid:1@x [] " + served}},
		{"deleted", map[string]string{"cur/1:2,T": m, "cur/2:2,ST": m}, nil, nil},
		{"deleted and carried", map[string]string{"cur/2:2,ST": m}, connector.Settings{setDeleted: "carry"}, []string{`INBOX: mid:1@x [\Deleted \Seen] ` + served}},
		{"Thunderbird", map[string]string{"Inbox": box, "Inbox.msf": "// <!-- x", "Archive.sbd/2001": box, "Archive.sbd/2001.sbd/May.mbox": box}, nil,
			[]string{"Archive/2001/May: mid:1@x [] " + served, "Archive/2001: mid:1@x [] " + served, "Inbox: mid:1@x [] " + served}},
		{"Apple Mail", map[string]string{"Old.mbox/mbox": box, "Old.mbox/table_of_contents": "x"}, nil, []string{"Old: mid:1@x [] " + served}},
		{"two forms of one name", map[string]string{"X": box, "X.mbox": box}, nil, []string{"X 2: mid:1@x [] " + served, "X: mid:1@x [] " + served}},
		{"no mail", map[string]string{"a/b/c.txt": "x"}, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := told(t, source(t, files(t, c.files), c.with)); !slices.Equal(got, c.want) {
				t.Errorf("told\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestMbox(t *testing.T) {
	const line = "From a@b Sat Feb  3 04:05:06 2001\n"
	for _, c := range []struct {
		name, file string
		with       connector.Settings
		want       []string
	}{
		{"nothing at the end", line + "A: b\n\nhi", nil, []string{`[] "A: b\r\n\r\nhi"`}},
		{"an empty line at the end is the box's", line + "A: b\n\nhi\n\n" + line + "A: c\n\nho\n\n\n", nil, []string{`[] "A: b\r\n\r\nhi\r\n"`, `[] "A: c\r\n\r\nho\r\n\r\n"`}},
		{"mboxrd", line + "A: b\n\n>From x\n>>From y\n> From z\nFrom here on\n>from\n\n", nil, []string{`[] "A: b\r\n\r\nFrom x\r\n>From y\r\n> From z\r\nFrom here on\r\n>from\r\n"`}},
		{"mboxo", line + "A: b\n\n>From x\n>>From y\n", connector.Settings{setQuoting: "mboxo"}, []string{`[] "A: b\r\n\r\nFrom x\r\n>>From y\r\n"`}},
		{"a sentence after an empty line", line + "A: b\n\nhi\n\nFrom then on, 12 of them came in 1999 or so.\n", nil, []string{`[] "A: b\r\n\r\nhi\r\n\r\nFrom then on, 12 of them came in 1999 or so.\r\n"`}},
		{"a From_ line without an empty line before", line + "A: b\n\nhi\n" + line + "x\n", nil, []string{`[] "A: b\r\n\r\nhi\r\nFrom a@b Sat Feb  3 04:05:06 2001\r\nx\r\n"`}},
		{"CR LF", strings.ReplaceAll(line+"A: b\n\nhi\n\n"+line+"A: c\n\nho\n", "\n", "\r\n"), nil, []string{`[] "A: b\r\n\r\nhi\r\n"`, `[] "A: c\r\n\r\nho\r\n"`}},
		{"flags", line + "A: b\nStatus: RO\nX-Status: AF\nX-Keywords: $Work\n two\nB: c\n\nhi\n", nil, []string{`[$Work \Answered \Flagged \Seen] "A: b\r\nB: c\r\n\r\nhi\r\n"`}},
		{"Thunderbird's", line + "X-Mozilla-Status: 1007\nX-Mozilla-Status2: 00000000\nA: b\n\nStatus: x\n", nil, []string{`[$Forwarded \Answered \Flagged \Seen] "A: b\r\n\r\nStatus: x\r\n"`}},
		{"deleted", line + "X-Mozilla-Status: 0009\nA: b\n\nx\n\n" + line + "X-Status: D\n\nx\n\n" + line + "A: b\n\nstays\n", nil, []string{`[] "A: b\r\n\r\nstays\r\n"`}},
		{"twins", strings.Repeat(line+"A: b\n\nhi\n\n", 3), nil, []string{`[] "A: b\r\n\r\nhi\r\n"`, `[] "A: b\r\n\r\nhi\r\n"`, `[] "A: b\r\n\r\nhi\r\n"`}},
		{"a long line", line + "A: b\n\n" + strings.Repeat("x", 200000) + "\n", nil, []string{`[] "A: b\r\n\r\n` + strings.Repeat("x", 200000) + `\r\n"`}},
		{"no body", line + "A: b\n", nil, []string{`[] "A: b\r\n"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			src := source(t, files(t, map[string]string{"box": c.file}), c.with)
			var got []string
			seen := map[string]bool{}
			for _, b := range list(t, src) {
				if b.Item.Kind != item.Message {
					continue
				}
				if seen[b.Item.ID] {
					t.Errorf("%s comes twice", b.Item.ID)
				}
				seen[b.Item.ID] = true
				got = append(got, fmt.Sprintf("%v %q", item.Flags.Get(b.Item), read(t, src, *b.Item.Blob)))
				if at := item.Received.Get(b.Item); !at.Equal(time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)) {
					t.Errorf("received %v", at)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// A flag that changes renames a file or rewrites an mbox: the message stays the one it
// was. Other bytes are a conflict.
func TestChanges(t *testing.T) {
	dir := files(t, map[string]string{"M/cur/1.a:2,": "A: b\n\nhi\n", "box": "From a@b Sat Feb  3 04:05:06 2001\nStatus: O\nA: b\n\nhi\n"})
	src := source(t, dir, nil)
	before := list(t, src)
	if err := os.Rename(filepath.Join(dir, "M/cur/1.a:2,"), filepath.Join(dir, "M/cur/1.a:2,S")); err != nil {
		t.Fatal(err)
	}
	for _, b := range before {
		if b.Item.Kind == item.Message {
			if got := read(t, src, *b.Item.Blob); got != "A: b\r\n\r\nhi\r\n" {
				t.Errorf("read %q", got)
			}
		}
	}
	write(t, filepath.Join(dir, "box"), "From a@b Sat Feb  3 04:05:06 2001\nStatus: RO\nA: b\n\nhi\n")
	ids := func(list []item.Bundle) (out []string) {
		for _, b := range list {
			out = append(out, b.Item.ID)
		}
		return out
	}
	after := list(t, src)
	if !slices.Equal(ids(before), ids(after)) {
		t.Errorf("the ids were %q and are %q", ids(before), ids(after))
	}
	for i, b := range after {
		if b.Item.Kind == item.Message && (b.Item.Version == before[i].Item.Version || !slices.Equal(item.Flags.Get(b.Item), []string{`\Seen`})) {
			t.Errorf("the flags of %s are %v", b.Item.Ref, item.Flags.Get(b.Item))
		}
	}
	write(t, filepath.Join(dir, "M/cur/1.a:2,S"), "A: other\n\nhi\n")
	write(t, filepath.Join(dir, "box"), "From a@b Sat Feb  3 04:05:06 2001\nA: other\n\nhi\n")
	for _, b := range after {
		if b.Item.Kind != item.Message {
			continue
		}
		if _, err := src.Open(t.Context(), *b.Item.Blob, 0, -1); err == nil || connector.ClassOf(err) != connector.Conflict {
			t.Errorf("%s: %v", b.Item.Ref, err)
		}
	}
}

func write(t testing.TB, at, body string) {
	t.Helper()
	if err := os.WriteFile(at, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Nothing outside the folder is read.
func TestLinks(t *testing.T) {
	outside := files(t, map[string]string{"cur/1": "A: secret\n\n", "box": "From a@b Sat Feb  3 04:05:06 2001\nA: secret\n\n"})
	dir := files(t, map[string]string{"cur/1": "A: b\n\n"})
	for from, to := range map[string]string{"cur/2": "cur/1", ".Sent": ".", "box": "box"} {
		if err := os.Symlink(filepath.Join(outside, to), filepath.Join(dir, from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range told(t, source(t, dir, nil)) {
		if strings.Contains(s, "secret") {
			t.Errorf("told %s", s)
		}
	}
}

// FuzzMbox: whatever a file holds, its messages are read as they were told, each with
// its own id, and none of them overlap.
func FuzzMbox(f *testing.F) {
	f.Add([]byte("From a@b Sat Feb  3 04:05:06 2001\nStatus: RO\nA: b\n\n>From hi\n\nFrom a@b Sat Feb  3 04:05:06 2001\n\n"), false)
	f.Add([]byte("From a 1:23 1999\r\nA: b\r\n c\r\n\r\n\r\n>>From \r\n"), true)
	f.Fuzz(func(t *testing.T, file []byte, mboxo bool) {
		c := &cloud{mboxo: mboxo}
		last := int64(0)
		for _, r := range []io.Reader{bytes.NewReader(file), iotest.OneByteReader(bytes.NewReader(file))} {
			last = 0
			err := c.scan(r, func(e entry) error {
				if e.offset < last || e.end <= e.offset || e.end > int64(len(file)) {
					t.Fatalf("an entry from %d to %d, after %d", e.offset, e.end, last)
				}
				last = e.end
				m, line, err := newMessage(bytes.NewReader(file[e.offset:e.end]), mboxo)
				if err != nil {
					t.Fatal(err)
				}
				header, err := m.head()
				if err != nil || entryID(line, header) != e.id {
					t.Fatalf("the header is %q, and was %q: %v", header, e.header, err)
				}
				got, err := io.ReadAll(m)
				if err != nil || int64(len(got)) != e.bytes {
					t.Fatalf("%d bytes were told and %d come: %v", e.bytes, len(got), err)
				}
				if i := bytes.Index(got, []byte("\n")); i == 0 || i > 0 && got[i-1] != '\r' {
					t.Fatalf("a line ends without CR: %q", got)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzWire: every line feed has its carriage return, and nothing else changes.
func FuzzWire(f *testing.F) {
	f.Add([]byte("a\nb\r\nc\r\r\n\n"), 3)
	f.Fuzz(func(t *testing.T, in []byte, n int) {
		got, err := io.ReadAll(newWire(iotest.HalfReader(bytes.NewReader(in))))
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for i, b := range in {
			if b == '\n' && (i == 0 || in[i-1] != '\r') {
				want = append(want, '\r')
			}
			want = append(want, b)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	})
}
