package mover

import (
	"log/slog"
	"strings"
	"testing"
)

func traced(out string, step int) (*trace, *logbook) {
	book := &logbook{}
	tr := newTrace(slog.New(slog.NewTextHandler(book, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	for len(out) > 0 {
		n := min(step, len(out))
		tr.Write([]byte(out[:n]))
		out = out[n:]
	}
	tr.close()
	return tr, book
}

func TestWhatPassesOfAMoversOutput(t *testing.T) {
	for _, c := range []struct {
		line string
		want bool
	}{
		{"panic: runtime error: invalid memory address or nil pointer dereference", true},
		{"panic: interface conversion: interface {} is string, not int", true},
		{"[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x4a1b2c]", true},
		{"fatal error: all goroutines are asleep - deadlock!", true},
		{"goroutine 1 [running]:", true},
		{"goroutine 17 [IO wait, 3 minutes]:", true},
		{"goroutine 5 gp=0xc0001 m=nil [select, locked to thread]:", true},
		{"main.main()", true},
		{"net/http.(*conn).serve(0xc00012a000, {0x7f12, 0xc000})", true},
		{"main.Map[...](...)", true},
		{"main.run.func1.2({0x1?, 0x2?}, 0x3)", true},
		{"created by net/http.(*Server).Serve in goroutine 1", true},
		{"\t/usr/lib/go/src/net/http/server.go:3285 +0x4b4", true},
		{"      /src/rialto/item.go:12 +0x3c", true},
		{"  main.f()", true},
		{"exit status 2", true},
		{"WARNING: DATA RACE", true},
		{"Write at 0x00c000012345 by goroutine 8:", true},
		{"Previous read at 0x00c000012345 by main goroutine:", true},
		{"Goroutine 8 (running) created at:", true},

		{"Quarterly numbers", false},
		{"2026/11/22 08:00:00 Unsolicited response received on idle HTTP channel starting with \"secret\"; err=<nil>", false},
		{"main.f(\"a title\")", false},
		{"see notes.go:12 for the plan", false},
		{"goroutine 1 [running]: and a title", false},
		{"created by Ann Smith in goroutine 1", false},
		{"error: connection refused", false},
	} {
		tr, book := traced(c.line+"\n", 1<<20)
		passed := len(tr.shown()) == 1
		if passed != c.want || passed && tr.shown()[0] != c.line {
			t.Errorf("%q: passed %v, want %v", c.line, passed, c.want)
		}
		if c.want == strings.Contains(book.String(), "withheld") {
			t.Errorf("%q: the log says %q", c.line, book)
		}
	}
}

func TestPanicMessagesAreCutOff(t *testing.T) {
	tr, book := traced("panic: my title\nsecond line of it\n\ngoroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1\n", 3)
	want := "panic: (its message is withheld: it may hold content)|goroutine 1 [running]:|main.main()|\t/x/main.go:3 +0x1"
	if got := strings.Join(tr.shown(), "|"); got != want {
		t.Errorf("%q", got)
	}
	if !strings.Contains(book.String(), "lines=2") {
		t.Errorf("%s", book)
	}
}

func TestATraceIsBounded(t *testing.T) {
	deep := "panic: send on closed channel\ngoroutine 1 [running]:\n" + strings.Repeat("main.f()\n", 10*traceLines)
	tr, book := traced(deep, 4096)
	if n := strings.Count(book.String(), "\n"); n != traceLines+1 {
		t.Errorf("%d lines were logged", n)
	}
	if s := tr.shown(); len(s) != traceShown || s[0] != "panic: send on closed channel" {
		t.Errorf("what is shown: %q", s)
	}
	long, _ := traced(strings.Repeat("x", 1<<20), 1000)
	if cap(long.rest) > 16*traceLine || long.withheld != 1 {
		t.Errorf("a line without end is kept in %d bytes (%d lines)", cap(long.rest), long.withheld)
	}
}

// However the output is cut into writes, the same passes; and what passes has
// no word that is not a trace's.
func FuzzTrace(f *testing.F) {
	f.Add("panic: title\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:3 +0x1\n", 1)
	f.Add("\r\n \n\x00\n", 2)
	f.Add(strings.Repeat("a", 5000)+"\nmain.f()", 7)
	f.Fuzz(func(t *testing.T, out string, step int) {
		if len(out) > 20_000 {
			t.Skip("longer than needed to fill every bound")
		}
		step = max(step, 1)
		whole, wholeLog := traced(out, len(out)+1)
		parts, partsLog := traced(out, step)
		if strings.Join(whole.shown(), "\n") != strings.Join(parts.shown(), "\n") || whole.withheld != parts.withheld || wholeLog.String() != partsLog.String() {
			t.Errorf("in one write %q, in steps of %d %q", whole.shown(), step, parts.shown())
		}
		for _, line := range whole.shown() {
			if _, ok := whole.shape(line, false); !ok && !strings.Contains(line, "withheld") {
				t.Errorf("%q got through", line)
			}
		}
	})
}
