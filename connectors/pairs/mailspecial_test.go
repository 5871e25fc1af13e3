//go:build linux

package pairs_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// TestMailSpecialUse takes "Sent Items" of one account into "Sent" of another, with the
// folders below it, and leaves what was there.
func TestMailSpecialUse(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	letter := func(s *imaptest.Server, user, folder, name string) {
		s.Deliver(t, user, "."+folder, name+".M1P1.test", "S", at, []byte("Subject: "+name+"\r\nMessage-ID: <"+name+"@x.test>\r\n\r\ntext\r\n"))
	}
	letter(one, "ann", "Sent Items", "1")
	letter(one, "ann", "Sent Items.2018", "2")
	letter(one, "ann", "Work", "3")
	letter(two, "bob", "Sent", "9")
	from, to := mailbox(one, "ann"), mailbox(two, "bob")
	h := newHaul(t, from, to)
	f, err := h.engine().Forecast(t.Context())
	renamed := func(l migrate.Loss) bool {
		return l.Kind == item.Folder && l.Field == item.FileName.Name && l.Policy == "renamed" && l.Count == 1
	}
	if err != nil || !slices.ContainsFunc(f.Losses, renamed) {
		t.Errorf("forecast: %v, %+v", err, f)
	}
	h.run()
	verify := func() {
		t.Helper()
		v, err := h.engine().Verify(t.Context(), false)
		if err != nil || len(v.Differences) > 0 || v.Extra[item.Message] != 1 || len(v.Extra) != 1 {
			t.Errorf("verify: %v, %+v", err, v)
		}
	}
	in := func(what string, names ...string) {
		t.Helper()
		all := to.letters(t)
		for _, name := range names {
			if !slices.ContainsFunc(all, func(l string) bool { return strings.HasPrefix(l, "/"+name+" ") }) {
				t.Errorf("%s: %q is missing in %q", what, name, all)
			}
		}
		if len(all) != len(names) {
			t.Errorf("%s: there is %q, want %d letters", what, all, len(names))
		}
		if slices.ContainsFunc(all, func(l string) bool { return strings.Contains(l, "Sent Items") }) {
			t.Errorf("%s: there are two folders for what was sent: %q", what, all)
		}
	}
	in("after a run", "Sent", "Sent", "Sent/2018", "Work")
	verify()
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	letter(one, "ann", "Sent Items", "4")
	h.run()
	in("after another letter", "Sent", "Sent", "Sent", "Sent/2018", "Work")
	verify()
	if u, err := h.engine().Undo(t.Context(), false); err != nil || u.Status != "undone" {
		t.Errorf("undo: %v, %+v", err, u)
	}
	in("after an undo", "Sent")
}
