package mover

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
)

const (
	traceLine  = 400 // characters of a line that are kept
	traceLines = 400 // lines that are logged
	traceShown = 12  // lines that an Ended shows
)

// A trace takes what a mover prints and lets pass what has the shape of a Go
// stack trace. Everything else may hold content and is counted only.
type trace struct {
	log    *slog.Logger
	shapes []*regexp.Regexp

	mu       sync.Mutex
	rest     []byte // of a line whose end has not come
	long     bool   // the line is longer than rest may grow
	closed   bool
	logged   int
	withheld int
	crash    bool     // lines begins with the first of a crash
	lines    []string // what passed, for an Ended
}

func newTrace(log *slog.Logger) *trace {
	t := &trace{log: log}
	for _, shape := range []string{
		// Panics of the runtime itself: types, numbers and fixed words. Any other
		// panic's message is the program's, and cut off.
		`^panic: (runtime error: |assignment to entry in nil map|close of (nil|closed) channel|send on closed channel|interface conversion: |sync: )`,
		`^fatal error: [\w :!,'-]+$`,
		`^\[signal SIG[A-Z]+: [a-z ]+ code=\S+ addr=0x[0-9a-f]+ pc=0x[0-9a-f]+\]$`,
		`^SIG[A-Z]+: [a-z ]+$`,
		`^PC=0x[0-9a-f]+ m=\d+ sigcode=\d+( addr=0x[0-9a-f]+)?$`,
		`^runtime( stack)?: ?[a-z 0-9-]*$`,
		`^goroutine \d+ (gp=0x[0-9a-f]+ m=\S+ (mp=0x[0-9a-f]+ )?)?\[[\w ,().]+\]:$`,
		`^created by [\w./*()\[\]·@%~-]+( in goroutine \d+)?$`,
		// Functions: arguments are printed as hexadecimal numbers.
		`^[\w./*()\[\]·@%~-]+\((\.\.\.|[0-9a-fx?,{}. ]*)\)$`,
		// Files.
		`^\t?[\w./@%~+-]+\.(go|s|c):\d+( \+0x[0-9a-f]+)?( fp=0x[0-9a-f]+ sp=0x[0-9a-f]+ pc=0x[0-9a-f]+)?$`,
		`^exit status \d+$`,
		// The race detector.
		`^={10,}$`,
		`^WARNING: DATA RACE$`,
		`^(Previous )?(atomic )?([Rr]ead|[Ww]rite) at 0x[0-9a-f]+ by (main )?goroutine( \d+)?:$`,
		`^(Main g|G)oroutine \d* ?\((running|finished)\) created at:$`,
		`^Found \d+ data race\(s\)$`,
	} {
		t.shapes = append(t.shapes, regexp.MustCompile(shape))
	}
	return t
}

// Write takes a stretch of output; it never fails.
func (t *trace) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			t.keep(b)
			return n, nil
		}
		t.keep(b[:i])
		t.line()
		b = b[i+1:]
	}
}

func (t *trace) keep(b []byte) {
	if room := 4*traceLine - len(t.rest); len(b) > room {
		b, t.long = b[:room], true
	}
	t.rest = append(t.rest, b...)
}

// line judges the line that rest holds.
func (t *trace) line() {
	line := strings.TrimRight(string(t.rest), "\r ")
	long := t.long
	t.rest, t.long = t.rest[:0], false
	if line == "" {
		return
	}
	shown, ok := t.shape(line, long)
	if !ok {
		t.withheld++
	}
	if shown == "" {
		return
	}
	if len(shown) > traceLine {
		shown = shown[:traceLine]
	}
	t.remember(shown)
	if t.logged++; t.logged <= traceLines {
		t.log.Error("mover", "line", shown)
	}
}

// remember keeps the head of a crash, which tells more than the frames of the
// runtime at its foot; before any crash, the last lines.
func (t *trace) remember(line string) {
	if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
		t.crash, t.lines = true, nil
	}
	if len(t.lines) == traceShown {
		if t.crash {
			return
		}
		t.lines = t.lines[1:]
	}
	t.lines = append(t.lines, line)
}

// shape returns what may be shown of a line; ok is false if something of it
// was withheld.
func (t *trace) shape(line string, long bool) (shown string, ok bool) {
	if !long {
		bare := strings.TrimLeft(line, " ")
		for _, s := range t.shapes {
			if s.MatchString(bare) {
				return line, true
			}
		}
	}
	if strings.HasPrefix(line, "panic: ") {
		return "panic: (its message is withheld: it may hold content)", false
	}
	return "", false
}

// close ends the last line and says how much was withheld.
func (t *trace) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return
	}
	t.closed = true
	t.line()
	if t.withheld > 0 {
		t.log.Error("the mover printed lines that may hold content; they are withheld", "lines", t.withheld)
	}
	if t.logged > traceLines {
		t.log.Error("the mover's stack trace goes on", "lines", t.logged-traceLines)
	}
}

// shown returns the lines for an Ended.
func (t *trace) shown() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}
