//go:build linux

package pairs_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/mailfiles"
	"github.com/rialto-migrate/rialto/connectors/microsoft/outlook"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// TestOutlook takes real messages in Maildir folders to a mailbox of Exchange through
// the whole life of a migration: forecast, run, a pass in which nothing changed,
// verify, a changed flag, a message that was deleted, a lost ledger, undo.
func TestOutlook(t *testing.T) {
	for name, o := range map[string]microsoft.Options{"drafts are cleared": {Seed: 3, ClearsDrafts: true}, "drafts are kept": {Seed: 4}} {
		t.Run(name, func(t *testing.T) { toOutlook(t, o) })
	}
}

func toOutlook(t *testing.T, o microsoft.Options) {
	real := realMail(t)
	real = append(real, []byte("Subject: no id\r\n\r\nfirst\r\n"), []byte("Message-ID: <twice@x.test>\r\n\r\none\r\n"), []byte("Message-ID: <twice@x.test>\r\n\r\ntwo\r\n"))
	dir := t.TempDir()
	at := time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC)
	put := func(i int, flags string, b []byte) string {
		folder := filepath.Join(dir, []string{"", ".Sent", ".Projects", ".Projects.Bridge", ".&ZeVnLA-"}[i%5])
		for _, sub := range []string{"cur", "new", "tmp"} {
			must(t, os.MkdirAll(filepath.Join(folder, sub), 0o755))
		}
		path := filepath.Join(folder, "cur", fmt.Sprintf("%d.M%dP1.test:2,%s", at.Unix()+int64(i), i, flags))
		writeFile(t, path, string(b))
		must(t, os.Chtimes(path, at, at.Add(time.Duration(i)*time.Hour)))
		return path
	}
	var paths []string
	for i, b := range real {
		paths = append(paths, put(i, []string{"", "S", "RS", "FS"}[i%4], b))
	}
	o.Users = []microsoft.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}}
	srv := microsoft.New(o)
	front := httptest.NewServer(srv)
	t.Cleanup(front.Close)
	set := connector.Settings(srv.Settings(front.URL))
	set["mailbox"] = "ann@contoso.test"
	if !o.ClearsDrafts {
		set["drafts"] = "keep"
	}
	from := shelf{con: mailfiles.New(), set: connector.Settings{"folder": dir}}
	to := shelf{con: outlook.New(), set: set, place: "user:ann@contoso.test"}
	h := newHaul(t, from, to)
	folders := srv.Folders("ann@contoso.test")

	f, err := h.engine().Forecast(t.Context())
	if err != nil || f.Kinds[item.Message].Create != len(real) {
		t.Fatalf("forecast: %v, %+v", err, f)
	}
	h.run()
	letters := srv.Letters("ann@contoso.test")
	if len(letters) != len(real) {
		t.Fatalf("%d messages, want %d", len(letters), len(real))
	}
	count := map[string]int{}
	for _, l := range letters {
		if l.Draft == o.ClearsDrafts || !strings.HasPrefix(l.Received, "2019-") {
			t.Errorf("%+v", l)
		}
		count[l.Folder]++
		if l.Read {
			count["read"]++
		}
	}
	if count["/Sent Items"] == 0 || count["/Inbox"] == 0 || count["/Projects/Bridge"] == 0 || count["/日本"] == 0 || count["read"] < len(real)/2 {
		t.Errorf("%v", count)
	}
	if n := written(h.run()); n != 0 {
		t.Errorf("a pass in which nothing changed wrote %d times", n)
	}
	equalButForContent(t, h)

	must(t, os.Rename(paths[0], paths[0]+"F"))
	must(t, os.Remove(paths[1]))
	k := h.run().Kinds[item.Message]
	if k.Created != 0 || k.Updated != 1 || k.Deleted != 1 {
		t.Errorf("after one flag and one message less: %+v", k)
	}
	if got := srv.Letters("ann@contoso.test"); len(got) != len(real)-1 || !slices.ContainsFunc(got, func(l microsoft.Letter) bool { return l.Flagged && !l.Read }) {
		t.Errorf("%d messages", len(got))
	}
	equalButForContent(t, h)

	kept := h.led
	h.led = ledgertest.New() // lost
	if rep, err := h.engine().Rebuild(t.Context()); err != nil || rep.Status != "rebuilt" {
		t.Errorf("rebuild: %v, %+v", err, rep)
	}
	h.run()
	if got := srv.Letters("ann@contoso.test"); len(got) != len(real)-1 {
		t.Errorf("with the ledger lost there are %d messages", len(got))
	}
	h.led = kept
	if _, err := h.engine().Undo(t.Context(), false); err != nil {
		t.Errorf("undo: %v", err)
	}
	if left := srv.Letters("ann@contoso.test"); len(left) != 0 {
		t.Errorf("%d messages are left: %+v", len(left), left[0])
	}
	if left := srv.Folders("ann@contoso.test"); !slices.Equal(left, folders) {
		t.Errorf("the folders are %q, and were %q", left, folders)
	}
}

// equalButForContent verifies: what is there beside is Outlook's own folders, and what
// is lost of messages is that they are kept byte for byte.
func equalButForContent(t *testing.T, h *haul) {
	t.Helper()
	v, err := h.engine().Verify(t.Context(), false)
	if err != nil || len(v.Differences) > 0 || v.Failed > 0 || v.Extra[item.Message] > 0 {
		t.Fatalf("verify: %v, %+v", err, v)
	}
	var lost []string
	for _, l := range v.LossList {
		lost = append(lost, fmt.Sprintf("%s.%s %s", l.Kind, l.Field, l.Policy))
	}
	slices.Sort(lost)
	if !slices.Equal(lost, []string{"folder.subscribed drop", "message.content converted"}) {
		t.Errorf("lost: %q", lost)
	}
}

// TestOutlookForecast has what Graph does not take: a forecast says it before a run.
func TestOutlookForecast(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		must(t, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for name, text := range map[string]string{
		"1.M1P1.test:2,ST": "Message-ID: <deleted@x.test>\r\n\r\none\r\n",
		"2.M1P1.test:2,S":  "Message-ID: <large@x.test>\r\n\r\n" + strings.Repeat("x", 4<<20),
		"3.M1P1.test:2,S":  "Message-ID: <other@x.test>\r\n\r\nthree\r\n",
	} {
		writeFile(t, filepath.Join(dir, "cur", name), text)
	}
	srv := microsoft.New(microsoft.Options{Seed: 5, ClearsDrafts: true, Users: []microsoft.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}}})
	front := httptest.NewServer(srv)
	t.Cleanup(front.Close)
	from := shelf{con: mailfiles.New(), set: connector.Settings{"folder": dir, "deleted": "carry"}}
	h := newHaul(t, from, shelf{con: outlook.New(), set: connector.Settings(srv.Settings(front.URL)), place: "user:ann@contoso.test"})

	f, err := h.engine().Forecast(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Limits) != 1 || f.Limits[0].Kind != item.Message || f.Limits[0].Field != item.Content.Name || f.Limits[0].Over != 1 {
		t.Errorf("the limits are %+v, want one message that is too large", f.Limits)
	}
	flags := 0
	for _, l := range f.Losses {
		if l.Kind == item.Message && l.Field == item.Flags.Name {
			flags += l.Count
		}
	}
	if flags != 1 {
		t.Errorf("the losses are %+v, want the flag of one message", f.Losses)
	}
	r, err := h.engine().Run(t.Context())
	if err != nil || r.Failed != 1 || len(srv.Letters("ann@contoso.test")) != 2 {
		t.Errorf("run: %v, %+v", err, r)
	}
}
