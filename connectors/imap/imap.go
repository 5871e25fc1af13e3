// Package imap is the connector for mail servers that speak IMAP4rev1 or IMAP4rev2
// (RFC 3501, RFC 9051), Gmail and Microsoft 365 among them. A connection is one
// mailbox: the folders and messages of one account.
//
// Messages move byte for byte as the source's server gives them. A message's id is
// its folder's, the folder's UIDVALIDITY and its UID, so that an id never names
// other bytes; a folder's is its MAILBOXID (RFC 8474) or else a hash of its name,
// because names say too much to be remembered.
package imap

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/connectors/oauth"
)

// New returns the connector.
func New() connector.Connector { return imap{} }

type imap struct{}

func (imap) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:     "imap",
		Title:    "IMAP",
		Settings: settings(),
		Hosts:    []string{googleHost, microsoftHost},
	}
}

// Open makes a connection ready; it sends nothing.
func (imap) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	cfg, err := parse(env.Settings)
	if err != nil {
		return nil, err
	}
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if env.HTTP == nil {
		return nil, connector.Errorf(connector.Permanent, "imap was opened without a way to the network")
	}
	c := &cloud{cfg: cfg, net: env.HTTP, log: env.Log}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if cfg.token != "" || cfg.refresh != "" {
		c.tokens = newTokens(cfg, env)
	}
	c.ctx, c.end = context.WithCancel(context.Background())
	c.pool = newPool(cfg.connections, c.connect)
	return c, nil
}

// A cloud is an open connection.
type cloud struct {
	cfg  config
	net  *connector.Client
	log  *slog.Logger
	pool *pool
	// tokens is nil where a password signs in.
	tokens *oauth.Tokens

	ctx  context.Context // of what goes on behind the calls
	end  context.CancelFunc
	work sync.WaitGroup

	reads atomic.Bool // it is a source: the states of its folders matter

	mu   sync.Mutex
	tree *tree
}

func (c *cloud) Close() error {
	c.end()
	c.pool.close()
	c.work.Wait()
	return nil
}

// stall is how long a server may be silent.
const stall = 2 * time.Minute

// connect opens a connection and signs in.
func (c *cloud) connect(ctx context.Context) (*wire.Conn, error) {
	if err := c.turn(ctx); err != nil {
		return nil, err
	}
	token := ""
	var err error
	if c.tokens != nil {
		if token, err = c.tokens.Get(ctx, ""); err != nil {
			return nil, err
		}
	}
	conn, err := c.signIn(ctx, token)
	err = refused("sign-in", err)
	if c.cfg.refresh != "" && err != nil && connector.ClassOf(err) == connector.Auth {
		if token, err = c.tokens.Get(ctx, token); err == nil {
			conn, err = c.signIn(ctx, token)
			err = refused("sign-in", err)
		}
	}
	c.learned(ctx, err)
	return conn, err
}

// turn waits until a command may be sent. It is counted when it is sent: how many are
// under way at once is the pool's matter, and how long one takes says how much it
// carries, and nothing of the server's ease.
func (c *cloud) turn(ctx context.Context) error {
	done, err := c.net.Turn(ctx, callClass)
	if err == nil {
		done(connector.Outcome{})
	}
	return err
}

// learned slows down where the server refused for its load.
func (c *cloud) learned(ctx context.Context, err error) {
	if err == nil || connector.ClassOf(err) != connector.Throttled {
		return
	}
	if done, err := c.net.Pacer().Take(ctx, callClass, 0); err == nil {
		done(connector.Outcome{Refused: true})
	}
}

func (c *cloud) signIn(ctx context.Context, token string) (*wire.Conn, error) {
	raw, err := c.net.Dial(ctx, c.cfg.address())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	nc := wire.Stalling(raw, stall)
	secure := c.net.TLS(c.cfg.host)
	var later *tls.Config
	switch c.cfg.security {
	case securityTLS:
		over := tls.Client(nc, secure)
		if err := over.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, notSecure(err)
		}
		nc = over
	case securityStart:
		later = secure
	}
	conn, err := wire.Open(nc, later)
	if err == nil {
		if token != "" {
			port, _ := strconv.Atoi(c.cfg.port)
			err = conn.Token(c.cfg.user, token, c.cfg.host, port)
		} else {
			err = conn.Login(c.cfg.user, c.cfg.password)
		}
	}
	if err != nil {
		raw.Close()
		return nil, notSecure(err)
	}
	conn.Resyncs()
	return conn, nil
}

// notSecure names what TLS refused.
func notSecure(err error) error {
	if e, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &connector.Error{Class: connector.Permanent, Reason: "the server's certificate is not valid for this name", Err: e,
			Hint: "check the server's name; a certificate of your own authority must be known to this machine"}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return connector.Errorf(connector.Permanent, "the server does not speak TLS on this port").
			WithHint("port 993 is for TLS; on port 143 TLS begins with STARTTLS: set security to starttls for another port")
	}
	return err
}

// Check signs in and looks at what the server can do.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	id := connector.Identity{ID: c.cfg.user, Name: c.cfg.user, Account: c.cfg.host, Settings: map[string]string{}}
	err := c.with(ctx, "", func(conn *wire.Conn) error {
		if err := conn.Select("INBOX", c.net.ReadOnly()); err != nil {
			return err
		}
		id.Rights = []string{"read the folders and messages of this mailbox"}
		c.learn(conn, &id)
		return nil
	})
	if err != nil {
		return id, err
	}
	t, err := c.look(ctx, true)
	if err == nil {
		id.Settings[setDelimiter] = t.delimiter
	}
	return id, err
}

