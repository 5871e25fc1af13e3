// Package job is what a mover does: it opens the connections that a job names,
// through the line to the parent, and carries out one verb. It is where
// connectors and the engine meet; everything in it runs in the confined
// process, on the far side of the line.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/mover"
	"github.com/rialto-migrate/rialto/item"
)

// The verbs of a Spec.
const (
	Check    = "check"
	SignIn   = "sign-in"
	Scan     = "scan"
	Forecast = "forecast"
	Run      = "run"
	Verify   = "verify"
	Undo     = "undo"
	Rebuild  = "rebuild"
	People   = "people"
	Cutover  = "cutover"
)

// A Spec says what a mover is to do. It holds opened secrets: it crosses the
// line once and is never logged.
type Spec struct {
	Verb      string
	From, To  End // Check, SignIn and Scan use From alone
	Migration migrate.Spec
	Key       []byte // the migration's print key
	Select    migrate.Selection
	DryRun    bool
	Revert    bool // cutover: take it back
	Tell      bool // run: the step that tells people, too
	Count     bool // scan: read each container and count what it holds
	Names     bool // verify and people: names in the report, at the user's wish
	// Failpoint kills the process at a named step, for tests: "after-write:3" is
	// the third time that step is reached. "" for never.
	Failpoint string
}

// An End is one opened connection.
type End struct {
	Connection string
	Connector  string
	Settings   connector.Settings // secrets among them
}

// A Shard is one line of a scan.
type Shard struct {
	Kind   item.Kind         `json:"kind"`
	ID     string            `json:"id"`
	Name   string            `json:"name"`
	Link   string            `json:"link,omitempty"`
	Closed bool              `json:"closed,omitempty"`
	Counts map[item.Kind]int `json:"counts,omitempty"`
	Bytes  int64             `json:"bytes"`
	People int               `json:"people,omitempty"` // who appear in it; 0 where nobody counted
	Active time.Time         `json:"active,omitzero"`  // the last time that something was made
	// Who sees it; see connector.Shard.
	Viewers    int    `json:"viewers"` // -1 if unknown
	Owner      string `json:"owner,omitempty"`
	Visibility string `json:"visibility,omitempty"`
}

// An Outcome is what a mover hands back. One of its fields is set, and Error
// beside it if the verb failed; a run that failed tells how far it came.
type Outcome struct {
	Identity *connector.Identity    `json:",omitempty"`
	SignedIn map[string]string      `json:",omitempty"` // settings, secrets among them
	Shards   []Shard                `json:",omitempty"`
	Unseen   []Unseen               `json:",omitempty"` // beside Shards
	Forecast *migrate.Forecast      `json:",omitempty"`
	Run      *migrate.Report        `json:",omitempty"`
	Verdict  *migrate.Verdict       `json:",omitempty"`
	Undo     *migrate.UndoReport    `json:",omitempty"`
	Rebuild  *migrate.RebuildReport `json:",omitempty"`
	People   *migrate.PeopleList    `json:",omitempty"`
	Cutover  *migrate.CutoverReport `json:",omitempty"`
	Error    *Fault                 `json:",omitempty"`
}

// A Fault is an error as it crosses the line.
type Fault struct {
	Class  connector.Class
	Reason string // with the hint that says what to do
	// Stopped is set when the verb ended because it was asked to.
	Stopped bool
}

func (f *Fault) Error() string { return f.Reason }

