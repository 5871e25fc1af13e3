package rclone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// A bridge leads the library's HTTP to the connector's client, which signs nothing, but
// paces, retries, counts, logs, and refuses what a source must not be sent. The
// library makes transports of its own, which connect as they like: all that it lets one
// choose is how they open TLS. So they get one end of a pipe for it (dial), and a
// server at the other end sends on what it reads there.
type bridge struct {
	http   *connector.Client
	server *http.Server
	conns  chan net.Conn
	done   chan struct{}
	shut   sync.Once

	count atomic.Int64
	calls sync.Map // by id: *call
}

// The library's requests say by header which call they belong to, and that they would
// have gone in the clear. Neither leaves the process.
const (
	headCall  = "X-Rialto-Call"
	headPlain = "X-Rialto-Plain"
)

// held is how many bytes of a body are kept, so that the request can be sent again.
const held = 256 << 10

func newBridge(c *connector.Client, log *slog.Logger) *bridge {
	b := &bridge{http: c, conns: make(chan net.Conn), done: make(chan struct{})}
	b.server = &http.Server{Handler: b, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), ReadHeaderTimeout: time.Minute}
	go func() {
		if err := b.server.Serve(b); !errors.Is(err, http.ErrServerClosed) {
			log.Debug("the bridge to rclone ended", "failed", "accept")
		}
	}()
	return b
}

func (b *bridge) close() {
	b.shut.Do(func() { close(b.done) })
	_ = b.server.Close()
}

// dial opens a pipe to the bridge, whatever the address: the server reads of each
// request where it goes.
func (b *bridge) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case b.conns <- there:
		return here, nil
	case <-b.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept, Close and Addr make a bridge its server's listener.
func (b *bridge) Accept() (net.Conn, error) {
	select {
	case c := <-b.conns:
		return c, nil
	case <-b.done:
		return nil, net.ErrClosed
	}
}

func (b *bridge) Close() error {
	b.shut.Do(func() { close(b.done) })
	return nil
}

func (b *bridge) Addr() net.Addr { return &net.UnixAddr{Name: "rclone"} }

// A call is one call of the library, which may send many requests.
type call struct {
	id    string
	bytes bool // it reads a file

	mu     sync.Mutex
	failed *connector.Error // of the last request that failed
	doubt  bool             // one of them may have been carried out all the same
}

type callKey struct{}

// bytesKey is the key of a context whose call reads a file.
type bytesKey struct{}

// begin registers a call, for the requests that are made with the context; end
// forgets it.
func (b *bridge) begin(ctx context.Context) (context.Context, *call) {
	k := &call{id: strconv.FormatInt(b.count.Add(1), 10), bytes: ctx.Value(bytesKey{}) != nil}
	b.calls.Store(k.id, k)
	return context.WithValue(ctx, callKey{}, k), k
}

func (b *bridge) end(k *call) { b.calls.Delete(k.id) }

// clear forgets what failed.
func (k *call) clear() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed, k.doubt = nil, false
}

func (k *call) note(err error) {
	e, ok := errors.AsType[*connector.Error](err)
	if k == nil || !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.failed, k.doubt = e, k.doubt || e.InDoubt
}

// told is what failed last; nil if nothing did. It is the caller's to change.
func (k *call) told() *connector.Error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed == nil {
		return nil
	}
	e := *k.failed
	e.InDoubt = k.doubt
	return &e
}

// mark makes a request of the library's one for the bridge: it is called of each one
// right before it is sent. A proxy of the environment is asked for nothing that goes to
// this machine.
func mark(r *http.Request) {
	if k, ok := r.Context().Value(callKey{}).(*call); ok {
		r.Header.Set(headCall, k.id)
	}
	to := *r.URL
	if to.Scheme == "http" {
		r.Header.Set(headPlain, "yes")
	}
	if r.Host == "" {
		r.Host = to.Host
	}
	to.Scheme, to.Host = "https", "localhost"
	r.URL = &to
}

// A refusal is an answer that says no, as the library is to see it.
type refusal struct {
	status int
	header http.Header
	body   []byte
}

