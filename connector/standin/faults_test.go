package standin

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

func TestParseFaults(t *testing.T) {
	for _, c := range []struct{ spec, want, err string }{
		{"", "", ""},
		{"429:0.05,500:0.01,cut:0.01,slow:200ms", "429:0.05,500:0.01,cut:0.01,slow:200ms", ""},
		{"late:5s", "late:5s:0.1", ""},
		{"late:5s:0.5 , expire:7", "late:5s:0.5,expire:7", ""},
		{"truncate:0.1,html:0.2", "truncate:0.1,html:0.2", ""},
		{"429", "", "has no value"},
		{"418:0.1", "", "there is no fault"},
		{"cut:2", "", "no chance"},
		{"cut:NaN", "", "no chance"},
		{"slow:5", "", "with a unit"},
		{"slow:-5s", "", "with a unit"},
		{"late:5s:x", "", "no chance"},
		{"expire:0", "", "whole number"},
		{"cut:0.1,cut:0.2", "", "twice"},
		{"cut:0.6,html:0.6", "", "add up"},
	} {
		f, err := ParseFaults(c.spec)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want one that says %q", c.spec, err, c.err)
			}
			continue
		}
		if err != nil || f.String() != c.want {
			t.Errorf("%q: %q, %v; want %q", c.spec, f, err, c.want)
		}
		if again, err := ParseFaults(f.String()); err != nil || again.String() != f.String() {
			t.Errorf("%q does not read back: %v", f, err)
		}
	}
}

func FuzzParseFaults(f *testing.F) {
	f.Add("429:0.05,late:5s:0.1")
	f.Fuzz(func(t *testing.T, spec string) {
		v, err := ParseFaults(spec)
		if err != nil {
			return
		}
		if _, err := ParseFaults(v.String()); err != nil {
			t.Errorf("%q was read, but not %q: %v", spec, v, err)
		}
	})
}

// echo answers with what was sent, and counts.
func echo(n *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		n.Add(1)
		w.Write(append([]byte("answer to "), b...))
	})
}

func mustParse(t *testing.T, spec string) Faults {
	t.Helper()
	f, err := ParseFaults(spec)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func post(h http.Handler, body string) (int, string, error) {
	c := http.Client{Transport: Transport{h}}
	resp, err := c.Post("http://standin.test/x?token=T", "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

func TestFaultsHappen(t *testing.T) {
	for _, c := range []struct {
		spec   string
		status int
		body   string
		cut    bool
		done   int64 // how often the request was carried out; -1 either way
	}{
		{"", 200, "answer to x", false, 1},
		{"429:1", 429, "Too Many Requests\n", false, 0},
		{"503:1", 503, "Service Unavailable\n", false, 0},
		{"html:1", 200, "<!doctype html>", false, 0},
		{"cut:1", 0, "", true, -1},
		{"truncate:1", 200, "answe", true, 1},
	} {
		var n atomic.Int64
		status, body, err := post(mustParse(t, c.spec).Wrap(echo(&n), 1), "x")
		if status != c.status || !strings.HasPrefix(body, c.body) || (err != nil) != c.cut {
			t.Errorf("%s: %d %q %v", c.spec, status, body, err)
		}
		if c.done >= 0 && n.Load() != c.done {
			t.Errorf("%s: carried out %d times, want %d", c.spec, n.Load(), c.done)
		}
	}
}

// A cut connection leaves the request carried out about half of the time.
func TestCutBeforeAndAfter(t *testing.T) {
	var n atomic.Int64
	h := mustParse(t, "cut:1").Wrap(echo(&n), 2)
	for range 200 {
		if _, _, err := post(h, "x"); err == nil {
			t.Fatal("an answer came over a cut connection")
		}
	}
	if n.Load() < 70 || n.Load() > 130 {
		t.Errorf("%d of 200 cut requests were carried out, want about half", n.Load())
	}
}

func TestFaultsRepeatBySeed(t *testing.T) {
	run := func(seed uint64) (out []int) {
		var n atomic.Int64
		h := mustParse(t, "429:0.2,500:0.2,html:0.2").Wrap(echo(&n), seed)
		for range 50 {
			status, _, _ := post(h, "x")
			out = append(out, status)
		}
		return out
	}
	a, b, c := run(1), run(1), run(2)
	same := func(x, y []int) bool {
		for i := range x {
			if x[i] != y[i] {
				return false
			}
		}
		return true
	}
	if !same(a, b) || same(a, c) {
		t.Error("what happens must follow from the seed and the request's number alone")
	}
}

func TestExpire(t *testing.T) {
	var n atomic.Int64
	h := mustParse(t, "expire:2").Wrap(echo(&n), 1)
	for i, want := range []int{200, 200, 401, 401} {
		if status, _, _ := post(h, "x"); status != want {
			t.Errorf("request %d: %d, want %d", i, status, want)
		}
	}
	r, _ := http.NewRequest("GET", "http://standin.test/x", nil)
	r.Header.Set("Authorization", "Bearer fresh")
	resp, err := Transport{h}.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("a fresh credential: %v %v", resp, err)
	}
}

// The vendor forms refusals: by the field, or by the handler itself.
func TestRefusalForm(t *testing.T) {
	f := mustParse(t, "429:1")
	if _, body, _ := post(f.Wrap(ownWords{}, 1), ""); body != "own words 429" {
		t.Errorf("the handler's own form: %q", body)
	}
	f.Refusal = func(w http.ResponseWriter, _ *http.Request, status int) { io.WriteString(w, "field") }
	if _, body, _ := post(f.Wrap(ownWords{}, 1), ""); body != "field" {
		t.Errorf("the field's form: %q", body)
	}
}

type ownWords struct{ http.Handler }

func (ownWords) Refuse(w http.ResponseWriter, _ *http.Request, status int) {
	w.WriteHeader(status)
	io.WriteString(w, "own words 429")
}

// A late write lands after its client has gone, with the body that it sent.
func TestLateLanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var landed atomic.Int64
		var got atomic.Value
		h := mustParse(t, "late:5s:1").Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got.Store(string(b))
			if r.Context().Err() == nil {
				landed.Add(1)
			}
		}), 1)
		ctx, kill := context.WithTimeout(t.Context(), time.Second)
		defer kill()
		r, _ := http.NewRequestWithContext(ctx, "POST", "http://standin.test/x", strings.NewReader("the body"))
		if _, err := (Transport{h}).RoundTrip(r); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the client got %v", err)
		}
		if landed.Load() != 0 {
			t.Fatal("it landed at once")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if landed.Load() != 1 || got.Load() != "the body" {
			t.Errorf("landed %d times with %v", landed.Load(), got.Load())
		}
		began := time.Now()
		if status, _, err := post(h, "y"); status != 200 || err != nil || time.Since(began) != 5*time.Second {
			t.Errorf("a patient client: %d %v after %v", status, err, time.Since(began))
		}
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		h := mustParse(t, "slow:200ms").Wrap(echo(&n), 1)
		began := time.Now()
		if status, _, _ := post(h, "x"); status != 200 || time.Since(began) != 200*time.Millisecond {
			t.Errorf("%d after %v", status, time.Since(began))
		}
	})
}

func TestPageIsSpared(t *testing.T) {
	var n atomic.Int64
	h := mustParse(t, "500:1").Wrap(echo(&n), 1)
	r, _ := http.NewRequest("GET", "http://standin.test/", nil)
	if resp, err := (Transport{h}).RoundTrip(r); err != nil || resp.StatusCode != 200 {
		t.Errorf("the page for people: %v %v", resp, err)
	}
}
