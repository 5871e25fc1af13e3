//go:build linux

package runs

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/mover"
	"github.com/rialto-migrate/rialto/internal/runs/runstest"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/store/bothtest"
)

var servers bothtest.Servers

// The child process of the test that kills one learns from these what to work on.
const (
	childDir      = "RIALTO_TEST_RUNS_DIR"
	childPostgres = "RIALTO_TEST_RUNS_POSTGRES"
)

const org = "o-1"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == mover.Argument {
		os.Exit(job.Main(connectors.All()))
	}
	if os.Getenv(childDir) != "" {
		if err := child(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servers.Main(m)
}

// child goes on with what is to be done, and prints the number of every event of
// run 1 until it is over or this process is killed.
func child() error {
	ctx := context.Background()
	a, err := openApp(ctx, os.Getenv(childDir), os.Getenv(childPostgres))
	if err != nil {
		return err
	}
	defer a.Close()
	r := Open(a, slog.New(slog.NewTextHandler(os.Stderr, nil)), Limit{Lease: time.Second, Write: 20 * time.Millisecond})
	for batch, err := range r.Follow(ctx, org, 1, 0) {
		if err != nil {
			return err
		}
		for _, e := range batch {
			fmt.Println(e.Num)
		}
	}
	return r.Close(ctx)
}

func openApp(ctx context.Context, dir, postgres string) (*app.App, error) {
	return app.Open(ctx, app.Config{StateDir: dir, Version: "test", Connectors: connectors.All(), Unconfined: !confine.Available(),
		Getenv: func(name string) string {
			if name == app.DatabaseVariable {
				return postgres
			}
			return ""
		}})
}

func opened(t *testing.T, o store.Options) *app.App {
	t.Helper()
	a, err := openApp(t.Context(), o.Dir, o.Postgres.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// registry opens one that is closed when the test ends.
func registry(t *testing.T, a *app.App, l Limit) *Registry {
	t.Helper()
	r := Open(a, slog.New(slog.NewTextHandler(t.Output(), nil)), l)
	t.Cleanup(func() { closed(t, r) })
	return r
}

func closed(t *testing.T, r *Registry) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

func quick() Limit { return Limit{Lease: time.Second, Write: 20 * time.Millisecond} }

func begun(t *testing.T, r *Registry, o Order) Run {
	t.Helper()
	run, err := r.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// over follows a run to its end and returns it, having checked that the events came
// once each and in order.
func over(t *testing.T, r *Registry, num, after int64) Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	next := after + 1
	for batch, err := range r.Follow(ctx, org, num, after) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			if e.Num != next {
				t.Fatalf("event %d came where %d should", e.Num, next)
			}
			next++
		}
	}
	run, err := r.Run(t.Context(), org, num)
	if err != nil {
		t.Fatal(err)
	}
	if !run.State.Over() || run.Last != next-1 {
		t.Fatalf("the run is %s; its last event is %d and %d were told", run.State, run.Last, next-1)
	}
	return run
}

// until waits for a state.
func until(t *testing.T, r *Registry, num int64, want State) Run {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		run, err := r.Run(t.Context(), org, num)
		if err != nil {
			t.Fatal(err)
		}
		if run.State == want {
			return run
		}
		if time.Now().After(end) {
			t.Fatalf("the run is %s, and not %s", run.State, want)
		}
	}
}

