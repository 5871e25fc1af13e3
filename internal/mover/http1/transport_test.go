package http1

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func newTransport(t testing.TB, change func(*Transport)) *Transport {
	t.Helper()
	tr := &Transport{
		Dial: func(ctx context.Context, address string, _ bool) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", address)
		},
		MaxIdlePerHost: 8, IdleTimeout: time.Minute, HeaderTimeout: 10 * time.Second,
	}
	if change != nil {
		change(tr)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// served is a server of raw connections: handle has each, and how many came before it.
type served struct {
	address string
	conns   atomic.Int64
}

func serve(t testing.TB, handle func(c net.Conn, in *bufio.Reader, nth int64)) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{address: l.Addr().String()}
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			nth := s.conns.Add(1) - 1
			all.Go(func() {
				defer c.Close()
				stop := context.AfterFunc(ctx, func() { c.Close() })
				defer stop()
				handle(c, bufio.NewReader(c), nth)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		l.Close()
		all.Wait()
	})
	return s
}

// answering reads requests whole and answers each with the same bytes; it closes after
// the first where closes is true.
func answering(answer string, closes bool) func(net.Conn, *bufio.Reader, int64) {
	return func(c net.Conn, in *bufio.Reader, _ int64) {
		for {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return
			}
			if _, err := io.WriteString(c, answer); err != nil || closes {
				return
			}
		}
	}
}

// An outcome is what a caller sees of a request.
type outcome struct {
	failed   bool
	status   int
	header   http.Header
	length   int64
	body     string
	cut      bool // the body broke off
	unpacked bool
}

func (o outcome) equal(p outcome) bool {
	return o.failed == p.failed && o.status == p.status && maps.EqualFunc(o.header, p.header, slices.Equal) && o.length == p.length && o.body == p.body && o.cut == p.cut && o.unpacked == p.unpacked
}

func see(rt http.RoundTripper, r *http.Request) outcome {
	resp, err := rt.RoundTrip(r)
	if err != nil {
		return outcome{failed: true}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return outcome{status: resp.StatusCode, header: resp.Header, length: resp.ContentLength, body: string(b), cut: err != nil, unpacked: resp.Uncompressed}
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

// answers are what servers say, well or ill.
func answers() map[string]string {
	z := zipped(strings.Repeat("squeezed ", 100))
	return map[string]string{
		"a length":               "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nEtag: x\r\n\r\nhello",
		"a body of nothing":      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"chunks":                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
		"chunks and a trailer":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\n\r\n",
		"until it closes":        "HTTP/1.1 200 OK\r\n\r\nhello",
		"HTTP/1.0":               "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.0 and no length": "HTTP/1.0 200 OK\r\n\r\nhello",
		"204":                    "HTTP/1.1 204 No Content\r\n\r\n",
		"304":                    "HTTP/1.1 304 Not Modified\r\nEtag: x\r\nContent-Length: 100\r\n\r\n",
		"404":                    "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
		"no reason":              "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
		"100 first":              "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"103 first":              "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"close":                  "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
		"less than it said":      "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
		"chunks cut off":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n50\r\nhello",
		"a chunk of no number":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
		"two lengths":            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"one length twice":       "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
		"a length of no number":  "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
		"a length below nothing": "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"chunks and a length":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"nothing":                "",
		"half a head":            "HTTP/1.1 200 OK\r\nContent-Le",
		"no HTTP":                "SSH-2.0-OpenSSH_9.2\r\n",
		"no number":              "HTTP/1.1 OK\r\n\r\n",
		"no colon":               "HTTP/1.1 200 OK\r\nContent-Length 5\r\n\r\nhello",
		"a space in a name":      "HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\nhello",
		"a folded line":          "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
		"bare line feeds":        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
		"zipped":                 fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(z), z),
		"zipped and cut off":     fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(z), z[:len(z)/2]),
		"said to be zipped":      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
		"no-cache":               "HTTP/1.1 200 OK\r\nPragma: no-cache\r\nContent-Length: 2\r\n\r\nok",
		"a field of bad bytes":   "HTTP/1.1 200 OK\r\nX-A: \x01\xff\r\nContent-Length: 2\r\n\r\nok",
	}
}

