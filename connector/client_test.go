package connector

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// quick is a client that hardly waits between attempts.
func quick(o ClientOptions) *Client {
	o.Backoff = func(int, time.Duration) time.Duration { return time.Millisecond }
	return NewClient(o)
}

// script answers the n-th request with the n-th step, and the last one from
// then on. It counts requests.
func script(t *testing.T, steps ...http.HandlerFunc) (base string, count func() int) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		i := int(n.Add(1)) - 1
		steps[min(i, len(steps)-1)](w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() int { return int(n.Load()) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(code) }
}

func says(typ, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", typ)
		_, _ = io.WriteString(w, body)
	}
}

// cut breaks the connection: before a byte of the answer, or within its body.
func cut(after string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = buf.WriteString(after)
		_ = buf.Flush()
		conn.Close()
	}
}

const half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":\"1"

// TestInDoubt: which ends of a request leave open whether it was carried out,
// and how often each is sent.
func TestInDoubt(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	ok := says("application/json", `{"id":"1"}`)
	for _, c := range []struct {
		name   string
		method string
		steps  []http.HandlerFunc
		base   string // instead of steps
		sent   int
		class  Class // "" for success
		doubt  bool
	}{
		{"post, nobody listens", "POST", nil, "http://" + closed.Addr().String(), 0, Transient, false},
		{"post, cut after it was sent", "POST", []http.HandlerFunc{cut("")}, "", 1, Transient, true},
		{"post, cut within the answer", "POST", []http.HandlerFunc{cut(half)}, "", 1, Transient, true},
		{"post, answer is no JSON", "POST", []http.HandlerFunc{says("application/json", "{")}, "", 1, Malformed, true},
		{"post, a web page", "POST", []http.HandlerFunc{says("text/html; charset=utf-8", "<html>")}, "", 1, Malformed, true},
		{"post, 500", "POST", []http.HandlerFunc{status(500)}, "", 1, Transient, true},
		{"post, 502", "POST", []http.HandlerFunc{status(502)}, "", 1, Transient, true},
		{"post, 504", "POST", []http.HandlerFunc{status(504)}, "", 1, Transient, true},
		{"post, 503 then done", "POST", []http.HandlerFunc{status(503), ok}, "", 2, "", false},
		{"post, 429 then done", "POST", []http.HandlerFunc{status(429), ok}, "", 2, "", false},
		{"post, 507", "POST", []http.HandlerFunc{status(507)}, "", 1, Full, false},
		{"post, 501", "POST", []http.HandlerFunc{status(501)}, "", 1, Permanent, false},
		{"post, 400", "POST", []http.HandlerFunc{status(400)}, "", 1, Permanent, false},
		{"get, cut then done", "GET", []http.HandlerFunc{cut(""), ok}, "", 2, "", false},
		{"get, cut within, then done", "GET", []http.HandlerFunc{cut(half), ok}, "", 2, "", false},
		{"get, never whole", "GET", []http.HandlerFunc{cut(half)}, "", 3, Transient, false},
		{"get, no JSON", "GET", []http.HandlerFunc{says("application/json", "{")}, "", 3, Malformed, false},
		{"get, a web page", "GET", []http.HandlerFunc{says("text/html", "<html>")}, "", 1, Malformed, false},
		{"get, another type", "GET", []http.HandlerFunc{says("application/json", `{"id":12}`)}, "", 1, Malformed, false},
		{"get, 502 to the end", "GET", []http.HandlerFunc{status(502)}, "", 4, Transient, false},
		{"put, 502 then done", "PUT", []http.HandlerFunc{status(502), ok}, "", 2, "", false},
		{"delete, cut then done", "DELETE", []http.HandlerFunc{cut(""), ok}, "", 2, "", false},
		{"get, 404", "GET", []http.HandlerFunc{status(404)}, "", 1, Gone, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, count := c.base, func() int { return 0 }
			if c.steps != nil {
				base, count = script(t, c.steps...)
			}
			q := Request{Method: c.method, URL: base + "/cards"}
			if c.method == "POST" || c.method == "PUT" {
				q.JSON = map[string]string{"name": "x"}
			}
			var out struct{ ID string }
			_, err := quick(ClientOptions{Attempts: 4}).JSON(t.Context(), q, &out)
			if c.class == "" {
				if err != nil || out.ID != "1" {
					t.Errorf("got %v and id %q", err, out.ID)
				}
			} else if err == nil || ClassOf(err) != c.class {
				t.Errorf("got %v of class %s, want %s", err, ClassOf(err), c.class)
			}
			if InDoubt(err) != c.doubt {
				t.Errorf("in doubt is %v: %v", InDoubt(err), err)
			}
			if count() != c.sent {
				t.Errorf("sent %d times, want %d", count(), c.sent)
			}
		})
	}
}

