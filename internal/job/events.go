package job

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
)

// What became of items is told together: a line of its own for each of ten thousand
// small files would cost as much as their ledger.
const (
	mostEvents = 128                    // in one call
	eventWait  = 100 * time.Millisecond // that one may wait for others
)

// events passes what happens on to the parent, in its order.
type events struct {
	emit func([]byte) error

	mu    sync.Mutex
	held  bytes.Buffer
	count int
	timer *time.Timer
}

// take passes an event on: what became of an item a little later, anything else at
// once, behind what came before it. A parent that is gone ends the mover anyway, so
// the error needs no answer.
func (e *events) take(ev migrate.Event) {
	b, err := json.Marshal(ev)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.held.Write(b)
	e.held.WriteByte('\n')
	if e.count++; ev.Event != "item" || e.count >= mostEvents {
		e.pass()
		return
	}
	if e.count == 1 {
		e.timer = time.AfterFunc(eventWait, e.flush)
	}
}

// flush passes on what is held.
func (e *events) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pass()
}

func (e *events) pass() {
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
	if e.count == 0 {
		return
	}
	_ = e.emit(e.held.Bytes())
	e.held.Reset()
	e.count = 0
}

// Events reads what the mover tells at once: one or several events.
func Events(told []byte, each func(migrate.Event)) {
	for d := json.NewDecoder(bytes.NewReader(told)); ; {
		var ev migrate.Event
		if d.Decode(&ev) != nil {
			return
		}
		each(ev)
	}
}
