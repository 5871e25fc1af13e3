package job

import (
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// Traffic is an event for people who watch: what both ends' clients have done
// so far. It comes a few times a second, whatever the engine is at.
const Traffic = "traffic"

const trafficEvery = 250 * time.Millisecond

// tellTraffic emits Traffic while something changes, until the returned
// function is called.
func (w *work) tellTraffic(sides ...migrate.Side) (stop func()) {
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(trafficEvery)
		defer t.Stop()
		var told migrate.Progress
		for {
			select {
			case <-quit:
				return
			case <-t.C:
			}
			var now migrate.Progress
			for _, s := range sides {
				now.Requests += s.Stats.Requests.Load()
				now.Refused += s.Stats.Refused.Load()
			}
			now.Bytes = sides[len(sides)-1].Stats.BytesOut.Load()
			if now != told {
				told = now
				w.emit(migrate.Event{Event: Traffic, Counts: &now})
			}
		}
	}()
	return func() { close(quit); <-ended }
}