// TestHeadIsEnough: who wants no answer gets none, even if its body is cut.
func TestHeadIsEnough(t *testing.T) {
	base, count := script(t, cut(half))
	_, err := quick(ClientOptions{}).JSON(t.Context(), Request{Method: "POST", URL: base}, nil)
	if err != nil || count() != 1 {
		t.Errorf("got %v after %d requests", err, count())
	}
}

// TestNoSecretTold takes canaries through every end of a request: what is in the
// address, the headers, the bodies of both sides and the causes is neither in an
// error nor in a log line.
func TestNoSecretTold(t *testing.T) {
	const canary = "c4n4ry"
	with := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Told", canary)
			h(w, r)
		}
	}
	fail := errors.New("cannot read " + canary)
	for name, c := range map[string]struct {
		step    http.HandlerFunc
		dialect Dialect
		change  func(*Request)
	}{
		"refused":            {step: says("text/plain", canary)},
		"redirect in circle": {step: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String()+canary, 302) }},
		"redirect nowhere": {step: func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://"+canary+".invalid/")
			w.WriteHeader(302)
		}},
		"cut":             {step: cut("")},
		"cut in the head": {step: cut("HTTP/1.1 200 " + canary)},
		"no http":         {step: cut(canary + canary + "\r\n\r\n")},
		"cut in the body": {step: cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + canary)},
		"not JSON":        {step: says("application/json", canary)},
		"wrong type":      {step: says("application/json", `{"id":"`+canary+`"}`)},
		"wrong number":    {step: says("application/json", `{"name":424242}`)},
		"web page":        {step: says("text/html", "<p>"+canary)},
		"sign fails":      {step: status(200), dialect: Dialect{Sign: func(context.Context, *http.Request) error { return fail }}},
		"bad header":      {step: status(200), change: func(q *Request) { q.Header = http.Header{"X-Key": {canary + "\n"}} }},
		"bad address":     {step: status(200), change: func(q *Request) { q.URL = "http://a b/" + canary + "\x7f%zz" }},
		"bad method":      {step: status(200), change: func(q *Request) { q.Method = "G T" }},
		"no JSON to send": {step: status(200), change: func(q *Request) { q.Method, q.JSON = "POST", map[string]any{canary: func() {}} }},
		"no body to send": {step: status(200), change: func(q *Request) {
			q.Method, q.Body = "POST", func() (io.ReadCloser, int64, string, error) { return nil, 0, "", fail }
		}},
		"body breaks off": {step: status(200), change: func(q *Request) {
			q.Method, q.Body = "POST", func() (io.ReadCloser, int64, string, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader(canary), broken0{fail})), -1, "", nil
			}
		}},
		"renewal fails": {step: status(401), dialect: Dialect{Renew: func(context.Context) error { return fail }}},
		"nobody there":  {step: status(200), change: func(q *Request) { q.URL = "http://127.0.0.1:1/" + canary + "?key=" + canary }},
		"no such name":  {step: status(200), change: func(q *Request) { q.URL = "http://" + canary + ".invalid/x?key=" + canary }},
	} {
		t.Run(name, func(t *testing.T) {
			base, _ := script(t, with(c.step))
			var log bytes.Buffer
			client := quick(ClientOptions{Attempts: 2, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}).With(c.dialect)
			q := Request{Method: "GET", URL: base + "/cards/" + canary + "/x?key=" + canary, Header: http.Header{"Authorization": {canary}}}
			if name == "refused" {
				q.URL += "&status=400"
				base, _ = script(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); _, _ = io.WriteString(w, canary) })
				q.URL = base + "/cards/" + canary + "?key=" + canary
			}
			if c.change != nil {
				c.change(&q)
			}
			var out struct {
				ID   int
				Name string
			}
			_, err := client.JSON(t.Context(), q, &out)
			if err == nil {
				t.Fatal("no error")
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				for _, told := range []string{e.Error(), fmt.Sprintf("%v %+v %q", e, e, e)} {
					if strings.Contains(told, canary) || strings.Contains(told, "424242") {
						t.Errorf("the error tells: %s", told)
					}
				}
			}
			if js, _ := json.Marshal(err); bytes.Contains(js, []byte(canary)) {
				t.Errorf("as JSON the error tells: %s", js)
			}
			if strings.Contains(log.String(), canary) {
				t.Errorf("the log tells: %s", &log)
			}
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Errorf("%T has no class", err)
			}
		})
	}
}

