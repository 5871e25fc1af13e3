package standin

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestServeStopsGracefully(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started, release := make(chan struct{}), make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		io.WriteString(w, "done")
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, h) }()
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			answered <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		answered <- string(b)
	}()
	<-started
	stop()
	close(release)
	if got := <-answered; got != "done" {
		t.Errorf("a running request got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("serve ended with %v", err)
	}
	if _, err := net.DialTimeout("tcp", l.Addr().String(), time.Second); err == nil {
		t.Error("it still listens")
	}
}

// Over a real connection too, a cut is a cut and a truncated body is noticed.
func TestFaultsOverNetwork(t *testing.T) {
	for spec, want := range map[string]string{"cut:1": "EOF", "truncate:1": "unexpected EOF"} {
		srv := httptest.NewServer(mustParse(t, spec).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, strings.Repeat("x", 1000))
		}), 1))
		resp, err := http.Get(srv.URL + "/x")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
		srv.Close()
	}
}

func TestTransportStreams(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Test", "1")
		w.WriteHeader(http.StatusAccepted)
		b := make([]byte, 1)
		for {
			n, err := r.Body.Read(b)
			w.Write(b[:n])
			if f, ok := w.(http.Flusher); ok {
				f.Flush()
			}
			if err != nil {
				return
			}
		}
	})
	pr, pw := io.Pipe()
	r, _ := http.NewRequest("POST", "http://standin.test/", pr)
	go pw.Write([]byte("a"))
	resp, err := Transport{h}.RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusAccepted || resp.Header.Get("X-Test") != "1" {
		t.Fatalf("%v %v", resp, err)
	}
	one := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, one); err != nil || one[0] != 'a' {
		t.Fatalf("%q %v", one, err)
	}
	go func() { pw.Write([]byte("b")); pw.Close() }()
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "b" {
		t.Errorf("%q %v", rest, err)
	}
}

// A client that gives up cancels the handler's context, as a server would.
func TestTransportCancels(t *testing.T) {
	gone := make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://standin.test/", nil)
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := (Transport{h}).RoundTrip(r); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	<-gone
}
