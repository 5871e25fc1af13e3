// Package demo sets up what `rialto demo` shows: two stand-ins that listen on
// loopback, a state folder that is removed at the end, connections to both, and
// a page on which both clouds stand side by side. What is shown of it, and when,
// is the command's.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/confine"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// Config makes a Demo.
type Config struct {
	Stage  *standin.Stage
	App    app.Config // its StateDir and Getenv are the demo's own
	Listen string     // where the page is: "127.0.0.1:0"
}

// A Demo is a stage that is running. Close it.
type Demo struct {
	stage *standin.Stage
	app   *app.App
	dir   string
	file  *migrate.File
	ends  []*End
	page  string

	stop    context.CancelFunc
	servers *errgroup.Group

	mu     sync.Mutex
	report []byte
}

// An End is one of the two clouds.
type End struct {
	Connection, Cloud string // "workshop-trello", "trello"
	URL               string // where the stand-in listens
	settings          map[string]string
}

// Open starts the clouds and the page. Nothing is connected yet.
func Open(ctx context.Context, c Config) (_ *Demo, err error) {
	dir, err := os.MkdirTemp("", "rialto-demo-")
	if err != nil {
		return nil, fmt.Errorf("the demo needs a temporary folder for its state: %w", err)
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	d := &Demo{stage: c.Stage, dir: dir, stop: stop, servers: &errgroup.Group{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	c.App.StateDir = filepath.Join(dir, "state")
	c.App.Getenv = func(string) string { return "" } // nothing of the user's own
	if d.app, err = app.Open(ctx, c.App); err != nil {
		return nil, err
	}
	for _, actor := range []standin.Actor{c.Stage.From, c.Stage.To} {
		base, err := d.serve(serving, "127.0.0.1:0", actor)
		if err != nil {
			return nil, err
		}
		d.ends = append(d.ends, &End{Connection: "workshop-" + actor.Name(), Cloud: actor.Name(), URL: base, settings: actor.Settings(base)})
	}
	d.file = &migrate.File{From: d.ends[0].Connection, To: d.ends[1].Connection, Spec: migrate.Spec{
		Name: "demo", Scope: []string{c.Stage.Scope}, Place: c.Stage.Place, Timezone: c.Stage.Timezone,
		People:   migrate.People{Others: "name-in-text"},
		Policies: migrate.Policies{Notify: "all"}}} // there is nobody to tell
	if err := d.file.Validate(); err != nil {
		return nil, err
	}
	pages := http.NewServeMux()
	pages.Handle("GET /{$}", standin.BoardsHandler("Rialto demo", c.Stage.From, c.Stage.To))
	pages.HandleFunc("GET /report", d.serveReport)
	d.page, err = d.serve(serving, c.Listen, pages)
	return d, err
}

func (d *Demo) serve(ctx context.Context, address string, h http.Handler) (base string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", fmt.Errorf("the demo cannot listen on %s: %w; --listen chooses another address", address, err)
	}
	d.servers.Go(func() error { return standin.Serve(ctx, l, h) })
	return "http://" + l.Addr().String() + "/", nil
}

// Close stops the servers and removes the state folder. It is safe to repeat.
func (d *Demo) Close() error {
	d.stop()
	err := d.servers.Wait()
	if d.app != nil {
		err = errors.Join(err, d.app.Close())
		d.app = nil
	}
	return errors.Join(err, os.RemoveAll(d.dir))
}

// Page is the address on which both clouds stand side by side; below it,
// "report" is the last one given to ShowReport.
func (d *Demo) Page() string { return d.page }

// Ends are the two clouds, the source first.
func (d *Demo) Ends() []*End { return d.ends }

// Migration is what is demonstrated.
func (d *Demo) Migration() *migrate.File { return d.file }

// Connect tries the credentials of an end and seals them.
func (d *Demo) Connect(ctx context.Context, e *End) (connector.Identity, error) {
	return d.app.Connect(ctx, e.Connection, e.Cloud, e.settings)
}

// A Mover is what held for the process that touched the content.
type Mover struct {
	PID     int
	Confine confine.Report
	Written int64 // bytes that the kernel counts as written to disk; -1 if it does not tell
}

// Do carries out a verb and tells of its mover.
func (d *Demo) Do(ctx context.Context, verb string, events func(migrate.Event)) (*job.Outcome, Mover, error) {
	m := Mover{Written: -1}
	out, err := d.app.Do(ctx, app.Request{Verb: verb, File: d.file, Events: events,
		Moved: func(pid int, r confine.Report) { m.PID, m.Confine = pid, r },
		Wrote: func(bytes int64) { m.Written = bytes }})
	return out, m, err
}

// Deeds are what people do at the source between two runs.
func (d *Demo) Deeds() []standin.Deed { return d.stage.Deeds }

// Named tells what the item of an event is called at the source; "" if it has
// no name there.
func (d *Demo) Named(ev migrate.Event) string { return d.stage.Named(ev.Kind, ev.Source) }

// ShowReport puts a page of HTML at "report".
func (d *Demo) ShowReport(html []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report = html
}

func (d *Demo) serveReport(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	html := d.report
	d.mu.Unlock()
	if html == nil {
		http.Error(w, "Nothing has been verified yet.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(html) // a failure means that the reader has gone
}
