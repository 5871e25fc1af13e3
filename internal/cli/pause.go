package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/pace"
)

// held is what pause and resume say with --json.
type held struct {
	Status string    `json:"status"`         // paused, resumed, or running if it was not paused
	Since  time.Time `json:"since,omitzero"` // when it was paused
}

func (s *shell) pause() *cobra.Command {
	return s.onMigration("pause FILE.yaml", "Hold a migration: what is under way is finished, nothing new is sent",
		`Holds a migration, from any terminal and, with the same PostgreSQL, any machine.
A run, a verify or an undo that goes on finishes what is under way and waits; one
that is started later waits as well, and says so. rialto resume lets it go on.`,
		func(ctx context.Context, a *app.App, f *migrate.File, path string) error {
			since, err := a.Pause(ctx, f.Name)
			if err != nil {
				return err
			}
			if s.json {
				s.done(held{"paused", since})
			}
			s.say("Paused since %s: what is under way is finished, and nothing new is sent.\nrialto resume %s lets it go on.", stamp(since), path)
			return nil
		})
}

func (s *shell) resume() *cobra.Command {
	return s.onMigration("resume FILE.yaml", "Let a paused migration go on", "",
		func(ctx context.Context, a *app.App, f *migrate.File, path string) error {
			was, err := a.Resume(ctx, f.Name)
			if err != nil {
				return err
			}
			out := held{"resumed", was}
			if was.IsZero() {
				out.Status = "running"
				s.say("It was not paused.")
			} else {
				s.say("It was paused since %s. What waits goes on within a second; if nothing runs, rialto run %s starts.", stamp(was), path)
			}
			if s.json {
				s.done(out)
			}
			return nil
		})
}

// stamp is a time for people, on their own clock: with its day, for it may be
// another one.
func stamp(t time.Time) string { return t.Local().Format("Mon 2 Jan 15:04 MST") }

// A hold is what keeps a verb from going as fast as it could.
type hold struct {
	text  string        // for people; "" for nothing
	still bool          // nothing is sent
	since time.Time     // when that began
	spent time.Duration // in stillness, up to now or to since
}

// set returns the hold that follows. It changes at a time.
func (h hold) set(text string, still bool, now time.Time) hold {
	if h.still {
		h.spent += now.Sub(h.since)
	}
	return hold{text: text, still: still, since: now, spent: h.spent}
}

// tempo shows at which pace calls are sent, or that none are. Where no status
// block can say so, a line does, at once. The caller holds the lock.
func (v *view) tempo(ev migrate.Event) {
	text := ""
	switch {
	case ev.Event == job.Pacing && ev.Share < 1:
		text = fmt.Sprintf("pace: %s of the quotas", percent(ev.Share))
	case ev.Event == job.Pacing:
	case ev.Reason == job.Paused:
		text = fmt.Sprintf("paused: rialto resume %s lets it go on", v.path)
	case ev.Shard != "": // of one container; the others go on
		v.last = "waiting: " + ev.Reason
		return
	default:
		text = "waiting: " + ev.Reason
	}
	if text != "" && !ev.Until.IsZero() {
		text += ", until " + stamp(ev.Until)
	}
	before := v.hold
	v.hold = before.set(text, ev.Event == job.Waiting, time.Now())
	if v.s.terminal() {
		return
	}
	switch {
	case text != "":
		fmt.Fprintln(v.s.Out, "  "+text)
	case before.text != "":
		fmt.Fprintln(v.s.Out, "  going on at full pace")
	}
}

// showPace says how many hours of a week have which share of the quotas.
func (s *shell) showPace(week []pace.Hours) {
	var parts []string
	for _, h := range week {
		parts = append(parts, fmt.Sprintf("%s hours at %s", strconv.FormatFloat(math.Round(h.Hours*10)/10, 'f', -1, 64), percent(h.Share)))
	}
	if len(parts) > 0 {
		s.say("%s    %s, of the coming week's.", s.paint(bold, "Pace"), strings.Join(parts, ", "))
	}
}

func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/100, 'f', -1, 64) + "%"
}