type broken0 struct{ err error }

func (b broken0) Read([]byte) (int, error) { return 0, b.err }

func TestShape(t *testing.T) {
	for in, want := range map[string]string{
		"https://api.trello.com/1/cards/5f3a/checkItems?key=k":       "/1/cards/{}/checkItems",
		"https://graph.microsoft.com/v1.0/$batch":                    "/v1.0/$batch",
		"https://g/v1.0/drives/b!x/root:/Plans/Secret.docx:/content": "/v1.0/drives/{}/{}/{}/{}/{}",
		"https://r/custom_fields.json?x=1":                           "/custom_fields.json",
		"https://r/attachments/download/12/report.pdf":               "/attachments/download/{}/{}",
		"https://api.trello.com/1/members/annlee/boards":             "/1/members/{}/boards",
		"https://r/users/ann@a.example":                              "/users/{}",
		"https://r/a/averyveryverylongwordthatlookslikeatoken/b":     "/a/{}/b",
		"https://r/caf%C3%A9/日本":                                     "/{}/{}",
		"https://r/":                                                 "/",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := Shape(u); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestRetryAfterForms(t *testing.T) {
	server := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"3", "", 3 * time.Second},
		{" 0.5 ", "", 500 * time.Millisecond},
		{"-4", "", 0},
		{"120 seconds", "", 0},
		{"172800", "", 48 * time.Hour},
		{"soon", "", 0},
		// By the server's clock, whatever ours says.
		{server.Add(90 * time.Second).Format(http.TimeFormat), server.Format(http.TimeFormat), 90 * time.Second},
		{server.Add(-time.Minute).Format(http.TimeFormat), server.Format(http.TimeFormat), 0},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.value)
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got := retryAfter(h); got != c.want {
			t.Errorf("%q at %q: got %v, want %v", c.value, c.date, got, c.want)
		}
	}
}

// answer makes an answer for a round trip without a network.
func answer(code int, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

// TestWaitsAsAsked: a refusal with Retry-After rests the client so long, even if
// our clock is an hour off, and longer than an hour it does not wait.
func TestWaitsAsAsked(t *testing.T) {
	for _, c := range []struct {
		name        string
		after       func(now time.Time) (value, date string)
		least, most time.Duration
		class       Class
	}{
		{"seconds", func(time.Time) (string, string) { return "30", "" }, 30 * time.Second, 40 * time.Second, ""},
		{"date of a server an hour ahead", func(now time.Time) (string, string) {
			there := now.UTC().Add(time.Hour)
			return there.Add(20 * time.Second).Format(http.TimeFormat), there.Format(http.TimeFormat)
		}, 20 * time.Second, 30 * time.Second, ""},
		{"a day", func(time.Time) (string, string) { return "86400", "" }, 0, time.Second, Throttled},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				client := NewClient(ClientOptions{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					if n++; n == 1 {
						value, date := c.after(time.Now())
						return answer(429, "", "Retry-After", value, "Date", date), nil
					}
					return answer(200, "{}"), nil
				})})
				began := time.Now()
				_, err := client.JSON(t.Context(), Request{Method: "POST", URL: "https://a.example/x"}, nil)
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("took %v, want %v to %v", took, c.least, c.most)
				}
				if c.class == "" && err != nil || c.class != "" && ClassOf(err) != c.class {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestRefusalsDoNotUseUpAttempts: a busy cloud is asked more often than a broken one.
func TestRefusalsDoNotUseUpAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		stats := &Stats{}
		c := NewClient(ClientOptions{Attempts: 3, Stats: stats, Transport: roundTrip(func(*http.Request) (*http.Response, error) {
			if n++; n <= 8 {
				return answer(429, "", "Retry-After", "1"), nil
			}
			return answer(200, "{}"), nil
		})})
		if _, err := c.JSON(t.Context(), Request{Method: "POST", URL: "https://a.example/x"}, nil); err != nil {
			t.Error(err)
		}
		if stats.Refused.Load() != 8 || stats.Requests.Load() != 9 || stats.Retries.Load() != 8 {
			t.Errorf("counted %d refused, %d requests, %d retries", stats.Refused.Load(), stats.Requests.Load(), stats.Retries.Load())
		}
	})
}

