package connector

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestFlow: what is read and what is written count together, whatever the size
// of the pieces, and being held does not count as standing still.
func TestFlow(t *testing.T) {
	for _, c := range []struct {
		name string
		rate float64
		in   int // bytes of each answer
		out  int // bytes of each body
		want time.Duration
	}{
		{"down", 1e6, 10e6, 0, 10 * time.Second},
		{"up", 1e6, 0, 10e6, 10 * time.Second},
		{"both", 1e6, 3e6, 2e6, 5 * time.Second},
		{"longer than a request may stand still", 1e3, 0, 600e3, 10 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				flow := NewFlow(c.rate)
				transport := roundTrip(func(r *http.Request) (*http.Response, error) {
					if r.Body != nil {
						if n, err := io.Copy(io.Discard, r.Body); err != nil || n != int64(c.out) {
							t.Errorf("%d bytes came, %v", n, err)
						}
					}
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(make([]byte, c.in)))}, nil
				})
				began := time.Now()
				done := make(chan struct{})
				for range 2 { // two clients share it
					go func() {
						defer func() { done <- struct{}{} }()
						client := NewClient(ClientOptions{Transport: transport, Flow: flow, Attempts: 1, Stall: time.Minute})
						resp, err := client.Do(t.Context(), Request{Method: "PUT", URL: "https://cloud.test/x",
							Body: func() (io.ReadCloser, int64, string, error) {
								return io.NopCloser(bytes.NewReader(make([]byte, c.out))), int64(c.out), "text/plain", nil
							}})
						if err != nil {
							t.Error(err)
							return
						}
						if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != int64(c.in) {
							t.Errorf("%d bytes were read, %v", n, err)
						}
						resp.Body.Close()
					}()
				}
				<-done
				<-done
				if took := time.Since(began); (took - 2*c.want).Abs() > c.want/50 {
					t.Errorf("it took %v, want %v", took, 2*c.want)
				}
			})
		})
	}
}

func TestFlowEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := NewFlow(1e3)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if err := flow.pass(ctx, 1e6); err != context.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		var none *Flow
		if err := none.pass(ctx, 1e6); err != nil || none.step(7) != 7 {
			t.Errorf("no flow holds nothing, got %v", err)
		}
	})
}
