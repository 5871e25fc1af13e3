package connector

import (
	"math"
	"testing"
	"time"
)

// FuzzLimiter feeds the limiter whatever a cloud may tell. It must neither
// panic nor starve: when all calls have ended and nothing forbids it, a call may
// be sent at the latest after the longest window or the longest pause asked for.
func FuzzLimiter(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{1, 10, 100, 0, 0, 1, 10, 100, 0, 0, 2, 200, 3, 50, 9})
	f.Add([]byte("\x01\x64\x00\x01\x00\x02\x64\x64\x64\x01\x64\x00\x03\x04\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		next := func() int {
			if len(in) == 0 {
				return 0
			}
			b := in[0]
			in = in[1:]
			return int(b)
		}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		l := newLimiter([]Quota{{Requests: 1 + next(), Per: time.Duration(1+next()) * time.Second}, {Class: "b", Requests: 3, Per: 5 * time.Minute}})
		longest := 20 * time.Minute
		var flying []*ticket
		for len(in) > 0 {
			class := []string{"", "a", "b"}[next()%3]
			switch op := next() % 4; {
			case op == 0:
				now = now.Add(time.Duration(next()*next()) * time.Millisecond)
			case op == 1 || len(flying) == 0:
				at, full := l.ask(now, class, next()%5)
				if !full && !at.After(now) {
					flying = append(flying, l.send(now, class, next()%5))
				}
			default:
				i := next() % len(flying)
				o := Outcome{Took: time.Duration(next()) * time.Millisecond, Refused: next()%4 == 0, Failed: next()%8 == 0, RetryAfter: time.Duration(next()%16) * time.Second}
				for range next() % 3 {
					s := Sample{Quota: []string{"x", "y"}[next()%2], Limit: next() - 20, Remaining: next() - 20, Window: time.Duration(next()-20) * time.Second, Reset: time.Duration(next()-20) * time.Second}
					s.Window, s.Reset = max(s.Window, 0), max(s.Reset, 0)
					o.Samples = append(o.Samples, s)
				}
				l.answer(now, flying[i], o)
				flying = append(flying[:i], flying[i+1:]...)
			}
		}
		for _, tk := range flying {
			l.answer(now, tk, Outcome{Failed: true})
		}
		if n := l.inFlight(); n != 0 {
			t.Fatalf("%d calls in flight, want none", n)
		}
		for _, class := range []string{"", "a", "b"} {
			deadline := now.Add(longest)
			for at := now; ; {
				when, full := l.ask(at, class, 1)
				if full {
					t.Fatalf("class %q is full with no call in flight", class)
				}
				if !when.After(at) {
					break
				}
				if at = when; at.After(deadline) {
					for n, q := range l.quotas {
						t.Logf("quota %s asks for %v: %+v", n, q.ask(at, 1).Sub(at), q)
					}
					t.Fatalf("class %q starves: the next call may go at %v; %+v", class, when.Sub(now), l.endpoint(class).lesson)
				}
			}
		}
		for _, q := range l.quotas {
			if math.IsNaN(q.sent) || math.IsNaN(q.spare) || math.IsNaN(q.rate(now)) {
				t.Fatalf("%+v is not a number", q)
			}
		}
	})
}
