package imap

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

func found(t testing.TB, dst connector.Target, box item.Ref) []connector.Found {
	t.Helper()
	var out []connector.Found
	for f, err := range dst.Find(t.Context(), box, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}

func fetch(t testing.TB, dst connector.Target, refs ...item.Ref) []item.Item {
	t.Helper()
	var out []item.Item
	for b, err := range dst.Fetch(t.Context(), item.Ref{}, refs) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Item)
	}
	return out
}

func change(t testing.TB, dst connector.Target, ch connector.Change) connector.Result {
	t.Helper()
	for r, err := range dst.Write(t.Context(), []connector.Change{ch}, nil) {
		if err != nil {
			r.Err = err
		}
		return r
	}
	t.Fatal("no result")
	return connector.Result{}
}

func flagged(flags ...string) item.Item {
	var it item.Item
	item.Flags.Set(&it, flags)
	item.Received.Set(&it, time.Date(1999, 12, 31, 23, 59, 58, 0, time.UTC))
	return it
}

// A changed flag changes a flag: nothing is appended again, and what people did
// meanwhile to other flags stays.
func TestFlags(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c := open(t, srv, "ann", nil, nil)
	_, dst := ends(t, c, c)
	inbox := folderNamed(t, c, "INBOX")
	made := fill(t, dst, inbox, []item.Item{flagged(`\Seen`, "$Forwarded", "Später", `\Recent`, "two words", "a)b")}, map[string][]byte{"0": message("a@b", 100)})[0]
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	if got := item.Flags.Get(made.Stored.Item); !slices.Equal(got, []string{"$Forwarded", `\Seen`}) {
		t.Errorf("the flags are %q", got)
	}
	it := made.Stored.Item
	for _, want := range [][]string{{"$FORWARDED", `\Answered`, `\Flagged`}, {}, {`\Seen`}, {"New", `\Draft`}} {
		item.Flags.Set(&it, want)
		r := change(t, dst, connector.Change{Op: connector.Update, Item: it})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		if got := item.Flags.Get(r.Stored.Item); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("the flags are %q, want %q", got, want)
		}
		if got := fetch(t, dst, it.Ref); len(got) != 1 || !item.Received.Get(got[0]).Equal(item.Received.Get(flagged())) {
			t.Errorf("fetched %v", got)
		}
	}
	if n := len(found(t, dst, c.mailbox())); n != 2 {
		t.Errorf("%d folders and messages, want 2", n)
	}
}

