package cli

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

func (s *shell) scan() *cobra.Command {
	var file string
	var waves int
	cmd := &cobra.Command{Use: "scan NAME", Short: "List what a connection can see and move, with counts and sizes",
		Long: `Lists what a connection can see and move.

With --csv it reads each container, counts what it holds, and writes a line for
each into a table. Edit that in a spreadsheet: place and target say where a
container goes and what it is called there, wave when it goes, and - in one of
them keeps it where it is. Then name the table in the migration file, map:
boards.csv, and run the waves one by one with --wave. Scanning again keeps what
was written there.`,
		Args: args(1, "the name of a connection"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if waves > 0 && file == "" {
				return usage{errors.New("--waves plans the waves of a table; say which with --csv")}
			}
			a, err := s.app(cmd.Context())
			if err != nil {
				return err
			}
			defer a.Close()
			view := s.newView(job.Scan, 0)
			defer view.close()
			in, err := a.Scan(cmd.Context(), args[0], file != "", view.event)
			view.close()
			if err != nil {
				return err
			}
			if file != "" {
				return s.scanned(file, in, waves)
			}
			s.showScan(in)
			return nil
		}}
	cmd.Flags().StringVar(&file, "csv", "", "read each container and write a table of them to this `file`")
	cmd.Flags().IntVar(&waves, "waves", 0, "spread the containers that have no wave yet over `n` waves of like size")
	return cmd
}

func (s *shell) showScan(in app.Sight) {
	for _, sh := range in.Shards {
		if s.json {
			s.line(map[string]any{"event": "shard", "shard": sh})
			continue
		}
		closed := ""
		if sh.Closed {
			closed = "  (closed)"
		}
		s.say("%-8s %-26s %s%s", sh.Kind, sh.ID, sh.Name, closed)
		if line := countsLine(sh.Counts, sh.Bytes); line != "" {
			s.say("%-8s %-26s %s", "", "", line)
		}
		if line := sightLine(sh); line != "" {
			s.say("%-8s %-26s %s", "", "", line)
		}
	}
	s.unseen(in.Unseen)
	if s.json {
		s.done(map[string]any{"status": "scanned", "shards": len(in.Shards), "unseen": len(in.Unseen)})
		return
	}
	s.say("%d in all. Name them in a migration file's from.scope, or say [\"*\"].", len(in.Shards))
}

// scanned writes the table of what was scanned.
func (s *shell) scanned(file string, in app.Sight, waves int) error {
	sum, err := app.WriteMap(file, in.Shards, waves)
	if err != nil {
		return err
	}
	s.unseen(in.Unseen)
	if s.json {
		s.done(sum)
		return nil
	}
	s.say("%s has %d containers: %d new, %d as before, %d no longer at the source.", file, sum.Containers, sum.New, sum.Known, sum.Gone)
	s.say("Edit place, target and wave, then name it in the migration file: map: %s", filepath.Base(file))
	return nil
}

func (s *shell) status() *cobra.Command {
	return s.onMigration("status FILE.yaml", "Say how a migration stands, container by container; asks no cloud", "",
		func(ctx context.Context, a *app.App, f *migrate.File, _ string) error {
			st, err := a.Status(ctx, f)
			if err != nil {
				return err
			}
			if !s.json {
				s.showStatus(st)
				return nil
			}
			for _, c := range st.Containers {
				s.line(map[string]any{"event": "container", "container": c})
			}
			st.Containers = nil // each had a line
			s.done(st)
			return nil
		})
}

func (s *shell) showStatus(st *app.Status) {
	rows := [][]string{{"wave", "container", "name", "state", "items", "failed", "links waiting"}}
	for _, c := range st.Containers {
		wave := nothing
		if c.Wave > 0 {
			wave = num(c.Wave)
		}
		var items int64
		for _, n := range c.Items {
			items += n
		}
		rows = append(rows, []string{wave, c.Source, cut(c.Name, 28), state(c), num(int(items)), num(int(c.Failures)), num(int(c.Waiting))})
	}
	s.table(rows)
	s.say("")
	for _, state := range []string{app.CutOver, app.Closing, app.Moved, app.Partly, app.UnderWay, app.NotBegun, app.StaysOut} {
		if n := st.States[state]; n > 0 {
			s.say("%5d %s", n, state)
		}
	}
	var waiting int64
	for _, c := range st.Containers {
		waiting += c.Waiting
	}
	if waiting > 0 {
		s.say("%5d links wait for what has not moved; rialto forecast tells which wave mends them", waiting)
	}
	if !st.Paused.IsZero() {
		s.say("%s", s.paint(warn, "Paused since "+stamp(st.Paused)+": rialto resume lets it go on."))
	}
	switch {
	case st.Last == nil:
		s.say("No pass yet: rialto run begins one.")
	case st.Last.Ended.IsZero():
		s.say("Pass %d began %s and has not ended: it runs, or the next run goes on with it.", st.Last.Num, st.Last.Began.Local().Format(time.DateTime))
	default:
		s.say("Pass %d ended %s: %s.", st.Last.Num, st.Last.Ended.Local().Format(time.DateTime), st.Last.Outcome)
	}
}
