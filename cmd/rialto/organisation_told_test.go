package main

import (
	"os"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
)

// soaking reports whether the long proofs run, and the goals that a machine at
// work on other things may miss are held.
func soaking() bool { return os.Getenv("RIALTO_SOAK") != "" }

// mostMemory is what a run over a whole organisation may hold in both processes.
const mostMemory = 128 << 20

// small sees that a command kept within its memory.
func (w *weekend) small(e ended) {
	w.t.Helper()
	if soaking() && e.peak.both() >= mostMemory {
		w.t.Errorf("rialto %s held %v, the goal is under %d MiB", e.args, e.peak, mostMemory>>20)
	}
}

// status asks how far it is, which asks no cloud and is answered at once.
func (w *weekend) status() {
	w.t.Helper()
	e := w.rialto.must("status", "--json", w.file)
	w.t.Logf("status: %v, %v", e.took.Round(time.Millisecond), e.peak)
	if soaking() && e.took > time.Second {
		w.t.Errorf("rialto status took %v, the goal is a second", e.took)
	}
}

// foretold is whom a forecast says that the next run tells.
type foretold struct {
	People []struct {
		Target   string
		Messages int
	}
	Uncounted []struct {
		To     connector.Reach
		Writes int
	}
}

// forecast tells what a run over a part of it would do.
func (w *weekend) forecast(sel ...string) foretold {
	w.t.Helper()
	e := w.rialto.must(append([]string{"forecast", "--json", w.file}, sel...)...)
	var f struct{ Messages foretold }
	if err := e.done(&f); err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("forecast %v: %v, %v", sel, e.took.Round(time.Millisecond), e.peak)
	w.small(e)
	return f.Messages
}

// cover sees that nobody was told more often than was foretold.
func (f foretold) cover(t *testing.T, sent []standin.Notice) {
	t.Helper()
	counted, all, dropped := map[string]int{}, 0, 0
	for _, p := range f.People {
		counted[p.Target] += p.Messages
		all += p.Messages
	}
	for _, u := range f.Uncounted {
		if u.To == connector.ToDropped {
			dropped += u.Writes
		}
	}
	over, off := 0, map[string]bool{}
	for _, n := range sent {
		if n.Kind == "unassigned" { // counted by task: who they are, only the target knows
			off[n.About] = true
			continue
		}
		if counted[n.To]--; counted[n.To] < 0 {
			if over++; over < 5 {
				t.Errorf("%s was told (%s) more often than was forecast", n.To, n.Kind)
			}
		}
	}
	if len(off) > dropped {
		t.Errorf("people were taken off %d tasks, %d were forecast", len(off), dropped)
	}
	t.Logf("%d messages forecast at most, %d sent, %d of them not forecast", all, len(sent), over)
}
