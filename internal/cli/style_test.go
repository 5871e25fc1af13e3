package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

func newShell() (*shell, *bytes.Buffer) {
	var out bytes.Buffer
	return &shell{Config: Config{Out: &out, Err: &out, Getenv: func(string) string { return "" }}}, &out
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"short", 10, "short"},
		{"a task has no custom fields", 27, "a task has no custom fields"},
		{"a task has no custom fields", 22, "a task has no custom…"},
		{"unbreakable-and-long", 10, "unbreakab…"},
		{"東京でのお披露目", 9, "東京での…"},
		{"ends, here", 6, "ends…"},
		{"", 3, ""},
	} {
		if got := cut(c.text, c.most); got != c.want || cells(got) > c.most {
			t.Errorf("cut(%q, %d) = %q", c.text, c.most, got)
		}
	}
}

func TestWrap(t *testing.T) {
	got := wrap(strings.Repeat("word ", 50)+"end", "    ")
	if strings.ReplaceAll(strings.ReplaceAll(got, "\n    ", " "), "word ", "") != "end" {
		t.Errorf("something was lost: %q", got)
	}
	for i, line := range strings.Split(got, "\n") {
		if cells(line) > columns || i > 0 && !strings.HasPrefix(line, "    word") && line != "    end" {
			t.Errorf("line %d: %q", i, line)
		}
	}
}

func TestTable(t *testing.T) {
	s, out := newShell()
	s.table([][]string{{"kind", "items", "create", "skip"}, {"board", "2", nothing, nothing}, {"task", "140", "138", nothing}})
	want := "  kind    items   create\n  board       2        ·\n  task      140      138\n"
	if out.String() != want {
		t.Errorf("the table is\n%s", out)
	}
}

// Losses stand by kind, aligned, within the width, and without addresses.
func TestShowLosses(t *testing.T) {
	s, out := newShell()
	s.showLosses([]migrate.Loss{
		{Kind: item.Board, Field: "description", Policy: "task", Count: 1, Why: "a plan has a title and no description: https://example.org/plan"},
		{Kind: item.Task, Field: "due", Policy: "day", Count: 140, Why: "Planner shows days: https://example.org/task"},
		{Kind: item.Task, Field: "*", Policy: "drop", Count: 3, Why: strings.Repeat("because it is so ", 20)},
		{Kind: item.Task, Field: "something.that.has.a.long.name", Policy: "no such policy", Count: 1},
	})
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) != 6 || lines[0] != "  boards" || lines[2] != "  tasks" {
		t.Fatalf("the lines are\n%s", out)
	}
	for _, l := range lines {
		if cells(l) > columns {
			t.Errorf("too wide: %s", l)
		}
	}
	for _, want := range []string{"140  due", "keeps its day", "Planner shows days", "all of it", "no such policy", "…"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the losses lack %q:\n%s", want, out)
		}
	}
	if strings.Contains(out.String(), "https://") {
		t.Error("addresses stand in the table")
	}
}

// Elsewhere than at a terminal nothing is drawn; failures are told at once.
func TestViewElsewhere(t *testing.T) {
	s, out := newShell()
	v := s.newView(job.Run, 0)
	v.event(migrate.Event{Event: "item", Kind: item.Task, Op: "created"})
	v.event(migrate.Event{Event: "progress", Counts: &migrate.Progress{Requests: 12, Bytes: 3400}})
	v.event(migrate.Event{Event: job.Traffic, Counts: &migrate.Progress{Requests: 14, Bytes: 3400}})
	v.event(migrate.Event{Event: "failure", Kind: item.Task, Source: "t1", Field: "due", Reason: "it is full: https://example.org/x"})
	if got := v.sum(); got != "moving 0:00 · 1 created · 14 calls, 0 refused · 3.4 kB sent" {
		t.Errorf("the sum is %q", got)
	}
	v.close()
	v.close()
	if got := out.String(); got != "  failure task t1 due — it is full\n" {
		t.Errorf("the output is %q", got)
	}
}

// The status block says how far a run is, and is drawn over itself.
func TestDraw(t *testing.T) {
	s, out := newShell()
	v := s.newView(job.Run, 40)
	defer v.close()
	v.event(migrate.Event{Event: "progress", Counts: &migrate.Progress{Items: 10}})
	v.event(migrate.Event{Event: "item", Kind: item.Task, Op: "created"})
	v.event(migrate.Event{Event: "item", Kind: item.Task, Op: "updated"})
	v.event(migrate.Event{Event: "waiting", Reason: "writes in doubt may still land"})
	v.mu.Lock()
	defer v.mu.Unlock()
	v.draw()
	for _, want := range []string{strings.Repeat("━", 8) + "─", "10 of 40", "created 1 task · updated 1", "waiting: writes"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the block lacks %q: %q", want, out)
		}
	}
	if v.lines != 4 {
		t.Errorf("%d lines", v.lines)
	}
	out.Reset()
	v.draw()
	if !strings.HasPrefix(out.String(), "\x1b[4A") {
		t.Errorf("drawn again: %q", out)
	}
}

func TestClockAndPlural(t *testing.T) {
	if got := clock(3725e9); got != "1:02:05" {
		t.Errorf("clock: %s", got)
	}
	info, _ := item.Info(item.Board)
	if plural(1, info) != "board" || plural(2, info) != "boards" {
		t.Error("plural")
	}
}

func TestThroughput(t *testing.T) {
	var f throughput
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []string{"", ", 2.0 MB/s", ", 2.0 MB/s", ", 2.0 MB/s", ", 2.0 MB/s", ", 2.0 MB/s", ", 2.0 MB/s"} {
		if got := f.say(at.Add(time.Duration(i)*time.Second), int64(i)*2000000); got != want {
			t.Errorf("after %d seconds: %q, want %q", i, got, want)
		}
	}
	for i := range 6 {
		f.say(at.Add(time.Duration(7+i)*time.Second), 12000000)
	}
	if got := f.say(at.Add(13*time.Second), 12000000); got != "" {
		t.Errorf("nothing passed for five seconds: %q", got)
	}
}