// Whatever a server answers, callers see what net/http's Transport shows them.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	for name, answer := range answers() {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
			for _, ranged := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/%v", name, method, ranged), func(t *testing.T) {
					t.Parallel()
					s := serve(t, answering(answer, true))
					ask := func(rt http.RoundTripper) outcome {
						var body io.Reader
						if method == http.MethodPut {
							body = struct{ io.Reader }{strings.NewReader("bytes")}
						}
						r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+"/x?y=z", body)
						if err != nil {
							t.Fatal(err)
						}
						if body != nil {
							r.ContentLength = 5
						}
						if ranged {
							r.Header.Set("Range", "bytes=0-4")
						}
						return see(rt, r)
					}
					theirs := &http.Transport{}
					defer theirs.CloseIdleConnections()
					want := ask(theirs)
					if got := ask(newTransport(t, nil)); !got.equal(want) {
						t.Errorf("got  %+v\nwant %+v", got, want)
					}
				})
			}
		}
	}
}

// What a server is sent is what net/http would send it.
func TestRequestsAreThoseOfNetHTTP(t *testing.T) {
	type seen struct {
		method, uri, host, body string
		header                  http.Header
		length                  int64
		encoding                []string
	}
	var mu sync.Mutex
	var last seen
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		last = seen{r.Method, r.RequestURI, r.Host, string(b), r.Header, r.ContentLength, r.TransferEncoding}
	}))
	defer s.Close()
	for _, c := range []struct {
		name, method, path, body string
		length                   int64
		header                   http.Header
		host                     string
	}{
		{name: "plain", method: "GET", path: "/a%20b/c?d=%2F&e"},
		{name: "empty path", method: "GET", path: ""},
		{name: "no method", path: "/"},
		{name: "another host", method: "GET", path: "/", host: "bücher.example:80"},
		{name: "a host that is none", method: "GET", path: "/", host: "a b"},
		{name: "no agent", method: "GET", path: "/", header: http.Header{"User-Agent": {""}}},
		{name: "an agent", method: "GET", path: "/", header: http.Header{"User-Agent": {"rialto"}}},
		{name: "several values", method: "GET", path: "/", header: http.Header{"X-A": {"1", " 2 "}, "Accept-Encoding": {"identity"}}},
		{name: "PUT of nothing", method: "PUT", path: "/"},
		{name: "DELETE", method: "DELETE", path: "/"},
		{name: "POST of nothing", method: "POST", path: "/"},
		{name: "PROPFIND", method: "PROPFIND", path: "/", body: "<x/>", length: 4, header: http.Header{"Depth": {"1"}}},
		{name: "a small body", method: "PUT", path: "/", body: strings.Repeat("x", 20_000), length: 20_000},
		{name: "a large body", method: "PUT", path: "/", body: strings.Repeat("x", 3_000_000), length: 3_000_000},
		{name: "a body of unknown length", method: "PUT", path: "/", body: strings.Repeat("x", 100_000), length: -1},
		{name: "fields that the length and host decide", method: "PUT", path: "/", body: "x", length: 1, header: http.Header{"Content-Length": {"7"}, "Host": {"other"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ask := func(rt http.RoundTripper) seen {
				r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Method = c.method
				if c.header != nil {
					r.Header = c.header.Clone()
				}
				if c.body != "" {
					r.Body, r.ContentLength = io.NopCloser(struct{ io.Reader }{strings.NewReader(c.body)}), c.length
				}
				r.Host = c.host
				if !Takes(r) {
					t.Fatal("it is not taken")
				}
				resp, err := rt.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				mu.Lock()
				defer mu.Unlock()
				return last
			}
			theirs := &http.Transport{}
			defer theirs.CloseIdleConnections()
			want, got := ask(theirs), ask(newTransport(t, nil))
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %.300v\nwant %.300v", got, want)
			}
		})
	}
}

