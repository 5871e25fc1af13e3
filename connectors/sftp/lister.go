package sftp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	pkg "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"github.com/rialto-migrate/rialto/connector/paths"
)

// A lister reads folders piece by piece, in a session of its own: pkg/sftp holds a
// folder whole, and a million names are too many for that. It is safe for
// concurrent use; the requests of several folders are under way at once.
type lister struct {
	session *ssh.Session

	mu      sync.Mutex
	in      io.Writer
	last    uint32
	waiting map[uint32]chan answer
	err     error // why it ended
}

// An answer is a packet without its length and its number.
type answer struct {
	kind byte
	body []byte
}

// Packets of version 3 (draft-ietf-secsh-filexfer-02, 3).
const (
	packetInit    = 1
	packetVersion = 2
	packetClose   = 4
	packetOpenDir = 11
	packetReadDir = 12
	packetStatus  = 101
	packetHandle  = 102
	packetName    = 104

	mostAnswer = 1 << 20 // bytes; OpenSSH's are a quarter of that
)

var errPacket = errors.New("a packet that is not as the protocol has it")

func newLister(conn *ssh.Client) (*lister, error) {
	session, err := conn.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := session.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	if err := session.RequestSubsystem("sftp"); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	from := bufio.NewReaderSize(out, 64<<10)
	if _, err := in.Write([]byte{0, 0, 0, 5, packetInit, 0, 0, 0, 3}); err != nil {
		return nil, errors.Join(err, session.Close())
	}
	if kind, _, err := receive(from); err != nil || kind != packetVersion {
		return nil, errors.Join(err, errPacket, session.Close())
	}
	l := &lister{session: session, in: in, waiting: map[uint32]chan answer{}}
	go l.listen(from)
	return l, nil
}

// receive reads one packet.
func receive(from io.Reader) (kind byte, body []byte, err error) {
	var head [5]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > mostAnswer {
		return 0, nil, errPacket
	}
	body = make([]byte, n-1)
	_, err = io.ReadFull(from, body)
	return head[4], body, err
}

// listen hands answers to those who wait for them, until the session ends.
func (l *lister) listen(from io.Reader) {
	for {
		kind, body, err := receive(from)
		if err == nil && len(body) < 4 {
			err = errPacket
		}
		l.mu.Lock()
		if err != nil {
			l.err = pkg.ErrSSHFxConnectionLost
			for _, w := range l.waiting {
				close(w)
			}
			l.waiting = nil
			l.mu.Unlock()
			l.session.Close()
			return
		}
		id := binary.BigEndian.Uint32(body)
		w := l.waiting[id]
		delete(l.waiting, id)
		l.mu.Unlock()
		if w != nil {
			w <- answer{kind, body[4:]}
		}
	}
}

// ask sends a request about a path or a handle.
func (l *lister) ask(kind byte, of string) (answer, error) {
	w := make(chan answer, 1)
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return answer{}, l.err
	}
	l.last++
	p := binary.BigEndian.AppendUint32(nil, uint32(9+len(of)))
	p = append(p, kind)
	p = binary.BigEndian.AppendUint32(p, l.last)
	p = binary.BigEndian.AppendUint32(p, uint32(len(of)))
	p = append(p, of...)
	l.waiting[l.last] = w
	_, err := l.in.Write(p)
	l.mu.Unlock()
	if err != nil {
		l.session.Close() // listen tells all who wait
	}
	a, ok := <-w
	if !ok {
		return answer{}, pkg.ErrSSHFxConnectionLost
	}
	return a, nil
}

// A reading is a folder that is being read.
type reading struct {
	l      *lister
	handle string
}

func (l *lister) open(path string) (*reading, error) {
	a, err := l.ask(packetOpenDir, path)
	if err != nil {
		return nil, err
	}
	if a.kind != packetHandle {
		return nil, a.status()
	}
	body := fields{b: a.body}
	handle := body.text()
	if body.bad {
		return nil, errPacket
	}
	return &reading{l, handle}, nil
}

// next reads some entries; io.EOF after the last.
func (r *reading) next() ([]fs.FileInfo, error) {
	a, err := r.l.ask(packetReadDir, r.handle)
	if err != nil {
		return nil, err
	}
	if a.kind != packetName {
		return nil, a.status()
	}
	return a.names()
}

func (r *reading) close() { _, _ = r.l.ask(packetClose, r.handle) }

// status is the error that an answer tells, as pkg/sftp has it.
func (a answer) status() error {
	body := fields{b: a.body}
	code := body.number()
	if a.kind != packetStatus || body.bad {
		return errPacket
	}
	switch code {
	case 1:
		return io.EOF
	case 2:
		return os.ErrNotExist
	case 3:
		return os.ErrPermission
	}
	return &pkg.StatusError{Code: code}
}

// names reads a list of entries with their attributes (draft-ietf-secsh-filexfer-02,
// 5 and 7).
func (a answer) names() ([]fs.FileInfo, error) {
	body := fields{b: a.body}
	n := body.number()
	var all []fs.FileInfo
	for ; n > 0 && !body.bad; n-- {
		e := listed{name: body.text()}
		body.text() // as ls -l would show it
		flags := body.number()
		if flags&1 != 0 {
			e.size = int64(uint64(body.number())<<32 | uint64(body.number()))
		}
		if flags&2 != 0 {
			body.number()
			body.number()
		}
		if flags&4 != 0 {
			e.mode = body.number()
		}
		if flags&8 != 0 {
			body.number()
			e.modified = body.number()
		}
		if flags&(1<<31) != 0 {
			for more := body.number(); more > 0 && !body.bad; more-- {
				body.text()
				body.text()
			}
		}
		if e.name != "." && e.name != ".." && paths.Legal(e.name) == nil {
			all = append(all, e)
		}
	}
	if body.bad {
		return nil, errPacket
	}
	return all, nil
}

// fields are what is left of a packet; bad says that it was too short.
type fields struct {
	b   []byte
	bad bool
}

func (f *fields) number() uint32 {
	if len(f.b) < 4 {
		f.b, f.bad = nil, true
		return 0
	}
	n := binary.BigEndian.Uint32(f.b)
	f.b = f.b[4:]
	return n
}

func (f *fields) text() string {
	n := f.number()
	if uint64(n) > uint64(len(f.b)) {
		f.b, f.bad = nil, true
		return ""
	}
	s := string(f.b[:n])
	f.b = f.b[n:]
	return s
}

// A listed is an entry of a folder.
type listed struct {
	name           string
	size           int64
	mode, modified uint32
}

func (l listed) Name() string       { return l.name }
func (l listed) Size() int64        { return l.size }
func (l listed) ModTime() time.Time { return time.Unix(int64(l.modified), 0) }
func (l listed) IsDir() bool        { return l.Mode().IsDir() }
func (l listed) Sys() any           { return nil }

// Mode is the kind of what stands there, as POSIX numbers it.
func (l listed) Mode() fs.FileMode {
	m := fs.FileMode(l.mode & 0o777)
	switch l.mode & 0o170000 {
	case 0o100000:
		return m
	case 0o040000:
		return m | fs.ModeDir
	case 0o120000:
		return m | fs.ModeSymlink
	case 0o140000:
		return m | fs.ModeSocket
	case 0o010000:
		return m | fs.ModeNamedPipe
	}
	return m | fs.ModeDevice
}
