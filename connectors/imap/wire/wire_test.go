package wire

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
)

func TestSets(t *testing.T) {
	for _, c := range []struct {
		uids []uint32
		set  string
	}{{[]uint32{1}, "1"}, {[]uint32{1, 2, 3}, "1:3"}, {[]uint32{1, 3, 4, 9}, "1,3:4,9"}, {[]uint32{4294967294, 4294967295}, "4294967294:4294967295"}} {
		if got := Set(c.uids); got != c.set {
			t.Errorf("%v is written %q", c.uids, got)
		}
		if got, ok := ParseSet(c.set); !ok || !slices.Equal(got, c.uids) {
			t.Errorf("%q is read as %v", c.set, got)
		}
	}
	for _, bad := range []string{"", "0", "a", "1:", ":1", "1,,2", "4294967296", "1:4294967295", "*"} {
		if got, ok := ParseSet(bad); ok {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}

// FuzzSet: a set that is read is written as one that reads the same.
func FuzzSet(f *testing.F) {
	f.Add("1:3,7")
	f.Fuzz(func(t *testing.T, s string) {
		uids, ok := ParseSet(s)
		if !ok {
			return
		}
		again, ok := ParseSet(Set(uids))
		if !ok || !slices.Equal(again, uids) {
			t.Errorf("%q is read as %v, and again as %v", s, uids, again)
		}
	})
}

// FuzzAnswers feeds a client whatever a server may say: it ends, holds little, and
// hands out no more bytes than came.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{
		"* 1 FETCH (UID 7 FLAGS (\\Seen $X) INTERNALDATE \"22-Nov-2001 13:33:36 +0000\" RFC822.SIZE 9 BODY[] {9}\r\nX: y\r\n\r\n1)\r\nr1 OK done\r\n",
		"* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)] \"x\" X-GM-LABELS (\\Inbox \"a b\" {3}\r\nabc) EMAILID (M1) MODSEQ (12))\r\nr1 OK [READ-ONLY] x\r\n",
		"* LIST (\\HasNoChildren) \"/\" {3}\r\nfoo\r\n* STATUS foo (MESSAGES 3 MAILBOXID (F1) SIZE 12)\r\nr1 NO [TRYCREATE] x\r\n",
		"* ESEARCH (TAG \"r1\") UID COUNT 3 ALL 1:3,5\r\n* SEARCH 1 2 (MODSEQ 3)\r\nr1 OK x\r\n",
		"* OK [PERMANENTFLAGS (\\* \\Seen)] x\r\n* BYE x\r\n+ go on\r\nr1 BAD x\r\n",
		"* 1 FETCH (BODY[] ~{3}\r\na\x00b BODY[]<0> NIL)\r\n* VANISHED (EARLIER) 1:3\r\nr1 OK [APPENDUID 1 2:4] x\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		c := &Conn{nc: nowhere{}, r: reader{br: bufio.NewReader(bytes.NewReader(said))}, bw: bufio.NewWriter(io.Discard)}
		got := int64(0)
		var asked bool
		tag := c.send("X\r\n")
		for range 10 {
			_, err := c.wait(tag, "X", &events{goesOn: true, wentOn: &asked, message: func(Message) error { return nil }, folder: func(Folder) {}, status: func(Folder) {}, uids: func([]uint32) {},
				body: func(_ *Message, n int64, from io.Reader) error {
					k, err := io.Copy(io.Discard, from)
					got += k
					if err == nil && k > n {
						t.Errorf("%d bytes of %d", k, n)
					}
					return err
				}})
			if err == nil && !asked && c.r.err != nil {
				t.Error("a broken connection passes for well")
			}
			if c.Broken() {
				break
			}
		}
		if got > int64(len(said)) {
			t.Errorf("%d bytes came of %d", got, len(said))
		}
	})
}

// FuzzStatus: a status is taken apart whatever it is, and never holds the text.
func FuzzStatus(f *testing.F) {
	f.Add("OK [APPENDUID 1 2:4] secret")
	f.Add("NO [X \"a]b\" (c d)] secret")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.NewReplacer("\r", "", "\n", "").Replace(s) // it is a line
		got := parseStatus(s)
		if strings.ContainsAny(got.Kind, " \n") || strings.Contains(got.Code, " ") {
			t.Errorf("%q is read as %+v", s, got)
		}
	})
}

type nowhere struct{ net.Conn }

func (nowhere) Close() error { return nil }
