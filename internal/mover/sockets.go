package mover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// A mover makes no connection: it may not even make a socket. Its parent
// connects, and hands the connected socket over a pair of sockets that carries
// nothing else, each with the number that the mover gave its wish.

// A hander is the parent's end. It is safe for concurrent use.
type hander struct {
	mu   sync.Mutex
	conn *net.UnixConn
}

// hand passes a connection to the mover. The caller closes its own copy.
func (h *hander) hand(wish uint64, c net.Conn) error {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return fmt.Errorf("a %T has no descriptor", c)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) {
		h.mu.Lock()
		defer h.mu.Unlock()
		_, _, sent = h.conn.WriteMsgUnix(binary.BigEndian.AppendUint64(nil, wish), unix.UnixRights(int(fd)), nil)
	})
	return errors.Join(err, sent)
}

// A taker is the mover's end. It is safe for concurrent use.
type taker struct {
	mu     sync.Mutex
	last   uint64
	wishes map[uint64]chan taken
	err    error // why nothing comes any more
}

type taken struct {
	conn net.Conn
	err  error
}

// newTaker takes connections from conn until that ends, and closes it.
func newTaker(conn *net.UnixConn) *taker {
	t := &taker{wishes: map[uint64]chan taken{}}
	go t.receive(conn)
	return t
}

// wish announces that a connection is wanted. What comes under its number comes
// by the channel. The caller calls drop once it waits no more.
func (t *taker) wish() (number uint64, come <-chan taken) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last++
	c := make(chan taken, 1)
	if t.err != nil {
		c <- taken{err: t.err}
	}
	t.wishes[t.last] = c
	return t.last, c
}

// drop forgets a wish. A connection that came and was not taken is closed.
func (t *taker) drop(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case left := <-t.wishes[number]:
		if left.conn != nil {
			left.conn.Close()
		}
	default:
	}
	delete(t.wishes, number)
}

func (t *taker) receive(conn *net.UnixConn) {
	defer conn.Close()
	for {
		number, got, err := takeOne(conn)
		t.mu.Lock()
		if err != nil {
			t.err = fmt.Errorf("no connections come from the parent any more: %w", err)
			for _, c := range t.wishes {
				select {
				case c <- taken{err: t.err}:
				default: // it has come
				}
			}
			t.mu.Unlock()
			return
		}
		c, wanted := t.wishes[number]
		switch {
		case wanted:
			c <- got // the first and only one under this number
		case got.conn != nil:
			got.conn.Close()
		}
		t.mu.Unlock()
	}
}

// takeOne reads one message: the number of a wish, and a descriptor. An err is
// the end of all; what went wrong with one connection is within got.
func takeOne(from *net.UnixConn) (number uint64, got taken, err error) {
	var b [8]byte
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := from.ReadMsgUnix(b[:], oob)
	if err != nil {
		return 0, got, err
	}
	if n == 0 {
		return 0, got, io.EOF
	}
	if n < len(b) {
		if _, err := io.ReadFull(from, b[n:]); err != nil {
			return 0, got, err
		}
	}
	got.conn, got.err = unwrap(oob[:oobn])
	return binary.BigEndian.Uint64(b[:]), got, nil
}

func unwrap(oob []byte) (net.Conn, error) {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(messages) != 1 {
		return nil, errors.New("the parent's connection did not come through: too many open files")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, errors.New("the parent's message holds no connection")
	}
	f := os.NewFile(uintptr(fds[0]), "connection")
	defer f.Close() // FileConn has a copy of its own
	return net.FileConn(f)
}
