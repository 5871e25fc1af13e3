package mover

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"hash"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/confine"
)

func oslo() (string, error) {
	zone, err := time.LoadLocation("Europe/Oslo")
	if err != nil {
		return "", err
	}
	name, _ := time.Date(2026, 7, 1, 0, 0, 0, 0, zone).Zone()
	return name, nil
}

// A cloudPair serves a blob and takes one, at names that only the parent can
// resolve.
type cloudPair struct {
	from, to string
	mu       sync.Mutex
	got      hash.Hash
	bytes    int64
	cert     string // a file that holds the servers' certificate
}

func newCloudPair(t *testing.T, size int64) *cloudPair {
	t.Helper()
	c := &cloudPair{got: sha256.New()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /blob", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "67108864")
		stretch := make([]byte, 1<<20)
		for i := int64(0); i < size>>20; i++ {
			for j := range stretch {
				stretch[j] = byte(int64(j)*7 + i)
			}
			if _, err := w.Write(stretch); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("PUT /blob", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.bytes, _ = io.Copy(c.got, r.Body)
	})
	secure := httptest.NewUnstartedServer(mux)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(mux)
	t.Cleanup(plain.Close)
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	c.from = "https://example.com:" + port + "/blob"
	_, port, _ = net.SplitHostPort(plain.Listener.Addr().String())
	c.to = "http://target.invalid:" + port + "/blob"
	c.cert = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(c.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// 64 MiB pass from an HTTPS server to an HTTP server while the process is
// confined: nothing can be written, the kernel counts no byte written, names
// are the parent's, the export file is readable and nothing else. Unconfined,
// the same mover does write: the test has teeth.
func TestContentPassesAndLeavesNothing(t *testing.T) {
	const size = 64 << 20
	for _, unconfined := range []bool{false, true} {
		name := "confined"
		if unconfined {
			name = "unconfined"
		}
		t.Run(name, func(t *testing.T) {
			if !unconfined && !landlockHere() {
				t.Skip("this system cannot confine a process: it needs Linux 6.7 or later with Landlock, on amd64 or arm64")
			}
			clouds := newCloudPair(t, size)
			state := t.TempDir()
			export := filepath.Join(t.TempDir(), "board.json")
			forbidden := filepath.Join(t.TempDir(), "other.json")
			for _, f := range []string{export, forbidden} {
				if err := os.WriteFile(f, []byte("{}"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var asked []string
			var mu sync.Mutex
			p, log := start(t, Config{
				Job: job("pass", "from", clouds.from, "to", clouds.to, "unknown", "http://unknown.invalid/", "export", export,
					"forbidden", forbidden, "state", state),
				Policy:  confine.Policy{ReadPaths: []string{export}, Probe: []string{state}, Unconfined: unconfined},
				Environ: []string{"SSL_CERT_FILE=" + clouds.cert, "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1"},
				Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
					mu.Lock()
					defer mu.Unlock()
					asked = append(asked, host)
					switch host {
					case "example.com", "target.invalid":
						return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
					}
					return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
				},
			})
			b, err := result(t, p)
			if err != nil {
				t.Fatal(err)
			}
			var got passed
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if got.Bytes != size || clouds.bytes != size || got.Sum != hex.EncodeToString(clouds.got.Sum(nil)) {
				t.Errorf("%d bytes passed, %d arrived", got.Bytes, clouds.bytes)
			}
			if got.TLS < tls.VersionTLS12 || got.Proto != "HTTP/2.0" {
				t.Errorf("TLS %x, %s", got.TLS, got.Proto)
			}
			slices.Sort(asked)
			if want := []string{"example.com", "target.invalid", "unknown.invalid"}; !slices.Equal(slices.Compact(asked), want) {
				t.Errorf("the parent was asked for %v", asked)
			}
			if !strings.Contains(got.Unknown, "no such host") {
				t.Errorf("an unknown name led to %q", got.Unknown)
			}
			if got.Export != "{}" {
				t.Errorf("the export file read as %q", got.Export)
			}
			if got.Zone != "CEST" {
				t.Errorf("time zones: %s", got.Zone)
			}
			quiet(t, log)
			report, _ := p.Report()
			if unconfined {
				if len(got.Wrote) != 3 || got.VerifyOK || report.Confined || got.Blocked != "<nil>" {
					t.Errorf("an unconfined mover: %+v, %s", got, report)
				}
				return
			}
			if len(got.Wrote) != 0 || !got.VerifyOK || !report.Confined {
				t.Errorf("a confined mover wrote in %v; %s", got.Wrote, report)
			}
			if !strings.Contains(got.Blocked, "permission denied") {
				t.Errorf("a file that was not granted: %s", got.Blocked)
			}
			// Reading the export file notes the time of access: a page of the file
			// system's own, 4 KiB.
			if got.Written != 0 || got.InAll > 16<<10 {
				t.Errorf("the kernel counts %d bytes written to disk while the blob passed, %d in all", got.Written, got.InAll)
			}
			if _, told := p.Written(); !told {
				t.Error("the parent was not told how much was written")
			}
		})
	}
}