// Main is what a program does whose first argument is mover.Argument; it
// returns the exit code.
func Main(connectors []connector.Connector) int {
	return mover.Child(func(ctx context.Context, line *mover.Line) ([]byte, error) {
		var spec Spec
		if err := json.Unmarshal(line.Job(), &spec); err != nil {
			return nil, fmt.Errorf("the job cannot be read")
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		w := &work{spec: spec, line: line, connectors: connectors, at: killer(spec.Failpoint), events: &events{emit: line.Emit}}
		w.tempo = newTempo(spec.Migration.Pace, w.emit)
		if spec.Verb == Run || spec.Verb == Cutover { // they finish what is under way; the others only read, or ask before each step
			go w.tempo.ends(ctx, line.Stopping(), cancel)
		} else {
			go func() {
				select {
				case <-line.Stopping():
					cancel()
				case <-ctx.Done():
				}
			}()
		}
		out := &Outcome{}
		err := w.do(ctx, out)
		w.events.flush()
		if err != nil {
			asked := false
			select {
			case <-line.Stopping():
				asked = true
			default:
			}
			out.Error = &Fault{Class: connector.ClassOf(err), Reason: w.reason(err), Stopped: asked}
		}
		return json.Marshal(out)
	})
}

// work is one job under way.
type work struct {
	spec       Spec
	line       *mover.Line
	connectors []connector.Connector
	at         func(string) // the failpoint; nil for none
	tempo      *tempo
	events     *events
}

func (w *work) do(ctx context.Context, out *Outcome) error {
	if w.spec.Verb == SignIn {
		return w.signIn(ctx, out)
	}
	if w.spec.Verb != Check && w.spec.Verb != Scan {
		if err := w.keepPace(ctx); err != nil {
			return err
		}
	}
	guard := &connector.Guard{} // a source is only read
	from, err := w.open(ctx, w.spec.From, guard)
	if err != nil {
		return err
	}
	defer from.Cloud.Close()
	switch w.spec.Verb {
	case Check:
		id, err := from.Cloud.Check(ctx)
		out.Identity = &id
		return err
	case Scan:
		return w.scan(ctx, from, out)
	}
	if w.spec.Verb == Cutover && !w.spec.DryRun {
		from.Guard = guard
	}
	to, err := w.open(ctx, w.spec.To, nil)
	if err != nil {
		return err
	}
	defer to.Cloud.Close()
	defer w.tellTraffic(from, to)()
	e, err := migrate.New(migrate.Config{Spec: w.spec.Migration, Select: w.spec.Select, From: from, To: to, Ledger: w.line.Ledger(), Key: w.spec.Key,
		Emit: w.emit, Now: time.Now, Tell: w.spec.Tell, Failpoint: w.at, Stop: w.line.Stopping()})
	if err != nil {
		return err
	}
	switch w.spec.Verb {
	case Forecast:
		out.Forecast, err = e.Forecast(ctx)
	case Run:
		out.Run, err = e.Run(ctx)
	case Verify:
		out.Verdict, err = e.Verify(ctx, w.spec.Names)
	case Undo:
		out.Undo, err = e.Undo(ctx, w.spec.DryRun)
	case Rebuild:
		out.Rebuild, err = e.Rebuild(ctx)
	case People:
		out.People, err = e.People(ctx, w.spec.Names)
	case Cutover:
		if w.spec.Revert {
			out.Cutover, err = e.Revert(ctx, w.spec.DryRun)
		} else {
			out.Cutover, err = e.Cutover(ctx, w.spec.DryRun)
		}
	default:
		err = fmt.Errorf("there is no verb %q", w.spec.Verb)
	}
	return err
}

// emit passes an event to the parent.
func (w *work) emit(ev migrate.Event) { w.events.take(ev) }

// env is what a connector is given to work with. guard is that of a source.
func (w *work) env(end End, guard *connector.Guard) (c connector.Connector, env connector.Env, err error) {
	i := slices.IndexFunc(w.connectors, func(c connector.Connector) bool { return c.Manifest().Name == end.Connector })
	if i < 0 {
		return nil, env, fmt.Errorf("this program has no connector %q", end.Connector)
	}
	c = w.connectors[i]
	transport, err := w.line.Transport(mover.TransportOptions{})
	if err != nil {
		return nil, env, err
	}
	log := slog.New(slog.DiscardHandler)
	return c, connector.Env{
		Settings: end.Settings,
		HTTP: connector.NewClient(connector.ClientOptions{Transport: w.probed(transport),
			Dialing: w.line.Dialing(), Pacer: w.tempo.pacer(c.Capabilities(end.Settings).Quotas), Flow: w.tempo.flow, Guard: guard, Log: log, Stats: &connector.Stats{}, Connection: end.Connection}),
		Log:     log,
		Now:     time.Now,
		Renewed: func(name, value string) error { return w.line.Renewed(end.Connection, name, value) },
	}, nil
}

// open makes a connection ready. The caller closes its Cloud.
func (w *work) open(ctx context.Context, end End, guard *connector.Guard) (migrate.Side, error) {
	c, env, err := w.env(end, guard)
	if err != nil {
		return migrate.Side{}, err
	}
	cloud, err := c.Open(ctx, env)
	if err != nil {
		return migrate.Side{}, fmt.Errorf("connection %s: %w", end.Connection, err)
	}
	return migrate.Side{Connection: end.Connection, Title: c.Manifest().Title, Cloud: cloud, Caps: c.Capabilities(end.Settings), Stats: env.HTTP.Stats()}, nil
}

// signIn has a person sign in on a page of the cloud's own.
func (w *work) signIn(ctx context.Context, out *Outcome) error {
	c, env, err := w.env(w.spec.From, nil)
	if err != nil {
		return err
	}
	in := c.Manifest().SignIn
	if in == nil {
		return connector.Errorf(connector.Unsupported, "%s has no sign-in on a page", c.Manifest().Title)
	}
	out.SignedIn, err = in(ctx, env, func(url, code string) {
		w.emit(migrate.Event{Event: "sign-in", Link: url, Reason: code})
	})
	return err
}

// killer returns what kills the process at the step that a failpoint names; nil
// for none. All steps of a job count by one counter.
func killer(failpoint string) func(string) {
	if failpoint == "" {
		return nil
	}
	name, count, _ := strings.Cut(failpoint, ":")
	var left atomic.Int64
	left.Store(1)
	if n, err := strconv.Atoi(count); err == nil {
		left.Store(int64(n))
	}
	return func(at string) {
		if at != name && name != "any" || left.Add(-1) != 0 {
			return
		}
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // the signal may take a moment; nothing may happen meanwhile
	}
}

// probed makes each request a pair of failpoints, so that a test can kill the
// process between any two requests of one write.
func (w *work) probed(t http.RoundTripper) http.RoundTripper {
	if w.at == nil {
		return t
	}
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		w.at("before-request")
		resp, err := t.RoundTrip(r)
		w.at("after-request")
		return resp, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
