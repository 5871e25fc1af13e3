package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// A Client is a connector's only way to the network: it signs, paces, retries,
// logs and counts. Logs hold the method, the path's shape and the status; never
// a query, a header or a body. A Client is safe for concurrent use.
type Client struct {
	http    *http.Client
	dialect Dialect
	pace    *Pacer
	log     *slog.Logger
	// Attempts is the most times that one request is sent; 0 means 6.
	attempts int
	stats    *Stats
}

// A Dialect is what a vendor's HTTP has of its own.
type Dialect struct {
	// Sign adds the credentials. It is called anew for each attempt and may
	// fetch a fresh token, through a Client of its own.
	Sign func(ctx context.Context, r *http.Request) error
	// Limits reads the vendor's rate-limit headers.
	Limits func(class string, status int, h http.Header) []Sample
	// Refuse turns an answer that is not 2xx into an error with a class. body
	// holds at most 64 KiB. nil or a nil result means RefusePlain.
	Refuse func(status int, h http.Header, body []byte) *Error
}

// A Request is one call.
type Request struct {
	Method string
	URL    string // absolute
	Header http.Header
	// JSON is sent as the body, if not nil. Form likewise, urlencoded.
	JSON any
	Form url.Values
	// Body makes the body anew for each attempt; size -1 streams it chunked.
	// The client closes it.
	Body func() (body io.ReadCloser, size int64, contentType string, err error)
	// Class is the endpoint class whose quota the call uses; Cost its weight, 0
	// meaning 1.
	Class string
	Cost  int
	// Repeatable says that sending it again is harmless even if the first one
	// was carried out. GET, HEAD, PUT, DELETE and OPTIONS always are.
	Repeatable bool
	// Once says the opposite of a method that always is: sending it again would
	// do it twice (Redmine's PUT of an issue with notes adds a comment).
	Once bool
	// Unsigned leaves the credentials away: for upload URLs that carry their own.
	Unsigned bool
}

// Stats count what a client did. Read them at any time.
type Stats struct {
	Requests, Refused, Retries, BytesIn, BytesOut atomic.Int64
}

// ClientOptions make a Client.
type ClientOptions struct {
	Transport http.RoundTripper // nil means http.DefaultTransport
	Pacer     *Pacer            // nil means one without limits
	Log       *slog.Logger
	Attempts  int
	Stats     *Stats
}

// NewClient returns a client without a dialect.
func NewClient(o ClientOptions) *Client {
	c := &Client{http: &http.Client{Transport: o.Transport, CheckRedirect: sameHost}, pace: o.Pacer, log: o.Log, attempts: o.Attempts, stats: o.Stats}
	if c.pace == nil {
		c.pace = NewPacer(nil)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.attempts == 0 {
		c.attempts = 6
	}
	if c.stats == nil {
		c.stats = &Stats{}
	}
	return c
}

// With returns a client that speaks a vendor's dialect over the same
// transport, pacer and counters.
func (c *Client) With(d Dialect) *Client {
	n := *c
	n.dialect = d
	return &n
}

// Stats returns the counters.
func (c *Client) Stats() *Stats { return c.stats }

// Pacer returns the pacer, for a connector whose one request holds many (a
// $batch): it takes and reports the parts itself.
func (c *Client) Pacer() *Pacer { return c.pace }

// sameHost follows redirects of reads. When the host changes net/http drops the
// Authorization header alone, so everything else that may hold a key is dropped
// here.
func sameHost(r *http.Request, via []*http.Request) error {
	if len(via) > 5 {
		return errors.New("too many redirects")
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return errors.New("a redirect from https to an address in the clear is refused")
	}
	if r.URL.Host != via[0].URL.Host {
		maps.DeleteFunc(r.Header, func(name string, _ []string) bool {
			return name != "Accept" && name != "Accept-Language" && name != "Range"
		})
	}
	return nil
}

// Do sends a request until it succeeds, fails for good, or the attempts are
// used up. The answer is 2xx or 3xx; the caller closes its body. Any other end
// is an *Error. A request that is not Repeatable is sent again only when the
// cloud refused it without carrying it out; otherwise the error is InDoubt.
func (c *Client) Do(ctx context.Context, q Request) (*http.Response, error) {
	var last *Error
	for attempt := range c.attempts {
		if attempt > 0 {
			c.stats.Retries.Add(1)
			if err := sleep(ctx, backoff(attempt, last.RetryAfter)); err != nil {
				return nil, err
			}
		}
		resp, err := c.once(ctx, q)
		if err == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			err.InDoubt = !q.repeatable()
			err.Err = context.Cause(ctx)
			return nil, err
		}
		last = err
		again := err.Class == Throttled || err.Class == Transient
		if !again || err.InDoubt {
			return nil, err
		}
	}
	return nil, last
}

