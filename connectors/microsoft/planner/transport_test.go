package planner

import (
	"io"
	"net/http"
	"net/http/httptest"
)

// inProcess answers requests by a handler, in the caller's goroutine: no
// socket keeps synctest's clock from moving.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	in.Body = &sentBody{Reader: in.Body}
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			resp, err = nil, io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(rec, in)
	// A body that fails on the way fails the request.
	if failed := in.Body.(*sentBody).failed; failed != nil {
		return nil, failed
	}
	resp = rec.Result()
	resp.Request = r
	return resp, nil
}

// sentBody keeps the error with which the sender's body ended, if it did: the
// server sees a cut connection then, and the client its own error.
type sentBody struct {
	io.Reader
	failed error
}

func (b *sentBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && err != io.EOF {
		b.failed = err
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *sentBody) Close() error { return nil }
