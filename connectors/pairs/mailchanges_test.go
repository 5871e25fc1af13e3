//go:build linux

package pairs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// Where the source tells what changed, a later pass looks at that alone: what came,
// changed and went follows, what failed is tried again, and after an undo all of it
// moves again.
func TestMailChanges(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	deliver := func(folder string, i int, body string) {
		one.Deliver(t, "ann", folder, fmt.Sprintf("%d.M%dP1.test", at.Unix()+int64(i), i), "S", at, fmt.Appendf(nil, "Subject: %d\r\nMessage-ID: <%d@x.test>\r\n\r\n%s\r\n", i, i, body))
	}
	for i := range 60 {
		deliver([]string{"", ".Sent", ".Projects"}[i%3], i, "text")
	}
	from, to := mailbox(one, "ann"), mailbox(two, "bob")
	h := newHaul(t, from, to)
	since := func() string {
		t.Helper()
		shards, err := h.led.Shards(t.Context())
		if err != nil || len(shards) != 1 {
			t.Fatal(shards, err)
		}
		return shards[0].Since
	}
	same := func(when string) {
		t.Helper()
		if got, want := to.letters(t), from.letters(t); !slices.Equal(got, want) {
			t.Errorf("%s:\n%v\n%v", when, got, want)
		}
	}
	h.run()
	first := since()
	if first == "" {
		t.Fatal("nothing is kept from where changes are told")
	}
	quiet := h.run()
	if n := written(quiet); n != 0 || quiet.Kinds[item.Message].Skipped != 0 {
		t.Errorf("a pass in which nothing changed looked at messages: %+v", quiet.Kinds)
	}

	deliver("", 100, "new")
	reflag(t, one.Maildir("ann"))
	expunge(t, from, "Projects")
	if k := h.run().Kinds[item.Message]; k.Created != 1 || k.Updated != 3 || k.Deleted != 1 {
		t.Errorf("after one came, three changed and one went: %+v", k)
	}
	same("after changes")

	must(t, os.RemoveAll(filepath.Join(one.Maildir("ann"), ".Sent")))
	if k := h.run().Kinds; k[item.Message].Deleted != 20 || k[item.Folder].Deleted != 1 {
		t.Errorf("after a folder went: %+v", k)
	}

	deliver("", 101, "the target's disk is broken")
	tmp := filepath.Join(two.Maildir("bob"), "tmp")
	must(t, os.Chmod(tmp, 0))
	for range 2 { // it fails, and is tried again
		r, err := h.engine().Run(t.Context())
		if err != nil || r.Failed != 1 || r.Status != "partial" {
			t.Errorf("a message that cannot be kept: %v, %+v", err, r)
		}
		if got := since(); got != "" {
			t.Errorf("after a failure changes are told from %s", got)
		}
	}
	must(t, os.Chmod(tmp, 0o700))
	if k := h.run().Kinds[item.Message]; k.Created != 1 || since() == "" {
		t.Errorf("what failed came to %+v", k)
	}
	same("after a failure")

	if _, err := h.engine().Undo(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if shards, _ := h.led.Shards(t.Context()); slices.ContainsFunc(shards, func(s ledger.Shard) bool { return s.Since != "" }) {
		t.Error("after an undo only changes would move")
	}
	if k := h.run().Kinds[item.Message]; k.Created != 41 {
		t.Errorf("after an undo: %+v", k)
	}
}

// expunge removes a message from a folder of a mailbox, as another program does.
func expunge(t *testing.T, of shelf, folder string) {
	t.Helper()
	cloud := of.side(t).Cloud
	src, err := cloud.Source(t.Context())
	must(t, err)
	dst, err := cloud.Target(t.Context(), "")
	must(t, err)
	names := map[item.Ref]string{}
	for shard, err := range src.Shards(t.Context()) {
		must(t, err)
		for page, err := range src.List(t.Context(), shard, "") {
			must(t, err)
			for _, b := range page.Bundles {
				names[b.Item.Ref] = item.Name.Get(b.Item)
				if b.Item.Kind == item.Message && names[b.Item.Parent] == folder {
					_, err := dst.Delete(t.Context(), shard.Ref, b.Item.Ref, func(item.Bundle) bool { return true })
					must(t, err)
					return
				}
			}
		}
	}
	t.Fatal("no message lies in", folder)
}

// A target that gives every folder another UIDVALIDITY lets its messages be found again
// by their marks: changes reach them, nothing comes twice, and an undo removes them.
func TestMailTargetRenumbered(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	for i := range 30 {
		id := i - i%2*(i%4/3) // some lie there twice
		one.Deliver(t, "ann", []string{"", ".Projects"}[i%2], fmt.Sprintf("%d.M%dP1.test", at.Unix()+int64(i), i), "S", at, fmt.Appendf(nil, "Subject: %d\r\nMessage-ID: <%d@x.test>\r\n\r\ntext\r\n", i, id))
	}
	from, to := mailbox(one, "ann"), mailbox(two, "bob")
	h := newHaul(t, from, to)
	h.run()
	renumber(t, two.Maildir("bob"))
	reflag(t, one.Maildir("ann"))
	reflag(t, filepath.Join(one.Maildir("ann"), ".Projects"))
	if k := h.run().Kinds[item.Message]; k.Updated != 6 || k.Created != 0 {
		t.Errorf("after the target numbered its messages anew: %+v", k)
	}
	if got, want := to.letters(t), from.letters(t); !slices.Equal(got, want) {
		t.Errorf("after the target numbered its messages anew:\n%v\n%v", got, want)
	}
	h.verify()
	if rep, err := h.engine().Undo(t.Context(), false); err != nil || rep.Kinds[item.Message].Removed != 30 || len(to.letters(t)) != 0 {
		t.Errorf("undone %+v: %v; there is %v", rep, err, to.letters(t))
	}
}
