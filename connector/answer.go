package connector

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	mostJSON   = 256 << 20 // bytes of one JSON answer
	mostIgnore = 256 << 10 // bytes read of an answer that nobody needs, so that its connection can be used again
	mostTold   = 64 << 10  // bytes read of a refusal
)

// decode reads an answer into out and closes it. again says that the answer may
// be better when it is sent anew.
func decode(where string, resp *http.Response, out any) (again bool, e *Error) {
	defer resp.Body.Close()
	t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if out == nil || resp.StatusCode == http.StatusNoContent {
		n, _ := io.CopyN(io.Discard, resp.Body, mostIgnore) // the head said all
		if n == 0 || t != "text/html" {
			return false, nil
		}
	}
	if t == "text/html" {
		return false, Errorf(Malformed, "%s: the server answered a web page instead of JSON", where).
			WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
	}
	if stream, ok := out.(StreamReader); ok {
		return decodeStream(where, resp.Body, stream)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostJSON+1))
	if err != nil {
		return true, &Error{Class: Transient, Reason: where + ": the answer was cut off", Err: cause(err)}
	}
	if len(body) > mostJSON {
		return false, Errorf(Malformed, "%s: the answer is longer than %d MiB", where, mostJSON>>20)
	}
	if err := json.Unmarshal(body, out); err != nil {
		if typ, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			kind, _, _ := strings.Cut(typ.Value, " ") // "number 12": the number is content
			return false, Errorf(Malformed, "%s: field %q is a %s where the contract has %s", where, typ.Field, kind, typ.Type)
		}
		return true, Errorf(Malformed, "%s: the answer is not JSON", where)
	}
	return false, nil
}

// A StreamReader decodes itself from an answer while that comes in: for answers
// that are too large to be held whole. ReadJSON starts from nothing each time it
// is called, and reads to the end; its error says that the answer is not JSON.
type StreamReader interface{ ReadJSON(r io.Reader) error }

func decodeStream(where string, body io.Reader, out StreamReader) (again bool, e *Error) {
	in := &capped{r: body, left: mostJSON + 1}
	err := out.ReadJSON(in)
	switch {
	case in.err != nil:
		return true, &Error{Class: Transient, Reason: where + ": the answer was cut off", Err: cause(in.err)}
	case in.left <= 0:
		return false, Errorf(Malformed, "%s: the answer is longer than %d MiB", where, mostJSON>>20)
	case err != nil:
		return true, Errorf(Malformed, "%s: the answer is not JSON", where)
	}
	return false, nil
}

// capped ends a stream after so many bytes, and remembers why it broke.
type capped struct {
	r    io.Reader
	left int64
	err  error
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, io.EOF
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// A watch gives a request up when nothing moves: no byte is taken of what is
// sent, no answer comes, or the answer stops midway. It does not count the time
// in which we are slow ourselves.
type watch struct {
	timer *time.Timer
	limit time.Duration
	end   context.CancelCauseFunc
}

func newWatch(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	ctx, end := context.WithCancelCause(ctx)
	w := &watch{limit: limit, end: end}
	w.timer = time.AfterFunc(limit, func() { end(errStalled) })
	return ctx, w
}

func (w *watch) rest() { w.timer.Stop() }
func (w *watch) wait() { w.timer.Reset(w.limit) }

// stop ends the request's context and frees what it holds.
func (w *watch) stop() {
	w.timer.Stop()
	w.end(context.Canceled)
}

// An outgoing body rests the watch while what should be sent is read, and while
// the flow holds it.
type outgoing struct {
	io.ReadCloser
	ctx   context.Context // the request's
	watch *watch
	flow  *Flow
	n     *atomic.Int64
	held  atomic.Int64 // nanoseconds for which the flow held it
}

func (o *outgoing) Read(p []byte) (int, error) {
	o.watch.rest()
	n, err := o.ReadCloser.Read(p[:o.flow.step(len(p))])
	o.n.Add(int64(n))
	began := time.Now()
	if end := o.flow.pass(o.ctx, n); end != nil {
		n, err = 0, end
	}
	o.held.Add(int64(time.Since(began)))
	o.watch.wait()
	return n, err
}

// An incoming body counts its bytes, and frees the request when it is closed.
type incoming struct {
	io.ReadCloser
	ctx   context.Context // the request's
	watch *watch
	flow  *Flow
	n     *atomic.Int64
}

func (i *incoming) Read(p []byte) (int, error) {
	i.watch.wait()
	n, err := i.ReadCloser.Read(p[:i.flow.step(len(p))])
	i.watch.rest()
	i.n.Add(int64(n))
	if end := i.flow.pass(i.ctx, n); end != nil {
		return 0, end
	}
	return n, err
}

func (i *incoming) Close() error {
	err := i.ReadCloser.Close()
	i.watch.stop()
	return err
}
