package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// An authority gives tokens that end after a minute, and a refresh token that serves
// once; a service takes them.
type authority struct {
	mu      sync.Mutex
	given   int
	until   time.Time
	down    bool
	refused atomic.Int32 // calls of the service that were answered 401
}

func (a *authority) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(status int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Header: http.Header{"Content-Type": {"application/json"}}, Request: r}, nil
	}
	time.Sleep(time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.URL.Path != "/token" {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer a%d", a.given) || !time.Now().Before(a.until) {
			a.refused.Add(1)
			return answer(http.StatusUnauthorized, "{}")
		}
		return answer(http.StatusOK, "{}")
	}
	form, _ := io.ReadAll(r.Body)
	values, _ := url.ParseQuery(string(form))
	switch {
	case a.down:
		return answer(http.StatusServiceUnavailable, "{}")
	case values.Get("refresh_token") != fmt.Sprintf("r%d", a.given):
		return answer(http.StatusBadRequest, `{"error":"invalid_grant"}`)
	}
	a.given++
	a.until = time.Now().Add(time.Minute)
	return answer(http.StatusOK, fmt.Sprintf(`{"access_token":"a%d","refresh_token":"r%d","expires_in":60,"scope":"read write"}`, a.given, a.given))
}

func (a *authority) client() *connector.Client {
	return connector.NewClient(connector.ClientOptions{Transport: a})
}

func options(a *authority) Options {
	return Options{HTTP: a.client(), Refresh: "r0", Request: func(refresh string) (connector.Request, error) {
		return connector.Request{URL: "https://authority.test/token", Form: url.Values{"refresh_token": {refresh}}}, nil
	}}
}

// Calls go on for ten minutes with tokens of one, many side by side and never with one
// that has ended.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		var sealed []string
		o := options(a)
		o.Renewed = func(refresh string) error { sealed = append(sealed, refresh); return nil }
		tokens := New(o)
		c := connector.NewClient(connector.ClientOptions{Transport: a, Pacer: connector.NewPacer(nil)}).
			With(connector.Dialect{Ready: tokens.Ready, Sign: tokens.Sign, Renew: tokens.Renew()})
		for range 60 {
			var calls sync.WaitGroup
			for range 5 {
				calls.Go(func() {
					resp, err := c.Do(t.Context(), connector.Request{Method: http.MethodGet, URL: "https://service.test/x"})
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
				})
			}
			calls.Wait()
			time.Sleep(9 * time.Second)
		}
		if a.refused.Load() > 0 {
			t.Errorf("%d calls went out with a token that had ended", a.refused.Load())
		}
		if len(sealed) < 10 || len(sealed) > 14 || sealed[len(sealed)-1] != fmt.Sprintf("r%d", a.given) {
			t.Errorf("ten minutes took %d tokens, of which %q were sealed", a.given, sealed)
		}
		if got := tokens.Scopes(); len(got) != 2 || got[1] != "write" {
			t.Errorf("the scopes are %q", got)
		}
	})
}

// A token that is refused before its time is replaced, and so is one that is dropped; an
// authority that is down holds nobody up whose token still serves.
func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		tokens := New(options(a))
		first, err := tokens.Get(t.Context(), "")
		if err != nil || first != "a1" {
			t.Fatal(first, err)
		}
		if second, err := tokens.Get(t.Context(), first); err != nil || second != "a2" {
			t.Errorf("in place of a refused token: %q, %v", second, err)
		}
		if !tokens.Drop(t.Context(), first) {
			t.Error("another try makes sense")
		}
		if again, err := tokens.Get(t.Context(), ""); err != nil || again != "a2" {
			t.Errorf("a token was dropped that had replaced the refused one: %q, %v", again, err)
		}
		tokens.Drop(t.Context(), "a2")
		if err := tokens.Sign(t.Context(), &http.Request{Header: http.Header{}}); connector.ClassOf(err) != connector.Transient {
			t.Errorf("signing without a token: %v", err)
		}
		if third, err := tokens.Get(t.Context(), ""); err != nil || third != "a3" {
			t.Errorf("in place of a dropped token: %q, %v", third, err)
		}
		a.down = true
		time.Sleep(56 * time.Second)
		if old, err := tokens.Get(t.Context(), ""); err != nil || old != "a3" {
			t.Errorf("while the authority is down: %q, %v", old, err)
		}
	})
}

// A refresh token that cannot be sealed is not used: who is killed then would be locked
// out.
func TestSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &authority{}
		o := options(a)
		o.Renewed = func(string) error { return errors.New("the disk is full") }
		tokens := New(o)
		if access, err := tokens.Get(t.Context(), ""); connector.ClassOf(err) != connector.Transient || access != "" {
			t.Errorf("%q, %v", access, err)
		}
		if tokens.refresh != "r0" {
			t.Errorf("the refresh token is %q", tokens.refresh)
		}
	})
}

// A token that was given and that nothing replaces is used until it is refused.
func TestGiven(t *testing.T) {
	tokens := New(Options{Access: "given"})
	if got, err := tokens.Get(t.Context(), ""); err != nil || got != "given" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := tokens.Get(t.Context(), "given"); connector.ClassOf(err) != connector.Auth {
		t.Errorf("once it was refused: %v", err)
	}
	if tokens.Renew() != nil || tokens.Drop(t.Context(), "given") {
		t.Error("nothing can replace it")
	}
	ctx, stop := context.WithCancel(t.Context())
	tokens.lock <- struct{}{}
	stop()
	if _, err := tokens.Get(ctx, ""); connector.ClassOf(err) != connector.Transient {
		t.Errorf("while somebody else fetches: %v", err)
	}
}
