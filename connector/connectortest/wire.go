package connectortest

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A fate is what happens to one request on its way.
type fate int

const (
	pass         fate = iota
	lost              // cut before it was carried out
	unheard           // carried out, and cut before the answer came
	halfway           // of a request that holds many, the first half is carried out; then cut
	truncated         // carried out, and the answer ends in the middle
	webPage           // not carried out: something in between answers a web page
	throttled         // refused with 429
	throttledFor      // refused with 429 and Retry-After
	failing           // refused with 500, and not carried out
	signedOut         // refused with 401
	hanging           // no answer until the caller gives up
)

func (f fate) String() string {
	return [...]string{"pass", "lost", "unheard", "halfway", "truncated", "web page", "429", "429 with Retry-After", "500", "401", "hanging"}[f]
}

// A wire is the way from a connection to its cloud. It counts the requests,
// decides the fate of each, and remembers the credentials it saw, so that logs
// and errors can be searched for them.
type wire struct {
	next   http.RoundTripper
	partly func(*http.Request) (*http.Request, bool)

	mu      sync.Mutex
	all     int // requests since the beginning
	n       int
	fate    func(n int, r *http.Request) fate // n counts from 1; nil lets all pass
	hit     int                               // requests whose fate was not pass
	secrets map[string]bool
}

// decide sets the fate of the requests from here on, and counts anew.
func (w *wire) decide(f func(n int, r *http.Request) fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n, w.hit, w.fate = 0, 0, f
}

// only is the fate of the n-th request alone.
func only(n int, f fate) func(int, *http.Request) fate {
	return func(i int, _ *http.Request) fate {
		if i == n {
			return f
		}
		return pass
	}
}

// from is the fate of the n-th request and of all after it.
func from(n int, f fate) func(int, *http.Request) fate {
	return func(i int, _ *http.Request) fate {
		if i >= n {
			return f
		}
		return pass
	}
}

// counted returns how many requests came since the last decide, and how many of
// them did not pass.
func (w *wire) counted() (requests, hit int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n, w.hit
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.n++
	w.all++
	f := pass
	if w.fate != nil {
		f = w.fate(w.n, r)
	}
	if f == halfway && w.partly == nil {
		f = unheard
	}
	if f != pass {
		w.hit++
	}
	w.overhear(r)
	w.mu.Unlock()
	switch f {
	case lost:
		return nil, dropped(r, io.ErrUnexpectedEOF)
	case unheard, halfway:
		if f == halfway {
			part, ok := w.partly(r)
			if !ok {
				return nil, dropped(r, io.ErrUnexpectedEOF)
			}
			r = part
		}
		resp, err := w.next.RoundTrip(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body) // until the cloud is done; nobody hears the answer
			resp.Body.Close()
		}
		return nil, io.ErrUnexpectedEOF
	case truncated:
		resp, err := w.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		whole, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || len(whole) == 0 {
			return nil, io.ErrUnexpectedEOF
		}
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole[:len(whole)/2]), brokenEnd{}))
		return resp, nil
	case webPage:
		drop(r)
		return answer(r, http.StatusOK, "text/html; charset=utf-8", "<!doctype html><title>Sign in</title><p>Sign in to go on."), nil
	case throttled, throttledFor:
		drop(r)
		resp := answer(r, http.StatusTooManyRequests, "text/plain", "slow down")
		if f == throttledFor {
			resp.Header.Set("Retry-After", "1")
		}
		return resp, nil
	case failing:
		drop(r)
		return answer(r, http.StatusInternalServerError, "text/plain", "oops"), nil
	case signedOut:
		drop(r)
		return answer(r, http.StatusUnauthorized, "text/plain", "expired token"), nil
	case hanging:
		<-r.Context().Done()
		return nil, dropped(r, r.Context().Err())
	}
	return w.next.RoundTrip(r)
}

// drop closes the body of a request that goes no further, as a transport must.
func drop(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
}

// dropped is the error of a request that goes no further.
func dropped(r *http.Request, err error) error {
	drop(r)
	return err
}

func answer(r *http.Request, status int, mediaType, body string) *http.Response {
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status) + " " + http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {mediaType}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// brokenEnd is a connection that broke.
type brokenEnd struct{}

func (brokenEnd) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// overhear notes what a request carries that gives access: credentials in its
// header, and the long part of an address that needs none.
func (w *wire) overhear(r *http.Request) {
	if w.secrets == nil {
		w.secrets = map[string]bool{}
	}
	auth := r.Header.Get("Authorization")
	if _, token, ok := strings.Cut(auth, " "); ok {
		w.secrets[token] = true
	}
	if auth == "" && len(r.Header) > 0 {
		for part := range strings.SplitSeq(r.URL.Path, "/") {
			if len(part) >= 32 {
				w.secrets[part] = true
			}
		}
	}
}

// heard returns the credentials that were seen.
func (w *wire) heard() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for s := range w.secrets {
		out = append(out, s)
	}
	return out
}
