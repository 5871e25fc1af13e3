package migrate

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

func waveOf(from, to int) (bundles []item.Bundle, jobs []*job) {
	for i := from; i < to; i++ {
		b := item.Bundle{Item: item.Item{Ref: item.Ref{Kind: item.Message, ID: fmt.Sprint(i)}}}
		bundles, jobs = append(bundles, b), append(jobs, &job{bundle: b})
	}
	return bundles, jobs
}

// Waves are written beside one another, as many as may be, but never two that hold the
// same item.
func TestRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var r relay
		var ended atomic.Int32
		put := func(from, to int, takes time.Duration) {
			t.Helper()
			bundles, jobs := waveOf(from, to)
			if err := r.room(bundles); err != nil {
				t.Fatal(err)
			}
			r.run(jobs, func() error {
				time.Sleep(takes)
				ended.Add(1)
				return nil
			})
		}
		put(0, 3, 10*time.Second)
		put(3, 6, 11*time.Second)
		if at := time.Since(began); at != 0 {
			t.Errorf("two waves began after %v", at)
		}
		put(6, 9, 2*time.Second) // a place is free when the first has ended
		if at := time.Since(began); at != 10*time.Second {
			t.Errorf("the third wave began after %v", at)
		}
		put(5, 7, time.Second) // the second holds 5, the third 6
		if at := time.Since(began); at != 12*time.Second {
			t.Errorf("a wave that repeats others began after %v", at)
		}
		if err := r.wait(); err != nil || ended.Load() != 4 {
			t.Errorf("%d ended: %v", ended.Load(), err)
		}
	})
}

// The error of a wave ends what follows, and is told once.
func TestRelayFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r relay
		first := errors.New("first")
		_, jobs := waveOf(0, 1)
		r.run(jobs, func() error { time.Sleep(time.Second); return first })
		again, _ := waveOf(0, 1)
		if err := r.room(again); err != first {
			t.Errorf("room says %v", err)
		}
		r.run(nil, func() error { return errors.New("second") })
		if err := r.wait(); err != first {
			t.Errorf("wait says %v", err)
		}
	})
}
