package mailfiles

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// from is a From_ line: it ends with a time and a year, which a sentence that begins
// with From does not.
var from = regexp.MustCompile(`^From .*\d\d?:\d\d.*\b(19|20)\d\d\b`)

func isFrom(line []byte) bool { return bytes.HasPrefix(line, []byte("From ")) && from.Match(line) }

// An entry is one message of an mbox.
type entry struct {
	offset, end int64 // of its From_ line, and of what follows it
	received    time.Time
	header      []byte // as it is given
	bytes       int64  // as it is given
	flags       []string
	deleted     bool
	id          string // a hash of its From_ line and header
}

// scan reads an mbox and hands out its messages.
func (c *cloud) scan(r io.Reader, each func(entry) error) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	var pos int64
	var e entry
	var line []byte // the From_ line
	var conv *converter
	blank, bol := true, true
	finish := func() error {
		if conv == nil {
			return nil
		}
		conv.end()
		e.end, e.header, e.bytes = pos, conv.header, conv.count
		e.flags, e.deleted = conv.flags()
		e.id = entryID(line, e.header)
		e.received = fromTime(string(line))
		return each(e)
	}
	for {
		part, err := lines.ReadSlice('\n')
		if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if len(part) > 0 {
			if bol && blank && isFrom(part) {
				if err := finish(); err != nil {
					return err
				}
				e, line = entry{offset: pos}, bytes.Clone(part)
				conv = newConverter(c.mboxo, nil)
			} else if conv != nil {
				conv.write(part, bol)
			}
			blank = bol && len(bytes.TrimRight(part, "\r\n")) == 0
			bol = part[len(part)-1] == '\n'
			pos += int64(len(part))
		}
		if err == io.EOF {
			return finish()
		}
	}
}

