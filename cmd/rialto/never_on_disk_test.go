package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"

	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// A carrier is a Trello whose board, token and files are full of a canary, and
// a tenant to move it to.
type carrier struct {
	canary   *canary
	from, to *served
	rialto   *install
	file     string
	began    time.Time
}

// newCarrier makes one; files says how long its attachments are, in bytes.
func newCarrier(t *testing.T, cloud string, files ...int) *carrier {
	t.Helper()
	c := &carrier{canary: newCanary(), rialto: newInstall(t), began: time.Now()}
	word := c.canary.text()
	srv := trello.New(trello.Options{Seed: 5, Rates: &trello.Rates{Token: standin.Window{Max: 1000000, Per: 10 * time.Second}}, Token: "ATTA" + word})
	srv.AddMember(trello.Member{Username: user(0), FullName: people()[0]})
	srv.AddMember(trello.Member{Username: "u" + word[:20], FullName: "Person " + word})
	c.from = serve(t, srv)
	c.from.connector, c.from.trello, c.from.settings = cloud, srv, srv.Settings(c.from.base)
	b := trello.Board{Name: "Board " + word, Desc: "For " + word, Members: []string{user(0), "u" + word[:20]}, Labels: []trello.Label{{Name: "label " + word, Color: "red"}},
		Lists: []trello.List{{Name: "List " + word, Cards: []trello.Card{
			{Name: "Card " + word, Desc: "It says " + word, Labels: []string{"label " + word}, Members: []string{user(0)},
				Checklists: []trello.Checklist{{Name: "Do " + word, Items: []trello.Item{{Name: "step " + word}}}},
				Comments:   []trello.Comment{{Author: user(0), Text: "I say " + word}}},
			{Name: "Old " + word, Closed: true},
		}}}}
	const most = 8 // files of a card; a task of Planner holds ten
	for i, n := range files {
		cards := &b.Lists[0].Cards
		if i > 0 && i%most == 0 {
			*cards = append(*cards, trello.Card{Name: fmt.Sprintf("Card %d %s", i, word)})
		}
		card := &(*cards)[0]
		if i >= most {
			card = &(*cards)[len(*cards)-1]
		}
		card.Attachments = append(card.Attachments, trello.Attachment{Name: fmt.Sprintf("file %d %s.bin", i, word), Data: c.canary.blob(min(n, 1<<20)), Size: int64(n)})
	}
	if _, err := srv.AddBoard(b); err != nil {
		t.Fatal(err)
	}
	c.to = servePlanner(t, microsoft.Options{Seed: 5}, true)
	c.file = c.rialto.migration(`name: canary
from: {connection: from, scope: ["*"]}
to: {connection: to, place: "group:Marketing"}
people: {others: name-in-text}
accept: widening
`)
	return c
}

// found names every place on disk and every output in which the canary is.
func (c *carrier) found(t *testing.T, outputs ...string) []string {
	t.Helper()
	out := c.canary.below(t, c.rialto.state, c.rialto.temp)
	for _, text := range outputs {
		for _, form := range c.canary.in([]byte(text)) {
			out = append(out, "an output holds it: "+form)
		}
	}
	return append(out, c.leaked(t)...)
}

// leaked looks at what is new in the system's own folders for temporary files:
// a mover does not learn of TMPDIR. Other programs' files cannot hold the canary.
func (c *carrier) leaked(t *testing.T) (out []string) {
	t.Helper()
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // it is not there on this system
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.ModTime().Before(c.began.Add(-time.Second)) {
				continue
			}
			path := filepath.Join(dir, e.Name())
			data, err := os.ReadFile(path)
			if err != nil {
				continue // another user's, or gone again
			}
			if found := c.canary.in(data); len(found) > 0 {
				out = append(out, fmt.Sprintf("%s holds it: %v", path, found))
				if ours, err := filepath.Match(leakPattern, e.Name()); err == nil && ours {
					t.Cleanup(func() { os.Remove(path) })
				}
			}
		}
	}
	return out
}

// carry takes the migration through every verb and returns all that it said.
func (c *carrier) carry(t *testing.T) (outputs []string) {
	t.Helper()
	c.rialto.connect("from", c.from)
	c.rialto.connect("to", c.to)
	dead := c.rialto.run(fate{failpoint: "after-write:3"}, "", "run", "--json", c.file)
	if !dead.killed() {
		t.Fatal(dead)
	}
	outputs = append(outputs, dead.out, dead.err)
	reports := filepath.Join(c.rialto.temp, "reports")
	for _, args := range [][]string{
		{"connections"}, {"--json", "connections", "test", "from"},
		{"people", "--json", c.file}, {"people", c.file},
		{"forecast", "--json", c.file}, {"forecast", c.file},
		{"run", "--json", c.file}, {"run", c.file},
		{"verify", "--json", "--report", reports, c.file}, {"verify", c.file},
		{"ledger", "show", c.file}, {"ledger", "export", c.file},
		{"undo", "--dry-run", c.file},
	} {
		e := c.rialto.must(args...)
		outputs = append(outputs, e.out, e.err)
	}
	if len(c.to.page()) != 2 || c.to.page()[0].Cards()+c.to.page()[1].Cards() != 3 {
		t.Fatal("the board did not move")
	}
	return outputs
}

