package cli

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/item"
)

const (
	drawEvery = 120 * time.Millisecond // at a terminal
	sayEvery  = 10 * time.Second       // elsewhere
	barCells  = 32
)

// A view shows what happens while a verb runs: JSON lines, a status block that
// stays in place on a terminal, or a line now and then elsewhere.
type view struct {
	s        *shell
	verb     string
	expected int // items; 0 if unknown
	began    time.Time

	mu       sync.Mutex
	counts   migrate.Progress
	ops      map[string]int
	kinds    map[item.Kind]int // created
	last     string
	path     string // of the migration's file, to name it in what to do
	hold     hold
	flow     throughput
	lines    int
	finished bool
	stop     chan struct{}
}

// newView begins a view. expected is how many items a run will look at, 0 if
// nobody knows.
func (s *shell) newView(verb string, expected int) *view {
	v := &view{s: s, verb: verb, expected: expected, began: time.Now(), ops: map[string]int{}, kinds: map[item.Kind]int{}, stop: make(chan struct{})}
	switch {
	case s.json:
	case s.terminal():
		go v.every(drawEvery, v.draw)
	default:
		go v.every(sayEvery, func() {
			if !v.hold.still { // that was said, and may go on for hours
				fmt.Fprintln(s.Out, "  "+v.sum())
			}
		})
	}
	return v
}

func (v *view) every(d time.Duration, show func()) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			v.mu.Lock()
			if !v.finished {
				show()
			}
			v.mu.Unlock()
		case <-v.stop:
			return
		}
	}
}

