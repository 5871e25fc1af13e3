package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// drained is how long the end of a data connection is waited for after all was sent.
const drained = 10 * time.Second

// A Data is a data connection with what it carries. It is closed before the next
// command is sent.
type Data struct {
	c      *Conn
	conn   net.Conn
	ended  bool // the server sent all that it had
	closed bool
	anew   bool // its TLS session is one of its own
}

// ErrSession says that the server wants the TLS session of the control connection to go on
// over data connections, and gave none that can: with TLS 1.2 it has to give tickets (RFC
// 5077), as crypto/tls keeps no session ids.
var ErrSession = errors.New("the TLS session does not go on")

// refusal is what the server says of a data connection.
func (d *Data) refusal(r Reply) error {
	if d.anew && (r.Code == 425 || r.Code == 522) {
		return errors.Join(ErrSession, r.refusal())
	}
	return r.refusal()
}

// open asks the server for a port, connects to it and sends a command that needs it, from
// an offset on. The address that PASV tells is not looked at: data connections lead to
// where the control connection does (RFC 4217, 13.2; RFC 2577, 3).
func (c *Conn) open(ctx context.Context, offset int64, command ...string) (*Data, error) {
	port, err := c.port()
	if err != nil {
		return nil, err
	}
	tcp, err := c.o.Connect(ctx, net.JoinHostPort(c.host, strconv.Itoa(port)))
	if err != nil {
		c.broken = true // the server waits for somebody, some of them for ever
		return nil, err
	}
	c.mu.Lock()
	c.data = tcp
	c.mu.Unlock()
	d := &Data{c: c, conn: tcp}
	if offset > 0 {
		if err := c.expect(350, "REST", strconv.FormatInt(offset, 10)); err != nil {
			tcp.Close()
			return nil, err
		}
	}
	r, err := c.Ask(command...)
	if err == nil && r.Code != 125 && r.Code != 150 {
		err = r.refusal()
	}
	if err != nil {
		tcp.Close()
		return nil, err
	}
	if c.dataTLS == nil {
		return d, nil
	}
	conn := tls.Client(tcp, c.dataTLS)
	_ = tcp.SetDeadline(time.Now().Add(c.o.Silence))
	if err := conn.HandshakeContext(ctx); err != nil {
		tcp.Close()
		if r, said := c.replyWithin(drained); said == nil && r.Code >= 400 {
			return nil, r.refusal() // the server's reason
		}
		return nil, c.lost(err)
	}
	d.conn, d.anew = conn, !conn.ConnectionState().DidResume
	return d, nil
}

// port asks for a passive data connection, by EPSV where the server knows it.
func (c *Conn) port() (int, error) {
	if !c.noEPSV {
		r, err := c.Ask("EPSV")
		if err != nil {
			return 0, err
		}
		if r.Code == 229 {
			return portOfEPSV(r.Text)
		}
		if r.Code/100 != 5 {
			return 0, r.refusal()
		}
		c.noEPSV = true
	}
	r, err := c.Ask("PASV")
	if err = want(r, err, 227); err != nil {
		return 0, err
	}
	return portOfPASV(r.Text)
}

// portOfEPSV reads "Entering Extended Passive Mode (|||6446|)" (RFC 2428, 3).
func portOfEPSV(text string) (int, error) {
	_, rest, ok := strings.Cut(text, "(")
	if !ok || len(rest) < 5 {
		return 0, errMalformed
	}
	parts := strings.Split(rest, rest[:1])
	if len(parts) < 5 {
		return 0, errMalformed
	}
	return portOf(parts[3])
}

// portOfPASV reads the last two of six numbers (RFC 959, 4.1.2); servers disagree on what
// stands around them (RFC 1123, 4.1.2.6).
func portOfPASV(text string) (int, error) {
	at := strings.IndexAny(text, "0123456789")
	if at < 0 {
		return 0, errMalformed
	}
	numbers := strings.FieldsFunc(text[at:], func(r rune) bool { return r != ',' && (r < '0' || r > '9') })
	parts := strings.Split(numbers[0], ",")
	if len(parts) != 6 {
		return 0, errMalformed
	}
	high, err := strconv.Atoi(parts[4])
	low, err2 := strconv.Atoi(parts[5])
	if err != nil || err2 != nil || high > 255 || low > 255 {
		return 0, errMalformed
	}
	return portOf(strconv.Itoa(high<<8 | low))
}

func portOf(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, errMalformed
	}
	return int(n), nil
}

// Retrieve reads a file from an offset on. The caller closes what it returns.
func (c *Conn) Retrieve(ctx context.Context, path string, offset int64) (*Data, error) {
	return c.open(ctx, offset, "RETR", path)
}

// Read reads what the server sends. io.EOF is the end that it told itself: a TLS
// connection that ends without close_notify was cut off.
func (d *Data) Read(p []byte) (int, error) {
	_ = d.conn.SetDeadline(time.Now().Add(d.c.o.Silence))
	n, err := d.conn.Read(p)
	if err == io.EOF {
		d.ended = true
		return n, err
	}
	if err != nil {
		return n, d.c.lost(err)
	}
	return n, nil
}

// Close ends the data connection, and hears what the server says of it. After the last
// byte was read, anything but its word that all was sent is an error; what was left off
// before is none.
func (d *Data) Close() error {
	if d.closed {
		return nil
	}
	d.closed = true
	d.conn.Close()
	if d.c.broken {
		return nil
	}
	r, err := d.c.replyWithin(drained)
	if !d.ended {
		return nil // the connection is marked, should it be lost
	}
	if err == nil && r.Code != 226 && r.Code != 250 {
		err = d.refusal(r)
	}
	return err
}

// Store writes a file, over one that may stand there. What the stream failed with comes
// back as it is; then what the server has of the file is not whole.
func (c *Conn) Store(ctx context.Context, path string, in io.Reader) error {
	d, err := c.open(ctx, 0, "STOR", path)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(sender{d}, struct{ io.Reader }{in}, make([]byte, 64<<10))
	if err == nil {
		err = d.finish()
	}
	failed, sending := errors.AsType[*sendError](err)
	d.conn.Close()
	within := c.o.Silence
	if err != nil {
		within = drained
	}
	r, said := c.replyWithin(within)
	switch {
	case said == nil && r.Code >= 400 && (err == nil || sending):
		return d.refusal(r) // the reason why it took no more
	case sending:
		return c.lost(failed.cause)
	case err != nil:
		return err
	case said != nil:
		return said
	case r.Code != 226 && r.Code != 250:
		return d.refusal(r)
	}
	return nil
}

// finish tells the server that all was sent, and waits until it has heard it. A
// connection that is closed while something of the server's is unread (the session
// tickets of TLS 1.3) would be reset, and what was sent last be lost with it.
func (d *Data) finish() error {
	secured, ok := d.conn.(*tls.Conn)
	if !ok {
		return nil
	}
	_ = secured.SetDeadline(time.Now().Add(drained))
	if err := secured.CloseWrite(); err != nil {
		return &sendError{err}
	}
	_, _ = io.Copy(io.Discard, secured) // what it says, it says on the control connection
	return nil
}

// A sender writes to a data connection.
type sender struct{ d *Data }

func (s sender) Write(p []byte) (int, error) {
	_ = s.d.conn.SetDeadline(time.Now().Add(s.d.c.o.Silence))
	n, err := s.d.conn.Write(p)
	if err != nil {
		err = &sendError{err}
	}
	return n, err
}

// A sendError says that the server takes no more.
type sendError struct{ cause error }

func (e *sendError) Error() string { return "the server takes no more" }
func (e *sendError) Unwrap() error { return e.cause }