// A migration from its forecast to its undo, with what each verb leaves behind.
func TestVerbs(t *testing.T) {
	servers.Each(t, func(t *testing.T, o store.Options) {
		a := opened(t, o)
		f := runstest.Clouds(t, a, org, 0)
		r := registry(t, a, quick())
		for _, c := range []struct {
			verb string
			want func(*job.Outcome) bool
		}{
			{job.Scan, func(out *job.Outcome) bool { return out.Shards == nil }},
			{job.Forecast, func(out *job.Outcome) bool { return out.Forecast != nil && out.Forecast.Status == "ready" }},
			{job.Run, func(out *job.Outcome) bool { return out.Run != nil && out.Run.Status == "complete" }},
			{job.Verify, func(out *job.Outcome) bool { return out.Verdict != nil && out.Verdict.Status == "equal-with-losses" }},
			{job.Undo, func(out *job.Outcome) bool { return out.Undo != nil && out.Undo.Status == "undone" }},
		} {
			began := begun(t, r, Order{Organisation: org, Migration: f, Verb: c.verb, By: "p-1"})
			run := over(t, r, began.Num, 0)
			out, err := r.Outcome(t.Context(), org, run.Num)
			if err != nil {
				t.Fatal(err)
			}
			if out == nil || out.Error != nil || !c.want(out) || run.State != Done {
				t.Errorf("%s: %s, %+v", c.verb, run.State, out)
			}
			if c.verb == job.Run {
				created := int64(0)
				for batch, err := range r.Follow(t.Context(), org, run.Num, 0) {
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range batch {
						if e.Event == "item" && e.Op == "created" {
							created++
						}
					}
				}
				if got := run.Counts.Written()["created"]; got != created || created == 0 {
					t.Errorf("%d items were counted as created, and %d were told", got, created)
				}
				if run.Counts.Requests == 0 || len(run.Counts.Shards) == 0 || run.By != "p-1" {
					t.Errorf("the run: %+v", run)
				}
			}
		}
		all, err := r.Runs(t.Context(), org, 1<<60, 3)
		if err != nil || len(all) != 3 || all[0].Num != 5 {
			t.Errorf("the list: %v, %v", all, err)
		}
		if other, err := r.Runs(t.Context(), "o-2", 1<<60, 3); err != nil || len(other) != 0 {
			t.Errorf("another organisation sees %v, %v", other, err)
		}
		if _, err := r.Run(t.Context(), "o-2", 1); connector.ClassOf(err) != connector.Gone {
			t.Errorf("another organisation's run: %v", err)
		}
	})
}

// A run is held, goes on, is stopped, and again begun where it was.
func TestPauseStopAgain(t *testing.T) {
	servers.Each(t, func(t *testing.T, o store.Options) {
		a := opened(t, o)
		f := runstest.Clouds(t, a, org, 15*time.Millisecond)
		r := registry(t, a, quick())
		first := begun(t, r, Order{Organisation: org, Migration: f, Verb: job.Run})
		if _, err := r.Start(t.Context(), Order{Organisation: org, Migration: f, Verb: job.Forecast}); connector.ClassOf(err) != connector.Conflict {
			t.Errorf("a second run of the migration: %v", err)
		}
		until(t, r, first.Num, Running)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(r.Pause(t.Context(), org, first.Num))
		until(t, r, first.Num, Paused)
		must(r.Resume(t.Context(), org, first.Num))
		until(t, r, first.Num, Running)
		must(r.Stop(t.Context(), org, first.Num))
		if run := over(t, r, first.Num, 0); run.State != Stopped {
			t.Fatalf("a run that was stopped is %s", run.State)
		}
		again, err := r.Again(t.Context(), org, first.Num, job.Run, "p-2")
		must(err)
		if run := over(t, r, again.Num, 0); run.State != Done {
			t.Errorf("the run after it is %s", run.State)
		}
		check, err := r.Again(t.Context(), org, first.Num, job.Verify, "p-2")
		must(err)
		over(t, r, check.Num, 0)
		out, err := r.Outcome(t.Context(), org, check.Num)
		must(err)
		if out.Verdict == nil || out.Verdict.Status != "equal-with-losses" || len(out.Verdict.Extra) > 0 {
			t.Errorf("after a stop in the middle: %+v", out.Verdict)
		}
	})
}

// A registry that closes leaves its runs to the next one.
func TestClose(t *testing.T) {
	servers.Each(t, func(t *testing.T, o store.Options) {
		a := opened(t, o)
		f := runstest.Clouds(t, a, org, 15*time.Millisecond)
		r := registry(t, a, quick())
		run := begun(t, r, Order{Organisation: org, Migration: f, Verb: job.Run})
		until(t, r, run.Num, Running)
		closed(t, r)
		if is, err := r.Run(t.Context(), org, run.Num); err != nil || is.State.Over() {
			t.Fatalf("after the close the run is %s, %v", is.State, err)
		}
		if _, err := r.Start(t.Context(), Order{Organisation: org, Migration: f, Verb: job.Run}); err == nil {
			t.Error("a closed registry begins a run")
		}
		next := registry(t, a, quick())
		if done := over(t, next, run.Num, 0); done.State != Done || done.Counts.Again != 1 {
			t.Errorf("the run is %s, and went on %d times", done.State, done.Counts.Again)
		}
	})
}

