// Package wire speaks FTP over TLS: the control connection, passive data connections,
// and what listings say. RFC 959, RFC 2228 and RFC 4217 for TLS, RFC 2389 for FEAT, RFC
// 2428 for EPSV, RFC 3659 for MLSD, MLST, SIZE, MDTM and REST. It keeps no state but
// that of the protocol, and knows nothing of what moves.
package wire

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// mostReply is how many bytes one reply may have.
const mostReply = 1 << 20

// Options say how a server is reached.
type Options struct {
	// Connect opens a TCP connection to "host:port": the control connection, and each
	// data connection.
	Connect func(ctx context.Context, address string) (net.Conn, error)
	Address string
	// TLS are the settings of both kinds of connection; nil speaks in the clear, which is
	// for servers on this machine alone. Implicit begins with TLS at once, instead of
	// asking for it with AUTH TLS.
	TLS      *tls.Config
	Implicit bool
	User     string
	Password string
	// Handshake is how long connecting and signing in may take, Silence how long a server
	// may say and take nothing later on.
	Handshake, Silence time.Duration
}

// A Conn is a control connection that is signed in. It does one thing at a time, for one
// caller; Close may be called by another.
type Conn struct {
	o       Options
	tcp     net.Conn
	conn    net.Conn // tcp, or TLS over it
	limit   *io.LimitedReader
	text    *textproto.Reader
	host    string      // where the control connection leads: data connections lead nowhere else
	tls     *tls.Config // of the control connection
	dataTLS *tls.Config
	broken  bool
	noEPSV  bool
	wayward bool // LIST knows no options

	mu   sync.Mutex
	data net.Conn // the data connection that is open, or was last

	// Features are what FEAT told, by name in upper case, with what stands behind it.
	Features map[string]string
	// Greeting is how the server introduced itself.
	Greeting string
}

// ErrPlain says that the server has no TLS, or not for data connections.
var ErrPlain = errors.New("the server refuses TLS")

// ErrOpen says that a server spoke in the clear is not on this machine.
var ErrOpen = errors.New("not in the clear over a network")

// ErrSignIn is the cause of an error of signing in: of USER, PASS and what comes with
// them.
var ErrSignIn = errors.New("signing in failed")

// Dial connects and signs in. The context is needed until it returns.
func Dial(ctx context.Context, o Options) (*Conn, error) {
	ctx, end := context.WithTimeout(ctx, o.Handshake)
	defer end()
	tcp, err := o.Connect(ctx, o.Address)
	if err != nil {
		return nil, err
	}
	c := &Conn{o: o, tcp: tcp, Features: map[string]string{}}
	stop := context.AfterFunc(ctx, func() { tcp.Close() })
	err = c.begin(ctx)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		tcp.Close()
		return nil, err
	}
	return c, nil
}

func (c *Conn) begin(ctx context.Context) error {
	host, _, err := net.SplitHostPort(c.tcp.RemoteAddr().String())
	if err != nil {
		return err
	}
	c.host = host
	if ip := net.ParseIP(host); c.o.TLS == nil && (ip == nil || !ip.IsLoopback()) {
		return ErrOpen
	}
	if c.o.TLS != nil {
		sessions := tls.NewLRUClientSessionCache(1)
		c.tls, c.dataTLS = c.o.TLS.Clone(), c.o.TLS.Clone()
		c.tls.ClientSessionCache, c.dataTLS.ClientSessionCache = sessions, lent{sessions}
	}
	c.use(c.tcp)
	if c.o.Implicit && c.tls != nil {
		if err := c.secure(ctx); err != nil {
			return err
		}
	}
	greeting, err := c.reply()
	if err == nil && greeting.Code == 120 { // ready in some minutes
		greeting, err = c.reply()
	}
	if err = want(greeting, err, 220); err != nil {
		return err
	}
	c.Greeting = greeting.Text
	if c.tls != nil && !c.o.Implicit {
		if err := c.expect(234, "AUTH TLS"); err != nil {
			if code := Code(err); code/100 == 5 {
				return errors.Join(ErrPlain, err)
			}
			return err
		}
		if c.text.R.Buffered() > 0 { // said before TLS, by whomever
			return errMalformed
		}
		if err := c.secure(ctx); err != nil {
			return err
		}
	}
	return c.signIn()
}

// Sessions that are lent to data connections: a server may want these to go on with the
// session of just their control connection, and not with one of each other (ProFTPD by
// itself; vsftpd with require_ssl_reuse).
type lent struct{ of tls.ClientSessionCache }

func (l lent) Get(key string) (*tls.ClientSessionState, bool) { return l.of.Get(key) }
func (l lent) Put(string, *tls.ClientSessionState)            {}

// use reads and writes from here on over a connection.
func (c *Conn) use(conn net.Conn) {
	c.conn = conn
	c.limit = &io.LimitedReader{R: conn}
	c.text = textproto.NewReader(bufio.NewReader(c.limit))
}

