package imap

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// told is what a listing told.
type told struct {
	messages []string // "uid flags"
	gone     []string // uids
	same     int
	whole    bool
	since    connector.Cursor
}

func listSince(t *testing.T, c *cloud, from connector.Cursor) (out told) {
	t.Helper()
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	uidOf := func(r item.Ref) string { return r.ID[strings.LastIndexByte(r.ID, '.')+1:] }
	for p, err := range src.List(t.Context(), connector.Shard{}, from) {
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Bundles {
			if b.Item.Kind == item.Message {
				out.messages = append(out.messages, uidOf(b.Item.Ref)+" "+strings.Join(item.Flags.Get(b.Item), " "))
			}
		}
		for _, ref := range p.Gone {
			out.gone = append(out.gone, uidOf(ref))
		}
		out.same, out.whole, out.since = len(p.Same), slices.Contains(p.Whole, item.Message), p.Since
	}
	slices.Sort(out.gone)
	return out
}

// A listing tells from where changes are told; from there come those, and nothing of
// what did not change: where the server says what was removed, where it only keeps a
// MODSEQ, and where it keeps none everything is listed.
func TestChanges(t *testing.T) {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, c := range []struct {
		name            string
		hide            []string
		flags, expunged told // after three messages changed, and after one was removed
	}{
		{"QRESYNC", nil,
			told{messages: []string{"2 \\Flagged \\Seen", "41 \\Seen"}, gone: []string{"3"}, same: 2, whole: true},
			told{gone: []string{"7"}, same: 2, whole: true}},
		{"CONDSTORE", []string{"QRESYNC"},
			told{messages: []string{"2 \\Flagged \\Seen", "41 \\Seen"}, gone: []string{"3"}, same: 2, whole: true},
			told{messages: make([]string, 39), same: 1, whole: true}}, // one is marked as deleted
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := imaptest.Start(t, imaptest.Options{Hide: c.hide})
			for i := range 40 {
				srv.Deliver(t, "ann", "", fmt.Sprintf("%d.M%d.test", 981173106+i, i), "S", at, message(fmt.Sprintf("%d@b", i), 60))
			}
			srv.Deliver(t, "ann", ".Other", "9.M9.test", "S", at, message("other@b", 60))
			c1 := open(t, srv, "ann", nil, nil)
			first := listSince(t, c1, "")
			if len(first.messages) != 41 || first.since == "" || first.same != 0 {
				t.Fatalf("the first listing: %+v", first)
			}
			_, before := used(c1)
			none := listSince(t, c1, first.since)
			if len(none.messages)+len(none.gone) != 0 || none.same != 2 || !none.whole {
				t.Errorf("where nothing changed: %+v", none)
			}
			if _, after := used(c1); after != before+1 {
				t.Errorf("where nothing changed it took %d commands", after-before)
			}
			dir := filepath.Join(srv.Maildir("ann"), "cur")
			rename(t, dir, "981173107.M1.test", "FS")
			rename(t, dir, "981173108.M2.test", "ST")
			srv.Deliver(t, "ann", "", "981179999.M99.test", "S", at, message("new@b", 60))
			flags := listSince(t, c1, none.since)
			sameTold(t, "after flags changed and one came", flags, c.flags)
			_, dst := ends(t, c1, c1)
			seventh := item.Ref{Kind: item.Message, ID: messageID(folderNamed(t, c1, "INBOX").ID, c1.tree.byName["INBOX"].state.Validity, 7)}
			if removed, err := dst.Delete(t.Context(), c1.mailbox(), seventh, func(item.Bundle) bool { return true }); !removed || err != nil {
				t.Fatal(removed, err)
			}
			sameTold(t, "after one was removed", listSince(t, c1, flags.since), c.expunged)
		})
	}
	t.Run("neither", func(t *testing.T) {
		srv := imaptest.Start(t, imaptest.Options{Hide: []string{"QRESYNC", "CONDSTORE"}})
		if got := listSince(t, open(t, srv, "ann", nil, nil), ""); got.since != "" || !got.whole {
			t.Errorf("told %+v", got)
		}
	})
	t.Run("other settings, or another UIDVALIDITY", func(t *testing.T) {
		srv := imaptest.Start(t, imaptest.Options{})
		srv.Deliver(t, "ann", "", "9.M9.test", "S", at, message("one@b", 60))
		first := listSince(t, open(t, srv, "ann", nil, nil), "")
		if got := listSince(t, open(t, srv, "ann", nil, connector.Settings{setDeleted: "carry"}), first.since); len(got.messages) != 1 || got.same != 0 {
			t.Errorf("with other settings %+v", got)
		}
		validity := strings.Split(string(first.since), ":")[1]
		old := connector.Cursor(strings.ReplaceAll(string(first.since), ":"+validity+":", ":7:"))
		if got := listSince(t, open(t, srv, "ann", nil, nil), old); len(got.messages) != 1 || got.same != 0 || !got.whole {
			t.Errorf("with another UIDVALIDITY %+v", got)
		}
		later := strings.LastIndex(string(first.since), ":")
		if got := listSince(t, open(t, srv, "ann", nil, nil), first.since[:later]+":99999"); len(got.messages) != 1 || got.same != 0 || !got.whole {
			t.Errorf("from a server that was set back %+v", got)
		}
	})
}

func sameTold(t *testing.T, when string, got, want told) {
	t.Helper()
	if len(want.messages) > 3 { // how many
		got.messages, want.messages = make([]string, len(got.messages)), make([]string, len(want.messages))
	}
	if !slices.Equal(got.messages, want.messages) || !slices.Equal(got.gone, want.gone) || got.same != want.same || got.whole != want.whole || got.since == "" {
		t.Errorf("%s: %+v, want %+v", when, got, want)
	}
}

// rename gives a message of a Maildir other flags, as another program would.
func rename(t *testing.T, dir, name, flags string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, name+"*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s stands %d times: %v", name, len(found), err)
	}
	if err := os.Rename(found[0], filepath.Join(dir, name+":2,"+flags)); err != nil {
		t.Fatal(err)
	}
}