func TestTakes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		takes  bool
	}{
		"plain":                 {func(*http.Request) {}, true},
		"expects":               {func(r *http.Request) { r.Header.Set("Expect", "100-continue") }, false},
		"upgrades":              {func(r *http.Request) { r.Header.Set("Upgrade", "websocket") }, false},
		"closes":                {func(r *http.Request) { r.Close = true }, false},
		"a bad name":            {func(r *http.Request) { r.Header["a b"] = []string{"x"} }, false},
		"a line in a value":     {func(r *http.Request) { r.Header["A"] = []string{"x\r\nHost: y"} }, false},
		"a bad method":          {func(r *http.Request) { r.Method = "GET /" }, false},
		"CONNECT":               {func(r *http.Request) { r.Method = "CONNECT" }, false},
		"a trailer":             {func(r *http.Request) { r.Trailer = http.Header{"X": nil} }, false},
		"a line in the query":   {func(r *http.Request) { r.URL.RawQuery = "a\r\nb" }, false},
		"a zone":                {func(r *http.Request) { r.URL.Host = "[fe80::1%eth0]:80" }, false},
		"no host":               {func(r *http.Request) { r.URL.Host = "" }, false},
		"another scheme":        {func(r *http.Request) { r.URL.Scheme = "ftp" }, false},
		"no address":            {func(r *http.Request) { r.URL = nil }, false},
		"a body without length": {func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://example.com/a", nil)
			r.Body = nil
			c.change(r)
			if got := Takes(r); got != c.takes {
				t.Errorf("Takes = %v", got)
			}
		})
	}
}

func get(t *testing.T, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func put(t *testing.T, address string, body io.ReadCloser, n int64) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+address+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Body, r.ContentLength = body, n
	return r
}

// Connections are used again where that is safe, and only there.
func TestConnectionsUsedAgain(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	for name, c := range map[string]struct {
		answer string
		change func(*Transport)
		use    func(*testing.T, *http.Response)
		conns  int64 // for three requests
	}{
		"read whole":              {answer: ok, conns: 1},
		"closed unread":           {answer: ok, use: func(_ *testing.T, r *http.Response) { r.Body.Close() }, conns: 1}, // all of it is here
		"a long one closed":       {answer: "HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + strings.Repeat("x", 5_000_000), use: func(_ *testing.T, r *http.Response) { r.Body.Close() }, conns: 3},
		"the server closes":       {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", conns: 3},
		"more than was asked for": {answer: ok + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", conns: 3},
		"chunks":                  {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", conns: 1},
		"204":                     {answer: "HTTP/1.1 204 No Content\r\n\r\n", conns: 1},
		"none kept":               {answer: ok, change: func(tr *Transport) { tr.MaxIdlePerHost = 0 }, conns: 3},
		"kept too long":           {answer: ok, change: func(tr *Transport) { tr.IdleTimeout = time.Nanosecond }, conns: 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answering(c.answer, false))
			tr := newTransport(t, c.change)
			for range 3 {
				resp, err := tr.RoundTrip(get(t, s.address))
				if err != nil {
					t.Fatal(err)
				}
				if c.use != nil {
					c.use(t, resp)
				} else if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				time.Sleep(20 * time.Millisecond) // what nobody asked for arrives
			}
			if got := s.conns.Load(); got != c.conns {
				t.Errorf("%d connections, want %d", got, c.conns)
			}
		})
	}
}

// A connection that the server closes while nobody uses it is not used, even for a
// request that must not be sent twice.
func TestClosedWhileIdle(t *testing.T) {
	s := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true))
	tr := newTransport(t, nil)
	for range 5 {
		resp, err := tr.RoundTrip(put(t, s.address, io.NopCloser(strings.NewReader("x")), 1))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		time.Sleep(20 * time.Millisecond)
	}
}