// JSON sends a request and decodes the answer into out, unless out is nil. A
// body that is not JSON, or is cut short, is Malformed (and InDoubt for a
// request that is not Repeatable); reads are sent again.
func (c *Client) JSON(ctx context.Context, q Request, out any) (http.Header, error) {
	for attempt := 0; ; attempt++ {
		resp, err := c.Do(ctx, q)
		if err != nil {
			return nil, err
		}
		err = decode(resp, out)
		if err == nil {
			return resp.Header, nil
		}
		if !q.repeatable() {
			err.(*Error).InDoubt = true
			return nil, err
		}
		if attempt >= 2 {
			return nil, err
		}
		if err := sleep(ctx, backoff(attempt+1, 0)); err != nil {
			return nil, err
		}
	}
}

func decode(resp *http.Response, out any) error {
	defer resp.Body.Close()
	where := resp.Request.Method + " " + Shape(resp.Request.URL)
	if out == nil || resp.StatusCode == http.StatusNoContent {
		_, err := io.Copy(io.Discard, resp.Body)
		if err != nil {
			return &Error{Class: Transient, Reason: where + ": the answer was cut off", Err: err}
		}
		return nil
	}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t == "text/html" {
		return Errorf(Malformed, "%s: the server answered a web page instead of JSON", where).
			WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return &Error{Class: Transient, Reason: where + ": the answer was cut off", Err: err}
	}
	if err := json.Unmarshal(body, out); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) {
			return Errorf(Malformed, "%s: field %q is a %s where the contract has %s", where, typ.Field, typ.Value, typ.Type)
		}
		return Errorf(Malformed, "%s: the answer is not JSON", where)
	}
	return nil
}

func (q Request) repeatable() bool {
	if q.Once {
		return false
	}
	switch q.Method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		return true
	}
	return q.Repeatable
}

func (c *Client) once(ctx context.Context, q Request) (*http.Response, *Error) {
	u, err := url.Parse(q.URL)
	if err != nil {
		return nil, Errorf(Permanent, "the address of a request cannot be read")
	}
	where := q.Method + " " + Shape(u)
	var body io.ReadCloser
	size, typ := int64(0), ""
	switch {
	case q.Body != nil:
		if body, size, typ, err = q.Body(); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				return nil, e
			}
			return nil, &Error{Class: Transient, Reason: where + ": what should be sent cannot be read", Err: err}
		}
	case q.JSON != nil:
		b, err := json.Marshal(q.JSON)
		if err != nil {
			return nil, Errorf(Permanent, "%s: what should be sent is not JSON", where)
		}
		body, size, typ = io.NopCloser(bytes.NewReader(b)), int64(len(b)), "application/json"
	case q.Form != nil:
		s := q.Form.Encode()
		body, size, typ = io.NopCloser(strings.NewReader(s)), int64(len(s)), "application/x-www-form-urlencoded"
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, q.URL, body)
	if err != nil {
		return nil, Errorf(Permanent, "%s: the request cannot be made", where)
	}
	for k, v := range q.Header {
		r.Header[k] = v
	}
	if body != nil {
		r.ContentLength = size
		if size == 0 {
			r.Body = http.NoBody
		}
		if typ != "" && r.Header.Get("Content-Type") == "" {
			r.Header.Set("Content-Type", typ)
		}
	}
	if c.dialect.Sign != nil && !q.Unsigned {
		if err := c.dialect.Sign(ctx, r); err != nil {
			if body != nil {
				body.Close()
			}
			if e, ok := errors.AsType[*Error](err); ok {
				return nil, e
			}
			return nil, Errorf(Auth, "%s: the request cannot be signed", where)
		}
	}
	done, err := c.pace.Take(ctx, q.Class, max(q.Cost, 1))
	if err != nil {
		if body != nil {
			body.Close()
		}
		return nil, &Error{Class: Transient, Reason: where + ": stopped while waiting for its turn", Err: err}
	}
	began := time.Now()
	resp, err := c.http.Do(r)
	took := time.Since(began)
	c.stats.Requests.Add(1)
	if size > 0 {
		c.stats.BytesOut.Add(size)
	}
	if err != nil {
		done(Outcome{Took: took, Failed: true})
		return nil, c.broken(where, q, err)
	}
	out := Outcome{Took: took, Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header)}
	if c.dialect.Limits != nil {
		out.Samples = c.dialect.Limits(q.Class, resp.StatusCode, resp.Header)
	}
	c.log.Debug("request", "call", where, "status", resp.StatusCode, "ms", took.Milliseconds())
	if resp.StatusCode < 400 {
		resp.Body = &counted{ReadCloser: resp.Body, n: &c.stats.BytesIn}
		done(out)
		return resp, nil
	}
	told, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	resp.Body.Close()
	e := c.refusal(resp.StatusCode, resp.Header, told)
	if e.RetryAfter == 0 {
		e.RetryAfter = out.RetryAfter
	}
	if e.Class == Throttled {
		c.stats.Refused.Add(1)
		out.Refused = true
	}
	out.RetryAfter = e.RetryAfter
	done(out)
	e.Reason = where + ": " + e.Reason
	// A 5xx from a proxy may hide a write that went through; 429 and 503 are
	// refusals by their definition (RFC 9110, RFC 6585).
	if resp.StatusCode >= 500 && resp.StatusCode != http.StatusServiceUnavailable && !q.repeatable() {
		e.InDoubt = true
	}
	return nil, e
}

