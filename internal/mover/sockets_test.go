package mover

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// dialMany says hello to an echo from many goroutines, over connections of their
// own, twice each.
func dialMany(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	n := number(args["n"])
	errs := make(chan error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs <- hello(ctx, line, args["echo"], fmt.Sprintf("hello %d\n", i)) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return []byte("all answered"), nil
}

func hello(ctx context.Context, line *Line, address, say string) error {
	c, err := line.Dialing().Connect(ctx, address)
	if err != nil {
		return err
	}
	defer c.Close()
	for range 2 {
		if _, err := io.WriteString(c, say); err != nil {
			return err
		}
		b := make([]byte, len(say))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != say {
			return fmt.Errorf("said %q, heard %q: %w", say, b, err)
		}
	}
	return nil
}

// A confined mover that may make no socket uses hundreds of connections that
// its parent makes, and those are not its parent's any more.
func TestConnectionsAreHandedOver(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var open atomic.Int64
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Add(1)
			go func() {
				defer open.Add(-1)
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	p, _ := start(t, Config{Job: job("dial", "n", "300", "echo", l.Addr().String())})
	b, err := result(t, p)
	if err != nil || string(b) != "all answered" {
		t.Fatalf("%s, %v", b, err)
	}
	for began := time.Now(); open.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("%d connections are still open: the parent kept copies", open.Load())
		}
	}
}

// fetched is what fetch tells of a URL.
type fetched struct {
	Status int
	Err    string
	Dial   bool // it failed while connecting
	Class  connector.Class
}

// fetch gets a URL as connectors do, but for the retries.
func fetch(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	t, err := line.Transport(TransportOptions{})
	if err != nil {
		return nil, err
	}
	var out fetched
	resp, err := (&http.Client{Transport: t}).Get(args["url"])
	if err != nil {
		out.Err, out.Class = err.Error(), connector.ClassOf(err)
		op, ok := errors.AsType[*net.OpError](err)
		out.Dial = ok && op.Op == "dial"
	} else {
		resp.Body.Close()
		out.Status = resp.StatusCode
	}
	return json.Marshal(out)
}

// What leads away from the clouds is refused, with a reason that says what to
// do: redirects to private addresses, the clear, TLS that is too old.
func TestRefusedConnections(t *testing.T) {
	reached := atomic.Int64{}
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	cloud := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside":
			http.Redirect(w, r, inside.URL, http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/", http.StatusFound)
		}
	}))
	defer cloud.Close()
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	named := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate names example.com
	defer named.Close()
	root := filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: named.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	port := func(s *httptest.Server) uint16 {
		return netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
	}
	for _, c := range []struct {
		name, url, want string
		status          int
	}{
		{"the cloud itself", cloud.URL + "/", "", 200},
		{"a redirect to another server of this machine", cloud.URL + "/inside", "is private", 0},
		{"a redirect to a metadata service", cloud.URL + "/metadata", "in the clear", 0},
		{"a name of a private address", "https://inside.example/", "10.0.0.1 is private", 0},
		{"a server of the internet in the clear", "http://public.example/", "in the clear", 0},
		{"TLS that is too old", old.URL, "protocol version", 0},
		{"a certificate of the name", fmt.Sprintf("https://example.com:%d/", port(named)), "", 404},
		{"a certificate of another name", fmt.Sprintf("https://example.org:%d/", port(named)), "certificate is valid for", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, _ := start(t, Config{Job: job("fetch", "url", c.url), Reach: Reach{Networks: []netip.Prefix{}, LocalPorts: []uint16{port(cloud), port(old), port(named)}},
				Environ: []string{"SSL_CERT_FILE=" + root},
				Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
					switch host {
					case "inside.example":
						return []netip.Addr{netip.MustParseAddr("10.0.0.1")}, nil
					case "example.com", "example.org":
						return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
					}
					return []netip.Addr{netip.MustParseAddr("140.82.121.4")}, nil
				}})
			b, err := result(t, p)
			if err != nil {
				t.Fatal(err)
			}
			var got fetched
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if got.Status != c.status || !strings.Contains(got.Err, c.want) {
				t.Errorf("%+v, want %q", got, c.want)
			}
			if (strings.Contains(c.want, "private") || strings.Contains(c.want, "clear")) && (!got.Dial || got.Class != connector.Permanent) {
				t.Errorf("it would be tried again: %+v", got)
			}
		})
	}
	if reached.Load() != 0 {
		t.Error("a server inside was reached")
	}
}
