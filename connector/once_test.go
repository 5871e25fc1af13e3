package connector

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOnce: a PUT that does it twice when sent twice is sent once, and is in
// doubt when its answer is lost; any other PUT is sent again.
func TestOnce(t *testing.T) {
	for _, once := range []bool{true, false} {
		sent := 0
		c := NewClient(ClientOptions{Attempts: 2, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			sent++
			return nil, io.ErrUnexpectedEOF
		})})
		_, err := c.Do(t.Context(), Request{Method: http.MethodPut, URL: "http://127.0.0.1/issues/1.json", Once: once})
		if want := map[bool]int{true: 1, false: 2}[once]; sent != want {
			t.Errorf("Once %v: sent %d times, want %d", once, sent, want)
		}
		if InDoubt(err) != once {
			t.Errorf("Once %v: in doubt is %v", once, InDoubt(err))
		}
	}
}

// TestRedirectDropsKeys: a header with a key of any name stays with the server
// it was meant for.
func TestRedirectDropsKeys(t *testing.T) {
	seen := http.Header{}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header }))
	defer other.Close()
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer first.Close()
	c := NewClient(ClientOptions{}).With(Dialect{Sign: nil})
	resp, err := c.Do(t.Context(), Request{Method: http.MethodGet, URL: first.URL,
		Header: http.Header{"X-Redmine-Api-Key": {"secret"}, "Authorization": {"secret"}, "Range": {"bytes=0-1"}}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if seen.Get("X-Redmine-Api-Key") != "" || seen.Get("Authorization") != "" || seen.Get("Range") == "" {
		t.Errorf("the other server saw %v", seen)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	resp, err := f(r)
	if err == nil && resp == nil {
		err = errors.New("no answer")
	}
	return resp, err
}
