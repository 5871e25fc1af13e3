package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
)

// TestMailbox takes a mailbox through the real program, confined as it always is:
// connect, scan, forecast, run, verify, a delta, undo.
func TestMailbox(t *testing.T) {
	one, two := imaptest.Start(t, imaptest.Options{}), imaptest.Start(t, imaptest.Options{})
	at := time.Date(2021, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range 300 {
		text := fmt.Sprintf("From: a@x.test\r\nSubject: %d\r\nMessage-ID: <%d@x.test>\r\n\r\n%s\r\n", i, i, strings.Repeat("text ", i*7))
		one.Deliver(t, "ann", []string{"", ".Sent", ".Projects"}[i%3], fmt.Sprintf("%d.M%dP1.test", at.Unix(), i), "S", at, []byte(text))
	}
	in := newInstall(t)
	for name, server := range map[string]*imaptest.Server{"old": one, "new": two} {
		user := map[string]string{"old": "ann", "new": "bob"}[name]
		in.must("connect", "imap", "--name", name, "--set", "server="+server.Plain, "--set", "security=none", "--set", "user="+user, "--set", "password="+imaptest.Password)
	}
	in.must("scan", "old", "--json")
	file := filepath.Join(t.TempDir(), "mail.yaml")
	if err := os.WriteFile(file, []byte("name: mail\nfrom: {connection: old, scope: [\"*\"]}\nto: {connection: new}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in.must("forecast", file)
	var r struct {
		Status string
		Kinds  map[string]struct{ Created, Updated int }
	}
	run := func() {
		t.Helper()
		if err := in.must("run", "--json", file).done(&r); err != nil || r.Status != "complete" {
			t.Fatalf("run: %v, %+v", err, r)
		}
	}
	run()
	if r.Kinds["message"].Created != 300 {
		t.Errorf("run: %+v", r.Kinds)
	}
	in.must("verify", file)
	one.Deliver(t, "ann", "", "late", "", at, []byte("Subject: late\r\n\r\nlate\r\n"))
	run()
	if r.Kinds["message"].Created != 1 {
		t.Errorf("a delta: %+v", r.Kinds)
	}
	in.must("verify", file)
	in.must("undo", file)
	left, err := filepath.Glob(filepath.Join(two.Maildir("bob"), "*", "*:2,*"))
	if more, err := filepath.Glob(filepath.Join(two.Maildir("bob"), ".*", "cur", "*")); err == nil {
		left = append(left, more...)
	}
	if err != nil || len(left) > 0 {
		t.Errorf("an undo left %v, %v", left, err)
	}
}
