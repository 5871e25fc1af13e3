package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/pace"
)

// TestTempoIsTold: where there is no terminal a line says at once what holds the
// verb, and until when; at a terminal the status block does.
func TestTempoIsTold(t *testing.T) {
	until := time.Date(2026, 3, 29, 6, 0, 0, 0, time.Local)
	for _, c := range []struct {
		name   string
		events []migrate.Event
		want   string // the lines
		block  string // in the status block; "" for nothing
	}{
		{"paused", []migrate.Event{{Event: job.Waiting, Reason: job.Paused}},
			"  paused: rialto resume b.yaml lets it go on\n", "paused: rialto resume b.yaml lets it go on"},
		{"its hours", []migrate.Event{{Event: job.Waiting, Reason: job.Hours, Until: until}},
			"  waiting: the pace of these hours is 0%, until Sun 29 Mar 06:00 " + until.Format("MST") + "\n", "until Sun 29 Mar 06:00"},
		{"a share", []migrate.Event{{Event: job.Pacing, Share: 0.3, Until: until}},
			"  pace: 30% of the quotas, until Sun 29 Mar 06:00 " + until.Format("MST") + "\n", "pace: 30% of the quotas"},
		{"one that is no whole number", []migrate.Event{{Event: job.Pacing, Share: 0.07}}, "  pace: 7% of the quotas\n", "pace: 7%"},
		{"it goes on", []migrate.Event{{Event: job.Waiting, Reason: job.Paused}, {Event: job.Pacing, Share: 1}},
			"  paused: rialto resume b.yaml lets it go on\n  going on at full pace\n", ""},
		{"one container waits", []migrate.Event{{Event: job.Waiting, Shard: "b1", Reason: "writes in doubt may still land", Until: until}},
			"", "waiting: writes in doubt may still land"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, out := newShell()
			v := &view{s: s, verb: job.Run, path: "b.yaml", began: time.Now(), stop: make(chan struct{})}
			for _, ev := range c.events {
				v.event(ev)
			}
			if got := out.String(); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
			out.Reset()
			v.draw()
			got := out.String()
			if c.block == "" && (strings.Contains(got, "pace") || strings.Contains(got, "paused")) || !strings.Contains(got, c.block) {
				t.Errorf("the block is %q", got)
			}
		})
	}
}

// TestTimeLeftIsOfTheMoving: hours of waiting do not make the rest look longer.
func TestTimeLeftIsOfTheMoving(t *testing.T) {
	s, _ := newShell()
	now := time.Now()
	v := &view{s: s, began: now.Add(-10*time.Hour - time.Minute)}
	v.hold = v.hold.set("waiting", true, now.Add(-10*time.Hour-30*time.Second))
	if got := v.left(50, 100); got != "" {
		t.Errorf("while it waits: %q", got)
	}
	v.hold = v.hold.set("", false, now.Add(-30*time.Second))
	if got := v.left(50, 100); got != ", about 1:00 left" {
		t.Errorf("got %q, want a minute as before", got)
	}
}

func TestShowPace(t *testing.T) {
	s, out := newShell()
	s.showPace([]pace.Hours{{Share: 0, Hours: 8}, {Share: 0.3, Hours: 50.5}, {Share: 0.975, Hours: 109.5}})
	if got, want := out.String(), "Pace    8 hours at 0%, 50.5 hours at 30%, 109.5 hours at 97.5%, of the coming week's.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	out.Reset()
	if s.showPace(nil); out.Len() > 0 {
		t.Errorf("without a pace: %q", out.String())
	}
}
