package connector

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"
)

// A Client is a connector's only way to the network: it signs, paces, retries,
// logs and counts. Logs hold the method, the path's shape and the status; never
// a query, a header or a body. A Client is safe for concurrent use.
type Client struct {
	http    *http.Client
	dialect Dialect
	renewal *renewal
	pace    *Pacer
	flow    *Flow
	guard   *Guard
	log     *slog.Logger
	dialing Dialing
	// connection is the name of whose credentials it signs with.
	connection string

	attempts int
	stall    time.Duration
	backoff  func(attempt int, asked time.Duration) time.Duration
	stats    *Stats
}

// A Dialect is what a vendor's HTTP has of its own.
type Dialect struct {
	// Ready sees to credentials that are good for a while. It is called before each
	// attempt takes its turn, and may fetch a fresh token, through a Client of its own.
	Ready func(ctx context.Context) error
	// Sign adds the credentials. It is called anew for each attempt, which has its turn
	// by then: a request of its own could wait for that turn for ever.
	Sign func(ctx context.Context, r *http.Request) error
	// Renew replaces credentials that were refused. When an answer's class is
	// Auth it is called once, for all calls that were refused at the same time,
	// and the calls are sent again: what was refused was not carried out. An
	// error of class Auth is remembered: it is not called again. nil if the
	// credentials cannot be renewed.
	Renew func(ctx context.Context) error
	// Limits reads the vendor's rate-limit headers.
	Limits func(class string, status int, h http.Header) []Sample
	// Refuse turns an answer that is not 2xx into an error with a class. body
	// holds at most 64 KiB. nil or a nil result means RefusePlain.
	Refuse func(status int, h http.Header, body []byte) *Error
}

// Stats count what a client did. Read them at any time.
type Stats struct {
	Requests, Refused, Retries, BytesIn, BytesOut atomic.Int64
}

// ClientOptions make a Client.
type ClientOptions struct {
	Transport http.RoundTripper // nil means NewTransport()
	Pacer     *Pacer            // nil means one without limits
	Dialing   Dialing           // for what is not HTTP
	Flow      *Flow             // shared with others; nil lets all bytes pass
	Guard     *Guard            // of a source, which is only read; nil lets all requests pass
	Log       *slog.Logger
	// Attempts is the most times that a request is sent when it fails; 0 means
	// 6. What the cloud refused for its quota is tried more often.
	Attempts int
	// Stall is how long a request may stand still before it counts as failed; 0
	// means two minutes.
	Stall time.Duration
	// Backoff says how long to wait before the attempt-th repetition (1 is the
	// first) when the cloud asked for so long (0: it did not). nil doubles from
	// 250 ms to 30 s with jitter, on top of what was asked.
	Backoff func(attempt int, asked time.Duration) time.Duration
	Stats   *Stats
	// Connection is the name of the connection, put into errors of class Auth.
	Connection string
}

// refusalsPerAttempt is how many refusals for a quota weigh as one failure.
const refusalsPerAttempt = 5

