package wire

import (
	"bufio"
	"io"
	"strings"
	"time"
)

// A Status is how a command ended, or what an untagged OK, NO, BAD or BYE says.
// The text for people is left out: servers quote names in it.
type Status struct {
	Kind string   // "OK", "NO", "BAD", "BYE", "PREAUTH"
	Code string   // upper case: "APPENDUID", "TRYCREATE"; "" if there is none
	Args []string // of the code, lists taken apart
	// Says holds the words of the text that tell a limit of connections from
	// other refusals, where the server has no code for it.
	Says string
}

// parseStatus reads what follows the tag and the space.
func parseStatus(line string) Status {
	kind, text, _ := strings.Cut(line, " ")
	s := Status{Kind: strings.ToUpper(kind)}
	if strings.HasPrefix(text, "[") {
		code, after, ok := cutCode(text[1:])
		if ok {
			text = after
			name, args, _ := strings.Cut(code, " ")
			s.Code = strings.ToUpper(name)
			s.Args = codeArgs(args)
		}
	}
	if low := strings.ToLower(text); strings.Contains(low, "connection") && (strings.Contains(low, "maximum") || strings.Contains(low, "too many")) {
		s.Says = "too many connections"
	}
	return s
}

// cutCode splits at the bracket that ends a code, which may stand in a quoted
// string.
func cutCode(s string) (code, after string, ok bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ']' && !quoted:
			return s[:i], strings.TrimPrefix(s[i+1:], " "), true
		}
	}
	return "", "", false
}

// codeArgs takes the arguments of a code apart. What is not well formed ends them.
func codeArgs(s string) []string {
	if s == "" {
		return nil
	}
	r := &reader{br: bufio.NewReader(strings.NewReader(s + "\r\n"))}
	var out []string
	for r.err == nil && r.peek() != '\r' {
		switch {
		case r.peek() == '(':
			out = append(out, r.words()...)
		case r.peek() == ')':
			return out
		default:
			a := r.astring()
			if r.err != nil {
				return out
			}
			out = append(out, a)
		}
		for r.took(' ') {
			continue
		}
	}
	return out
}

// A Folder is a line of LIST or LSUB, with what LIST-STATUS and OBJECTID add.
type Folder struct {
	Name      string   // as the server writes it
	Delimiter string   // "" if the server has no hierarchy
	Attrs     []string // "\Noselect", "\Sent"
	ID        string   // MAILBOXID (RFC 8474), "" if it was not asked for
	Messages  int      // -1 if not told
	Bytes     int64    // -1 if not told
	State
}

// A State is what changes when anything in a folder does (RFC 7162).
type State struct {
	Validity uint32
	Next     uint32 // UIDNEXT
	Exists   uint32
	ModSeq   uint64 // HIGHESTMODSEQ; 0 if not told, or if the folder keeps none
}

// Has tells whether the folder has an attribute.
func (f Folder) Has(attr string) bool {
	for _, a := range f.Attrs {
		if strings.EqualFold(a, attr) {
			return true
		}
	}
	return false
}

func (r *reader) folder() Folder {
	f := Folder{Messages: -1, Bytes: -1}
	f.Attrs = r.words()
	r.space()
	f.Delimiter, _ = r.nstring()
	if strings.EqualFold(f.Delimiter, "NIL") {
		f.Delimiter = ""
	}
	r.space()
	f.Name = r.astring()
	r.rest()
	return f
}

// status reads the answer to STATUS.
func (r *reader) status() Folder {
	f := Folder{Messages: -1, Bytes: -1, Name: r.astring()}
	r.space()
	r.list(func() {
		name := strings.ToUpper(r.until(" )("))
		r.space()
		switch name {
		case "MESSAGES":
			f.Exists = r.number32()
			f.Messages = int(f.Exists)
		case "SIZE":
			f.Bytes = int64(r.number())
		case "UIDVALIDITY":
			f.Validity = r.number32()
		case "UIDNEXT":
			f.Next = r.number32()
		case "HIGHESTMODSEQ":
			f.ModSeq = r.number()
		case "MAILBOXID":
			if ids := r.words(); len(ids) > 0 {
				f.ID = ids[0]
			}
		default:
			r.skip(0)
		}
	})
	r.rest()
	return f
}

// A Message is what a FETCH tells of one message.
type Message struct {
	Seq      uint32
	UID      uint32   // 0 if not told
	Flags    []string // nil if not told
	Received time.Time
	Bytes    int64  // RFC822.SIZE, -1 if not told
	Header   []byte // of the section that was asked for
	Labels   []string
	EmailID  string // X-GM-MSGID or EMAILID
	ModSeq   uint64 // 0 if not told
	told     bool   // something of it beyond its flags
}

// A Body takes the n bytes of a message as they come; m holds what came before
// them. Its error breaks the connection.
type Body func(m *Message, n int64, from io.Reader) error

// dateTime is how IMAP writes a time (RFC 9051, date-time).
const dateTime = "_2-Jan-2006 15:04:05 -0700"

// fetch reads the answer to a FETCH. body is called for BODY[], which must be read
// to its end; nil passes over it.
func (r *reader) fetch(seq uint32, body Body) Message {
	m := Message{Seq: seq, Bytes: -1}
	r.list(func() {
		name := strings.ToUpper(r.item())
		r.space()
		switch {
		case name == "UID":
			m.UID = r.number32()
		case name == "FLAGS":
			m.Flags = append([]string{}, r.words()...)
		case name == "INTERNALDATE":
			s, _ := r.nstring()
			t, err := time.Parse(dateTime, strings.TrimSpace(s))
			if err == nil {
				m.Received = t.UTC()
			}
			m.told = true
		case name == "RFC822.SIZE":
			m.Bytes, m.told = int64(r.number()), true
		case name == "X-GM-LABELS":
			m.Labels = append([]string{}, r.words()...)
		case name == "MODSEQ":
			r.want('(')
			m.ModSeq = r.number()
			r.want(')')
		case name == "X-GM-MSGID":
			m.EmailID = r.atom()
		case name == "EMAILID":
			if ids := r.words(); len(ids) > 0 {
				m.EmailID = ids[0]
			}
		case name == "BODY[]" || strings.HasPrefix(name, "BODY[]<"):
			m.told = true
			r.bytes(&m, body)
		case strings.HasPrefix(name, "BODY[HEADER"):
			s, _ := r.nstring()
			m.Header, m.told = []byte(s), true
			if strings.EqualFold(s, "NIL") {
				m.Header = []byte{}
			}
		default:
			r.skip(0)
		}
	})
	r.rest()
	return m
}

// bytes hands a message's bytes on, and passes over what is not read of them.
func (r *reader) bytes(m *Message, body Body) {
	if body == nil {
		r.skip(0)
		return
	}
	if c := r.peek(); c == '{' || c == '~' {
		n := r.literal()
		if r.err != nil {
			return
		}
		from := &io.LimitedReader{R: r.br, N: n}
		if err := body(m, n, from); err != nil {
			r.fail(err)
			return
		}
		if _, err := io.CopyN(io.Discard, r.br, from.N); err != nil {
			r.fail(err)
		}
		return
	}
	s, there := r.nstring() // a short message may come as a quoted string
	if !there || r.err != nil {
		return
	}
	if err := body(m, int64(len(s)), strings.NewReader(s)); err != nil {
		r.fail(err)
	}
}