// What is found carries the marks that the source's items have, whatever the
// messages are.
func TestMarks(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	from, to := open(t, one, "ann", nil, nil), open(t, two, "bob", nil, nil)
	src, fromAsTarget := ends(t, from, from)
	bodies := map[string][]byte{
		"0": message("a@b.example", 100),
		"1": message("", 100), // none
		"2": []byte("MESSAGE-ID:\r\n <folded%20 and \"odd\"@exämple>\r\nX: y\r\n\r\n"),
		"3": []byte("Message-Id: without brackets\r\n\r\n"),
		"4": []byte("no header at all"),
		"5": message("a@b.example", 5000), // the same again
		"6": []byte("Message-ID: <>\r\nSubject: 6\r\n\r\n"),
	}
	for i, r := range fill(t, fromAsTarget, folderNamed(t, from, "INBOX"), make([]item.Item, len(bodies)), bodies) {
		if r.Err != nil {
			t.Fatalf("%d: %v", i, r.Err)
		}
	}
	_, dst := ends(t, to, to)
	if _, failed := move(t, src, dst); len(failed) > 0 {
		t.Fatal(failed)
	}
	var want, have []string
	for _, b := range list(t, src) {
		if b.Item.Kind == item.Message {
			want = append(want, dst.Carrier(item.Message, b.Item.URL))
		}
	}
	for _, f := range found(t, dst, to.mailbox()) {
		if f.Bundle.Item.Kind == item.Message {
			have = append(have, f.Mark)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) || len(have) != len(bodies) || slices.Contains(have, "") {
		t.Errorf("marks\n%q\nwere found as\n%q", want, have)
	}
	if !slices.Contains(have, "mid:a@b.example") || !slices.Contains(have, "mid:folded%2520%20and%20%22odd%22@ex%C3%A4mple") {
		t.Errorf("the marks are %q", have)
	}
}

// Delete asks what is there at that moment, takes that one message alone, and finds
// what is gone already removed.
func TestDelete(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c := open(t, srv, "ann", nil, nil)
	_, dst := ends(t, c, c)
	inbox := folderNamed(t, c, "INBOX")
	made := fill(t, dst, inbox, []item.Item{flagged(`\Seen`), flagged(), flagged()}, map[string][]byte{"0": message("0@b", 100), "1": message("1@b", 100), "2": message("2@b", 100)})
	// Somebody marked the last one, and did not remove it yet.
	err := c.with(t.Context(), "INBOX", func(conn *wire.Conn) error {
		if err := conn.Select("INBOX", false); err != nil {
			return err
		}
		return conn.Store("3", "+FLAGS", []string{`\Deleted`})
	})
	if err != nil {
		t.Fatal(err)
	}
	ref := made[0].Stored.Item.Ref
	remove := func(ref item.Ref, yes bool) (bool, int) {
		asked := 0
		removed, err := dst.Delete(t.Context(), c.mailbox(), ref, func(b item.Bundle) bool {
			asked++
			if b.Item.Kind == item.Message && !slices.Equal(item.Flags.Get(b.Item), []string{`\Seen`}) {
				t.Errorf("asked about %v", b.Item)
			}
			return yes
		})
		if err != nil {
			t.Fatal(err)
		}
		return removed, asked
	}
	if removed, asked := remove(ref, false); removed || asked != 1 {
		t.Errorf("removed %v, asked %d times", removed, asked)
	}
	if removed, asked := remove(ref, true); !removed || asked != 1 {
		t.Errorf("removed %v, asked %d times", removed, asked)
	}
	if removed, asked := remove(ref, true); !removed || asked != 0 {
		t.Errorf("of what is gone: removed %v, asked %d times", removed, asked)
	}
	if removed, asked := remove(made[2].Stored.Item.Ref, true); !removed || asked != 0 {
		t.Errorf("of what is marked as deleted: removed %v, asked %d times", removed, asked)
	}
	if got := fetch(t, dst, ref, made[1].Stored.Item.Ref, made[2].Stored.Item.Ref, item.Ref{Kind: item.Message, ID: "x"}); len(got) != 1 || got[0].ID != made[1].Stored.Item.ID {
		t.Errorf("there is %v", got)
	}
	carrying := open(t, srv, "ann", nil, connector.Settings{setDeleted: "carry"})
	_, all := ends(t, carrying, carrying)
	if got := fetch(t, all, made[2].Stored.Item.Ref); len(got) != 1 || !slices.Equal(item.Flags.Get(got[0]), []string{`\Deleted`}) {
		t.Errorf("carried, it is %v: only one message may have been removed", got)
	}
}

// Folders are made with those in them, renamed, subscribed, found again, and removed
// when nothing lies in them.
func TestFolders(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c := open(t, srv, "ann", nil, nil)
	src, dst := ends(t, c, c)
	folder := func(parent item.Ref, name string, subscribed bool) connector.Result {
		it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: parent}
		item.Name.Set(&it, name)
		item.Subscribed.Set(&it, subscribed)
		r := change(t, dst, connector.Change{Op: connector.Create, Item: it})
		if r.Err != nil {
			t.Fatalf("%s: %v", name, r.Err)
		}
		if item.Name.Get(r.Stored.Item) != name || item.Subscribed.Get(r.Stored.Item) != subscribed || r.Stored.Item.Parent != parent {
			t.Errorf("%s is stored as %v", name, r.Stored.Item)
		}
		return r
	}
	box := c.mailbox()
	a := folder(box, "Ärger & Söhne 日本 😀 \"x\" \\y", true)
	b := folder(a.Stored.Item.Ref, "in it", false)
	if a.Adopted || b.Adopted {
		t.Error("new folders are taken for old ones")
	}
	if again := folder(box, "Ärger & Söhne 日本 😀 \"x\" \\y", true); !again.Adopted || again.Stored.Item.Ref != a.Stored.Item.Ref {
		t.Errorf("what is there is made again: %v", again.Stored.Item)
	}
	if in := folder(box, "INBOX", false); !in.Adopted {
		t.Error("the inbox is new")
	}
	it := b.Stored.Item.Clone()
	item.Name.Set(&it, "renamed")
	item.Subscribed.Set(&it, true)
	r := change(t, dst, connector.Change{Op: connector.Update, Item: it})
	if r.Err != nil || item.Name.Get(r.Stored.Item) != "renamed" || !item.Subscribed.Get(r.Stored.Item) {
		t.Errorf("renamed to %v: %v", r.Stored.Item, r.Err)
	}
	yes := func(item.Bundle) bool { return true }
	if removed, err := dst.Delete(t.Context(), box, a.Stored.Item.Ref, yes); removed || err != nil {
		t.Errorf("a folder that holds another is removed: %v %v", removed, err)
	}
	fill(t, dst, r.Stored.Item.Ref, []item.Item{flagged()}, map[string][]byte{"0": message("0@b", 100)})
	if removed, err := dst.Delete(t.Context(), box, r.Stored.Item.Ref, yes); removed || err != nil {
		t.Errorf("a folder that holds a message is removed: %v %v", removed, err)
	}
	n := 0
	for _, b := range list(t, src) {
		if b.Item.Kind == item.Message {
			n++
			if removed, err := dst.Delete(t.Context(), box, b.Item.Ref, yes); !removed || err != nil {
				t.Errorf("removed %v: %v", removed, err)
			}
		}
	}
	for _, ref := range []item.Ref{r.Stored.Item.Ref, a.Stored.Item.Ref} {
		if removed, err := dst.Delete(t.Context(), box, ref, yes); !removed || err != nil {
			t.Errorf("removed %v: %v", removed, err)
		}
	}
	if got := found(t, dst, box); n != 1 || len(got) != 1 || item.Name.Get(got[0].Bundle.Item) != "INBOX" {
		t.Errorf("%d messages were there; now there is %v", n, got)
	}
}