// A process that carries out a run is killed, again and again. Every time the run
// goes on in the next one; in the end nothing is lost and nothing is there twice,
// and whoever follows had each event once.
func TestKilled(t *testing.T) {
	servers.Each(t, func(t *testing.T, o store.Options) {
		a := opened(t, o)
		f := runstest.Clouds(t, a, org, 5*time.Millisecond)
		// Nobody carries it out until the child does.
		planned(t, a, Order{Organisation: org, Migration: f, Verb: job.Run})
		next := int64(1)
		for _, kill := range []int64{3, 40, 90, 0} {
			next = lives(t, o, next, kill)
		}
		r := registry(t, a, quick())
		run := over(t, r, 1, 0)
		if run.State != Done || run.Counts.Again < 3 {
			t.Fatalf("the run is %s, and went on %d times", run.State, run.Counts.Again)
		}
		check := begun(t, r, Order{Organisation: org, Migration: f, Verb: job.Verify})
		over(t, r, check.Num, 0)
		out, err := r.Outcome(t.Context(), org, check.Num)
		if err != nil {
			t.Fatal(err)
		}
		if v := out.Verdict; v == nil || v.Status != "equal-with-losses" || v.Failed > 0 || len(v.Extra) > 0 {
			t.Errorf("after three kills: %+v", v)
		}
	})
}

// planned keeps an order that no process carries out yet.
func planned(t *testing.T, a *app.App, o Order) {
	t.Helper()
	r := &Registry{app: a, store: a.Store(), owner: "", mine: map[name]*carrier{}}
	r.closing, r.stop = context.WithCancel(context.Background())
	r.stop()
	if _, err := r.Start(t.Context(), o); err == nil {
		t.Fatal("a closed registry begins a run")
	}
}

// lives runs a child until it told so many events more, kills it, and returns the
// number of the event that comes next; with 0, until it ends.
func lives(t *testing.T, o store.Options, next, kill int64) int64 {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+o.Dir, childPostgres+"="+o.Postgres.Reveal())
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := int64(0)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		num, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil {
			t.Errorf("the child says %q", lines.Text())
			continue
		}
		if num < next { // each child begins with the first
			continue
		}
		if num != next {
			t.Errorf("event %d came where %d should", num, next)
		}
		next = num + 1
		if told++; told == kill {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); (err == nil) != (kill == 0) {
		t.Fatalf("the child ended: %v", err)
	}
	return next
}

// Of two registries on one store, one carries a run out and both can be followed.
func TestTwoProcesses(t *testing.T) {
	servers.Each(t, func(t *testing.T, o store.Options) {
		a, b := opened(t, o), opened(t, o)
		f := runstest.Clouds(t, a, org, 2*time.Millisecond)
		one, two := registry(t, a, Limit{Write: 20 * time.Millisecond}), registry(t, b, Limit{Write: 20 * time.Millisecond})
		run := begun(t, one, Order{Organisation: org, Migration: f, Verb: job.Run})
		if done := over(t, two, run.Num, 0); done.State != Done || done.Counts.Again != 0 {
			t.Errorf("the run is %s, and went on %d times", done.State, done.Counts.Again)
		}
		over(t, one, run.Num, 0)
		last := begun(t, one, Order{Organisation: org, Migration: f, Verb: job.Verify})
		if err := two.Stop(t.Context(), org, last.Num); err != nil {
			t.Error(err)
		}
		over(t, two, last.Num, 0)
	})
}

