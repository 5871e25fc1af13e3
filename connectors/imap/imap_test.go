package imap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

func TestCapabilities(t *testing.T) {
	for _, s := range []connector.Settings{nil, {setService: serviceMicrosoft, setKeywords: "no"}, {setCreateUse: "yes"}} {
		connectortest.Capable(t, New().Capabilities(s))
	}
}

// open connects to a user of a server; with changes settings.
func open(t testing.TB, srv *imaptest.Server, user string, guard *connector.Guard, with connector.Settings) *cloud {
	t.Helper()
	set := connector.Settings{setServer: srv.Plain, setSecurity: securityNone, setUser: user, setPassword: imaptest.Password}
	maps.Copy(set, with)
	c, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{Guard: guard, Dialing: connector.Dialing{Roots: srv.Roots}})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*cloud)
}

func ends(t testing.TB, from, to *cloud) (connector.Source, connector.Target) {
	t.Helper()
	src, err := from.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dst, err := to.Target(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	return src, dst
}

// list returns a whole listing.
func list(t testing.TB, src connector.Source) []item.Bundle {
	t.Helper()
	var out []item.Bundle
	whole := false
	for p, err := range src.List(t.Context(), connector.Shard{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, completed(t, src, p.Bundles)...)
		whole = slices.Contains(p.Whole, item.Message)
	}
	if !whole {
		t.Error("the listing does not say that it is whole")
	}
	return out
}

// completed fetches what was listed briefly, as the engine does.
func completed(t testing.TB, src connector.Source, bundles []item.Bundle) []item.Bundle {
	t.Helper()
	var refs []item.Ref
	for _, b := range bundles {
		if b.Item.Brief {
			refs = append(refs, b.Item.Ref)
		}
	}
	out := slices.DeleteFunc(slices.Clone(bundles), func(b item.Bundle) bool { return b.Item.Brief })
	for b, err := range src.Fetch(t.Context(), connector.Shard{}, refs) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// move is the engine in small: it writes what a listing holds, and returns the
// target's ids and the failures by the source's.
func move(t testing.TB, src connector.Source, dst connector.Target) (made map[string]string, failed map[string]error) {
	t.Helper()
	made, failed = map[string]string{}, map[string]error{}
	opener := func(b item.Blob, offset, n int64) (io.ReadCloser, error) {
		return src.Open(t.Context(), b, offset, n)
	}
	write := func(bundles []item.Bundle) {
		var changes []connector.Change
		for _, b := range bundles {
			it := b.Item.Clone()
			mark := dst.Carrier(it.Kind, it.URL)
			if to, ok := made[it.Parent.ID]; ok {
				it.Parent.ID = to
			}
			it.ID, it.URL = "", ""
			changes = append(changes, connector.Change{Op: connector.Create, Item: it, Mark: mark})
		}
		i := 0
		for r, err := range dst.Write(t.Context(), changes, opener) {
			id := bundles[i].Item.ID
			if err == nil {
				err = r.Err
			}
			if err != nil {
				failed[id] = err
			} else {
				made[id] = r.Stored.Item.ID
				same(t, bundles[i].Item, r.Stored.Item)
			}
			i++
		}
		if i != len(changes) {
			t.Fatalf("%d results for %d changes", i, len(changes))
		}
	}
	var batch []item.Bundle
	for p, err := range src.List(t.Context(), connector.Shard{}, "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range completed(t, src, p.Bundles) {
			if len(batch) > 0 && (batch[0].Item.Kind != b.Item.Kind || len(batch) == messageBatch || b.Item.Kind != item.Message) {
				write(batch)
				batch = nil
			}
			batch = append(batch, b)
		}
	}
	write(batch)
	return made, failed
}

// same compares what was written with what is stored.
func same(t testing.TB, want, have item.Item) {
	t.Helper()
	if a, b := item.Flags.Get(want), item.Flags.Get(have); !slices.Equal(a, b) {
		t.Errorf("%s: flags %q became %q", want.Ref, a, b)
	}
	if a, b := item.Received.Get(want), item.Received.Get(have); !a.Equal(b) {
		t.Errorf("%s: received %v became %v", want.Ref, a, b)
	}
	if a, b := item.Name.Get(want), item.Name.Get(have); a != b {
		t.Errorf("%s: the name %q became %q", want.Ref, a, b)
	}
	if a, b := item.Subscribed.Get(want), item.Subscribed.Get(have); a != b {
		t.Errorf("%s: subscribed %v became %v", want.Ref, a, b)
	}
	if want.Blob != nil && want.Blob.Bytes >= 0 && want.Blob.Bytes != have.Blob.Bytes {
		t.Errorf("%s: %d bytes became %d", want.Ref, want.Blob.Bytes, have.Blob.Bytes)
	}
}

func read(t testing.TB, src connector.Source, b item.Blob) []byte {
	t.Helper()
	r, err := src.Open(t.Context(), b, 0, -1)
	if err != nil {
		t.Fatalf("%s: %v", b.Ref, err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", b.Ref, err)
	}
	return got
}

// contents are all messages of an account by folder and hash.
func contents(t testing.TB, c *cloud) map[string]int {
	t.Helper()
	src, _ := ends(t, c, c)
	out := map[string]int{}
	names := map[string]string{}
	for _, b := range list(t, src) {
		switch b.Item.Kind {
		case item.Folder:
			names[b.Item.ID] = names[b.Item.Parent.ID] + "/" + item.Name.Get(b.Item)
		case item.Message:
			sum := sha256.Sum256(read(t, src, *b.Item.Blob))
			out[fmt.Sprintf("%s %x %q %s", names[b.Item.Parent.ID], sum[:6], item.Flags.Get(b.Item), item.Received.Get(b.Item).Format(time.RFC3339))]++
		}
	}
	return out
}

func differ(t testing.TB, want, have map[string]int) {
	t.Helper()
	for k, n := range want {
		if have[k] != n {
			t.Errorf("%s: %d times at the source, %d at the target", k, n, have[k])
		}
	}
	for k, n := range have {
		if want[k] == 0 {
			t.Errorf("%s: %d times at the target alone", k, n)
		}
	}
}

// realMail are the messages of other projects' tests, by path: many are malformed.
func realMail(t testing.TB) map[string][]byte {
	t.Helper()
	root := "../../../shared/data/mail"
	out := map[string][]byte{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[path], err = os.ReadFile(path)
		return err
	})
	if err != nil || len(out) == 0 {
		t.Skipf("the real messages are not at %s", root)
	}
	return out
}

// served is what Dovecot serves of a file in a Maildir: lines end with CR LF.
func served(b []byte) []byte {
	var out []byte
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') {
			out = append(out, '\r')
		}
		if c == 0 {
			c = 0x80 // it puts this in the place of NUL
		}
		out = append(out, c)
	}
	return out
}

