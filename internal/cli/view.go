package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// A view shows what happens while a verb runs: JSON lines, a status block that
// stays in place on a terminal, or a line now and then elsewhere.
type view struct {
	s        *shell
	verb     string
	began    time.Time
	confined bool

	mu       sync.Mutex
	counts   migrate.Progress
	items    map[string]int
	last     string
	lines    int
	drawn    time.Time
	finished bool
	stop     chan struct{}
}

func (s *shell) newView(verb string) *view {
	v := &view{s: s, verb: verb, began: time.Now(), items: map[string]int{}, stop: make(chan struct{})}
	if s.terminal() && !s.json {
		go v.tick()
	}
	return v
}

func (v *view) tick() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			v.mu.Lock()
			v.draw()
			v.mu.Unlock()
		case <-v.stop:
			return
		}
	}
}

// event takes one event; the mover's line calls it one at a time.
func (v *view) event(ev migrate.Event) {
	if v.s.json {
		v.s.line(ev)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev.Event {
	case "progress":
		v.counts = *ev.Counts
	case "item":
		v.items[ev.Op]++
	case "failure", "kept", "difference":
		v.clear()
		fmt.Fprintln(v.s.Out, eventLine(ev))
	case "waiting":
		v.last = "waiting: " + ev.Reason
	case "shard":
		if ev.Op == "done" {
			v.last = strings.TrimSpace("done: " + ev.Shard + "  " + ev.Link)
		}
	}
}

func eventLine(ev migrate.Event) string {
	parts := []string{"  " + ev.Event, string(ev.Kind), ev.Source}
	if ev.Field != "" {
		parts = append(parts, ev.Field)
	}
	if ev.Reason != "" {
		parts = append(parts, "— "+ev.Reason)
	}
	return strings.Join(parts, " ")
}

// draw redraws the status block. The caller holds the lock.
func (v *view) draw() {
	if v.finished {
		return
	}
	v.clear()
	block := []string{
		fmt.Sprintf("  %s  %s", v.verb, time.Since(v.began).Round(time.Second)),
		fmt.Sprintf("  created %d · updated %d · deleted %d", v.items["created"], v.items["updated"], v.items["deleted"]),
		fmt.Sprintf("  %d calls, %d refused · %s sent", v.counts.Requests, v.counts.Refused, size(v.counts.Bytes)),
	}
	if v.last != "" {
		block = append(block, "  "+v.last)
	}
	fmt.Fprintln(v.s.Out, strings.Join(block, "\n"))
	v.lines = len(block)
}

// clear takes the status block away. The caller holds the lock.
func (v *view) clear() {
	if v.lines > 0 {
		fmt.Fprintf(v.s.Out, "\x1b[%dA\x1b[J", v.lines)
		v.lines = 0
	}
}

// close ends the view; safe to repeat.
func (v *view) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.finished {
		return
	}
	v.clear()
	v.finished = true
	close(v.stop)
}
