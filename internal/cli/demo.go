package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/demo"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/report"
	"github.com/rialto-migrate/rialto/item"
)

// demoSlow is how long each call takes in the demo: less than over the
// internet, and enough to see something happen.
const demoSlow = 12 * time.Millisecond

func (s *shell) demo() *cobra.Command {
	var once bool
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See it work: a board moves from a Trello to a Microsoft 365 that run in this process",
		Long: `Starts a stand-in of Trello with the board of a bicycle workshop, and one of
Microsoft 365 with nothing in it, both on this machine alone. Moves the board as
with real clouds: forecast, run, people change things meanwhile, run again,
verify. Ends with the address of a page on which both stand side by side, and
stays until Ctrl-C; with --once, or where no terminal is attached, it ends by
itself.

The exit code is 0 if everything arrived, 3 if items are missing, and 4 if the
two sides differ by more than the forecast said.`,
		Args: args(0, "no argument"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if s.Demo == nil {
				return errors.New("this program was built without a demo")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // a closed terminal, too
			defer stop()
			return s.play(ctx, listen, !once && s.terminal())
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end when the board is verified, without staying up")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "the `address` of the page that shows both clouds")
	return cmd
}

// play shows the demo from its beginning to its end.
func (s *shell) play(ctx context.Context, listen string, stay bool) (err error) {
	stage, err := s.Demo(time.Now(), demoSlow)
	if err != nil {
		return err
	}
	d, err := demo.Open(ctx, demo.Config{Stage: stage, Listen: listen,
		App: app.Config{Connectors: s.Connectors, Version: s.Version, Unconfined: s.unconfined}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	a := &act{shell: s, demo: d}
	verdict, err := a.acts(ctx)
	var code exit
	switch {
	case err != nil && ctx.Err() != nil:
		s.say("\nStopped. Nothing is left of the demo.")
		if s.json {
			s.done(map[string]any{"status": "failed", "reason": "stopped"})
		}
		return exit(ExitFailed)
	case errors.As(err, &code) && s.json:
		s.done(map[string]any{"status": "partial", "reason": "items did not arrive"})
		return code
	case err != nil:
		return err
	}
	if stay {
		a.stay(ctx)
	}
	if s.json {
		s.done(struct {
			*migrate.Verdict
			Page string `json:"page"`
		}{verdict, d.Page()})
	}
	if verdict.Status == "differs" {
		return exit(ExitDiffers)
	}
	return nil
}

// act is the demo on the stage.
type act struct {
	*shell
	demo  *demo.Demo
	part  int // of the story
	items int // that the forecast counted
}

// step begins a part of the story, with a line that says what it is about.
func (a *act) step(name, about string) {
	a.part++
	if a.json {
		a.line(map[string]any{"event": "step", "step": strings.ToLower(name)})
		return
	}
	a.say("\n%s %s", a.paint(title, fmt.Sprint(a.part)), a.paint(bold, name))
	a.say("%s\n", a.paint(dim, "  "+wrap(about, "  ")))
}

// acts goes through the whole story.
func (a *act) acts(ctx context.Context) (*migrate.Verdict, error) {
	a.say("%s  %s", a.paint(title, "Rialto"), "a board moves from Trello to Microsoft Planner")
	if err := a.connectBoth(ctx); err != nil {
		return nil, err
	}
	a.step("Forecast", "Reads only: what a run would do, and what Planner has no place for.")
	out, _, err := a.do(ctx, job.Forecast, nil)
	if err != nil {
		return nil, err
	}
	a.told("forecast", out.Forecast)
	if !a.json {
		a.showForecast(out.Forecast)
	}

	for _, k := range out.Forecast.Kinds {
		a.items += k.Items
	}
	a.step("Run", "Each write is noted before it is made, by id alone; a run that is cut off goes on where it was.")
	out, mover, err := a.do(ctx, job.Run, nil)
	if err != nil {
		return nil, err
	}
	if err := a.ranDemo(out.Run); err != nil {
		return nil, err
	}
	a.showMover(mover)

	a.step("Meanwhile", "People go on working in Trello.")
	if err := a.edit(); err != nil {
		return nil, err
	}

	a.step("Run again", "Only what changed. The rest is known and left alone.")
	var changes []migrate.Event
	if out, _, err = a.do(ctx, job.Run, func(ev migrate.Event) {
		if ev.Event == "item" {
			changes = append(changes, ev)
		}
	}); err != nil {
		return nil, err
	}
	a.showChanges(changes)
	if err := a.ranDemo(out.Run); err != nil {
		return nil, err
	}

	a.step("Verify", "Both sides are read back and compared, field by field and file by file.")
	if out, _, err = a.do(ctx, job.Verify, nil); err != nil {
		return nil, err
	}
	a.told("verify", out.Verdict)
	if !a.json {
		a.showVerdict(out.Verdict)
	}
	var page bytes.Buffer
	if err := report.Render(&page, "Rialto demo", out.Verdict, migrate.Decisions{}, time.Now()); err != nil {
		return nil, err
	}
	a.demo.ShowReport(page.Bytes())
	return out.Verdict, nil
}

func (a *act) connectBoth(ctx context.Context) error {
	a.step("Connect", "Two clouds that run in this process: they speak the vendors' own APIs, with their limits.")
	for _, e := range a.demo.Ends() {
		id, err := a.demo.Connect(ctx, e)
		if err != nil {
			return fmt.Errorf("connecting %s: %w", e.Connection, err)
		}
		if a.json {
			a.line(map[string]any{"event": "connected", "connection": e.Connection, "cloud": e.Cloud, "url": e.URL, "id": id.ID, "account": id.Account})
			continue
		}
		a.say("  %s  %s  %s", pad(e.Connection, 18), pad(id.Name, 20), a.paint(dim, e.URL))
	}
	return nil
}

// do carries out a verb, shown while it runs. more, if not nil, gets each event
// as well.
func (a *act) do(ctx context.Context, verb string, more func(migrate.Event)) (*job.Outcome, demo.Mover, error) {
	expected := 0
	if verb == job.Run {
		expected = a.items
	}
	v := a.newView(verb, expected)
	defer v.close()
	out, mover, err := a.demo.Do(ctx, verb, func(ev migrate.Event) {
		v.event(ev)
		if more != nil {
			more(ev)
		}
	})
	v.close()
	if err == nil && out.Error != nil {
		err = out.Error
	}
	return out, mover, err
}

// told prints what a verb ended with, as a JSON line.
func (a *act) told(verb string, what any) {
	if a.json {
		a.line(map[string]any{"event": "verb", "verb": verb, "report": what})
	}
}

// ranDemo shows how a run ended; what did not arrive ends the demo.
func (a *act) ranDemo(r *migrate.Report) error {
	a.told("run", r)
	if !a.json {
		plain := *r
		plain.Shards = nil // the page that shows them comes at the end
		if r.Status != "complete" {
			plain.Shards = r.Shards
		}
		a.showRun(&plain)
	}
	if r.Status != "complete" {
		return exit(ExitPartial)
	}
	return nil
}

// showMover says what held for the process that touched the content.
func (a *act) showMover(m demo.Mover) {
	if a.json {
		a.line(moverLine(m.PID, m.Confine, m.Written))
		return
	}
	a.say("\n%s  process %d alone held what passed through, in memory; before it began it was confined:", a.paint(bold, "Mover"), m.PID)
	for _, mech := range m.Confine.Mechanisms {
		mark := a.paint(good, "holds")
		if !mech.Holds {
			mark = a.paint(warn, "off  ")
		}
		a.say("       %s  %s", mark, a.paint(dim, pad(mech.Name, 13)+cut(mech.Detail, columns-27)))
	}
	switch {
	case m.Confine.Confined && m.Written >= 0:
		a.say("       It tried to write, and could not. By the kernel's count it wrote %d bytes to disk.", m.Written)
	case !m.Confine.Confined:
		a.say("       %s", a.paint(warn, "It was not confined: --unconfined."))
	}
}

// edit lets people change things at the source.
func (a *act) edit() error {
	wide := 0
	for _, deed := range a.demo.Deeds() {
		wide = max(wide, cells(deed.Who))
	}
	for _, deed := range a.demo.Deeds() {
		if err := deed.Do(); err != nil {
			return fmt.Errorf("an edit of the sample failed: %w", err)
		}
		if a.json {
			a.line(map[string]any{"event": "edit", "who": deed.Who, "what": deed.What})
			continue
		}
		a.say("  %s  %s", pad(deed.Who, wide), deed.What)
	}
	return nil
}

// showChanges lists what a run carried over, item by item.
func (a *act) showChanges(changes []migrate.Event) {
	if a.json {
		return // each was a line of its own
	}
	moved := "moved" // made in another container, and removed where it was
	order := []string{"created", "updated", moved, "deleted"}
	ops := map[item.Ref]string{}
	for _, ev := range changes {
		key := item.Ref{Kind: ev.Kind, ID: ev.Source}
		if was := ops[key]; was == "created" && ev.Op == "deleted" {
			ops[key] = moved
		} else if was == "" {
			ops[key] = ev.Op
		}
	}
	shown := map[item.Ref]bool{}
	slices.SortStableFunc(changes, func(x, y migrate.Event) int {
		return cmp.Compare(slices.Index(order, ops[item.Ref{Kind: x.Kind, ID: x.Source}]), slices.Index(order, ops[item.Ref{Kind: y.Kind, ID: y.Source}]))
	})
	for _, ev := range changes {
		key := item.Ref{Kind: ev.Kind, ID: ev.Source}
		if shown[key] {
			continue
		}
		shown[key] = true
		op := ops[key]
		what := string(ev.Kind)
		if ev.Kind == item.Comment {
			what = "comment on"
		}
		color := map[string]string{"created": good, "deleted": bad}[op]
		a.say("  %s  %s  %s", a.paint(cmp.Or(color, warn), pad(op, 8)), a.paint(dim, pad(what, 10)), cut(cmp.Or(a.demo.Named(ev), ev.Source), 70))
	}
	a.say("")
}

// stay keeps the clouds and the page up until the context ends.
func (a *act) stay(ctx context.Context) {
	if a.json {
		a.line(map[string]any{"event": "ready", "page": a.demo.Page()})
	}
	a.say("\n%s %s\n", a.paint(title, "→"), a.paint(bold, "Both clouds, side by side"))
	a.say("  %s", a.demo.Page())
	a.say("  %sreport  %s", a.demo.Page(), a.paint(dim, "what verify found"))
	a.say("\n%s", a.paint(dim, "  Ctrl-C ends the demo and removes all of it."))
	<-ctx.Done()
	a.say("")
}