// ServeHTTP sends a request of the library's on.
func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var k *call
	if v, ok := b.calls.Load(r.Header.Get(headCall)); ok {
		k, _ = v.(*call)
	}
	scheme := "https://"
	if r.Header.Get(headPlain) != "" {
		scheme = "http://"
		if host, _, err := net.SplitHostPort(r.Host); !loopback(r.Host) && (err != nil || !loopback(host)) {
			k.note(connector.Errorf(connector.Permanent, "the cloud wants to be talked to in the clear").WithHint("http is for servers on this machine alone"))
			w.WriteHeader(http.StatusBadGateway)
			return
		}
	}
	q := connector.Request{Method: r.Method, URL: scheme + r.Host + r.RequestURI, Header: passed(r.Header), Class: r.Method, Call: r.Method + " {object}",
		// Clouds are read by POST as well, and what asks for that only reads: a target
		// of a source's connection refuses all writes.
		Reads: r.Method == http.MethodPost}
	all, err := body(&q, r)
	if err != nil {
		return // the library gave up
	}
	var no *refusal
	client := b.http.With(connector.Dialect{Refuse: func(status int, h http.Header, body []byte) *connector.Error {
		no = &refusal{status, h.Clone(), body}
		if status == http.StatusBadRequest && strings.Contains(all, "grant_type=") { // RFC 6749, 5.2
			return connector.Errorf(connector.Auth, "the credentials cannot be renewed").WithHint("connect again with a new token")
		}
		return nil
	}})
	resp, err := client.Do(r.Context(), q)
	if errors.Is(err, errSpent) && no != nil {
		e := connector.RefusePlain(no.status)
		e.Reason = q.Call + ": " + e.Reason
		err = e
	}
	if err != nil {
		k.note(err)
		answer(w, no)
		return
	}
	defer resp.Body.Close()
	if webPage(r, resp, k) {
		k.note(connector.Errorf(connector.Malformed, "%s: the answer is a web page", q.Call).WithHint("sign in to the network that this machine is in, or correct the connection's address"))
		answer(w, nil)
		return
	}
	for name, values := range passed(resp.Header) {
		w.Header()[name] = values
	}
	if resp.ContentLength >= 0 && w.Header().Get("Content-Length") == "" && r.Method != http.MethodHead && resp.StatusCode != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	w.WriteHeader(resp.StatusCode)
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.CopyBuffer(w, resp.Body, make([]byte, 64<<10)); err != nil {
		k.note(err)
		panic(http.ErrAbortHandler) // what was cut off here is to be cut off there
	}
}

// webPage reports whether an answer is a page for people, as networks give where one
// must sign in first, and the library would take it for an empty one. Files may be
// pages, too.
func webPage(r *http.Request, resp *http.Response, k *call) bool {
	if k != nil && k.bytes || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || resp.ContentLength == 0 {
		return false
	}
	if r.Method == http.MethodHead { // of a file that is a page, clouds tell a version
		return resp.Header.Get("ETag") == "" && resp.Header.Get("Last-Modified") == ""
	}
	n, _ := io.ReadFull(resp.Body, make([]byte, 1))
	return n > 0
}

// errSpent is the cause of an error where a body would have to be sent again.
var errSpent = errors.New("the body was sent")

// body gives a request its body, and returns it if it is held whole. Another one is
// sent once.
func body(q *connector.Request, r *http.Request) (string, error) {
	typ := r.Header.Get("Content-Type")
	switch {
	case r.ContentLength == 0:
		return "", nil
	case r.ContentLength > 0 && r.ContentLength <= held:
		all := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, all); err != nil {
			return "", err
		}
		q.Body = func() (io.ReadCloser, int64, string, error) {
			return io.NopCloser(bytes.NewReader(all)), int64(len(all)), typ, nil
		}
		return string(all), nil
	}
	var sent atomic.Bool
	q.Once = true
	q.Body = func() (io.ReadCloser, int64, string, error) {
		if sent.Swap(true) {
			return nil, 0, "", &connector.Error{Class: connector.Permanent, Reason: "its bytes are gone by", Err: errSpent}
		}
		return io.NopCloser(r.Body), r.ContentLength, typ, nil
	}
	return "", nil
}

// answer tells the library that a request failed: as the cloud did, else as a gateway
// whose server cannot be reached.
func answer(w http.ResponseWriter, no *refusal) {
	if no == nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	for name, values := range passed(no.header) {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(no.body)))
	w.WriteHeader(no.status)
	_, _ = w.Write(no.body)
}

// passed are the headers that are not of one connection alone (RFC 9110, 7.6.1).
func passed(h http.Header) http.Header {
	out := h.Clone()
	for _, name := range slices.Concat([]string{headCall, headPlain, "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect", "Proxy-Connection"}, h.Values("Connection")) {
		out.Del(strings.TrimSpace(name))
	}
	return out
}