// event takes one event; the mover's line calls it one at a time.
func (v *view) event(ev migrate.Event) {
	if v.s.json {
		if ev.Event != job.Traffic {
			v.s.line(ev)
		}
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	switch ev.Event {
	case "progress":
		v.counts = *ev.Counts
	case job.Traffic:
		v.counts.Requests, v.counts.Refused, v.counts.Bytes = ev.Counts.Requests, ev.Counts.Refused, ev.Counts.Bytes
	case "item":
		v.ops[ev.Op]++
		if ev.Op == "created" {
			v.kinds[ev.Kind]++
		}
		v.last = ""
	case "failure", "kept", "difference", "conflict":
		v.clear()
		fmt.Fprintln(v.s.Out, v.s.eventLine(ev))
	case job.Waiting, job.Pacing:
		v.tempo(ev)
	}
}

func (s *shell) eventLine(ev migrate.Event) string {
	color := bad
	if ev.Event == "kept" || ev.Event == "conflict" {
		color = warn
	}
	parts := []string{"  " + s.paint(color, ev.Event), string(ev.Kind), ev.Source}
	if ev.Field != "" {
		parts = append(parts, ev.Field)
	}
	if ev.Event == "conflict" {
		parts = append(parts, "— the "+ev.Op+" wins")
	}
	if why, _ := report.Why(ev.Reason); why != "" {
		parts = append(parts, "— "+why)
	}
	return wrap(strings.Join(parts, " "), "    ")
}

// sum is what was done so far, in one line.
func (v *view) sum() string {
	parts := []string{doing(v.verb) + " " + clock(time.Since(v.began))}
	for _, op := range []string{"created", "updated", "deleted"} {
		if v.ops[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", v.ops[op], op))
		}
	}
	return strings.Join(append(parts, v.traffic()), " · ")
}

func (v *view) traffic() string {
	return fmt.Sprintf("%d calls, %d refused · %s sent", v.counts.Requests, v.counts.Refused, size(v.counts.Bytes))
}

func (v *view) inFlight() string {
	if v.counts.InFlight == 0 {
		return ""
	}
	return fmt.Sprintf(" · %d in flight", v.counts.InFlight)
}

// A throughput tells how many bytes pass in a second, over the last few.
type throughput struct {
	marks []mark // the oldest first
}

type mark struct {
	at    time.Time
	bytes int64
}

// throughputOver is how long a throughput looks back.
const throughputOver = 5 * time.Second

// say takes note of how many bytes have passed, and puts the throughput into words;
// "" before it tells something.
func (f *throughput) say(now time.Time, bytes int64) string {
	f.marks = append(f.marks, mark{now, bytes})
	for len(f.marks) > 2 && now.Sub(f.marks[1].at) >= throughputOver {
		f.marks = f.marks[1:]
	}
	first := f.marks[0]
	took := now.Sub(first.at)
	if took < time.Second || bytes == first.bytes {
		return ""
	}
	return ", " + size(int64(float64(bytes-first.bytes)/took.Seconds())) + "/s"
}

// doing is a verb while it goes on.
func doing(verb string) string {
	switch verb {
	case job.Run:
		return "moving"
	case job.Verify:
		return "comparing"
	case job.Undo:
		return "removing"
	case job.Cutover:
		return "cutting over"
	case job.Rebuild:
		return "finding"
	}
	return "reading"
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// draw draws the status block over the one before. The caller holds the lock.
func (v *view) draw() {
	head := fmt.Sprintf("  %s %s  %s", v.spinner(), doing(v.verb), clock(time.Since(v.began)))
	if total := cmp.Or(v.counts.Total, v.expected); total > 0 {
		seen := min(v.counts.Items, total)
		full := seen * barCells / total
		head = fmt.Sprintf("  %s%s  %d of %d  %s%s", v.s.paint(good, strings.Repeat("━", full)), v.s.paint(dim, strings.Repeat("─", barCells-full)),
			seen, total, clock(time.Since(v.began)), v.left(seen, total))
	}
	block := []string{head}
	var what []string
	for _, info := range item.Kinds() {
		if n := v.kinds[info.Kind]; n > 0 {
			what = append(what, fmt.Sprintf("%d %s", n, plural(n, info)))
		}
	}
	line := ""
	if len(what) > 0 {
		line = "created " + strings.Join(what, ", ")
	}
	for _, op := range []string{"updated", "deleted"} {
		if n := v.ops[op]; n > 0 {
			line = strings.TrimPrefix(fmt.Sprintf("%s · %s %d", line, op, n), " · ")
		}
	}
	if line != "" {
		block = append(block, "  "+cut(line, columns-2))
	}
	block = append(block, "  "+v.s.paint(dim, v.traffic()+v.flow.say(time.Now(), v.counts.Bytes)+v.inFlight()))
	if v.hold.text != "" {
		block = append(block, "  "+v.s.paint(warn, cut(v.hold.text, columns-2)))
	}
	if v.last != "" {
		block = append(block, "  "+v.s.paint(warn, cut(v.last, columns-2)))
	}
	var b strings.Builder
	if v.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.lines)
	}
	for _, line := range block {
		b.WriteString("\r" + line + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	fmt.Fprint(v.s.Out, b.String())
	v.lines = len(block)
}

// left is how long the rest takes at the pace so far, once that tells something.
func (v *view) left(seen, total int) string {
	took := time.Since(v.began) - v.hold.spent
	if v.hold.still {
		return ""
	}
	if took < 10*time.Second || seen*50 < total || seen >= total {
		return ""
	}
	return ", about " + clock(took*time.Duration(total-seen)/time.Duration(seen)) + " left"
}

func plural(n int, info item.KindInfo) string {
	if n == 1 {
		return string(info.Kind)
	}
	return info.Plural
}

// spinner turns while nobody knows how much there is to do.
func (v *view) spinner() string {
	frames := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	return v.s.paint(good, string(frames[int(time.Since(v.began)/drawEvery)%len(frames)]))
}

// clear takes the status block away. The caller holds the lock.
func (v *view) clear() {
	if v.lines > 0 {
		fmt.Fprintf(v.s.Out, "\x1b[%dA\r\x1b[J", v.lines)
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