// learn notes what capabilities depend on.
func (c *cloud) learn(conn *wire.Conn, id *connector.Identity) {
	if n := conn.AppendLimit(); n > 0 {
		id.Settings[setAppendLimit] = strconv.FormatInt(n, 10)
	}
	if conn.Is("X-GM-EXT-1") {
		id.Settings[setService] = serviceGmail
	}
	id.Settings[setCreateUse] = yesNo(conn.Is("CREATE-SPECIAL-USE"))
	if c.net.ReadOnly() {
		return
	}
	id.Rights = append(id.Rights, "make folders and add messages")
	if !conn.Is("UIDPLUS") {
		id.Missing = append(id.Missing, "UIDPLUS (RFC 4315): without it this server can be read, but no target")
	}
	if p := conn.Selected().Permanent; p != nil {
		id.Settings[setKeywords] = keywordsOf(p)
	}
}

// keywordsOf says which keywords a folder keeps, of its PERMANENTFLAGS.
func keywordsOf(permanent []string) string {
	if contains(permanent, `\*`) {
		return "yes"
	}
	var some []string
	for _, f := range permanent {
		if isAtom(f) {
			some = append(some, f)
		}
	}
	if len(some) == 0 {
		return "no"
	}
	slices.Sort(some)
	return strings.Join(some, " ")
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// Source reads the mailbox.
func (c *cloud) Source(context.Context) (connector.Source, error) {
	c.reads.Store(true)
	c.warm(false)
	return &source{cloud: c, ahead: newAhead(c)}, nil
}

// Target writes into the mailbox: the place is "".
func (c *cloud) Target(_ context.Context, place string) (connector.Target, error) {
	if place != "" {
		return nil, connector.Errorf(connector.Permanent, "a mailbox has no places").
			WithHint("leave the place empty: a connection is one mailbox")
	}
	c.warm(true)
	return &target{cloud: c, large: make(chan struct{}, 1), gathering: make(chan struct{}, c.cfg.connections+gathered), near: make(chan struct{}, nearWriters)}, nil
}

// atOnce is how many connections there are from the beginning: a pass over little has
// no time to make more.
const atOnce = 2

// warm signs in beside what the caller does next, and reads the folders where nobody
// else does. Where that fails, so does the first call that needs it, which says why.
func (c *cloud) warm(look bool) {
	for i := range min(atOnce, c.cfg.connections) {
		c.work.Go(func() {
			if look && i == 0 {
				_, _ = c.look(c.ctx, true)
				return
			}
			if conn, err := c.pool.lease(c.ctx, ""); err == nil {
				c.pool.release(conn)
			}
		})
	}
}

// with gives f a connection; one that has the folder open already if there is one.
func (c *cloud) with(ctx context.Context, folder string, f func(*wire.Conn) error) error {
	return c.withTurns(ctx, folder, 1, f)
}

// withTurns is with for what takes so many commands, about: where the service counts
// them, it waits for all of their turns before it sends the first.
func (c *cloud) withTurns(ctx context.Context, folder string, turns int, f func(*wire.Conn) error) error {
	conn, err := c.alive(ctx, folder)
	if err != nil {
		return err
	}
	defer c.pool.release(conn)
	if err := c.turn(ctx); err != nil {
		return err
	}
	c.count(ctx, turns-1)
	release := conn.Watch(ctx)
	before := conn.Commands()
	err = f(conn.Conn)
	release()
	c.pool.took(conn.Least())
	err = refused("", err)
	c.count(ctx, conn.Commands()-before-turns)
	c.learned(ctx, err)
	return err
}

// alive leases a connection that works. Of one that rested the server is asked first:
// what breaks on the way of a write is in doubt.
func (c *cloud) alive(ctx context.Context, folder string) (*leased, error) {
	for {
		conn, err := c.pool.lease(ctx, folder)
		if err != nil || time.Since(conn.used) < trusted {
			return conn, err
		}
		release := conn.Watch(ctx)
		err = conn.Noop()
		release()
		if err == nil {
			return conn, nil
		}
		if !conn.Broken() {
			conn.Abort()
		}
		c.pool.release(conn)
		if ctx.Err() != nil {
			return nil, refused("", err)
		}
	}
}

// trusted is how long a connection may rest without being asked.
const trusted = time.Second

// count takes the turns of more commands, where the service counts them.
func (c *cloud) count(ctx context.Context, more int) {
	if more < 1 || len(c.cfg.quotas()) == 0 {
		return
	}
	if done, err := c.net.Pacer().Take(ctx, callClass, more); err == nil {
		done(connector.Outcome{})
	}
}

// readTries is how often a reading is tried whose connection broke.
const readTries = 3

// reading is with for what is safe to repeat: it is tried again when its connection
// breaks, as servers end those that rested.
func (c *cloud) reading(ctx context.Context, folder string, f func(*wire.Conn) error) (err error) {
	for range readTries {
		broke := false
		err = c.with(ctx, folder, func(conn *wire.Conn) error {
			err := f(conn)
			broke = conn.Broken()
			return err
		})
		if err == nil || !broke || ctx.Err() != nil || connector.ClassOf(err) != connector.Transient {
			return err
		}
	}
	return err
}
