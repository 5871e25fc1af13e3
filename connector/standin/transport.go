package standin

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"sync"
)

// Transport answers requests by calling a handler in this process, without a
// network: for tests, and for testing/synctest, which cannot wait for sockets.
// Bodies stream both ways. As over a real connection, a handler runs on when
// its client gives up, its context is cancelled then, and a panic with
// http.ErrAbortHandler is a cut connection.
type Transport struct{ Handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, context.Cause(r.Context())
	}
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	sent := r.Body
	if sent == nil {
		sent = http.NoBody
	}
	in.Body = &body{ReadCloser: sent}
	pr, pw := io.Pipe()
	a := &answer{header: http.Header{}, head: make(chan *http.Response, 1), buf: bufio.NewWriterSize(pw, 4096), request: r}
	go func() {
		defer cancel()
		defer in.Body.Close()
		defer func() {
			switch p := recover(); p {
			case nil:
				a.WriteHeader(http.StatusOK)
				a.buf.Flush()
				pw.Close()
			case http.ErrAbortHandler:
				pw.CloseWithError(io.ErrUnexpectedEOF)
				a.once.Do(func() { close(a.head) })
			default:
				panic(p)
			}
		}()
		t.Handler.ServeHTTP(a, in)
	}()
	select {
	case resp, ok := <-a.head:
		if !ok {
			return nil, io.ErrUnexpectedEOF
		}
		// As over a network, a client that gives up reads no further.
		forget := context.AfterFunc(r.Context(), func() { pr.CloseWithError(context.Cause(r.Context())) })
		resp.Body = &answerBody{PipeReader: pr, stop: func() { forget(); cancel() }}
		return resp, nil
	case <-r.Context().Done():
		pr.CloseWithError(context.Cause(r.Context()))
		return nil, context.Cause(r.Context())
	}
}

// body closes the client's body once: the server may do so more than once.
type body struct {
	io.ReadCloser
	once sync.Once
}

func (b *body) Close() (err error) {
	b.once.Do(func() { err = b.ReadCloser.Close() })
	return err
}

// answer is the http.ResponseWriter of a Transport.
type answer struct {
	header  http.Header
	once    sync.Once
	head    chan *http.Response
	buf     *bufio.Writer
	request *http.Request
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	a.once.Do(func() {
		resp := &http.Response{Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: a.header.Clone(), ContentLength: -1, Request: a.request}
		if resp.Header.Get("Content-Type") == "" && status != http.StatusNoContent {
			resp.Header.Set("Content-Type", "text/plain; charset=utf-8")
		}
		a.head <- resp
	})
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	if a.request.Method == http.MethodHead {
		return len(p), nil
	}
	return a.buf.Write(p)
}

// Flush implements http.Flusher.
func (a *answer) Flush() {
	a.WriteHeader(http.StatusOK)
	a.buf.Flush()
}

// answerBody tells the handler when the client closes the answer early.
type answerBody struct {
	*io.PipeReader
	stop func()
}

func (b *answerBody) Close() error {
	b.stop()
	return b.PipeReader.Close()
}
