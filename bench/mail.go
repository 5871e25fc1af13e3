//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
)

// A mailbox is the inbox of ann on the first server, and where copies of it go on
// the second one.
type mailbox struct {
	h        *hosted
	from, to *imaptest.Server
	held     int
	names    []string // of the messages' files, without flags
	flags    map[string]string
}

// fill delivers messages of some 4 KB.
func (m *mailbox) fill(n int) {
	for range n {
		i := m.held
		m.held++
		at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC).Add(time.Duration(i) * time.Minute)
		name := fmt.Sprintf("%d.M%d.bench", at.Unix(), i)
		text := fmt.Sprintf("From: Ann <ann@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Bench %d\r\nDate: %s\r\nMessage-ID: <%d@bench.example.org>\r\n\r\n", i, at.Format(time.RFC1123Z), i)
		text += strings.Repeat("A line of a letter that is long enough to be one.\r\n", 40+i%80)
		m.from.Deliver(m.h, "ann", "", name, "S", at, []byte(text))
		m.names, m.flags[name] = append(m.names, name), "S"
	}
}

// mark gives a hundred messages another flag.
func (m *mailbox) mark(round int) error {
	dir := filepath.Join(m.from.Maildir("ann"), "cur")
	for i := range 100 {
		name := m.names[(round*100+i)%len(m.names)]
		flags := "FS"
		if m.flags[name] == flags {
			flags = "S"
		}
		found, err := filepath.Glob(filepath.Join(dir, name+"*"))
		if err != nil || len(found) != 1 {
			return fmt.Errorf("the message %s stands %d times", name, len(found))
		}
		to := found[0][:strings.LastIndex(found[0], ":2,")] + ":2," + flags
		if err := os.Rename(found[0], to); err != nil {
			return err
		}
		m.flags[name] = flags
	}
	return nil
}

// copied holds that a user's mail on the second server is ann's: the same bytes,
// times and flags, each once.
func (m *mailbox) copied(user, folder string) error {
	want, err := letters(m.from.Maildir("ann"))
	if err != nil {
		return err
	}
	got, err := letters(filepath.Join(m.to.Maildir(user), folder))
	if err != nil {
		return err
	}
	same := 0
	for k, n := range want {
		if got[k] == n {
			same += n
		}
	}
	if total := sum(got); same != m.held || total != m.held {
		return fmt.Errorf("%d messages are there, %d of %d as they were", total, same, m.held)
	}
	return nil
}

func sum(of map[string]int) (n int) {
	for _, k := range of {
		n += k
	}
	return n
}

// letters counts the messages of a Maildir by hash, time and flags. Headers that
// mbsync adds (X-TUID) are left away, as are the ends of lines, which Dovecot keeps
// as it likes.
func letters(dir string) (map[string]int, error) {
	out := map[string]int{}
	for _, sub := range []string{"cur", "new"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil {
				return nil, err
			}
			text, err := os.ReadFile(filepath.Join(dir, sub, e.Name()))
			if err != nil {
				return nil, err
			}
			text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
			if i := bytes.Index(text, []byte("X-TUID: ")); i >= 0 && i < bytes.Index(text, []byte("\n\n")) {
				end := i + bytes.IndexByte(text[i:], '\n') + 1
				text = append(text[:i:i], text[end:]...)
			}
			_, flags, _ := strings.Cut(e.Name(), ":2,")
			out[fmt.Sprintf("%x %d %s", sha256.Sum256(text), info.ModTime().Unix(), flags)]++
		}
	}
	return out, nil
}

