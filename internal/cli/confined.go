package cli

import (
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/confine"
)

// A ranMover is how the process that touched content was confined, and what it
// wrote to disk by the kernel's count, in bytes; -1 if that is not known.
type ranMover struct {
	pid     int
	report  confine.Report
	written int64
}

// watchMover has a request note it.
func watchMover(r *app.Request) *ranMover {
	m := &ranMover{written: -1}
	r.Moved = func(pid int, report confine.Report) { m.pid, m.report = pid, report }
	r.Wrote = func(bytes int64) { m.written = bytes }
	return m
}

// sayMover tells how it was confined: as a line of --json, or as a warning if it
// was not. It says nothing of a mover that never came to be confined.
func (s *shell) sayMover(m *ranMover) {
	switch {
	case m.pid == 0:
	case s.json:
		s.line(moverLine(m.pid, m.report, m.written))
	case !m.report.Confined:
		s.say("The process that touched content was not confined (--unconfined): nothing kept it from writing to disk.")
	}
}

func moverLine(pid int, r confine.Report, written int64) map[string]any {
	holds := []string{}
	for _, m := range r.Mechanisms {
		if m.Holds {
			holds = append(holds, m.Name)
		}
	}
	return map[string]any{"event": "mover", "pid": pid, "confined": r.Confined, "holds": holds, "written": written}
}
