package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// A Conn is one connection. One goroutine uses it at a time. After an error that is
// no *Refusal it is of no more use, and Broken says so; the owner closes it.
type Conn struct {
	nc   net.Conn
	r    reader
	bw   *bufio.Writer
	tag  int
	caps map[string]bool
	// limit is the APPENDLIMIT (RFC 7889), 0 for none.
	limit int64
	bye   Status
	box   Selected
	least time.Duration
	// resyncs is set when QRESYNC is being enabled: what is removed is told by UID.
	resyncs bool
	opening *opening
	// sent are the commands whose answers nobody waits for yet, and what those said
	// that came early; nil for one that did not.
	sent map[string]*Status
}

// Selected is the folder that is open, as the server told of it.
type Selected struct {
	Name      string // as the server writes it; "" if none is open
	ReadOnly  bool   // opened with EXAMINE
	Validity  uint32
	Next      uint32 // UIDNEXT, 0 if not told
	Exists    uint32
	ID        string   // MAILBOXID
	Permanent []string // PERMANENTFLAGS; nil if not told: all
	// Turn changes whenever the numbers of messages may have.
	Turn int
}

// later sends a command with the next one, without waiting for its answer.
func (c *Conn) later(command string) (tag string) {
	tag = c.send(command + "\r\n")
	c.expect(tag)
	return tag
}

// A Refusal is a NO or a BAD.
type Refusal struct {
	Command string // its first word
	Status
}

func (e *Refusal) Error() string {
	s := e.Command + ": the server answered " + e.Kind
	if e.Code != "" {
		s += " [" + e.Code + "]"
	}
	return s
}

// ErrBye is a connection that the server ended by its own will.
var ErrBye = errors.New("the server ended the connection")

// Open takes a connection over. secure is given where TLS is still to be begun
// (STARTTLS); it is nil for one that is secure already, or need not be.
func Open(nc net.Conn, secure *tls.Config) (*Conn, error) {
	c := &Conn{}
	c.over(nc)
	if c.r.next() != '*' {
		c.r.syntax("a greeting")
	}
	c.r.space()
	hello := parseStatus(c.r.line())
	if err := c.r.err; err != nil {
		return nil, err
	}
	if hello.Kind != "OK" {
		if hello.Kind == "PREAUTH" && secure == nil {
			return nil, fmt.Errorf("%w: it takes us for signed in", ErrSyntax)
		}
		return nil, &Refusal{Command: "greeting", Status: hello}
	}
	if secure == nil {
		c.learn(hello)
		return c, nil
	}
	if _, err := c.do("STARTTLS", nil); err != nil {
		return nil, err
	}
	if c.r.br.Buffered() > 0 {
		// What came before TLS could be anybody's (CVE-2011-0411).
		return nil, fmt.Errorf("%w: the server spoke before TLS began", ErrSyntax)
	}
	over := tls.Client(nc, secure)
	if err := over.Handshake(); err != nil {
		return nil, err
	}
	c.over(over)
	c.caps = nil
	return c, nil
}

func (c *Conn) over(nc net.Conn) {
	c.nc = nc
	c.r = reader{br: bufio.NewReaderSize(nc, 64<<10)}
	c.bw = bufio.NewWriterSize(nc, 64<<10)
}

// Broken reports whether the connection is of no more use.
func (c *Conn) Broken() bool { return c.r.err != nil }

// Close ends the connection without a word: servers are used to it.
func (c *Conn) Close() error { return c.nc.Close() }

// Abort breaks the connection, so that what was sent of a command is not carried out.
func (c *Conn) Abort() {
	c.r.fail(net.ErrClosed)
	c.nc.Close()
}

// Watch closes the connection when the context ends, until release is called.
func (c *Conn) Watch(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { c.nc.Close() })
	return func() { stop() }
}

// Commands is how many commands were sent.
func (c *Conn) Commands() int { return c.tag }

// Least is the shortest time that an answer took, about the way there and back; 0 if
// there was none yet.
func (c *Conn) Least() time.Duration { return c.least }

// Selected is the open folder.
func (c *Conn) Selected() Selected { return c.box }

// AppendLimit is the most bytes that the server takes of one message; 0 if it does
// not say.
func (c *Conn) AppendLimit() int64 { return c.limit }

// learn takes capabilities from a greeting or an OK.
func (c *Conn) learn(s Status) {
	if s.Code == "CAPABILITY" {
		c.setCaps(s.Args)
	}
}

func (c *Conn) setCaps(words []string) {
	c.caps, c.limit = map[string]bool{}, 0
	for _, w := range words {
		w = strings.ToUpper(w)
		c.caps[w] = true
		if n, ok := strings.CutPrefix(w, "APPENDLIMIT="); ok {
			c.limit, _ = strconv.ParseInt(n, 10, 64)
		}
	}
}

