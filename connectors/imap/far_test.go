package imap

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// A farConn is one on which what is read comes later, as over a long way. It counts how
// often something was waited for.
type farConn struct {
	net.Conn
	later time.Duration
	waits *atomic.Int64
}

func (c farConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	time.Sleep(c.later)
	c.waits.Add(1)
	return n, err
}

// openFar is open for a server that is a round trip away.
func openFar(t *testing.T, srv *imaptest.Server, user string, roundTrip time.Duration, guard *connector.Guard) (*cloud, *atomic.Int64) {
	t.Helper()
	waits := &atomic.Int64{}
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return farConn{c, roundTrip, waits}, err
	}
	c, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{setServer: srv.Plain, setSecurity: securityNone, setUser: user, setPassword: imaptest.Password},
		HTTP: connector.NewClient(connector.ClientOptions{Dialing: connector.Dialing{Connect: dial}, Guard: guard})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*cloud), waits
}

// Messages go to a far server on all connections, in few commands, and come from one
// in few.
func TestFar(t *testing.T) {
	one := imaptest.Start(t, imaptest.Options{})
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range 1200 {
		one.Deliver(t, "ann", "", fmt.Sprintf("%d.M%d.test", 981173106+i, i), "S", at, message(fmt.Sprintf("%d@b", i), 60))
	}
	for _, c := range []struct {
		hide     []string
		commands int // of the target, at most
	}{
		{nil, 90},
		{[]string{"MULTIAPPEND"}, 1290},
	} {
		two := imaptest.Start(t, imaptest.Options{Hide: c.hide})
		from, _ := openFar(t, one, "ann", 10*time.Millisecond, &connector.Guard{})
		to, waits := openFar(t, two, "bob", 10*time.Millisecond, nil)
		src, _ := ends(t, from, from)
		_, dst := ends(t, to, to)
		inbox := folderNamed(t, to, "INBOX")
		var changes []connector.Change
		for _, m := range list(t, src) {
			if m.Item.Kind == item.Message {
				m.Item.Parent = inbox
				changes = append(changes, connector.Change{Op: connector.Create, Item: m.Item})
			}
		}
		for r, err := range dst.Write(t.Context(), changes, func(b item.Blob, offset, n int64) (io.ReadCloser, error) {
			return src.Open(t.Context(), b, offset, n)
		}) {
			if err != nil || r.Err != nil {
				t.Fatal(err, r.Err)
			}
		}
		if n, commands := used(from); n < 4 || commands > 90 {
			t.Errorf("without %v: the source was read by %d commands on %d connections", c.hide, commands, n)
		}
		if n, commands := used(to); n < 4 || commands > c.commands {
			t.Errorf("without %v: the target was written by %d commands on %d connections", c.hide, commands, n)
		}
		t.Logf("without %v: waited %d times", c.hide, waits.Load())
		if n := waits.Load(); n > 700 { // message by message it would be 1,200, and more for reading back
			t.Errorf("without %v: the target's answer was waited for %d times", c.hide, n)
		}
	}
}

// used tells how many connections there are, and how many commands they carried.
func used(c *cloud) (conns, commands int) {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for conn := range c.pool.all {
		conns++
		commands += conn.Commands()
	}
	return conns, commands
}