func (c *Conn) secure(ctx context.Context) error {
	conn := tls.Client(c.tcp, c.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	c.use(conn)
	return nil
}

func (c *Conn) signIn() error {
	r, err := c.Ask("USER", c.o.User)
	if err == nil && r.Code == 331 {
		r, err = c.Ask("PASS", c.o.Password)
	}
	if err == nil && r.Code != 230 && r.Code != 202 {
		err = r.refusal()
	}
	if err != nil {
		return errors.Join(ErrSignIn, err)
	}
	if c.tls != nil {
		if err := c.expect(200, "PBSZ", "0"); err != nil {
			return err
		}
		if err := c.expect(200, "PROT", "P"); err != nil {
			if Code(err)/100 == 5 {
				return errors.Join(ErrPlain, err)
			}
			return err
		}
	}
	if r, err = c.Ask("FEAT"); err != nil {
		return err
	}
	if r.Code == 211 {
		for line := range strings.Lines(r.Text) {
			if feature, of := strings.CutPrefix(line, " "); of {
				name, what, _ := strings.Cut(strings.TrimSpace(feature), " ")
				c.Features[strings.ToUpper(name)] = what
			}
		}
	}
	if _, ok := c.Features["UTF8"]; ok {
		// Servers that know nothing else refuse to be told (RFC 2640, 3.1).
		if _, err := c.Ask("OPTS", "UTF8 ON"); err != nil {
			return err
		}
	}
	return c.expect(200, "TYPE", "I")
}

// Has reports whether the server offers a feature.
func (c *Conn) Has(feature string) bool {
	_, ok := c.Features[feature]
	return ok
}

// Broken reports whether the connection can do nothing more.
func (c *Conn) Broken() bool { return c.broken }

// Close ends the connection without a word, and the data connection with it.
func (c *Conn) Close() {
	c.tcp.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.data != nil {
		c.data.Close()
	}
}

// Ask sends a command and returns its reply, whatever that is. An error says that there
// was none.
func (c *Conn) Ask(command ...string) (Reply, error) {
	if err := c.send(command...); err != nil {
		return Reply{}, err
	}
	return c.reply()
}

// expect sends a command, and makes an error of every reply but one.
func (c *Conn) expect(code int, command ...string) error {
	r, err := c.Ask(command...)
	return want(r, err, code)
}

func want(r Reply, err error, code int) error {
	if err == nil && r.Code != code {
		err = r.refusal()
	}
	return err
}

// send writes a command: its name and, behind a blank, its only argument. A byte 255 is
// doubled, as Telnet has it (RFC 959, 5.3; RFC 854).
func (c *Conn) send(command ...string) error {
	line := strings.Join(command, " ")
	if strings.ContainsAny(line, "\r\n\x00") {
		return errName
	}
	_ = c.conn.SetDeadline(time.Now().Add(c.o.Silence))
	if _, err := io.WriteString(c.conn, strings.ReplaceAll(line, "\xff", "\xff\xff")+"\r\n"); err != nil {
		return c.lost(err)
	}
	return nil
}

func (c *Conn) reply() (Reply, error) { return c.replyWithin(c.o.Silence) }

// replyWithin reads a reply (RFC 959, 4.2).
func (c *Conn) replyWithin(d time.Duration) (Reply, error) {
	_ = c.conn.SetDeadline(time.Now().Add(d))
	c.limit.N = mostReply
	code, text, err := c.text.ReadResponse(-1)
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok || c.limit.N <= 0 {
		c.broken = true
		return Reply{}, errMalformed
	}
	if refused, ok := errors.AsType[*textproto.Error](err); ok {
		code, text, err = refused.Code, refused.Msg, nil
	}
	if err != nil {
		return Reply{}, c.lost(err)
	}
	if code == 421 { // the server ends the connection
		c.broken = true
	}
	return Reply{Code: code, Text: text}, nil
}

// lost marks the connection as broken.
func (c *Conn) lost(err error) error {
	c.broken = true
	return &LostError{cause: err}
}

// A Reply is what a server answers.
type Reply struct {
	Code int
	Text string // for people: it may hold paths
}

func (r Reply) refusal() error { return &Refusal{r.Code, strings.ToLower(r.Text)} }

// A Refusal is a reply that was not hoped for. Its text stays inside: it may hold paths.
type Refusal struct {
	code int
	text string
}

func (r *Refusal) Error() string { return fmt.Sprintf("the server answered %d", r.code) }

// Code is the code of a refusal, 0 for another error.
func Code(err error) int {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.code
	}
	return 0
}

// Says reports whether the text of a refusal holds one of some words, which are in lower
// case.
func Says(err error, words ...string) bool {
	r, ok := errors.AsType[*Refusal](err)
	for _, w := range words {
		if ok && strings.Contains(r.text, w) {
			return true
		}
	}
	return false
}

// A LostError says that a connection was lost.
type LostError struct{ cause error }

func (e *LostError) Error() string { return "the connection was lost" }
func (e *LostError) Unwrap() error { return e.cause }

var (
	errMalformed = errors.New("a reply that is not as the protocol has it")
	errName      = errors.New("a name with a line break or a NUL")
)

// Malformed reports whether an error says that the server broke the protocol.
func Malformed(err error) bool { return errors.Is(err, errMalformed) }

// BadName reports whether an error says that a path cannot be said over FTP.
func BadName(err error) bool { return errors.Is(err, errName) }