// A server that closes when it gets a second request is asked again on a new
// connection, if the request is one to repeat.
func TestRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		request func(*testing.T, string) *http.Request
		said    string // before it closes
		again   bool
	}{
		"GET":                {request: get, again: true},
		"GET, half answered": {request: get, said: "HTTP/1.1 200", again: false},
		"PUT":                {request: func(t *testing.T, a string) *http.Request { return put(t, a, io.NopCloser(strings.NewReader("x")), 1) }},
		"PUT whose body can be had again": {request: func(t *testing.T, a string) *http.Request {
			r := put(t, a, io.NopCloser(strings.NewReader("x")), 1)
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
			return r
		}},
		"POST": {request: func(t *testing.T, a string) *http.Request {
			r := get(t, a)
			r.Method = http.MethodPost
			return r
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(conn net.Conn, in *bufio.Reader, nth int64) {
				for n := 0; ; n++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					if n > 0 && nth == 0 {
						_, _ = io.WriteString(conn, c.said)
						return
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			tr := newTransport(t, nil)
			for n := range 2 {
				resp, err := tr.RoundTrip(c.request(t, s.address))
				if err == nil {
					resp.Body.Close()
				}
				if want := n == 0 || c.again; (err == nil) != want {
					t.Errorf("request %d: %v", n, err)
				}
			}
		})
	}
}

// A closing body tells that it was closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error { c.closed.Store(true); return nil }

// endless is a body that never ends.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// A server may answer before it has read the body. Either way the body is closed.
func TestAnsweredEarly(t *testing.T) {
	const refusal = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig"
	for name, c := range map[string]struct {
		length int64
		waits  bool // it neither reads on nor closes
	}{
		"small, and closes":                {20_000, false},
		"large, and closes":                {1 << 30, false},
		"large, and does not read":         {1 << 30, true},
		"of unknown length, does not read": {-1, true},
		"small, and does not read":         {60_000, true},
		"of unknown length, and closes":    {-1, false},
	} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			s := serve(t, func(conn net.Conn, in *bufio.Reader, _ int64) {
				if _, err := http.ReadRequest(in); err != nil {
					return
				}
				_, _ = io.WriteString(conn, refusal)
				if c.waits {
					<-done
					return
				}
				// As servers do that mean to be heard: they read on for a while.
				_ = conn.(*net.TCPConn).CloseWrite()
				_ = conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
				_, _ = io.Copy(io.Discard, in)
			})
			defer close(done)
			var bytes io.Reader = endless{}
			if c.length >= 0 {
				bytes = io.LimitReader(bytes, c.length)
			}
			b := &closing{Reader: bytes}
			resp, err := newTransport(t, nil).RoundTrip(put(t, s.address, b, c.length))
			if err != nil {
				t.Fatal(err)
			}
			told, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != 413 || string(told) != "big" || err != nil {
				t.Errorf("%d %q %v", resp.StatusCode, told, err)
			}
			for range 200 {
				if b.closed.Load() {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("the body was not closed")
		})
	}
}

// What is wrong with a body ends its request, and is told.
func TestBodiesThatFail(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		body   io.Reader
		length int64
		want   error
	}{
		"small and short": {strings.NewReader("x"), 2, errBodyShort},
		"small and long":  {strings.NewReader("xxx"), 2, errBodyLong},
		"small":           {failing{broken}, 2, broken},
		"at its end":      {io.MultiReader(strings.NewReader("xx"), failing{broken}), 2, broken},
		"large and short": {strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20 + 1, errBodyShort},
		"large and long":  {strings.NewReader(strings.Repeat("x", 1<<20)), 1<<20 - 1, errBodyLong},
		"large":           {io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), failing{broken}), 1 << 21, broken},
		"in chunks":       {io.MultiReader(strings.NewReader("xx"), failing{broken}), -1, broken},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false))
			b := &closing{Reader: c.body}
			resp, err := newTransport(t, nil).RoundTrip(put(t, s.address, b, c.length))
			if err == nil {
				resp.Body.Close()
			}
			if !errors.Is(err, c.want) || !b.closed.Load() {
				t.Errorf("%v, closed %v", err, b.closed.Load())
			}
		})
	}
}