// A folder that was made anew has another UIDVALIDITY: old ids name nothing, and
// never another message.
func TestValidity(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	// Dovecot refuses what a session does in a folder that another one removed.
	c := open(t, srv, "ann", nil, connector.Settings{setConnections: "1"})
	src, dst := ends(t, c, c)
	make := func(id string) item.Item {
		it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: c.mailbox()}
		item.Name.Set(&it, "again")
		r := change(t, dst, connector.Change{Op: connector.Create, Item: it})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		m := fill(t, dst, r.Stored.Item.Ref, []item.Item{flagged()}, map[string][]byte{"0": message(id, 100)})[0]
		if m.Err != nil {
			t.Fatal(m.Err)
		}
		return m.Stored.Item
	}
	old := make("old@b")
	if err := c.with(t.Context(), "", func(conn *wire.Conn) error { return conn.Delete("again") }); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // Dovecot's UIDVALIDITY counts seconds
	now := make("new@b")
	if old.ID == now.ID || old.Parent != now.Parent {
		t.Fatalf("the ids are %s and %s", old.ID, now.ID)
	}
	if got := fetch(t, dst, old.Ref, now.Ref); len(got) != 1 || got[0].ID != now.ID {
		t.Errorf("fetched %v", got)
	}
	if _, err := src.Open(t.Context(), *old.Blob, 0, -1); err == nil || connector.ClassOf(err) != connector.Gone {
		t.Errorf("opened: %v", err)
	}
	if removed, err := dst.Delete(t.Context(), c.mailbox(), old.Ref, func(item.Bundle) bool { t.Error("asked"); return true }); !removed || err != nil {
		t.Errorf("removed %v: %v", removed, err)
	}
	old.Parent = now.Parent
	if r := change(t, dst, connector.Change{Op: connector.Update, Item: old}); connector.ClassOf(r.Err) != connector.Gone || r.Err == nil {
		t.Errorf("updated: %v", r.Err)
	}
	if got := read(t, src, *now.Blob); string(got) != string(message("new@b", 100)) {
		t.Errorf("the new message is %q", got)
	}
}