// NewClient returns a client without a dialect.
func NewClient(o ClientOptions) *Client {
	if o.Transport == nil {
		o.Transport = NewTransport()
	}
	c := &Client{http: &http.Client{Transport: o.Transport, CheckRedirect: follow}, pace: o.Pacer, flow: o.Flow, guard: o.Guard, dialing: o.Dialing, log: o.Log,
		attempts: o.Attempts, stall: o.Stall, backoff: o.Backoff, stats: o.Stats, connection: o.Connection}
	if c.pace == nil {
		c.pace = NewPacer(nil)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.attempts == 0 {
		c.attempts = 6
	}
	if c.stall == 0 {
		c.stall = 2 * time.Minute
	}
	if c.backoff == nil {
		c.backoff = backoff
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
	n.dialect, n.renewal = d, newRenewal(d.Renew)
	return &n
}

// Stats returns the counters.
func (c *Client) Stats() *Stats { return c.stats }

// Pacer returns the pacer, for a connector whose one request holds many (a
// $batch): it takes and reports the parts itself.
func (c *Client) Pacer() *Pacer { return c.pace }

// Do sends a request until it succeeds, fails for good, or the attempts are
// used up. The answer is 2xx or 3xx; the caller closes its body, which frees the
// request. Any other end is an *Error. Redirects of reads are followed, those of
// writes are errors but for 303, which is the answer of a write that was done. A
// request that is not repeatable is sent again only when the cloud refused it
// without carrying it out; otherwise the error is InDoubt.
func (c *Client) Do(ctx context.Context, q Request) (*http.Response, error) {
	resp, err := c.do(ctx, q)
	if e, ok := errors.AsType[*Error](err); ok && e.Class == Auth {
		e.Connection = c.connection
	}
	return resp, err
}

func (c *Client) do(ctx context.Context, q Request) (*http.Response, error) {
	failures, refusals, renewed := 0, 0, false
	for {
		seen, e := c.renewal.seen(ctx)
		if e != nil {
			return nil, e
		}
		resp, e := c.once(ctx, q)
		if e == nil {
			return resp, nil
		}
		if ctx.Err() != nil {
			e.Err = context.Cause(ctx)
			return nil, e
		}
		if e.Class == Auth && !q.Unsigned && !renewed && c.renewal != nil && !e.InDoubt {
			if e := c.renewal.after(ctx, seen); e != nil {
				return nil, e
			}
			renewed = true
			continue
		}
		if e.InDoubt || e.Class != Throttled && e.Class != Transient {
			return nil, e
		}
		wait := 0
		if e.Class == Throttled {
			refusals++
			wait = min(refusals, 4)
		} else {
			failures++
			wait = failures
		}
		if failures >= c.attempts || refusals >= refusalsPerAttempt*c.attempts {
			return nil, e
		}
		if e.RetryAfter > mostAsked {
			return nil, e.WithHint("the cloud asks to wait for " + e.RetryAfter.Round(time.Minute).String() + ": run again then")
		}
		c.stats.Retries.Add(1)
		if err := sleep(ctx, c.backoff(wait, e.RetryAfter)); err != nil {
			return nil, err
		}
	}
}

// JSON sends a request and decodes the answer into out, unless out is nil: then
// the head of the answer is enough. A body that is not JSON is Malformed, one
// that is cut short Transient; both are InDoubt for a request that is not
// repeatable, and the others are sent again.
func (c *Client) JSON(ctx context.Context, q Request, out any) (http.Header, error) {
	where := q.where()
	for attempt := 1; ; attempt++ {
		resp, err := c.Do(ctx, q)
		if err != nil {
			return nil, err
		}
		again, e := decode(where, resp, out)
		if e == nil {
			return resp.Header, nil
		}
		if ctx.Err() != nil {
			e.Err = context.Cause(ctx)
			again = false
		}
		e.InDoubt = !q.repeatable()
		if e.InDoubt || !again || attempt >= min(3, c.attempts) {
			return nil, e
		}
		c.stats.Retries.Add(1)
		if err := sleep(ctx, c.backoff(attempt, 0)); err != nil {
			return nil, err
		}
	}
}

// once sends a request once, when its turn has come.
func (c *Client) once(ctx context.Context, q Request) (*http.Response, *Error) {
	if e := c.guard.refuses(ctx, q); e != nil {
		return nil, e
	}
	where := q.where()
	if c.dialect.Ready != nil && !q.Unsigned {
		if e := unsigned(where, c.dialect.Ready(ctx)); e != nil {
			return nil, e
		}
	}
	done, err := c.pace.Take(ctx, q.Class, max(q.Cost, 1))
	if err != nil {
		return nil, &Error{Class: Transient, Reason: where + ": stopped while waiting for its turn", Err: err}
	}
	// It counts as failed in the pacer's eyes until an answer is there.
	out := Outcome{Failed: true}
	defer func() { done(out) }()

	var sent sending
	watched, w := newWatch(sent.trace(ctx), c.stall)
	body := &outgoing{ctx: watched, watch: w, flow: c.flow, n: &c.stats.BytesOut}
	r, e := q.make(watched, func(b io.ReadCloser) io.ReadCloser {
		body.ReadCloser = b
		return body
	})
	if e == nil {
		e = c.sign(ctx, r, q, where)
	}
	if e != nil {
		w.stop()
		out.Failed = false
		return nil, e
	}
	w.wait()
	began := time.Now()
	resp, err := c.http.Do(r)
	if r.ContentLength >= 0 && r.ContentLength < 64<<10 {
		// A long body says nothing about the cloud's speed, nor does our holding it.
		out.Took = max(time.Since(sent.since(began))-time.Duration(body.held.Load()), 0)
	}
	c.stats.Requests.Add(1)
	if err != nil {
		if errors.Is(context.Cause(watched), errStalled) {
			err = errStalled
		}
		w.stop()
		e := broken(where, q, err, sent.possible(err))
		c.log.Debug("request", "call", where, "failed", plainCause(err))
		return nil, e
	}
	out.Failed, out.Status, out.RetryAfter = false, resp.StatusCode, retryAfter(resp.Header)
	if c.dialect.Limits != nil {
		out.Samples = c.dialect.Limits(q.Class, resp.StatusCode, resp.Header)
	}
	c.log.Debug("request", "call", where, "status", resp.StatusCode, "ms", time.Since(began).Milliseconds())
	resp.Body = &incoming{ReadCloser: resp.Body, ctx: watched, watch: w, flow: c.flow, n: &c.stats.BytesIn}
	w.rest()
	if resp.StatusCode < 400 && !moved(q.Method, resp.StatusCode) {
		return resp, nil
	}
	told, _ := io.ReadAll(io.LimitReader(resp.Body, mostTold))
	resp.Body.Close()
	e = c.refusal(resp.StatusCode, resp.Header, told)
	if e.RetryAfter == 0 {
		e.RetryAfter = out.RetryAfter
	}
	if e.Class == Throttled {
		c.stats.Refused.Add(1)
	}
	// SharePoint throttles with 503 as well, and says for how long.
	out.Refused = e.Class == Throttled || resp.StatusCode == http.StatusServiceUnavailable && e.RetryAfter > 0
	out.RetryAfter = e.RetryAfter
	e.Reason = where + ": " + e.Reason
	e.InDoubt = e.InDoubt || hidesWrite(resp.StatusCode) && !q.repeatable()
	return nil, e
}

// sign adds the credentials; on failure it closes the request's body.
func (c *Client) sign(ctx context.Context, r *http.Request, q Request, where string) *Error {
	if c.dialect.Sign == nil || q.Unsigned {
		return nil
	}
	e := unsigned(where, c.dialect.Sign(ctx, r))
	if e != nil && r.Body != nil {
		r.Body.Close()
	}
	return e
}

// unsigned is why a request has no credentials; nil for no error.
func unsigned(where string, err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		copied := *e
		return &copied
	}
	return &Error{Class: Auth, Reason: where + ": the request cannot be signed", Err: cause(err)}
}

func (c *Client) refusal(status int, h http.Header, body []byte) *Error {
	if status < 400 {
		return Errorf(Permanent, "%d %s", status, http.StatusText(status)).
			WithHint("check the connection's url setting: the server sends what we write elsewhere")
	}
	if c.dialect.Refuse != nil {
		if e := c.dialect.Refuse(status, h, body); e != nil {
			return e
		}
	}
	return RefusePlain(status)
}