// broken classifies a request that got no answer.
func (c *Client) broken(where string, q Request, err error) *Error {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // drops the URL, whose query may hold a key
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return &Error{Class: e.Class, Reason: where + ": " + e.Reason, Hint: e.Hint, RetryAfter: e.RetryAfter, InDoubt: !q.repeatable()}
	}
	return &Error{Class: Transient, Reason: where + ": " + plainCause(err), InDoubt: !q.repeatable() && !neverSent(err), Err: err}
}

func (c *Client) refusal(status int, h http.Header, body []byte) *Error {
	if c.dialect.Refuse != nil {
		if e := c.dialect.Refuse(status, h, body); e != nil {
			return e
		}
	}
	return RefusePlain(status)
}

// RefusePlain classifies an answer by its status alone.
func RefusePlain(status int) *Error {
	class := Permanent
	hint := ""
	switch {
	case status == http.StatusUnauthorized:
		class, hint = Auth, "connect again: the credentials are wrong, expired or revoked"
	case status == http.StatusForbidden:
		class, hint = Forbidden, "ask an administrator of that account for the missing right"
	case status == http.StatusNotFound, status == http.StatusGone:
		class = Gone
	case status == http.StatusConflict, status == http.StatusPreconditionFailed:
		class = Conflict
	case status == http.StatusTooManyRequests:
		class = Throttled
	case status == http.StatusRequestTimeout, status >= 500:
		class = Transient
	case status == http.StatusInsufficientStorage:
		class = Full
	}
	if status == http.StatusInsufficientStorage {
		class = Full
	}
	return &Error{Class: class, Reason: fmt.Sprintf("%d %s", status, http.StatusText(status)), Hint: hint}
}

// Shape is a URL's path with everything that looks like an id or a secret
// replaced by "{}", for logs and errors.
func Shape(u *url.URL) string {
	parts := strings.Split(u.EscapedPath(), "/")
	for i, p := range parts {
		if len(p) > 24 || strings.ContainsAny(p, "0123456789%@:!") && len(p) > 2 {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	var secs float64
	if _, err := fmt.Sscanf(v, "%f", &secs); err == nil && secs >= 0 && secs < 86400 {
		return time.Duration(secs * float64(time.Second))
	}
	if t, err := http.ParseTime(v); err == nil {
		if at, err := http.ParseTime(h.Get("Date")); err == nil {
			return max(t.Sub(at), 0) // by the server's own clock, ours may be off
		}
		return max(time.Until(t), 0)
	}
	return 0
}

// backoff doubles from 250 ms to 30 s with full jitter, and is at least what
// the cloud asked for.
func backoff(attempt int, asked time.Duration) time.Duration {
	d := min(250*time.Millisecond<<min(attempt-1, 7), 30*time.Second)
	return asked + d/4 + rand.N(d)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &Error{Class: Transient, Reason: "stopped while waiting to try again", Err: context.Cause(ctx)}
	}
}