func TestRedirects(t *testing.T) {
	clear := httptest.NewServer(status(200))
	defer clear.Close()
	secure := httptest.NewTLSServer(http.RedirectHandler(clear.URL, 302))
	defer secure.Close()
	trusting := NewTransport()
	trusting.TLSClientConfig.RootCAs = secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	_, err := quick(ClientOptions{Transport: trusting}).Do(t.Context(), Request{Method: "GET", URL: secure.URL})
	if ClassOf(err) != Permanent || !strings.Contains(err.Error(), "in the clear") {
		t.Errorf("https to http: %v", err)
	}
	for _, code := range []int{301, 302, 307, 308} {
		base, count := script(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(code)
		})
		_, err := quick(ClientOptions{}).Do(t.Context(), Request{Method: "POST", URL: base, JSON: 1})
		if ClassOf(err) != Permanent || InDoubt(err) || count() != 1 {
			t.Errorf("%d of a write: %v after %d requests", code, err, count())
		}
	}
	base, _ := script(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "/made/1")
		w.WriteHeader(303)
	})
	resp, err := quick(ClientOptions{}).Do(t.Context(), Request{Method: "POST", URL: base})
	if err != nil || resp.StatusCode != 303 {
		t.Fatalf("303 of a write that was done: %v", err)
	}
	resp.Body.Close()
	base, count := script(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", 302) })
	if _, err := quick(ClientOptions{}).Do(t.Context(), Request{Method: "GET", URL: base}); ClassOf(err) != Permanent || count() > 7 {
		t.Errorf("in a circle: %v after %d requests", err, count())
	}
}

func TestTLS(t *testing.T) {
	old := httptest.NewUnstartedServer(status(200))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	old.StartTLS()
	defer old.Close()
	unknown := httptest.NewUnstartedServer(status(200))
	unknown.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	unknown.StartTLS()
	defer unknown.Close()
	plain := httptest.NewServer(status(200))
	defer plain.Close()
	other := httptest.NewUnstartedServer(status(200)) // its certificate is for 127.0.0.1 and example.com
	other.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	other.StartTLS()
	defer other.Close()
	trusting := NewTransport()
	trusting.TLSClientConfig.RootCAs = old.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	for name, c := range map[string]struct {
		url string
		via *http.Transport
	}{
		"TLS 1.1":           {old.URL, trusting},
		"unknown authority": {unknown.URL, NewTransport()},
		"another name":      {strings.Replace(other.URL, "127.0.0.1", "localhost", 1), trusting},
		"no TLS at all":     {strings.Replace(plain.URL, "http:", "https:", 1), NewTransport()},
	} {
		stats := &Stats{}
		_, err := quick(ClientOptions{Transport: c.via, Stats: stats}).Do(t.Context(), Request{Method: "POST", URL: c.url, JSON: 1})
		if ClassOf(err) != Permanent || InDoubt(err) || stats.Requests.Load() != 1 {
			t.Errorf("%s: %v, in doubt %v, after %d requests", name, err, InDoubt(err), stats.Requests.Load())
		}
		if e, ok := errors.AsType[*Error](err); ok && e.Hint == "" {
			t.Errorf("%s: %v does not say what to do", name, err)
		}
	}
}

