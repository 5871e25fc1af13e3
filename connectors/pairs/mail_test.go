//go:build linux

package pairs_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// realMail are messages of other projects' tests, many of them malformed.
func realMail(t *testing.T) (all [][]byte) {
	t.Helper()
	dir := filepath.Join(root(), "..", "shared", "data", "mail")
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if len(b) > 0 { // one of no bytes cannot be appended: it fails, and says so
			all = append(all, b)
		}
		return err
	})
	if err != nil || len(all) == 0 {
		t.Skipf("the real messages are not at %s", dir)
	}
	return all
}

func mailbox(s *imaptest.Server, user string) shelf {
	return shelf{con: imap.New(), set: connector.Settings{"server": s.Plain, "security": "none", "user": user, "password": imaptest.Password}}
}

// letters reads a mailbox: for each message its folder, a hash of its bytes, flags
// and date, sorted.
func (s shelf) letters(t *testing.T) (out []string) {
	t.Helper()
	src, err := s.side(t).Cloud.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for shard, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names := map[item.Ref]string{}
		var refs []item.Ref
		for page, err := range src.List(t.Context(), shard, "") {
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range page.Bundles {
				switch b.Item.Kind {
				case item.Folder:
					names[b.Item.Ref] = names[b.Item.Parent] + "/" + item.FileName.Get(b.Item)
				case item.Message:
					refs = append(refs, b.Item.Ref)
				}
			}
		}
		for b, err := range src.Fetch(t.Context(), shard, refs) {
			if err != nil {
				t.Fatal(err)
			}
			r, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			h := sha256.New()
			n, err := io.Copy(h, r)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s %d %x %v %s", names[b.Item.Parent], n, h.Sum(nil)[:8], item.Flags.Get(b.Item), item.Received.Get(b.Item).UTC().Format(time.RFC3339)))
		}
	}
	slices.Sort(out)
	return out
}

// TestMail takes a mailbox with real messages to another server: byte for byte, with
// flags and dates; a changed flag changes a flag, and with the ledger lost nothing
// comes twice.
func TestMail(t *testing.T) {
	real := realMail(t)
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	for i, b := range real {
		folder := []string{"", ".Sent", ".Projects", ".Projects.Bridge", ".日本"}[i%5]
		if folder == ".日本" {
			folder = ".&ZeVnLA-" // in IMAP's UTF-7, as Dovecot names folders on disk
		}
		one.Deliver(t, "ann", folder, fmt.Sprintf("%d.M%dP1.test", at.Unix()+int64(i), i), []string{"", "S", "RS", "FS"}[i%4], at.Add(time.Duration(i)*time.Hour), b)
	}
	from, to := mailbox(one, "ann"), mailbox(two, "bob")
	h := newHaul(t, from, to)
	f, err := h.engine().Forecast(t.Context())
	if err != nil || f.Kinds[item.Message].Create != len(real) {
		t.Fatalf("forecast: %v, %+v", err, f)
	}
	h.run()
	want := from.letters(t)
	if got := to.letters(t); !slices.Equal(got, want) || len(want) != len(real) {
		t.Fatalf("%d messages, want %d:\n%v\n%v", len(got), len(want), got, want)
	}
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	h.verify()

	one.Deliver(t, "ann", "", "99.M99P1.test", "", at, []byte("Subject: new\r\nMessage-ID: <new@x.test>\r\n\r\nnew\r\n"))
	reflag(t, one.Maildir("ann"))
	r := h.run()
	if k := r.Kinds[item.Message]; k.Created != 1 || k.Updated == 0 {
		t.Errorf("after one new message and changed flags: %+v", r.Kinds)
	}
	if got, want := to.letters(t), from.letters(t); !slices.Equal(got, want) {
		t.Errorf("after a delta:\n%v\n%v", got, want)
	}

	renumber(t, one.Maildir("ann"))
	if k := h.run().Kinds[item.Message]; k.Created != 0 || k.Deleted != 0 {
		t.Errorf("after every folder got another UIDVALIDITY: %+v", k)
	}
	if got, want := to.letters(t), from.letters(t); !slices.Equal(got, want) {
		t.Errorf("after every folder got another UIDVALIDITY:\n%v\n%v", got, want)
	}
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}

	h.led = ledgertest.New() // lost
	if rep, err := h.engine().Rebuild(t.Context()); err != nil || rep.Status != "rebuilt" {
		t.Errorf("rebuild: %v, %+v", err, rep)
	}
	h.run()
	if got, want := to.letters(t), from.letters(t); !slices.Equal(got, want) {
		t.Errorf("with the ledger lost:\n%v\n%v", got, want)
	}
}

// renumber takes Dovecot's lists of UIDs away, as a move to another machine does: it
// gives every folder another UIDVALIDITY, which it makes of the time in seconds.
func renumber(t *testing.T, maildir string) {
	t.Helper()
	time.Sleep(1100 * time.Millisecond)
	n := 0
	must(t, filepath.WalkDir(maildir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(d.Name(), "dovecot") && d.Name() != "dovecot-keywords" {
			n++
			return os.Remove(path)
		}
		return err
	}))
	if n == 0 {
		t.Fatal("Dovecot keeps no lists there")
	}
}

// reflag marks a message of the inbox as answered, as another mail program would.
func reflag(t *testing.T, maildir string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(maildir, "cur", "*:2,S"))
	if err != nil || len(all) == 0 {
		t.Fatal("no message is seen", err)
	}
	for _, path := range all[:min(3, len(all))] {
		must(t, os.Rename(path, path[:len(path)-1]+"RS"))
	}
}