func entryID(line, header []byte) string {
	h := sha256.New()
	h.Write(bytes.TrimRight(line, "\r\n"))
	h.Write([]byte{0})
	h.Write(header)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// fromTime reads the time of a From_ line: in UTC unless it says otherwise (RFC 4155).
func fromTime(line string) time.Time {
	words := strings.Fields(line)
	for i := range words {
		for _, layout := range []string{"Mon Jan 2 15:04:05 2006", "Mon Jan 2 15:04:05 2006 -0700", "Mon Jan 2 15:04:05 -0700 2006", "Mon Jan 2 15:04:05 MST 2006", "Mon Jan 2 15:04 2006"} {
			if t, err := time.Parse(layout, strings.Join(words[i:], " ")); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}

// A converter makes of the lines of an mbox what a mail server would give.
type converter struct {
	mboxo  bool
	sink   *bytes.Buffer // where it goes; nil to count alone
	count  int64
	header []byte
	kept   map[string]string // fields that were taken out

	inBody  bool
	past    bool // the header is whole, with the empty line that ends it
	drop    bool // the field at hand is taken out
	last    byte
	pending bool // an empty line, which may be the one before the next From_
}

func newConverter(mboxo bool, sink *bytes.Buffer) *converter {
	return &converter{mboxo: mboxo, sink: sink, kept: map[string]string{}, last: '\n'}
}

// own are the fields that programs keep in an mbox for themselves.
func own() []string {
	return []string{"status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "x-mozilla-status", "x-mozilla-status2", "x-mozilla-keys", "x-evolution"}
}

// write takes a line or a part of one; bol says that it begins one.
func (c *converter) write(part []byte, bol bool) {
	if c.pending {
		c.pending = false
		c.put([]byte("\r\n"))
	}
	text := bytes.TrimRight(part, "\r\n")
	if !c.inBody && bol {
		switch {
		case len(text) == 0:
			c.put(part)
			c.inBody, c.past, c.drop = true, true, false
			return
		case text[0] == ' ' || text[0] == '\t':
		default:
			name, value, _ := bytes.Cut(text, []byte(":"))
			low := strings.ToLower(string(bytes.TrimRight(name, " \t")))
			if c.drop = slices.Contains(own(), low); c.drop {
				c.kept[low] = strings.TrimSpace(string(value))
			}
		}
	}
	if !c.inBody {
		if !c.drop {
			c.put(part)
		}
		return
	}
	if bol && len(text) == 0 && len(part) > 0 && part[len(part)-1] == '\n' {
		c.pending = true
		return
	}
	if bol && c.quoted(text) {
		part = part[1:]
	}
	c.put(part)
}

// quoted tells whether a line was given a mark so as not to be taken for a From_ line.
func (c *converter) quoted(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte(">"))
	if !c.mboxo {
		rest = bytes.TrimLeft(rest, ">")
	}
	return ok && bytes.HasPrefix(rest, []byte("From "))
}

func (c *converter) put(b []byte) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		line := b
		if i >= 0 {
			line = b[:i]
		}
		c.raw(line)
		if i < 0 {
			return
		}
		if c.last != '\r' {
			c.raw([]byte("\r"))
		}
		c.raw([]byte("\n"))
		b = b[i+1:]
	}
}

func (c *converter) raw(b []byte) {
	if len(b) == 0 {
		return
	}
	c.count += int64(len(b))
	c.last = b[len(b)-1]
	if c.sink != nil {
		c.sink.Write(b)
	}
	if !c.past && len(c.header) < mostHeader {
		c.header = append(c.header, b...)
	}
}

// end ends the message: the empty line before the next From_ line is not its own.
func (c *converter) end() { c.pending = false }

// flags are what the fields said that were taken out (https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/mbox,
// https://www-archive.mozilla.org/projects/security/pki/nss/ for X-Mozilla-Status).
func (c *converter) flags() (flags []string, deleted bool) {
	add := func(f string) { flags = append(flags, f) }
	for _, l := range c.kept["status"] + c.kept["x-status"] {
		switch l {
		case 'R':
			add(`\Seen`)
		case 'A':
			add(`\Answered`)
		case 'F':
			add(`\Flagged`)
		case 'T':
			add(`\Draft`)
		case 'D':
			deleted = true
		}
	}
	if n, err := strconv.ParseUint(c.kept["x-mozilla-status"], 16, 16); err == nil {
		for _, bit := range []struct {
			mask uint64
			flag string
		}{{0x1, `\Seen`}, {0x2, `\Answered`}, {0x4, `\Flagged`}, {0x1000, "$Forwarded"}} {
			if n&bit.mask != 0 {
				add(bit.flag)
			}
		}
		deleted = deleted || n&0x8 != 0
	}
	for _, k := range strings.Fields(c.kept["x-keywords"] + " " + c.kept["x-mozilla-keys"]) {
		add(k)
	}
	slices.Sort(flags)
	return slices.Compact(flags), deleted
}

// A message is one entry of an mbox as it is read.
type message struct {
	lines *bufio.Reader
	conv  *converter
	out   bytes.Buffer
	bol   bool
	done  bool
}

// newMessage reads what stands between an entry's beginning and its end; line is its
// From_ line.
func newMessage(r io.Reader, mboxo bool) (m *message, line []byte, err error) {
	m = &message{lines: bufio.NewReaderSize(r, 64<<10), bol: true}
	m.conv = newConverter(mboxo, &m.out)
	line, err = m.lines.ReadBytes('\n')
	if err == io.EOF {
		err = nil
	}
	return m, line, err
}

// step converts some more.
func (m *message) step() error {
	part, err := m.lines.ReadSlice('\n')
	if err != nil && err != io.EOF && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	if len(part) > 0 {
		m.conv.write(part, m.bol)
		m.bol = part[len(part)-1] == '\n'
	}
	if err == io.EOF {
		m.conv.end()
		m.done = true
	}
	return nil
}

// head reads to the end of the header, which it returns; the bytes are still to be
// read.
func (m *message) head() ([]byte, error) {
	for !m.done && !m.conv.inBody && m.out.Len() < mostHeader {
		if err := m.step(); err != nil {
			return nil, err
		}
	}
	return m.conv.header, nil
}

func (m *message) Read(p []byte) (int, error) {
	for m.out.Len() == 0 {
		if m.done {
			return 0, io.EOF
		}
		if err := m.step(); err != nil {
			return 0, err
		}
	}
	return m.out.Read(p)
}