// A thousand people follow a run, some of them slow and some who come late: each has
// every event once, in order, and the run ends none the later.
func TestManyFollow(t *testing.T) {
	a := opened(t, store.Options{Dir: t.TempDir()})
	f := runstest.Clouds(t, a, org, 0)
	r := registry(t, a, quick())
	run := begun(t, r, Order{Organisation: org, Migration: f, Verb: job.Run})
	var all errgroup.Group
	for i := range 1000 {
		all.Go(func() error {
			time.Sleep(time.Duration(i) * 2 * time.Millisecond)
			next := int64(1)
			for batch, err := range r.Follow(t.Context(), org, run.Num, 0) {
				if err != nil {
					return err
				}
				for _, e := range batch {
					if e.Num != next {
						return fmt.Errorf("follower %d: event %d came where %d should", i, e.Num, next)
					}
					next++
				}
				if i%10 == 0 {
					time.Sleep(5 * time.Millisecond)
				}
			}
			is, err := r.Run(t.Context(), org, run.Num)
			if err == nil && is.Last != next-1 {
				err = fmt.Errorf("follower %d had %d of %d", i, next-1, is.Last)
			}
			return err
		})
	}
	if err := all.Wait(); err != nil {
		t.Error(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fans) != 0 {
		t.Errorf("%d fans are left", len(r.fans))
	}
}

// What is told beyond what is kept is counted all the same.
func TestBound(t *testing.T) {
	a := opened(t, store.Options{Dir: t.TempDir()})
	f := runstest.Clouds(t, a, org, 0)
	l := quick()
	l.Events = 20
	r := registry(t, a, l)
	run := begun(t, r, Order{Organisation: org, Migration: f, Verb: job.Run})
	until(t, r, run.Num, Done)
	is, err := r.Run(t.Context(), org, run.Num)
	if err != nil {
		t.Fatal(err)
	}
	if got := is.Counts.Written()["created"]; got <= l.Events {
		t.Errorf("%d items were counted as created", got)
	}
	var nums []int64
	for batch, err := range r.Follow(t.Context(), org, run.Num, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range batch {
			nums = append(nums, e.Num)
		}
	}
	if len(nums) != 20 || nums[0] != is.Last-19 {
		t.Errorf("kept are %v, of %d", nums, is.Last)
	}
}

// An order is kept whole.
func TestOrderIsKeptWhole(t *testing.T) {
	a := opened(t, store.Options{Dir: t.TempDir()})
	f := runstest.Clouds(t, a, org, 0)
	f.Decided.By = map[string]string{"policies": "Ana"}
	f.Map = []migrate.MapRow{{Source: "b1", Wave: 2, Out: true}}
	f.People.Domains = map[string]string{"old.com": "new.com"}
	o := Order{Organisation: org, Migration: f, Verb: job.Run, Select: migrate.Selection{Wave: 2, Only: []string{"b1"}, Limit: 3}, Tell: true, By: "p-1"}
	planned(t, a, o)
	r := registry(t, a, Limit{Lease: time.Hour})
	got, err := r.Order(t.Context(), org, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, o) {
		t.Errorf("got\n%+v\nwant\n%+v", got, o)
	}
}

// Ids that are paths are not kept, nor reasons that may hold them.
func TestPathsAreHidden(t *testing.T) {
	h := hider{key: []byte("k"), sources: true}
	e := kept(migrate.Event{Event: "failure", Shard: "files", Source: "Salaries/anna.xlsx", Target: "t-1", Class: "gone", Reason: "Salaries/anna.xlsx is gone",
		Names: &migrate.NamedPair{Source: "anna"}, Link: "https://cloud.example/Salaries/anna.xlsx"}, time.Now(), h)
	b, err := e.row()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b.Event), "anna") || e.Target != "t-1" || e.Source == "" {
		t.Errorf("kept is %s", b.Event)
	}
	out, err := h.outcome(&job.Outcome{Verdict: &migrate.Verdict{Differences: []migrate.Difference{{Kind: "file", Source: "Salaries/anna.xlsx", Target: "t", Reason: "anna"}}},
		Shards: []job.Shard{{Name: "Salaries"}}})
	if err != nil || strings.Contains(string(out), "anna") || strings.Contains(string(out), "Salaries") {
		t.Errorf("kept is %s, %v", out, err)
	}
}
