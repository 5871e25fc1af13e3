package job

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// Events arrive in their order, each once; those of items together, and no later
// than they may wait.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var got []string
		calls := 0
		e := &events{emit: func(b []byte) error {
			mu.Lock()
			defer mu.Unlock()
			calls++
			Events(b, func(ev migrate.Event) { got = append(got, ev.Event+ev.Source) })
			return nil
		}}
		var want []string
		tell := func(event string, n int) {
			source := fmt.Sprint(n)
			e.take(migrate.Event{Event: event, Source: source})
			want = append(want, event+source)
		}
		check := func(what string, most int) {
			t.Helper()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want) || calls > most {
				t.Errorf("%s: %d events came of %d, in %d calls, at most %d were wanted", what, len(got), len(want), calls, most)
			}
		}
		for n := range 2 * mostEvents {
			tell("item", n)
		}
		check("many", 2)
		tell("item", 1000)
		tell("failure", 1001)
		check("one that does not wait", 3)
		tell("item", 1002)
		mu.Lock()
		waits := len(got) < len(want)
		mu.Unlock()
		if !waits {
			t.Error("an item's event did not wait for others")
		}
		time.Sleep(eventWait)
		synctest.Wait()
		check("one that waited", 4)
		tell("item", 1003)
		e.flush()
		check("the end", 5)
	})
}
