package http1

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/http/httputil"
	"net/textproto"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// Errors of a request itself: nothing of its answer was waited for.
var (
	errBodyShort = errors.New("the request's body ended before its length")
	errBodyLong  = errors.New("the request's body is longer than its length")
)

// agent is what net/http tells of itself.
const agent = "Go-http-client/1.1"

// write writes a request as net/http does, but for the order of the fields of its
// head, and without sending the head of one with a body before the body: that would
// be one more packet for each small file. It closes the body.
func write(out *bufio.Writer, r *http.Request, zipped bool) error {
	err := writeHead(out, r, zipped)
	if err == nil {
		if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteHeaders != nil {
			trace.WroteHeaders()
		}
		err = writeBody(out, r)
	}
	if closed := closeBody(r); err == nil {
		err = closed
	}
	if err == nil {
		err = out.Flush()
	}
	return err
}

func writeHead(out *bufio.Writer, r *http.Request, zipped bool) error {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	host, err := httpguts.PunycodeHostPort(host)
	if err != nil {
		return err
	}
	if !httpguts.ValidHostHeader(host) {
		host = ""
	}
	method := r.Method
	if method == "" {
		method = http.MethodGet
	}
	field := func(name, value string) {
		_, _ = out.WriteString(name)
		_, _ = out.WriteString(": ")
		_, _ = out.WriteString(value)
		_, _ = out.WriteString("\r\n")
	}
	_, _ = out.WriteString(method)
	_ = out.WriteByte(' ')
	_, _ = out.WriteString(r.URL.RequestURI())
	_, _ = out.WriteString(" HTTP/1.1\r\n")
	field("Host", host)
	if _, told := r.Header["User-Agent"]; !told {
		field("User-Agent", agent)
	}
	switch n := length(r); {
	case n < 0:
		field("Transfer-Encoding", "chunked")
	case n > 0, method == http.MethodPost, method == http.MethodPut, method == http.MethodPatch:
		field("Content-Length", strconv.FormatInt(n, 10))
	}
	if zipped {
		field("Accept-Encoding", "gzip")
	}
	for name, values := range r.Header {
		switch name {
		case "Host", "Content-Length":
			continue
		case "User-Agent":
			if values = values[:min(len(values), 1)]; len(values) == 0 || values[0] == "" {
				continue
			}
		}
		for _, v := range values {
			field(name, textproto.TrimString(v))
		}
	}
	_, err = out.WriteString("\r\n") // a Writer tells its first error with every later one
	return err
}

// length is that of a request's body, below 0 if nobody knows it.
func length(r *http.Request) int64 {
	if r.Body == nil || r.Body == http.NoBody {
		return 0
	}
	return r.ContentLength
}

// writeBody writes a body of the length that was told.
func writeBody(out *bufio.Writer, r *http.Request) error {
	n := length(r)
	switch {
	case n == 0:
		return nil
	case n < 0:
		chunks := httputil.NewChunkedWriter(out)
		if _, err := io.Copy(chunks, struct{ io.Reader }{r.Body}); err != nil {
			return err
		}
		if err := chunks.Close(); err != nil {
			return err
		}
		_, err := out.WriteString("\r\n")
		return err
	}
	sent, err := out.ReadFrom(io.LimitReader(r.Body, n))
	if err != nil {
		return err
	}
	if sent < n {
		return errBodyShort
	}
	// A body may tell only at its end that something was wrong with it.
	var more [1]byte
	for {
		switch n, err := r.Body.Read(more[:]); {
		case n > 0:
			return errBodyLong
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// unsent reports whether there is something in the address of a request that cannot be
// written.
func unsent(uri string) bool {
	return strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c == 0x7f })
}