// Large messages stream, in whole and in part; what lies is refused and leaves nothing.
func TestLarge(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c := open(t, srv, "ann", nil, nil)
	src, dst := ends(t, c, c)
	inbox := folderNamed(t, c, "INBOX")
	big := message("big@b", 3<<20)
	for _, c := range []struct {
		name string
		told int64
		want connector.Class
	}{
		{"as told", int64(len(big)), ""},
		{"of unknown size", -1, ""},
		{"shorter than told", int64(len(big)) + 1, connector.Transient},
		{"longer than told", int64(len(big)) - 1, connector.Transient},
		{"longer than told, told to be small", 1000, connector.Transient},
	} {
		it := flagged()
		it.Kind, it.Parent = item.Message, inbox
		it.Blob = &item.Blob{Bytes: c.told}
		var r connector.Result
		for r = range dst.Write(t.Context(), []connector.Change{{Op: connector.Create, Item: it}}, reading(big)) {
			break
		}
		if c.want == "" && r.Err != nil || c.want != "" && (r.Err == nil || connector.ClassOf(r.Err) != c.want || connector.InDoubt(r.Err)) {
			t.Errorf("%s: %v", c.name, r.Err)
		}
	}
	n := 0
	for _, b := range list(t, src) {
		if b.Item.Kind != item.Message {
			continue
		}
		n++
		if got := read(t, src, *b.Item.Blob); string(got) != string(big) {
			t.Errorf("%d bytes are not what was written", len(got))
		}
		for _, part := range [][2]int64{{0, 10}, {5, 1}, {2 << 20, 1 << 19}, {int64(len(big)) - 3, -1}, {int64(len(big)) - 3, 100}, {7, 0}} {
			r, err := src.Open(t.Context(), *b.Item.Blob, part[0], part[1])
			if err != nil {
				t.Fatal(err)
			}
			got := all(t, r)
			want := big[part[0]:]
			if part[1] >= 0 {
				want = want[:min(part[1], int64(len(want)))]
			}
			if string(got) != string(want) {
				t.Errorf("part %v: %d bytes, want %d", part, len(got), len(want))
			}
		}
		r, err := src.Open(t.Context(), *b.Item.Blob, 0, -1) // given up in the middle
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fscan(r)
		r.Close()
	}
	if n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

// What people change in the moment between the look and the deletion stays.
func TestDeleteRace(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c, people := open(t, srv, "ann", nil, nil), open(t, srv, "ann", nil, nil)
	_, dst := ends(t, c, c)
	_, theirs := ends(t, people, people)
	made := fill(t, dst, folderNamed(t, c, "INBOX"), []item.Item{flagged()}, map[string][]byte{"0": message("0@b", 100)})[0]
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	for i, interfere := range []bool{true, false} {
		removed, err := dst.Delete(t.Context(), c.mailbox(), made.Stored.Item.Ref, func(b item.Bundle) bool {
			if interfere {
				it := b.Item.Clone()
				item.Flags.Set(&it, []string{`\Flagged`})
				if r := change(t, theirs, connector.Change{Op: connector.Update, Item: it}); r.Err != nil {
					t.Fatal(r.Err)
				}
			}
			return true
		})
		if err != nil || removed == interfere {
			t.Errorf("%d: removed %v: %v", i, removed, err)
		}
		if got := fetch(t, theirs, made.Stored.Item.Ref); (len(got) == 1) != interfere {
			t.Errorf("%d: there is %v", i, got)
		}
	}
}

// The listing of a mailbox that moves says what it could not read, and nothing of it
// counts as deleted; a cursor remembers that.
func TestPartly(t *testing.T) {
	caps := "IMAP4rev1 UIDPLUS"
	address, _ := serve(t, "* OK [CAPABILITY "+caps+"] x", script{
		"LOGIN":              "% OK [CAPABILITY " + caps + "] in\n",
		"LIST":               "* LIST () \"/\" \"closed\"\n* LIST () \"/\" \"open\"\n",
		`EXAMINE "closed"`:   "% NO [NOPERM] no\n",
		`EXAMINE "open"`:     "* 1 EXISTS\n* OK [UIDVALIDITY 7] x\n",
		"FETCH 1:1":          "* 1 FETCH (UID 3 FLAGS ())\n",
		"UID SEARCH UID 1:3": "* SEARCH 3\n",
	})
	cl := scripted(t, address, nil)
	src, err := cl.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var cursors []connector.Cursor
	for _, from := range []int{-1, 0, 1} {
		var cursor connector.Cursor
		if from >= 0 {
			cursor = cursors[from]
		}
		n := 0
		for p, err := range src.List(t.Context(), connector.Shard{}, cursor) {
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Whole) > 0 {
				t.Errorf("from %q the listing says that it is whole", cursor)
			}
			if from < 0 {
				cursors = append(cursors, p.Next)
			}
			for _, b := range p.Bundles {
				if b.Item.Kind == item.Message {
					n++
				}
			}
		}
		if want := 1; from < 1 && n != want || from == 1 && n != 0 {
			t.Errorf("from %q there are %d messages", cursor, n)
		}
	}
}
