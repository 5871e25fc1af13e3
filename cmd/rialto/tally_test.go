package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A tally stands in front of an S3 server, and counts what writes. A nil one counts
// nothing.
type tally struct {
	url  string
	next *httputil.ReverseProxy
	busy atomic.Int64
	all  atomic.Int64 // requests that write

	mu    sync.Mutex
	parts map[string]int // by upload and number: how often one was taken
	again []string       // those that were sent when they were there
}

func newTally(t testing.TB, address string) *tally {
	y := &tally{parts: map[string]int{}}
	y.next = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", address, r.In.Host // the signature covers the name
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }, // of those who died
		ModifyResponse: func(r *http.Response) error {
			if q := r.Request.URL.Query(); r.Request.Method == http.MethodPut && q.Has("partNumber") && r.StatusCode < 300 {
				y.mu.Lock()
				defer y.mu.Unlock()
				y.parts[partOf(r.Request)]++
			}
			return nil
		},
	}
	srv := httptest.NewServer(y)
	t.Cleanup(srv.Close)
	y.url = srv.URL
	return y
}

func partOf(r *http.Request) string {
	q := r.URL.Query()
	return fmt.Sprintf("part %s of upload %s", q.Get("partNumber"), q.Get("uploadId"))
}

func (y *tally) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	y.busy.Add(1)
	defer y.busy.Add(-1)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		y.all.Add(1)
	}
	if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") {
		y.mu.Lock()
		if y.parts[partOf(r)] > 0 {
			y.again = append(y.again, partOf(r))
		}
		y.mu.Unlock()
	}
	y.next.ServeHTTP(w, r)
}

func (y *tally) quiet() bool { return y.busy.Load() == 0 }

func (y *tally) writes() int64 {
	if y == nil {
		return 0
	}
	return y.all.Load()
}

// twice are the parts that were sent again though they were there.
func (y *tally) twice() []string {
	if y == nil {
		return nil
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	return slices.Clone(y.again)
}

// sumOf is the SHA-256 of a file.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return strings.ToLower(hex.EncodeToString(h.Sum(nil))), nil
}
