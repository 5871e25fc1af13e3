package imap

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// cutting is a way to the network that breaks once, after so many bytes: of what is
// sent, or of what is answered.
func cutting(after int64, answers bool) (connector.Dialing, *atomic.Int64) {
	var left atomic.Int64
	left.Store(after)
	return connector.Dialing{Connect: func(ctx context.Context, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &cutConn{c, &left, answers}, nil
	}}, &left
}

type cutConn struct {
	net.Conn
	left    *atomic.Int64
	answers bool
}

func (c *cutConn) spend(n int) (allowed int, cut bool) {
	before := c.left.Add(-int64(n)) + int64(n)
	if before > 0 && before <= int64(n) {
		return int(before), true
	}
	return n, false
}

func (c *cutConn) Write(p []byte) (int, error) {
	if c.answers {
		return c.Conn.Write(p)
	}
	n, cut := c.spend(len(p))
	k, err := c.Conn.Write(p[:n])
	if cut {
		c.Conn.Close()
		return k, io.ErrClosedPipe
	}
	return k, err
}

func (c *cutConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.answers && err == nil {
		if k, cut := c.spend(n); cut {
			c.Conn.Close()
			return k, nil // what came so far, and then nothing
		}
	}
	return n, err
}

// Wherever the connection breaks while messages are appended, each comes to be there
// once: what is not in doubt was not stored, and what is in doubt is found by its
// mark, or was not stored.
func TestBrokenWrites(t *testing.T) {
	for _, hide := range [][]string{nil, {"MULTIAPPEND"}} {
		t.Run(strings.Join(append([]string{"without"}, hide...), " "), func(t *testing.T) { brokenWrites(t, hide) })
	}
}

func brokenWrites(t *testing.T, hide []string) {
	srv := imaptest.Start(t, imaptest.Options{Hide: hide})
	bodies := map[string][]byte{}
	var items []item.Item
	for i := range 5 {
		bodies[fmt.Sprint(i)] = message(fmt.Sprintf("%d@example.org", i), 300+i*200)
		items = append(items, flagged(`\Seen`))
	}
	n, doubts, refusals := 0, 0, 0
	try := func(name string, after int64, answers bool) {
		n++
		user := fmt.Sprintf("u%d", n)
		setup := open(t, srv, user, nil, nil)
		inbox := folderNamed(t, setup, "INBOX")
		setup.Close()
		dialing, left := cutting(after, answers)
		c, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{setServer: srv.Plain, setSecurity: securityNone, setUser: user, setPassword: imaptest.Password},
			HTTP: connector.NewClient(connector.ClientOptions{Dialing: dialing})})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		dst, err := c.Target(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		todo := map[string][]byte{}
		for k, v := range bodies {
			todo[k] = v
		}
		for round := 0; len(todo) > 0; round++ {
			if round > 4 {
				t.Fatalf("%s: it does not end", name)
			}
			keys := make([]string, 0, len(todo))
			for k := range todo {
				keys = append(keys, k)
			}
			slices.Sort(keys)
			part := map[string][]byte{}
			for i, k := range keys {
				part[fmt.Sprint(i)] = todo[k]
			}
			doubt := false
			for i, r := range fill(t, dst, inbox, items[:len(keys)], part) {
				switch {
				case r.Err == nil:
					delete(todo, keys[i])
				case connector.InDoubt(r.Err):
					doubt = true
					doubts++
				case connector.ClassOf(r.Err) != connector.Transient:
					t.Fatalf("%s: %v", name, r.Err)
				default:
					refusals++
				}
			}
			if !doubt {
				continue
			}
			time.Sleep(100 * time.Millisecond) // what is under way lands
			for _, f := range found(t, dst, item.Ref{Kind: item.Mailbox, ID: user}) {
				if k, ok := strings.CutPrefix(f.Mark, "mid:"); ok {
					delete(todo, strings.TrimSuffix(k, "@example.org"))
				}
			}
		}
		if left.Load() > 0 {
			return // it never came so far
		}
		after2 := open(t, srv, user, nil, nil)
		src, _ := ends(t, after2, after2)
		count := 0
		for _, b := range list(t, src) {
			if b.Item.Kind != item.Message {
				continue
			}
			count++
			id := strings.TrimSuffix(strings.TrimPrefix(b.Item.URL, "mid:"), "@example.org")
			if !bytes.Equal(read(t, src, *b.Item.Blob), bodies[id]) {
				t.Errorf("%s: message %s has other bytes", name, id)
			}
		}
		if count != len(bodies) {
			t.Errorf("%s: %d messages, want %d", name, count, len(bodies))
		}
		after2.Close()
	}
	for at := int64(1); at < 4600; at += 151 {
		try(fmt.Sprintf("cut after %d bytes sent", at), at, false)
	}
	for at := int64(400); at < 2600; at += 67 {
		try(fmt.Sprintf("cut after %d bytes answered", at), at, true)
	}
	if doubts == 0 || refusals == 0 {
		t.Errorf("%d messages were in doubt and %d were not stored: the cuts missed what is tested", doubts, refusals)
	}
}

// Wherever the connection breaks while a mailbox is read, all of it comes, and its
// bytes are right.
func TestBrokenReads(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	setup := open(t, srv, "ann", nil, nil)
	_, dst := ends(t, setup, setup)
	bodies := map[string][]byte{}
	for i := range 12 {
		bodies[fmt.Sprint(i)] = message(fmt.Sprintf("%d@example.org", i), 500)
	}
	for _, r := range fill(t, dst, folderNamed(t, setup, "INBOX"), make([]item.Item, len(bodies)), bodies) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	for at := int64(300); at < 11000; at += 503 {
		dialing, _ := cutting(at, true)
		c, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{setServer: srv.Plain, setSecurity: securityNone, setUser: "ann", setPassword: imaptest.Password},
			HTTP: connector.NewClient(connector.ClientOptions{Dialing: dialing})})
		if err != nil {
			t.Fatal(err)
		}
		src, err := c.Source(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var all []item.Bundle
		for range 3 {
			if all, err = tryList(t, src); err == nil {
				break
			}
			if connector.ClassOf(err) != connector.Transient {
				t.Fatalf("cut after %d bytes: %v", at, err)
			}
		}
		n := 0
		for _, b := range all {
			if b.Item.Kind != item.Message {
				continue
			}
			n++
			id := strings.TrimSuffix(strings.TrimPrefix(b.Item.URL, "mid:"), "@example.org")
			var got []byte
			for range 3 {
				r, err := src.Open(t.Context(), *b.Item.Blob, 0, -1)
				if err == nil {
					got, err = io.ReadAll(r)
					r.Close()
				}
				if err == nil {
					break
				}
				if connector.ClassOf(err) != connector.Transient {
					t.Fatalf("cut after %d bytes: %v", at, err)
				}
			}
			if !bytes.Equal(got, bodies[id]) {
				t.Errorf("cut after %d bytes: message %s has other bytes", at, id)
			}
		}
		if n != len(bodies) {
			t.Errorf("cut after %d bytes: %d messages", at, n)
		}
		c.Close()
	}
}

func tryList(t testing.TB, src connector.Source) (out []item.Bundle, err error) {
	for p, err := range src.List(t.Context(), connector.Shard{}, "") {
		if err != nil {
			return nil, err
		}
		var refs []item.Ref
		for _, b := range p.Bundles {
			refs = append(refs, b.Item.Ref)
		}
		for b, err := range src.Fetch(t.Context(), connector.Shard{}, refs) {
			if err != nil {
				return nil, err
			}
			out = append(out, b)
		}
	}
	return out, nil
}