// TestRenew: of many calls that are refused at once one renews, all are sent
// again, and a renewal that fails for good is not tried again.
func TestRenew(t *testing.T) {
	var token atomic.Value
	token.Store("old")
	var renewals, requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "new" {
			time.Sleep(5 * time.Millisecond)
			w.WriteHeader(401)
		}
	}))
	defer server.Close()
	sign := func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", token.Load().(string))
		return nil
	}
	call := func(c *Client, n int) (failed int) {
		var wg sync.WaitGroup
		var bad atomic.Int64
		for range n {
			wg.Go(func() {
				if _, err := c.JSON(t.Context(), Request{Method: "POST", URL: server.URL}, nil); err != nil {
					if ClassOf(err) != Auth {
						t.Error(err)
					}
					bad.Add(1)
				}
			})
		}
		wg.Wait()
		return int(bad.Load())
	}
	good := quick(ClientOptions{}).With(Dialect{Sign: sign, Renew: func(context.Context) error {
		renewals.Add(1)
		token.Store("new")
		return nil
	}})
	if failed := call(good, 20); failed != 0 || renewals.Load() != 1 {
		t.Errorf("%d of 20 calls failed, renewed %d times", failed, renewals.Load())
	}
	token.Store("revoked")
	renewals.Store(0)
	dead := quick(ClientOptions{}).With(Dialect{Sign: sign, Renew: func(context.Context) error {
		renewals.Add(1)
		return Errorf(Auth, "the refresh token is revoked")
	}})
	if failed := call(dead, 10); failed != 10 || renewals.Load() != 1 {
		t.Errorf("%d of 10 calls failed, renewed %d times", failed, renewals.Load())
	}
	renewals.Store(0)
	useless := quick(ClientOptions{}).With(Dialect{Sign: sign, Renew: func(context.Context) error { renewals.Add(1); return nil }})
	requests.Store(0)
	if failed := call(useless, 1); failed != 1 || renewals.Load() != 1 || requests.Load() != 2 {
		t.Errorf("a renewal without effect: %d failed, renewed %d times, %d requests", failed, renewals.Load(), requests.Load())
	}
	unsigned := Request{Method: "GET", URL: server.URL, Unsigned: true}
	if _, err := useless.Do(t.Context(), unsigned); ClassOf(err) != Auth || renewals.Load() != 1 {
		t.Errorf("an unsigned request renewed: %v", err)
	}
}

// TestCounts: bytes in both directions are those that moved.
func TestCounts(t *testing.T) {
	base, _ := script(t, says("application/json", `{"id":"1"}`))
	stats := &Stats{}
	var out any
	if _, err := quick(ClientOptions{Stats: stats}).JSON(t.Context(), Request{Method: "POST", URL: base, JSON: "12345"}, &out); err != nil {
		t.Fatal(err)
	}
	if stats.BytesOut.Load() != 7 || stats.BytesIn.Load() != 10 || stats.Requests.Load() != 1 {
		t.Errorf("counted %d out, %d in, %d requests", stats.BytesOut.Load(), stats.BytesIn.Load(), stats.Requests.Load())
	}
}

func TestRefusePlain(t *testing.T) {
	for code, want := range map[int]Class{400: Permanent, 401: Auth, 403: Forbidden, 404: Gone, 408: Transient, 409: Conflict, 410: Gone, 412: Conflict,
		413: Permanent, 422: Permanent, 429: Throttled, 500: Transient, 501: Permanent, 502: Transient, 503: Transient, 504: Transient, 507: Full, 520: Transient} {
		e := RefusePlain(code)
		if e.Class != want {
			t.Errorf("%d is %s, want %s", code, e.Class, want)
		}
		if !strings.HasPrefix(e.Reason, fmt.Sprint(code)) {
			t.Errorf("%d: reason %q", code, e.Reason)
		}
	}
}