// measureMail copies a mailbox from one Dovecot to another, and what changed in it.
func measureMail(ctx context.Context, s settings) (t table, err error) {
	mbsync, err := findMbsync(ctx)
	if err != nil {
		return t, err
	}
	t.head = contestHead()
	err = withServers(func(h *hosted) error {
		m := &mailbox{h: h, from: imaptest.Start(h, imaptest.Options{}), to: imaptest.Start(h, imaptest.Options{}), flags: map[string]string{}}
		m.fill(s.messages)
		for _, roundTrip := range []time.Duration{0, 50 * time.Millisecond} {
			from, to, title, goal := m.from.Plain, m.to.Plain, fmt.Sprintf("%d messages", m.held), "1"
			if roundTrip > 0 {
				title, goal = title+", 50 ms of round trip", "2"
				if from, err = delayed(h, from, roundTrip); err != nil {
					return err
				}
				if to, err = delayed(h, to, roundTrip); err != nil {
					return err
				}
			}
			if err := m.contests(ctx, s, &t, mbsync, from, to, title, goal, roundTrip); err != nil {
				return err
			}
		}
		return nil
	})
	t.note = "Both servers keep Maildir without fsync; mbsync runs with `Sync Pull`, `CopyArrivalDate yes`, `FSync no`, Rialto with its ledger as it comes. What came is compared message by message: bytes (line ends evened out, without the X-TUID that mbsync adds), date and flags. mbsync asks for nothing else, and keeps its state in a plain file."
	return t, err
}

func (m *mailbox) contests(ctx context.Context, s settings, t *table, mbsync, from, to, title, goal string, roundTrip time.Duration) error {
	imap := func(address, user string) end {
		return end{"imap", map[string]string{"server": address, "user": user, "password": imaptest.Password, "security": "none"}}
	}
	r := mover{s.rialto, m.h.TempDir()}
	state := m.h.TempDir()
	config := filepath.Join(state, "mbsyncrc")
	user := func(who string, round int) string {
		return fmt.Sprintf("%s-%d-%d", who, roundTrip.Milliseconds(), round)
	}
	empty := func(who string, round int) error { return os.RemoveAll(m.to.Maildir(user(who, round-1))) }
	theirs := func(ctx context.Context, _ int) (outcome, error) {
		o, _, err := spend(exec.CommandContext(ctx, mbsync, "-q", "-c", config, "bench"))
		return o, err
	}
	full := contest{title: title, files: m.held, rounds: s.rounds, entries: []contestant{
		{name: "Rialto", ready: func(ctx context.Context, round int) error {
			return errors.Join(empty("rialto", round), r.connect(ctx, imap(from, "ann"), imap(to, user("rialto", round)), ""))
		}, attempt: func(ctx context.Context, _ int) (outcome, error) { return r.run(ctx) },
			done: func(round int) error { return m.copied(user("rialto", round), "") }},
		{name: "mbsync", goal: goal, ready: func(_ context.Context, round int) error {
			return errors.Join(empty("mbsync", round), os.RemoveAll(filepath.Join(state, "sync")), os.MkdirAll(filepath.Join(state, "sync"), 0o700),
				os.WriteFile(config, []byte(mbsyncConfig(from, to, user("mbsync", round), filepath.Join(state, "sync")+"/")), 0o600))
		}, attempt: theirs, done: func(round int) error { return m.copied(user("mbsync", round), "") }},
	}}
	if err := full.hold(ctx, t); err != nil {
		return err
	}
	nothing := func(context.Context, int) error { return nil }
	second := contest{title: "then 100 new and 100 changed flags" + strings.TrimPrefix(title, fmt.Sprintf("%d messages", m.held)), files: 0, rounds: s.rounds,
		before: func(round int) error {
			m.fill(100)
			return m.mark(round)
		},
		entries: []contestant{
			{name: "Rialto", ready: nothing, attempt: func(ctx context.Context, _ int) (outcome, error) { return r.run(ctx) },
				done: func(int) error { return m.copied(user("rialto", s.rounds), "") }},
			{name: "mbsync", goal: goal, ready: nothing, attempt: theirs, done: func(int) error { return m.copied(user("mbsync", s.rounds), "") }},
		}}
	return second.hold(ctx, t)
}

// mbsyncConfig is for mbsync 1.4: https://isync.sourceforge.io/mbsync.html.
func mbsyncConfig(from, to, user, state string) string {
	store := func(name, address, user string) string {
		host, port, _ := strings.Cut(address, ":")
		return fmt.Sprintf("IMAPAccount %[1]s\nHost %[2]s\nPort %[3]s\nUser %[4]s\nPass %[5]s\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore %[1]s\nAccount %[1]s\n\n", name, host, port, user, imaptest.Password)
	}
	return "FSync no\n\n" + store("far", from, "ann") + store("near", to, user) +
		"Channel bench\nFar :far:INBOX\nNear :near:INBOX\nSync Pull\nCreate Near\nCopyArrivalDate yes\nSyncState " + state + "\n"
}