// Real messages, malformed ones among them, come from one server to another as they
// are: what is served at the target is what lies in the source's files.
func TestRealMail(t *testing.T) {
	mail := realMail(t)
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	n := 0
	want := map[[32]byte]int{}
	for _, path := range slices.Sorted(maps.Keys(mail)) {
		if len(mail[path]) == 0 {
			continue // see TestUnkept
		}
		folder := []string{"", ".Sent", ".Archive.2001"}[n%3]
		one.Deliver(t, "ann", folder, fmt.Sprintf("%d.M%d.test", 981173106+n, n), []string{"", "S", "RS", "F"}[n%4], at.Add(time.Duration(n)*time.Hour), mail[path])
		want[sha256.Sum256(served(mail[path]))]++
		n++
	}
	from, to := open(t, one, "ann", &connector.Guard{}, nil), open(t, two, "bob", nil, nil)
	src, dst := ends(t, from, to)
	made, failed := move(t, src, dst)
	for id, err := range failed {
		t.Errorf("%s: %v", id, err)
	}
	have, err := to.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	messages := 0
	for _, b := range list(t, have) {
		if b.Item.Kind != item.Message {
			continue
		}
		messages++
		sum := sha256.Sum256(read(t, have, *b.Item.Blob))
		if want[sum]--; want[sum] < 0 {
			t.Errorf("%s holds other bytes than any of the source's messages", b.Item.Ref)
		}
	}
	if messages != n {
		t.Errorf("%d messages of %d", messages, n)
	}
	differ(t, contents(t, from), contents(t, to))
	t.Logf("%d messages, %d items written", n, len(made))
}