// Has tells whether the server announced a capability; it is asked if it did not
// tell yet.
func (c *Conn) Has(capability string) (bool, error) {
	if c.caps == nil {
		if _, err := c.do("CAPABILITY", nil); err != nil {
			return false, err
		}
		if c.caps == nil {
			c.caps = map[string]bool{}
		}
	}
	return c.caps[capability], nil
}

// Is is Has for a connection that is signed in, when its capabilities are known.
func (c *Conn) Is(capability string) bool { return c.caps[capability] }

// events take what a command's untagged answers say.
type events struct {
	message  func(Message) error
	body     Body
	folder   func(Folder)
	lsub     func(Folder)
	status   func(Folder)
	uids     func([]uint32)
	vanished func(uids []uint32, ok bool) // earlier, as CHANGEDSINCE tells it
	count    func(uint32)
	goesOn   bool // a continuation request ends the wait
	wentOn   *bool
	goesWith *string
}

// send begins a command; the caller writes what follows its words and then ends it.
func (c *Conn) send(command string) (tag string) {
	c.tag++
	tag = "r" + strconv.Itoa(c.tag)
	c.write(tag + " " + command)
	return tag
}

func (c *Conn) write(s string) {
	if c.r.err == nil {
		if _, err := c.bw.WriteString(s); err != nil {
			c.r.fail(err)
		}
	}
}

func (c *Conn) flush() {
	if c.r.err == nil {
		if err := c.bw.Flush(); err != nil {
			c.r.fail(err)
		}
	}
}

// do sends a command and waits for its end.
func (c *Conn) do(command string, ev *events) (Status, error) {
	tag := c.send(command + "\r\n")
	c.flush()
	word, _, _ := strings.Cut(command, " ")
	began := time.Now()
	s, err := c.wait(tag, word, ev)
	if took := time.Since(began); err == nil && (c.least == 0 || took < c.least) {
		c.least = took
	}
	return s, err
}

// wait reads answers until that of the tag. NO and BAD are a *Refusal.
func (c *Conn) wait(tag, command string, ev *events) (Status, error) {
	if ev == nil {
		ev = &events{}
	}
	if early := c.sent[tag]; early != nil {
		delete(c.sent, tag)
		return early.outcome(command)
	}
	for c.r.err == nil {
		switch c.r.peek() {
		case '*':
			c.r.next()
			c.r.space()
			if err := c.untagged(ev); err != nil {
				c.r.fail(err)
			}
		case '+':
			c.r.next()
			text := strings.TrimPrefix(c.r.line(), " ")
			if !ev.goesOn {
				c.r.syntax("no request to go on")
				continue
			}
			*ev.wentOn = true
			if ev.goesWith != nil {
				*ev.goesWith = text
			}
			return Status{}, c.r.err
		default:
			got := c.r.atom()
			c.r.space()
			s := parseStatus(c.r.line())
			if c.r.err != nil {
				break
			}
			if s.Kind != "OK" && s.Kind != "NO" && s.Kind != "BAD" {
				c.r.syntax("OK, NO or BAD")
				break
			}
			if early, of := c.sent[got]; of && early == nil && got != tag {
				c.sent[got] = &s
				break
			}
			if got != tag {
				c.r.syntax("the answer to another command")
				break
			}
			delete(c.sent, tag)
			c.learn(s)
			return s.outcome(command)
		}
	}
	if c.bye.Kind != "" && (errors.Is(c.r.err, io.ErrUnexpectedEOF) || errors.Is(c.r.err, net.ErrClosed)) {
		return c.bye, fmt.Errorf("%w: %w", ErrBye, c.r.err)
	}
	return Status{}, c.r.err
}

// An opening is a folder that was asked for and whose answer nobody waited for yet.
type opening struct {
	name, tag string
	readOnly  bool
}

// expect says that a command was sent whose answer is waited for later.
func (c *Conn) expect(tag string) {
	if c.sent == nil {
		c.sent = map[string]*Status{}
	}
	c.sent[tag] = nil
}

// outcome is how a command ended.
func (s Status) outcome(command string) (Status, error) {
	if s.Kind == "OK" {
		return s, nil
	}
	return s, &Refusal{Command: command, Status: s}
}