// A context that ends ends what is under way, with its cause.
func TestContextEnds(t *testing.T) {
	gone := errors.New("gone")
	hang := func(c net.Conn, in *bufio.Reader, _ int64) { _, _ = io.Copy(io.Discard, in) }
	half := func(c net.Conn, in *bufio.Reader, _ int64) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")
		_, _ = io.Copy(io.Discard, in)
	}
	deaf := func(c net.Conn, in *bufio.Reader, _ int64) { time.Sleep(300 * time.Millisecond) }
	for name, c := range map[string]struct {
		server func(net.Conn, *bufio.Reader, int64)
		body   io.Reader
		length int64
	}{
		"while it waits for an answer":     {server: hang},
		"while it reads the answer's body": {server: half},
		"while it sends a long body":       {server: deaf, body: endless{}, length: 1 << 40},
		"while it waits, with a body":      {server: hang, body: strings.NewReader("x"), length: 1},
		"before it began":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			if c.server == nil {
				c.server = hang
			}
			s := serve(t, c.server)
			ctx, cancel := context.WithCancelCause(t.Context())
			if name == "before it began" {
				cancel(gone)
			}
			time.AfterFunc(50*time.Millisecond, func() { cancel(gone) })
			b := &closing{Reader: c.body}
			r := get(t, s.address)
			if c.body != nil {
				r = put(t, s.address, b, c.length)
			}
			tr := newTransport(t, nil)
			resp, err := tr.RoundTrip(r.WithContext(ctx))
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if !errors.Is(err, gone) {
				t.Error(err)
			}
			if c.body != nil && !b.closed.Load() {
				t.Error("the body was not closed")
			}
			if len(tr.idle) > 0 && len(tr.idle[placeOf(r)]) > 0 {
				t.Error("the connection was kept")
			}
		})
	}
}

// A context that ends after the answer was read leaves the connection alone.
func TestContextEndsAfterwards(t *testing.T) {
	s := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false))
	tr := newTransport(t, nil)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := tr.RoundTrip(get(t, s.address).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		cancel()
		time.Sleep(5 * time.Millisecond)
	}
	if n := s.conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestHeadLimits(t *testing.T) {
	late := func(_ net.Conn, in *bufio.Reader, _ int64) { _, _ = io.Copy(io.Discard, in) }
	trickle := func(c net.Conn, in *bufio.Reader, _ int64) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
		for {
			if _, err := io.WriteString(c, "X-A: "+strings.Repeat("a", 1000)+"\r\n"); err != nil {
				return
			}
		}
	}
	informs := func(c net.Conn, in *bufio.Reader, _ int64) {
		_, _ = http.ReadRequest(in)
		for {
			if _, err := io.WriteString(c, "HTTP/1.1 102 Processing\r\n\r\n"); err != nil {
				return
			}
		}
	}
	switches := func(c net.Conn, in *bufio.Reader, _ int64) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
		_, _ = io.Copy(io.Discard, in)
	}
	for name, c := range map[string]struct {
		server func(net.Conn, *bufio.Reader, int64)
		want   error
	}{
		"no head in time":     {late, ErrHeaderTimeout},
		"an endless head":     {trickle, errHeadTooLong},
		"endless information": {informs, errHeadTooLong},
		"another protocol":    {switches, errUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.server)
			tr := newTransport(t, func(tr *Transport) { tr.HeaderTimeout = 300 * time.Millisecond })
			resp, err := tr.RoundTrip(get(t, s.address))
			if err == nil {
				resp.Body.Close()
			}
			if !errors.Is(err, c.want) {
				t.Error(err)
			}
			if n := s.conns.Load(); n != 1 {
				t.Errorf("%d connections: it was tried again", n)
			}
		})
	}
}

