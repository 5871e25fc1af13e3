package connector

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

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
	// Call is what errors and logs call the request, where its path says too much:
	// "GET {object}". "" means the method and the shape of the path.
	Call string
	// Repeatable says that sending it again is harmless even if the first one
	// was carried out. GET, HEAD, PUT, DELETE and OPTIONS always are.
	Repeatable bool
	// Once says the opposite of a method that always is: sending it again would
	// do it twice (Redmine's PUT of an issue with notes adds a comment).
	Once bool
	// Reads says that the request changes nothing at the cloud though its method
	// could: one for a token, or a batch of reads.
	Reads bool
	// Deed is what a writing request to a source is for; "" for all other requests.
	Deed Deed
	// Unsigned leaves the credentials away: for upload URLs that carry their own.
	Unsigned bool
}

// repeatable reports whether the request may be sent again though the first
// one may have been carried out.
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

// where names the request in errors and logs.
func (q Request) where() string {
	if q.Call != "" {
		return q.Call
	}
	u, err := url.Parse(q.URL)
	if err != nil {
		return q.Method
	}
	return q.Method + " " + Shape(u)
}

// make builds the request for one attempt. wrap is put around its body, if it
// has one. The caller sends it or closes its body.
func (q Request) make(ctx context.Context, wrap func(io.ReadCloser) io.ReadCloser) (*http.Request, *Error) {
	address, err := url.Parse(q.URL)
	if err != nil {
		return nil, Errorf(Permanent, "%s: the address of a request cannot be read", q.Method)
	}
	body, size, typ, e := q.body()
	if e != nil {
		return nil, e
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, "", nil)
	if err != nil {
		if body != nil {
			body.Close()
		}
		return nil, Errorf(Permanent, "%s: the request cannot be made", q.where())
	}
	r.URL, r.Host = address, address.Host
	for k, v := range q.Header {
		r.Header[k] = append([]string(nil), v...)
	}
	if body == nil {
		return r, nil
	}
	if typ != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", typ)
	}
	if r.ContentLength = size; size == 0 {
		body.Close()
		r.Body = http.NoBody
		return r, nil
	}
	r.Body = wrap(body)
	return r, nil
}

// body makes what is sent; nil for nothing. A size of -1 is unknown.
func (q Request) body() (body io.ReadCloser, size int64, contentType string, e *Error) {
	switch {
	case q.Body != nil:
		body, size, typ, err := q.Body()
		if err == nil {
			return body, size, typ, nil
		}
		if e, ok := errors.AsType[*Error](err); ok {
			copied := *e
			return nil, 0, "", &copied
		}
		return nil, 0, "", &Error{Class: Transient, Reason: q.where() + ": what should be sent cannot be read", Err: cause(err)}
	case q.JSON != nil:
		b, err := json.Marshal(q.JSON)
		if err != nil {
			return nil, 0, "", Errorf(Permanent, "%s: what should be sent is not JSON", q.where())
		}
		return io.NopCloser(bytes.NewReader(b)), int64(len(b)), "application/json", nil
	case q.Form != nil:
		s := q.Form.Encode()
		return io.NopCloser(strings.NewReader(s)), int64(len(s)), "application/x-www-form-urlencoded", nil
	}
	return nil, 0, "", nil
}
