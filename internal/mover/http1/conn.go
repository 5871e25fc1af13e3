package http1

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A conn is a connection. One request at a time has it.
type conn struct {
	net.Conn
	to       place
	secured  *tls.ConnectionState
	raw      syscall.RawConn // nil where there is none
	used     bool            // it has had an answer before
	answered bool            // something came of this answer
	since    time.Time       // when it was kept
	in       *bufio.Reader   // while an answer is read
	head     int64           // bytes that may still come of an answer's head; -1 where none is read
	broken   error           // why a write failed
	timer    *time.Timer     // ends it when no head comes in time
	late     atomic.Bool     // it did
}

func newConn(made net.Conn, to place) *conn {
	c := &conn{Conn: made, to: to, head: -1}
	if secured, ok := made.(*tls.Conn); ok {
		state := secured.ConnectionState()
		c.secured = &state
	}
	under := made
	for {
		wrapped, ok := under.(interface{ NetConn() net.Conn }) // such as a *tls.Conn
		if !ok {
			break
		}
		under = wrapped.NetConn()
	}
	if has, ok := under.(syscall.Conn); ok {
		if raw, err := has.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// stands reports whether the server has neither closed a connection nor sent what
// nobody asked for: either way it is of no use. Where nobody can tell, it stands.
func (c *conn) stands() bool {
	if c.raw == nil {
		return true
	}
	stands := false
	var one [1]byte
	err := c.raw.Read(func(fd uintptr) bool {
		_, _, _, _, err := unix.Recvmsg(int(fd), one[:], nil, unix.MSG_PEEK|unix.MSG_DONTWAIT) // the mover's filter knows no recvfrom
		stands = err == unix.EAGAIN
		return true
	})
	return err == nil && stands
}

func (c *conn) Read(p []byte) (int, error) {
	if c.head == 0 {
		return 0, errHeadTooLong
	}
	if c.head > 0 && int64(len(p)) > c.head {
		p = p[:c.head]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.answered = true
	}
	if c.head > 0 {
		c.head -= int64(n)
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err != nil {
		c.broken = err
	}
	return n, err
}

// await ends the connection if rest is not called within a time.
func (c *conn) await(d time.Duration) {
	if c.timer == nil {
		c.timer = time.AfterFunc(d, func() {
			c.late.Store(true)
			c.Conn.Close()
		})
		return
	}
	c.timer.Reset(d)
}

func (c *conn) rest() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// Close ends it; it may be called more than once.
func (c *conn) Close() error {
	c.rest()
	return c.Conn.Close()
}