// untagged reads one answer after its star.
func (c *Conn) untagged(ev *events) error {
	r := &c.r
	word := strings.ToUpper(r.until(" "))
	if n, err := strconv.ParseUint(word, 10, 32); err == nil {
		r.space()
		return c.numbered(uint32(n), ev)
	}
	switch word {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		text := word
		if r.took(' ') {
			text += " " + r.line()
		} else {
			r.rest()
		}
		s := parseStatus(text)
		if word == "BYE" {
			c.bye = s
		}
		c.learn(s)
		c.box.learn(s)
		return nil
	case "CAPABILITY":
		r.took(' ')
		c.setCaps(strings.Fields(r.line()))
		return nil
	case "LIST":
		return given(r, ev.folder, (*reader).folder)
	case "LSUB":
		return given(r, ev.lsub, (*reader).folder)
	case "STATUS":
		return given(r, ev.status, (*reader).status)
	case "SEARCH":
		uids := []uint32{}
		for r.took(' ') {
			if r.peek() == '(' { // (MODSEQ n)
				r.skip(0)
				continue
			}
			if c := r.peek(); c == '\r' || c == '\n' {
				break
			}
			uids = append(uids, r.number32())
		}
		r.eol()
		if ev.uids != nil && r.err == nil {
			ev.uids(uids)
		}
		return nil
	case "ESEARCH":
		return c.esearch(ev)
	case "VANISHED":
		return c.vanished(ev)
	}
	r.rest()
	return nil
}

// vanished reads which messages were removed: while the folder is open, or before.
func (c *Conn) vanished(ev *events) error {
	r := &c.r
	r.space()
	earlier := false
	if r.peek() == '(' {
		earlier = strings.EqualFold(strings.Join(r.words(), " "), "EARLIER")
		r.space()
	}
	set := r.until(" ")
	r.rest()
	uids, ok := ParseSet(set)
	switch {
	case r.err != nil:
	case earlier && ev.vanished != nil:
		ev.vanished(uids, ok)
	case !earlier:
		c.box.Turn++
		c.box.Exists -= min(c.box.Exists, uint32(len(uids)))
	}
	return nil
}

// given reads an answer and hands it on, or passes over it.
func given(r *reader, to func(Folder), read func(*reader) Folder) error {
	r.space()
	f := read(r)
	if to != nil && r.err == nil {
		to(f)
	}
	return nil
}

// esearch reads COUNT and ALL.
func (c *Conn) esearch(ev *events) error {
	r := &c.r
	var all []uint32
	for r.took(' ') {
		if r.peek() == '(' {
			r.skip(0) // (TAG "r1")
			continue
		}
		switch word := strings.ToUpper(r.until(" \r\n")); word {
		case "UID", "":
		case "COUNT":
			r.space()
			n := r.number32()
			if ev.count != nil && r.err == nil {
				ev.count(n)
			}
		case "ALL":
			r.space()
			var ok bool
			if all, ok = ParseSet(r.until(" ")); !ok {
				r.syntax("a set of numbers")
			}
		default:
			r.space()
			r.skip(0)
		}
	}
	r.eol()
	if ev.uids != nil && r.err == nil {
		ev.uids(all)
	}
	return nil
}

// numbered reads what begins with a number.
func (c *Conn) numbered(n uint32, ev *events) error {
	r := &c.r
	switch word := strings.ToUpper(r.until(" ")); word {
	case "EXISTS":
		c.box.Exists = n
	case "EXPUNGE":
		c.box.Turn++
		if c.box.Exists > 0 {
			c.box.Exists--
		}
	case "FETCH":
		r.space()
		m := r.fetch(n, ev.body)
		if ev.message != nil && r.err == nil {
			return ev.message(m)
		}
		return nil
	}
	r.rest()
	return nil
}

// learn takes what the server says of a folder while it opens it.
func (b *Selected) learn(s Status) {
	first := func() (n uint32) {
		if len(s.Args) > 0 {
			if v, err := strconv.ParseUint(s.Args[0], 10, 32); err == nil {
				n = uint32(v)
			}
		}
		return n
	}
	switch s.Code {
	case "UIDVALIDITY":
		b.Validity = first()
	case "UIDNEXT":
		b.Next = first()
	case "PERMANENTFLAGS":
		b.Permanent = append([]string{}, s.Args...)
	case "MAILBOXID":
		if len(s.Args) > 0 {
			b.ID = s.Args[0]
		}
	}
}

// Stalling gives a connection up when nothing moves for so long.
func Stalling(nc net.Conn, limit time.Duration) net.Conn { return &stalling{nc, limit} }

type stalling struct {
	net.Conn
	limit time.Duration
}

func (s *stalling) Read(p []byte) (int, error) {
	if err := s.SetReadDeadline(time.Now().Add(s.limit)); err != nil {
		return 0, err
	}
	return s.Conn.Read(p)
}

func (s *stalling) Write(p []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(s.limit)); err != nil {
		return 0, err
	}
	return s.Conn.Write(p)
}
