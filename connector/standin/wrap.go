package standin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Wrap lets the faults happen to a handler. What happens to the n-th request
// is decided by seed and n alone. The page for people at "/" is spared.
func (f Faults) Wrap(h http.Handler, seed uint64) http.Handler {
	if f.none() {
		return h
	}
	if f.Refusal == nil {
		if own, ok := h.(Refuser); ok {
			f.Refusal = own.Refuse
		} else {
			f.Refusal = func(w http.ResponseWriter, _ *http.Request, status int) {
				http.Error(w, http.StatusText(status), status)
			}
		}
	}
	return &faulty{Faults: f, next: h, seed: seed, statuses: slices.Sorted(maps.Keys(f.Status)), used: map[string]int{}}
}

type faulty struct {
	Faults
	next     http.Handler
	seed     uint64
	statuses []int
	count    atomic.Uint64

	mu   sync.Mutex
	used map[string]int // requests by credential
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/" || r.URL.Path == "/favicon.ico" {
		f.next.ServeHTTP(w, r)
		return
	}
	dice := rand.New(rand.NewPCG(f.seed, f.count.Add(1)))
	fate, late, before := dice.Float64(), dice.Float64() < f.LateChance, dice.IntN(2) == 0
	if f.Slow > 0 && !wait(r.Context(), f.Slow) {
		return
	}
	if f.expired(r) {
		f.Refusal(w, r, http.StatusUnauthorized)
		return
	}
	for _, status := range f.statuses {
		if fate -= f.Status[status]; fate < 0 {
			f.Refusal(w, r, status)
			return
		}
	}
	if fate -= f.HTML; fate < 0 {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><html><head><title>Sign in</title></head><body><h1>Sign in to continue</h1></body></html>")
		return
	}
	if fate -= f.Cut; fate < 0 {
		if !before {
			f.next.ServeHTTP(&discarded{}, r)
		}
		panic(http.ErrAbortHandler)
	}
	if fate -= f.Truncate; fate < 0 {
		t := &truncated{w: w}
		f.next.ServeHTTP(t, r)
		t.end()
		panic(http.ErrAbortHandler)
	}
	if f.Late > 0 && late && isWrite(r) {
		if r = held(r, f.Late); r == nil {
			return
		}
	}
	f.next.ServeHTTP(w, r)
}

func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

// held reads the body, waits, and returns a request that no longer depends on
// its client. It returns nil if the body did not come whole: such a request
// never reached the cloud.
func held(r *http.Request, d time.Duration) *http.Request {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	time.Sleep(d)
	own := r.Clone(context.WithoutCancel(r.Context()))
	own.Body = io.NopCloser(bytes.NewReader(body))
	return own
}

func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *faulty) expired(r *http.Request) bool {
	if f.Expire == 0 {
		return false
	}
	credential := r.Header.Get("Authorization")
	if credential == "" {
		credential = r.URL.Query().Get("token")
	}
	if credential == "" {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used[credential]++
	return f.used[credential] > f.Expire
}

// discarded takes an answer that nobody will get.
type discarded struct{ h http.Header }

func (d *discarded) Header() http.Header {
	if d.h == nil {
		d.h = http.Header{}
	}
	return d.h
}
func (*discarded) Write(p []byte) (int, error) { return len(p), nil }
func (*discarded) WriteHeader(int)             {}

// truncated passes on the first half of a body, or its first 64 KiB if that is
// less, and swallows the rest.
type truncated struct {
	w      http.ResponseWriter
	status int
	held   bytes.Buffer
	full   bool
}

const truncateAfter = 64 << 10

func (t *truncated) Header() http.Header { return t.w.Header() }

func (t *truncated) WriteHeader(status int) {
	if t.status == 0 {
		t.status = status
	}
}

func (t *truncated) Write(p []byte) (int, error) {
	if room := 2*truncateAfter - t.held.Len(); room > 0 {
		t.held.Write(p[:min(room, len(p))])
		t.full = len(p) > room
	}
	return len(p), nil
}

func (t *truncated) end() {
	whole := t.held.Bytes()
	if !t.full && t.w.Header().Get("Content-Length") == "" {
		t.w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
	}
	if t.status != 0 {
		t.w.WriteHeader(t.status)
	}
	_, _ = t.w.Write(whole[:len(whole)/2]) // who has gone does not mind
	// Without a flush the client would see no answer at all; a failure means
	// that it has gone, which is all the same here.
	_ = http.NewResponseController(t.w).Flush()
}
