package wire

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// talk opens a connection to a server that answers whole lines.
func talk(t *testing.T, answer func(tag, command string) string) *Conn {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	go func() {
		out := make(chan string, 64)
		go func() {
			for s := range out {
				fmt.Fprint(far, strings.ReplaceAll(s, "\n", "\r\n"))
			}
		}()
		defer close(out)
		out <- "* OK [CAPABILITY IMAP4rev1 UIDPLUS LITERAL+ ENABLE CONDSTORE QRESYNC] x\n"
		for r := bufio.NewReader(far); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
			if i := strings.LastIndex(command, "{"); i > 0 { // a literal, and the line's end
				n := 0
				fmt.Sscanf(command[i:], "{%d+}", &n)
				if _, err := r.Discard(n + 2); err != nil {
					return
				}
			}
			out <- answer(tag, command)
		}
	}()
	c, err := Open(near, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Commands whose answers are waited for later have their own: refusals too, and those
// that come while another command is under way.
func TestLater(t *testing.T) {
	n := 0
	c := talk(t, func(tag, command string) string {
		switch {
		case strings.HasPrefix(command, "SELECT"):
			return "* 3 EXISTS\n* OK [UIDVALIDITY 7] x\n" + tag + " OK x\n"
		case strings.HasPrefix(command, "APPEND"):
			if n++; n == 2 {
				return tag + " NO [OVERQUOTA] x\n"
			}
			return fmt.Sprintf("%s OK [APPENDUID 7 %d] x\n", tag, 40+n)
		}
		return tag + " OK x\n"
	})
	if err := c.SelectLater("INBOX", false); err != nil || c.Selected().Name != "" {
		t.Fatal(err, c.Selected())
	}
	var sent []*Append
	for range 3 {
		a := c.Append("INBOX")
		if err := a.Add(nil, time.Time{}, 2, false, strings.NewReader("ab")); err != nil {
			t.Fatal(err)
		}
		a.Send()
		sent = append(sent, a)
	}
	if err := c.Noop(); err != nil { // its answer comes after theirs
		t.Fatal(err)
	}
	var got []string
	for _, a := range sent {
		_, uids, err := a.Answer()
		got = append(got, fmt.Sprint(uids, err))
	}
	if want := "[41] <nil>;[] APPEND: the server answered NO [OVERQUOTA];[43] <nil>"; strings.Join(got, ";") != want {
		t.Errorf("the answers are %q, want %s", got, want)
	}
	if err := c.Select("INBOX", false); err != nil || c.Selected().Name != "INBOX" || c.Selected().Exists != 3 || c.Commands() != 5 {
		t.Errorf("the folder is open as %+v after %d commands: %v", c.Selected(), c.Commands(), err)
	}
}

// What was removed before a folder was opened is told, and what is removed while it is
// open changes its numbers.
func TestVanished(t *testing.T) {
	c := talk(t, func(tag, command string) string {
		switch {
		case strings.HasPrefix(command, `EXAMINE "INBOX" (QRESYNC (7 90))`):
			return "* 10 EXISTS\n* OK [UIDVALIDITY 7] x\n* VANISHED (EARLIER) 3:4,9\n* 2 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (95))\n" + tag + " OK x\n"
		case command == "NOOP":
			return "* VANISHED 5,11:12\n" + tag + " OK x\n"
		}
		return tag + " OK x\n"
	})
	c.Resyncs()
	var changed, gone []uint32
	whole, err := c.Changes("INBOX", State{Validity: 7, ModSeq: 90}, func(m Message) error {
		changed = append(changed, m.UID)
		return nil
	}, func(uids []uint32, ok bool) {
		if !ok {
			t.Error("a set was not read")
		}
		gone = append(gone, uids...)
	})
	if err != nil || !whole || fmt.Sprint(changed, gone) != "[5] [3 4 9]" {
		t.Errorf("changed %v, gone %v, whole %v: %v", changed, gone, whole, err)
	}
	turn := c.Selected().Turn
	if err := c.Noop(); err != nil || c.Selected().Exists != 7 || c.Selected().Turn == turn {
		t.Errorf("then there are %+v: %v", c.Selected(), err)
	}
}