// TestNeverOnDisk proves that nothing of what moves, and no token, is in any
// file or output afterwards.
func TestNeverOnDisk(t *testing.T) {
	c := newCarrier(t, "trello", 100, 70<<10, 5<<20)
	outputs := c.carry(t)
	for _, where := range c.found(t, outputs...) {
		t.Error(where)
	}
	c.databases(t)
	// A name stands in what the user asked names for, and nowhere else: scan
	// says what can be moved, and verify --with-names what differs.
	scan := c.rialto.must("scan", "from")
	if len(c.canary.in([]byte(scan.out))) == 0 {
		t.Error("scan does not say the board's name")
	}
}

// overhear listens for UDP at the port of the cloud that is the source; heard
// returns what came.
func (c *carrier) overhear(t *testing.T) (heard func() []byte) {
	t.Helper()
	u, err := url.Parse(c.from.base)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.ListenPacket("udp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan []byte, 1)
	go func() {
		var got []byte
		for buf := make([]byte, 64<<10); ; {
			n, _, err := l.ReadFrom(buf)
			if err != nil {
				all <- got
				return
			}
			got = append(got, buf[:n]...)
		}
	}()
	return func() []byte {
		l.Close()
		return <-all
	}
}

// databases holds the files of the state directory against what an encrypted
// one looks like.
func (c *carrier) databases(t *testing.T) {
	t.Helper()
	seen := 0
	err := filepath.WalkDir(c.rialto.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(data, []byte("SQLite format 3")) {
			t.Errorf("%s is a database in the clear", path)
		}
		if strings.HasSuffix(path, ".db") {
			seen++
			if bytes.Contains(data, []byte("CREATE TABLE")) {
				t.Errorf("%s has pages in the clear", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 2 {
		t.Errorf("%d databases were looked at, expected those of the connections and of the migration", seen)
	}
}

// TestNeverOnDiskHasTeeth turns each safeguard off. With a connector that leaks,
// the confinement keeps the disk clean and the network still; without the
// confinement, the very same search finds the leak.
func TestNeverOnDiskHasTeeth(t *testing.T) {
	for _, unconfined := range []bool{false, true} {
		t.Run(fmt.Sprintf("unconfined=%v", unconfined), func(t *testing.T) {
			c := newCarrier(t, "leaky", 5000)
			c.rialto.env = []string{asLeaky + "=1"}
			if unconfined {
				c.rialto.prefix = []string{"--unconfined"}
			}
			heard := c.overhear(t)
			found := c.found(t, c.carry(t)...)
			if got := heard(); len(c.canary.in(got)) > 0 != unconfined {
				t.Errorf("by UDP came %d bytes", len(got))
			}
			if !unconfined && len(found) > 0 {
				t.Errorf("a confined mover leaked: %v", found)
			}
			if unconfined && len(found) == 0 {
				t.Error("a mover that nothing confined leaked, and the search did not find it")
			}
		})
	}
}

// mostWritten is what a mover may cause to be written to disk, in bytes,
// whatever it moves: the file system's own notes of times of access.
const mostWritten = 64 << 10

// TestMoverWritesNothing lets 64 MiB of files pass and asks the kernel how much
// the mover wrote.
func TestMoverWritesNothing(t *testing.T) {
	c := newCarrier(t, "trello", 16<<20, 16<<20, 16<<20, 16<<20)
	c.rialto.connect("from", c.from)
	c.rialto.connect("to", c.to)
	a, err := app.Open(t.Context(), app.Config{Connectors: connectors.All(), StateDir: c.rialto.state, Version: "test", Getenv: func(string) string { return "" }})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	f, err := migrate.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	written := int64(-1)
	out, err := a.Do(context.WithoutCancel(t.Context()), app.Request{Verb: job.Run, File: f, Wrote: func(n int64) { written = n }})
	if err != nil || out.Error != nil {
		t.Fatal(err, out)
	}
	if out.Run.Bytes < 64<<20 {
		t.Fatalf("%d bytes passed, expected 64 MiB", out.Run.Bytes)
	}
	if written < 0 || written > mostWritten {
		t.Errorf("the kernel counts %d bytes written by the mover (-1: it does not tell), at most %d are fine", written, mostWritten)
	}
	for _, where := range c.found(t) {
		t.Error(where)
	}
}