// A body may be closed while another goroutine reads it.
func TestClosedWhileRead(t *testing.T) {
	s := serve(t, func(c net.Conn, in *bufio.Reader, _ int64) {
		_, _ = http.ReadRequest(in)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello")
		_, _ = io.Copy(io.Discard, in)
	})
	resp, err := newTransport(t, nil).RoundTrip(get(t, s.address))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, func() { resp.Body.Close() })
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("no error")
	}
	if _, err := resp.Body.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Error(err)
	}
}

// Idle connections end by themselves.
func TestIdleEnd(t *testing.T) {
	ended := make(chan struct{})
	s := serve(t, func(c net.Conn, in *bufio.Reader, _ int64) {
		answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false)(c, in, 0)
		close(ended)
	})
	tr := newTransport(t, func(tr *Transport) { tr.IdleTimeout = 50 * time.Millisecond })
	resp, err := tr.RoundTrip(get(t, s.address))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("it was kept")
	}
}

// A trace learns when a connection is asked for, is there, and the head was written.
func TestTraced(t *testing.T) {
	s := serve(t, answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false))
	var steps []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GetConn:      func(string) { steps = append(steps, "asked") },
		GotConn:      func(i httptrace.GotConnInfo) { steps = append(steps, fmt.Sprint("got ", i.Reused)) },
		WroteHeaders: func() { steps = append(steps, "wrote") },
	})
	tr := newTransport(t, nil)
	for range 2 {
		resp, err := tr.RoundTrip(get(t, s.address).WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got := fmt.Sprint(steps); got != "[asked got false wrote asked got true wrote]" {
		t.Error(got)
	}
}

// Many at once, of all kinds, on connections that come and go.
func TestManyAtOnce(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		if n%7 == 3 {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.WriteString(w, strings.Repeat("x", int(n)))
	}))
	defer s.Close()
	tr := newTransport(t, nil)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for k := range 50 {
				n := int64((i*k*7919)%150_000 + 1)
				resp, err := tr.RoundTrip(put(t, s.Listener.Addr().String(), io.NopCloser(io.LimitReader(endless{}, n)), n))
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if got != n || err != nil {
					t.Errorf("%d of %d bytes came back: %v", got, n, err)
				}
			}
		})
	}
	all.Wait()
}

// Whatever bytes come as an answer, callers see what net/http shows them.
func FuzzAnswer(f *testing.F) {
	for _, a := range answers() {
		f.Add([]byte(a), false)
		f.Add([]byte(a), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		if bytes.Contains(answer, []byte(" 1")) {
			return // 1xx: an upgrade is shown by net/http, and refused here
		}
		ask := func(rt http.RoundTripper) outcome {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "http://example.com/", nil)
			if head {
				r.Method = "HEAD"
			}
			r.Body, r.RequestURI = nil, ""
			return see(rt, r)
		}
		dial := func() net.Conn {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				if _, err := http.ReadRequest(bufio.NewReader(far)); err == nil {
					_, _ = far.Write(answer)
				}
			}()
			return near
		}
		theirs := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial(), nil }}
		defer theirs.CloseIdleConnections()
		ours := newTransport(t, func(tr *Transport) {
			tr.Dial = func(context.Context, string, bool) (net.Conn, error) { return dial(), nil }
		})
		if got, want := ask(ours), ask(theirs); !got.equal(want) {
			t.Errorf("of %q\ngot  %+v\nwant %+v", answer, got, want)
		}
	})
}

func TestPlaces(t *testing.T) {
	for address, want := range map[string]string{
		"http://example.com/a":       "example.com:80",
		"https://example.com":        "example.com:443",
		"https://example.com:8443/a": "example.com:8443",
		"http://[::1]/":              "[::1]:80",
		"http://[::1]:9000/":         "[::1]:9000",
		"https://bücher.example":     "xn--bcher-kva.example:443",
		"http://bücher.example:81/":  "xn--bcher-kva.example:81",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := placeOf(r); got.address != want || got.secure != strings.HasPrefix(address, "https") {
			t.Errorf("%s: %+v", address, got)
		}
	}
}