// message makes one of about n bytes.
func message(id string, n int) []byte {
	var b bytes.Buffer
	if id != "" {
		fmt.Fprintf(&b, "Message-ID: <%s>\r\n", id)
	}
	b.WriteString("Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n")
	for b.Len() < n {
		b.WriteString("0123456789 abcdefghijklmnopqrstuvwxyz 0123456789\r\n")
	}
	return b.Bytes()
}

// fill writes messages into a mailbox, and returns the results.
func fill(t testing.TB, dst connector.Target, folder item.Ref, items []item.Item, bodies map[string][]byte) []connector.Result {
	t.Helper()
	var changes []connector.Change
	for i, it := range items {
		it.Kind, it.Parent = item.Message, folder
		it.Blob = &item.Blob{Ref: item.Ref{Kind: item.Message, ID: fmt.Sprint(i)}, Bytes: int64(len(bodies[fmt.Sprint(i)]))}
		changes = append(changes, connector.Change{Op: connector.Create, Item: it})
	}
	var out []connector.Result
	for r, err := range dst.Write(t.Context(), changes, func(b item.Blob, offset, n int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(bodies[b.Ref.ID])), nil
	}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func folderNamed(t testing.TB, c *cloud, name string) item.Ref {
	t.Helper()
	tree, err := c.look(context.Background(), true)
	if err != nil {
		t.Fatal(err)
	}
	f := tree.byName[name]
	if f == nil {
		t.Fatalf("there is no folder %s", name)
	}
	return f.ref()
}

// What the server cannot keep byte for byte fails, says why, and leaves nothing.
func TestUnkept(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	hidden := imaptest.Start(t, imaptest.Options{Hide: []string{"BINARY"}})
	for _, c := range []struct {
		name string
		srv  *imaptest.Server
		body string
		kept string // as it is served afterwards; "" for a failure
		says string
	}{
		{"a line feed alone", srv, "Subject: x\n\nbody\n", "", "the server changed the message: it stored 20 bytes of 17"},
		{"a carriage return at the end", srv, "Subject: x\r\n\r\nbody\r", "", "the server changed the message"},
		{"a carriage return in a line", srv, "Subject: x\r\n\r\nbo\rdy\r\n", "Subject: x\r\n\r\nbo\rdy\r\n", ""},
		{"NUL", srv, "Subject: x\r\n\r\nbo\x00dy\r\n", "Subject: x\r\n\r\nbo\x80dy\r\n", ""},
		{"NUL without BINARY", hidden, "Subject: x\r\n\r\nbo\x00dy\r\n", "", "the message holds NUL bytes"},
		{"nothing", srv, "", "", "the message is empty"},
		{"a header of eight bits", srv, "Subject: caf\xe9 \xff\r\n\r\n", "Subject: caf\xe9 \xff\r\n\r\n", ""},
		{"no header", srv, "\r\nbody", "\r\nbody", ""},
		{"one byte", srv, "x", "x", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := open(t, c.srv, "u"+strings.ReplaceAll(c.name, " ", ""), nil, nil)
			src, dst := ends(t, to, to)
			inbox := folderNamed(t, to, "INBOX")
			good := message("good@example.org", 200)
			out := fill(t, dst, inbox, make([]item.Item, 3), map[string][]byte{"0": good, "1": []byte(c.body), "2": good})
			for i, r := range out {
				switch {
				case i == 1 && c.kept == "":
					if connector.ClassOf(r.Err) != connector.Permanent || r.Err == nil || !strings.Contains(r.Err.Error(), c.says) {
						t.Errorf("the error is %v, want %q", r.Err, c.says)
					}
				case r.Err != nil:
					t.Errorf("message %d: %v", i, r.Err)
				case i == 1:
					if got := read(t, src, *r.Stored.Item.Blob); string(got) != c.kept {
						t.Errorf("%q became %q", c.body, got)
					}
				}
			}
			n := 0
			for _, b := range list(t, src) {
				if b.Item.Kind == item.Message {
					n++
				}
			}
			if want := 3; c.kept == "" && n != want-1 || c.kept != "" && n != want {
				t.Errorf("%d messages are there", n)
			}
		})
	}
}

func reading(body []byte) item.Opener {
	return func(item.Blob, int64, int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	}
}

func all(t testing.TB, r io.ReadCloser) []byte {
	t.Helper()
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
