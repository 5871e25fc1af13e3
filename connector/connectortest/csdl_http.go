package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// A Reporter is the part of testing.TB that a watch over exchanges needs.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
}

// GraphContract reads the contract of Microsoft Graph from the folder with the
// vendors' contracts that lies beside the module, and skips the test where it
// is missing.
func GraphContract(t testing.TB) *CSDL {
	t.Helper()
	f, err := os.Open(Shared(t, "contracts", "msgraph", "graph-v1.0-subset.csdl.xml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ReadCSDL(f)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A Watch holds the exchanges of a test against a contract.
type Watch struct {
	Contract *CSDL
	Test     Reporter
	// Refused lets a request pass unread if it was answered with 4xx: for the
	// tests of a stand-in's refusals. The answer is held to the contract all the
	// same.
	Refused bool
}

// Transport validates what goes through a client's transport. Only JSON below
// "/v1.0/" is read: files stream by, other addresses pass. An answer that
// breaks off is passed on as it is.
func (w Watch) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return watchTransport{w, next}
}

type watchTransport struct {
	Watch
	next http.RoundTripper
}

func (w watchTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	path, ok := watched(r.URL)
	if !ok || isContent(path) && r.Method == http.MethodGet {
		return w.next.RoundTrip(r)
	}
	x := GraphExchange{Method: r.Method, Path: path, Query: r.URL.Query(), RequestHeader: r.Header}
	if r.Body != nil && !isContent(path) {
		b, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		x.RequestBody = b
		again := *r
		again.Body = io.NopCloser(bytes.NewReader(b))
		r = &again
	}
	resp, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(b))
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b), broken{err}))
		return resp, nil
	}
	x.Status, x.ResponseHeader, x.ResponseBody = resp.StatusCode, resp.Header, b
	w.report(x)
	return resp, nil
}

// broken passes on the error with which an answer ended.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// Handler validates what a server is asked and answers, as Transport does.
func (w Watch) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		path, ok := watched(r.URL)
		if !ok || isContent(path) && r.Method == http.MethodGet {
			next.ServeHTTP(rw, r)
			return
		}
		x := GraphExchange{Method: r.Method, Path: path, Query: r.URL.Query(), RequestHeader: r.Header}
		if !isContent(path) {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler) // the client broke off
			}
			x.RequestBody = b
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(b))
		}
		rec := &recorder{ResponseWriter: rw, status: http.StatusOK}
		next.ServeHTTP(rec, r)
		x.Status, x.ResponseHeader, x.ResponseBody = rec.status, rw.Header(), rec.body.Bytes()
		w.report(x)
	})
}

type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach what lies below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (w Watch) report(x GraphExchange) {
	w.Test.Helper()
	if x.Status == http.StatusOK && strings.HasPrefix(x.ResponseHeader.Get("Content-Type"), "text/html") {
		return // a proxy answered, not Graph
	}
	for _, s := range w.Contract.check(x, w.Refused) {
		w.Test.Errorf("%s %s (%d) breaks the contract: %s", x.Method, x.Path, x.Status, s)
	}
}

// watched returns the path below the version.
func watched(u *url.URL) (string, bool) {
	path := u.EscapedPath()
	rest, ok := strings.CutPrefix(path, "/v1.0")
	return rest, ok && strings.HasPrefix(rest, "/")
}

func isContent(path string) bool { return strings.HasSuffix(path, "/content") }
