package mover

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// thrice gets a URL three times, one after the other, and tells how each was answered.
func thrice(ctx context.Context, line *Line, args map[string]string) ([]byte, error) {
	t, err := line.Transport(TransportOptions{})
	if err != nil {
		return nil, err
	}
	var out []string
	for range 3 {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, args["url"], nil)
		if err != nil {
			return nil, err
		}
		resp, err := t.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		out = append(out, fmt.Sprintf("%s %s tls %v %v", resp.Proto, b, resp.TLS != nil && resp.TLS.Version >= tls.VersionTLS12, err))
	}
	return json.Marshal(out)
}

// A server is asked by net/http first, which speaks HTTP/2 where it can. One that
// turned out to speak HTTP/1.1 alone is asked the lean way from then on, over TLS as
// good.
func TestTheLeanWayIsForHTTP1(t *testing.T) {
	for _, two := range []bool{false, true} {
		t.Run(fmt.Sprint("HTTP/2 ", two), func(t *testing.T) {
			var mu sync.Mutex
			var offers []string
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
			s.EnableHTTP2 = two
			s.TLS = &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				mu.Lock()
				defer mu.Unlock()
				offers = append(offers, strings.Join(h.SupportedProtos, "+"))
				return nil, nil
			}}
			s.StartTLS()
			defer s.Close()
			root := filepath.Join(t.TempDir(), "root.pem")
			if err := os.WriteFile(root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			address := s.Listener.Addr().String()
			p, _ := start(t, Config{Job: job("thrice", "url", "https://example.com:"+address[strings.LastIndex(address, ":")+1:]), Environ: []string{"SSL_CERT_FILE=" + root},
				Resolve: func(context.Context, string) ([]netip.Addr, error) {
					return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
				}})
			b, err := result(t, p)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			want, wantOffers := "HTTP/1.1 ok tls true <nil>", "h2+http/1.1 http/1.1"
			if two {
				want, wantOffers = "HTTP/2.0 ok tls true <nil>", "h2+http/1.1"
			}
			for _, one := range got {
				if one != want {
					t.Errorf("%s, want %s", one, want)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if strings.Join(offers, " ") != wantOffers {
				t.Errorf("connections offered %q, want %q", offers, wantOffers)
			}
		})
	}
}
