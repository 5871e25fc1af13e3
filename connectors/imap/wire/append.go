package wire

import (
	"io"
	"strconv"
	"strings"
	"time"
)

// An Append is one APPEND under way, of one message or, with MULTIAPPEND (RFC 3502),
// of several: all of them are stored or none.
type Append struct {
	c      *Conn
	folder string
	tag    string
}

// Append readies one. Nothing is sent before the first message is added.
func (c *Conn) Append(folder string) *Append { return &Append{c: c, folder: folder} }

// Add sends a message of n bytes. A binary one (RFC 3516) may hold NUL. The error is
// a *Refusal if the server wants none of it: the whole command is over then. When
// from ends too early or fails, the connection breaks and nothing is stored.
func (a *Append) Add(flags []string, received time.Time, n int64, binary bool, from io.Reader) error {
	c := a.c
	if a.tag == "" {
		a.tag = c.send("APPEND ")
		if err := c.string(a.tag, "APPEND", a.folder); err != nil {
			return err
		}
	}
	head := " (" + strings.Join(flags, " ") + ") "
	if !received.IsZero() {
		head += `"` + received.Format(dateTime) + `" `
	}
	c.write(head)
	if err := c.literal(a.tag, "APPEND", n, binary); err != nil {
		return err
	}
	if c.r.err != nil {
		return c.r.err
	}
	if _, err := io.CopyN(c.bw, from, n); err != nil {
		c.r.fail(err)
		c.nc.Close()
		return err
	}
	return nil
}

// End ends the command, and returns the UIDs that the messages were given, in their
// order, and the folder's UIDVALIDITY: none from a server without UIDPLUS.
func (a *Append) End() (validity uint32, uids []uint32, err error) {
	a.Send()
	return a.Answer()
}

// Send ends the command without waiting for its answer: another may be sent before
// that is asked for (RFC 9051, 5.5).
func (a *Append) Send() {
	a.c.write("\r\n")
	a.c.flush()
	a.c.expect(a.tag)
}

// Answer waits for the answer to what was sent, as End does.
func (a *Append) Answer() (validity uint32, uids []uint32, err error) {
	s, err := a.c.wait(a.tag, "APPEND", nil)
	if err != nil || s.Code != "APPENDUID" || len(s.Args) < 2 {
		return 0, nil, err
	}
	v, bad := strconv.ParseUint(s.Args[0], 10, 32)
	uids, ok := ParseSet(s.Args[1])
	if bad != nil || !ok {
		return 0, nil, nil
	}
	return uint32(v), uids, nil
}
