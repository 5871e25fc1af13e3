package http1

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"time"
)

// An exchange is one request and its answer on a connection.
type exchange struct {
	t    *Transport
	c    *conn
	ctx  context.Context
	stop func() bool // takes back that the end of ctx ends the connection
	sent chan error  // what became of a body that is sent beside; nil for none
}

// exchange sends a request and reads the answer's head. Unless it fails, the connection
// is kept or ended when the answer's body is.
func (t *Transport) exchange(ctx context.Context, c *conn, r *http.Request) (*http.Response, error) {
	x := &exchange{t: t, c: c, ctx: ctx}
	x.stop = context.AfterFunc(ctx, func() { c.Conn.Close() })
	if trace := httptrace.ContextClientTrace(ctx); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{Conn: c.Conn, Reused: c.used})
	}
	zipped := asksZipped(r)
	var err error
	if long(r) {
		x.sent = make(chan error, 1)
		go func() { x.sent <- x.send(r, zipped) }()
	} else if err = x.send(r, zipped); err != nil && c.broken == nil {
		return nil, x.fail(err) // the body failed, and was sent in part
	}
	resp, readErr := x.head(r)
	if readErr != nil {
		if x.sent != nil {
			c.Conn.Close()
			err = <-x.sent
		}
		return nil, x.fail(first(err, readErr, c))
	}
	if err != nil { // the server closed before it had read all, and said why
		resp.Close = true
	}
	resp.TLS = c.secured
	x.pass(resp)
	if zipped && strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && resp.Body != http.NoBody {
		unzip(resp)
	}
	return resp, nil
}

// first chooses what to tell of a request that failed: what was wrong with its body
// comes first, and what was read of the answer before what could not be written.
func first(sent, read error, c *conn) error {
	if sent != nil && c.broken == nil {
		return sent
	}
	if sent != nil && !c.answered && !errors.Is(read, errHeadTooLong) {
		return sent
	}
	return read
}

// long reports whether a body is sent beside the wait for its answer.
func long(r *http.Request) bool {
	n := length(r)
	return n < 0 || n > heldWhole
}

// send writes a request, and closes its body. An error without c.broken is one of the
// body, or of the request itself.
func (x *exchange) send(r *http.Request, zipped bool) error {
	out, ok := x.t.writers.Get().(*bufio.Writer)
	if !ok {
		out = bufio.NewWriterSize(nil, bufferSize)
	}
	x.c.broken = nil
	out.Reset(x.c)
	err := write(out, r, zipped)
	out.Reset(nil)
	x.t.writers.Put(out)
	if err != nil && x.c.broken == nil && x.sent != nil {
		x.c.Conn.Close() // half a body: nobody waits for its answer
	}
	return err
}

// head reads the head of the answer.
func (x *exchange) head(r *http.Request) (*http.Response, error) {
	c := x.c
	in, ok := x.t.readers.Get().(*bufio.Reader)
	if !ok {
		in = bufio.NewReaderSize(nil, bufferSize)
	}
	in.Reset(c)
	c.in = in
	c.await(x.t.HeaderTimeout)
	most := x.t.MaxHeaderBytes
	if most == 0 {
		most = 1 << 20
	}
	c.head = most + bufferSize // what is buffered of the body counts, too
	defer func() { c.head = -1 }()
	for range mostInformed {
		resp, err := http.ReadResponse(in, r)
		switch {
		case err != nil:
			return nil, err
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errUnasked
		case resp.StatusCode < 100 || resp.StatusCode >= 200:
			c.rest()
			return resp, nil
		}
	}
	return nil, errHeadTooLong
}

// fail ends the connection of a request that has no answer.
func (x *exchange) fail(err error) error {
	x.stop()
	x.end(false)
	if x.c.late.Load() {
		err = ErrHeaderTimeout
	}
	return causeOr(x.ctx, err)
}

// pass hands the connection over to the answer's body.
func (x *exchange) pass(resp *http.Response) {
	again := !resp.Close && resp.ProtoAtLeast(1, 1)
	if resp.Body == http.NoBody || resp.ContentLength == 0 {
		x.finish(again)
		resp.Body = http.NoBody
		return
	}
	resp.Body = &body{x: x, in: resp.Body, left: resp.ContentLength, again: again}
}

// finish keeps the connection for another request if it can be.
func (x *exchange) finish(again bool) {
	if !x.stop() { // the context ended it
		again = false
	}
	if x.sent != nil && again {
		t := time.NewTimer(finishing)
		select {
		case err := <-x.sent:
			again = err == nil
		case <-t.C:
			again = false
		}
		t.Stop()
	}
	x.end(again)
}

func (x *exchange) end(again bool) {
	c := x.c
	c.rest()
	if in := c.in; in != nil {
		again = again && in.Buffered() == 0
		c.in = nil
		in.Reset(nil)
		x.t.readers.Put(in)
	}
	if again {
		x.t.keep(c)
		return
	}
	c.Conn.Close()
}

// A body is that of an answer. It frees the connection at its end.
type body struct {
	x     *exchange
	in    io.ReadCloser // net/http's, which knows lengths and chunks
	left  int64         // of its length; below 0 where that is unknown
	again bool          // the connection is good for another request

	mu   sync.Mutex
	over error // what a Read returns from now on
}

var errClosed = errors.New("the body was closed before it was read")

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over != nil {
		return 0, b.over
	}
	n, err := b.in.Read(p)
	b.left -= int64(n)
	if err == nil {
		return n, nil
	}
	if b.over = err; err != io.EOF {
		b.over = causeOr(b.x.ctx, err)
	}
	b.x.finish(b.again && err == io.EOF)
	return n, b.over
}

// Close keeps the connection if the rest of the answer is here already, and ends it
// otherwise. It ends a Read that waits.
func (b *body) Close() error {
	if !b.mu.TryLock() {
		b.x.c.Conn.Close()
		b.mu.Lock()
	}
	defer b.mu.Unlock()
	if b.over != nil {
		return nil
	}
	b.over = errClosed
	whole := b.again && b.left > 0 && int64(b.x.c.in.Buffered()) >= b.left
	if whole {
		_, err := io.Copy(io.Discard, b.in)
		whole = err == nil
	}
	b.x.finish(whole)
	return nil
}

// asksZipped reports whether an answer may come compressed, without the caller's word:
// as net/http does it.
func asksZipped(r *http.Request) bool {
	return r.Header["Accept-Encoding"] == nil && r.Header["Range"] == nil && r.Method != http.MethodHead
}

// unzip puts the plain bytes in place of the compressed ones.
func unzip(resp *http.Response) {
	resp.Body = &unzipped{under: resp.Body}
	resp.Header.Del("Content-Encoding")
	resp.Header.Del("Content-Length")
	resp.ContentLength = -1
	resp.Uncompressed = true
}

type unzipped struct {
	under io.ReadCloser
	in    *gzip.Reader
	err   error
}

func (u *unzipped) Read(p []byte) (n int, err error) {
	if u.in == nil && u.err == nil {
		u.in, u.err = gzip.NewReader(u.under)
	}
	if u.err != nil {
		return 0, u.err
	}
	return u.in.Read(p)
}

func (u *unzipped) Close() error { return u.under.Close() }
