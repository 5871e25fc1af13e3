// Package wire speaks IMAP4rev1 and the parts of IMAP4rev2 that a migration
// needs (RFC 3501, RFC 9051) as a client: what stands on a connection, command by
// command, bytes of messages untouched. It knows nothing of folders that move.
//
// github.com/emersion/go-imap/v2 was looked at first: its client keeps its encoder
// and decoder to itself, and can neither append several messages at once (RFC 3502)
// nor binary ones (RFC 3516).
package wire

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The most that is held of what a server says; the bytes of messages are streamed.
const (
	mostAtom    = 64 << 10
	mostString  = 1 << 20
	mostNesting = 64
)

// ErrSyntax is what a server says against the grammar.
var ErrSyntax = errors.New("the server's answer is not IMAP")

// A reader takes a server's answers apart. After the first error it reads nothing
// more, and yields zero values.
type reader struct {
	br  *bufio.Reader
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		r.err = err
	}
}

func (r *reader) syntax(wanted string) { r.fail(fmt.Errorf("%w: %s expected", ErrSyntax, wanted)) }

func (r *reader) next() byte {
	if r.err != nil {
		return 0
	}
	b, err := r.br.ReadByte()
	if err != nil {
		r.fail(err)
		return 0
	}
	return b
}

func (r *reader) peek() byte {
	if r.err != nil {
		return 0
	}
	b, err := r.br.Peek(1)
	if err != nil {
		r.fail(err)
		return 0
	}
	return b[0]
}

// took reads a byte if it is the next one.
func (r *reader) took(b byte) bool {
	if r.peek() != b || r.err != nil {
		return false
	}
	r.next()
	return true
}

func (r *reader) want(b byte) {
	if !r.took(b) {
		r.syntax(strconv.QuoteRune(rune(b)))
	}
}

// space takes one space or, as some servers write, more.
func (r *reader) space() {
	r.want(' ')
	for r.took(' ') {
		continue
	}
}

// eol ends a line.
func (r *reader) eol() {
	for r.took(' ') {
		continue
	}
	r.took('\r')
	r.want('\n')
}

// until reads bytes to one of the stops, which stays.
func (r *reader) until(stops string) string {
	var out []byte
	for r.err == nil {
		b := r.peek()
		if r.err != nil || strings.IndexByte(stops, b) >= 0 || b == '\r' || b == '\n' {
			break
		}
		out = append(out, r.next())
		if len(out) > mostAtom {
			r.syntax("a shorter word")
		}
	}
	return string(out)
}

// atom reads a word: flags and what stands in their place included.
func (r *reader) atom() string {
	a := r.until(" (){\"")
	if a == "" {
		r.syntax("a word")
	}
	return a
}

// item reads the name of a fetched item with its section: BODY[HEADER.FIELDS (X)]<0>.
func (r *reader) item() string {
	name := r.until(" ([")
	if r.took('[') {
		name += "[" + r.until("]") + "]"
		r.want(']')
		name += r.until(" (")
	}
	if name == "" {
		r.syntax("an item's name")
	}
	return name
}

func (r *reader) number() uint64 {
	s := r.until(" ()]{\"")
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		r.syntax("a number")
	}
	return n
}

// number32 reads a number of a message, a UID or a UIDVALIDITY.
func (r *reader) number32() uint32 {
	n := r.number()
	if n > 1<<32-1 {
		r.syntax("a number of 32 bits")
	}
	return uint32(n)
}

// literal reads the head of a literal, and returns its length.
func (r *reader) literal() int64 {
	r.took('~')
	r.want('{')
	s := strings.TrimSuffix(r.until("}"), "+")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		r.syntax("the length of a literal")
	}
	r.want('}')
	r.took('\r')
	r.want('\n')
	return n
}

func (r *reader) quoted() string {
	r.want('"')
	var out []byte
	for r.err == nil {
		b := r.next()
		switch b {
		case '"':
			return string(out)
		case '\\':
			b = r.next()
		case '\n':
			r.syntax("the end of a quoted string")
		}
		out = append(out, b)
		if len(out) > mostString {
			r.syntax("a shorter string")
		}
	}
	return ""
}

// nstring reads a string or NIL; there is false for NIL.
func (r *reader) nstring() (s string, there bool) {
	switch r.peek() {
	case '"':
		return r.quoted(), r.err == nil
	case '{', '~':
		n := r.literal()
		if n > mostString {
			r.syntax("a shorter literal")
		}
		if r.err != nil {
			return "", false
		}
		b := make([]byte, n)
		if _, err := io.ReadFull(r.br, b); err != nil {
			r.fail(err)
			return "", false
		}
		return string(b), true
	}
	a := r.atom()
	return a, !strings.EqualFold(a, "NIL") && r.err == nil
}

// astring reads a string or a word.
func (r *reader) astring() string {
	switch r.peek() {
	case '"':
		return r.quoted()
	case '{', '~':
		s, _ := r.nstring()
		return s
	}
	return r.atom()
}

// list reads what stands in parentheses, with one for each entry.
func (r *reader) list(one func()) {
	r.want('(')
	for r.took(' ') {
		continue
	}
	for r.err == nil && !r.took(')') {
		one()
		for r.took(' ') {
			continue
		}
	}
}

// words reads a list of words or strings; NIL is an empty one.
func (r *reader) words() []string {
	if r.peek() != '(' {
		r.nstring()
		return nil
	}
	var out []string
	r.list(func() {
		out = append(out, r.astring())
		if len(out) > mostAtom {
			r.syntax("a shorter list")
		}
	})
	return out
}

// skip passes over a value of any form.
func (r *reader) skip(depth int) {
	if depth > mostNesting {
		r.syntax("less nesting")
	}
	if r.err != nil {
		return
	}
	switch r.peek() {
	case '(':
		r.list(func() { r.skip(depth + 1) })
	case '"':
		r.quoted()
	case '{', '~':
		n := r.literal()
		if r.err == nil {
			if _, err := io.CopyN(io.Discard, r.br, n); err != nil {
				r.fail(err)
			}
		}
	default:
		r.atom()
	}
}

// rest passes over what is left of a line, literals in it included.
func (r *reader) rest() {
	for r.err == nil {
		switch r.peek() {
		case '\r', '\n':
			r.eol()
			return
		case '"':
			r.quoted()
		case '{', '~':
			if r.took('~') && r.peek() != '{' {
				continue
			}
			r.skip(0)
		default:
			r.next()
		}
	}
}

// line reads what is left of a line as text.
func (r *reader) line() string {
	var out []byte
	for r.err == nil {
		b := r.next()
		if b == '\n' {
			break
		}
		if len(out) < mostAtom {
			out = append(out, b)
		}
	}
	return strings.TrimSuffix(string(out), "\r")
}
