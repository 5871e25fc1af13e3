package connector

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// mostAsked is the longest pause at a cloud's word that is waited for; a cloud
// that asks for more (a daily limit) ends the request.
const mostAsked = time.Hour

// retryAfter reads Retry-After in both its forms, seconds and a date
// (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date counts from
// the server's own Date, for our clock may be off.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	if secs, err := strconv.ParseFloat(v, 64); err == nil {
		return seconds(secs)
	}
	until, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(until.Sub(now), 0)
}

// backoff doubles from 250 ms to 30 s with full jitter, and is at least what
// the cloud asked for.
func backoff(attempt int, asked time.Duration) time.Duration {
	d := min(250*time.Millisecond<<min(attempt-1, 7), 30*time.Second)
	return asked + d/4 + rand.N(d)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return &Error{Class: Transient, Reason: "stopped while waiting to try again", Err: context.Cause(ctx)}
	}
}
