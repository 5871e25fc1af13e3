package connector

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A stuck body gives nothing until it is closed or its request ends.
type stuck struct {
	ctx    context.Context
	closed *atomic.Int64
}

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}

func (s stuck) Close() error {
	s.closed.Add(1)
	return nil
}

// TestStall: a server that does not answer, or stops within its answer, is given
// up after the time that was set; our own slowness does not count. Nothing is
// left behind: synctest fails if a goroutine stays.
func TestStall(t *testing.T) {
	t.Run("no answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := NewClient(ClientOptions{Attempts: 2, Stall: time.Minute, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				n++
				<-r.Context().Done()
				return nil, r.Context().Err()
			})})
			_, err := c.Do(t.Context(), Request{Method: "GET", URL: "https://a.example/x"})
			if ClassOf(err) != Transient || !strings.Contains(err.Error(), "no answer in time") || n != 2 {
				t.Errorf("got %v after %d requests", err, n)
			}
			_, err = c.Do(t.Context(), Request{Method: "POST", URL: "https://a.example/x"})
			if !InDoubt(err) || n != 3 {
				t.Errorf("a write: %v after %d requests", err, n)
			}
		})
	})
	t.Run("stops within the answer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var closed atomic.Int64
			c := NewClient(ClientOptions{Attempts: 2, Stall: time.Minute, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				resp := answer(200, "")
				resp.Body = stuck{r.Context(), &closed}
				return resp, nil
			})})
			var out any
			_, err := c.JSON(t.Context(), Request{Method: "GET", URL: "https://a.example/x"}, &out)
			if ClassOf(err) != Transient || closed.Load() != 2 {
				t.Errorf("got %v, %d bodies closed", err, closed.Load())
			}
		})
	})
	t.Run("we are slow", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := NewClient(ClientOptions{Stall: time.Second, Transport: roundTrip(func(r *http.Request) (*http.Response, error) { return answer(200, "abc"), nil })})
			resp, err := c.Do(t.Context(), Request{Method: "GET", URL: "https://a.example/x"})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			time.Sleep(time.Hour)
			if resp.Request != nil && resp.Request.Context().Err() != nil {
				t.Error("the request was given up while nobody read it")
			}
			if b, err := io.ReadAll(resp.Body); string(b) != "abc" {
				t.Errorf("read %q, %v", b, err)
			}
		})
	})
}

// TestCancel: a stop ends a request at once wherever it is, with the caller's
// cause, and closes what it holds.
func TestCancel(t *testing.T) {
	why := errors.New("Ctrl-C")
	for name, c := range map[string]struct {
		answer func(r *http.Request) (*http.Response, error)
		prior  bool // a refusal rests the pacer first
		doubt  bool
	}{
		"on its way":       {answer: func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, doubt: true},
		"between attempts": {answer: func(*http.Request) (*http.Response, error) { return answer(503, "", "Retry-After", "600"), nil }},
		"before its turn":  {answer: func(*http.Request) (*http.Response, error) { return answer(200, ""), nil }, prior: true},
		"within the answer": {answer: func(r *http.Request) (*http.Response, error) {
			resp := answer(200, "")
			resp.Body = stuck{r.Context(), new(atomic.Int64)}
			return resp, nil
		}, doubt: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var open atomic.Int64
				client := NewClient(ClientOptions{Transport: roundTrip(c.answer)})
				if c.prior {
					done, _ := client.Pacer().Take(t.Context(), "", 1)
					done(Outcome{Refused: true, RetryAfter: time.Hour})
				}
				ctx, stop := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { stop(why) })
				began := time.Now()
				var out any
				_, err := client.JSON(ctx, Request{Method: "POST", URL: "https://a.example/x",
					Body: func() (io.ReadCloser, int64, string, error) {
						open.Add(1)
						return closing{strings.NewReader("x"), &open}, 1, "", nil
					}}, &out)
				if took := time.Since(began); took != time.Second {
					t.Errorf("took %v", took)
				}
				if !errors.Is(err, why) || ClassOf(err) != Transient {
					t.Errorf("got %v, which is not the cause", err)
				}
				if InDoubt(err) != c.doubt {
					t.Errorf("in doubt is %v", InDoubt(err))
				}
				if open.Load() != 0 {
					t.Errorf("%d bodies left open", open.Load())
				}
				if n := client.pace.limiter.inFlight(); n != 0 {
					t.Errorf("the pacer still counts %d calls", n)
				}
			})
		})
	}
}

type closing struct {
	io.Reader
	open *atomic.Int64
}

func (c closing) Close() error {
	c.open.Add(-1)
	return nil
}

// TestBodiesAreClosed: what should be sent is closed at every end, also where it
// was never sent.
func TestBodiesAreClosed(t *testing.T) {
	base, _ := script(t, status(503), status(200))
	for name, c := range map[string]struct {
		url  string
		sign func(context.Context, *http.Request) error
	}{
		"sent":       {base, nil},
		"not signed": {base, func(context.Context, *http.Request) error { return errors.New("no") }},
		"not made":   {"http://[::1", nil},
		"bad method": {base, nil},
		"no server":  {"http://127.0.0.1:1", nil},
	} {
		var open atomic.Int64
		q := Request{Method: "POST", URL: c.url, Body: func() (io.ReadCloser, int64, string, error) {
			open.Add(1)
			return closing{strings.NewReader("abc"), &open}, -1, "text/plain", nil
		}}
		if name == "bad method" {
			q.Method = "P T"
		}
		if resp, err := quick(ClientOptions{Attempts: 2}).With(Dialect{Sign: c.sign}).Do(t.Context(), q); err == nil {
			resp.Body.Close()
		}
		if open.Load() != 0 {
			t.Errorf("%s: %d bodies left open", name, open.Load())
		}
	}
}
