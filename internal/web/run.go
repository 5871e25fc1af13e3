package web

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// runPages are what is under way and what was: the list, the live page of one run,
// and what people do about it.
func (s *Site) runPages() {
	s.page("POST /o/{org}/migrations/{id}/run", access.StartRuns, (*visit).begun)
	s.page("GET /o/{org}/runs", access.ReadRuns, (*visit).listRuns)
	s.page("GET /o/{org}/runs/{id}", access.ReadRuns, (*visit).showRun)
	s.page("GET /o/{org}/runs/{id}/events", access.ReadRuns, (*visit).runEvents)
	s.page("POST /o/{org}/runs/{id}/pause", access.PauseRuns, func(v *visit) error { return v.onRun((*runs.Registry).Pause) })
	s.page("POST /o/{org}/runs/{id}/resume", access.StartRuns, func(v *visit) error { return v.onRun((*runs.Registry).Resume) })
	s.page("POST /o/{org}/runs/{id}/stop", access.StopRuns, func(v *visit) error { return v.onRun((*runs.Registry).Stop) })
	s.page("POST /o/{org}/runs/{id}/run", access.StartRuns, func(v *visit) error { return v.again(job.Run) })
	s.page("POST /o/{org}/runs/{id}/verify", access.MakeReports, func(v *visit) error { return v.again(job.Verify) })
	s.page("GET /o/{org}/runs/{id}/undo", access.UndoRuns, (*visit).askUndo)
	s.page("POST /o/{org}/runs/{id}/undo", access.UndoRuns, func(v *visit) error { return v.again(job.Undo) })
	s.page("GET /o/{org}/runs/{id}/certificate", access.ReadCertificates, (*visit).runCertificate)
	s.page("GET /o/{org}/runs/{id}/report", access.ReadReports, (*visit).runReport)
	s.page("GET /o/{org}/runs/{id}/report.json", access.ReadReports, (*visit).runReportJSON)
}

// verbTitle is a verb as the title of its run.
func verbTitle(verb string) string {
	switch verb {
	case job.Verify:
		return "Verification"
	case job.Cutover:
		return "Cut-over"
	}
	return strings.ToUpper(verb[:1]) + verb[1:]
}

// begun orders a run of a plan as it stands now.
func (v *visit) begun() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	r, err := v.Runs.Start(v.ctx(), runs.Order{Organisation: v.org.ID, Migration: m.File, Verb: job.Run, By: v.signed.Person.ID})
	if err != nil {
		return err
	}
	return v.to(v.atRun(r.Num, ""))
}

// badge is the state of a run.
func badge(r runs.Run) look.Badge {
	b := look.Badge{Text: string(r.State)}
	switch r.State {
	case runs.Queued:
		b.Text, b.Icon = "waits for its turn", string(look.Waiting)
	case runs.Running:
		b.Tone, b.Icon = look.Info, string(look.Moving)
	case runs.Paused:
		b.Tone, b.Icon = look.Warn, string(look.Paused)
	case runs.Stopped:
		b.Icon = string(look.Skipped)
	case runs.Done:
		b.Tone = look.Good
	case runs.Partly:
		b.Text, b.Tone = look.Partly.Words(), look.Warn
	case runs.Failed:
		b.Tone = look.Bad
	}
	if r.Stopping && !r.State.Over() {
		b = look.Badge{Text: "is about to stop", Tone: look.Warn, Icon: string(look.Paused)}
	}
	return b
}

const runsOnPage = 50

func (v *visit) listRuns() error {
	before := int64(math.MaxInt64)
	if n, err := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64); err == nil && n > 0 {
		before = n
	}
	all, err := v.Runs.Runs(v.ctx(), v.org.ID, before, runsOnPage)
	if err != nil {
		return err
	}
	names, err := v.names()
	if err != nil {
		return err
	}
	p := v.layout("Runs")
	p.Heading.Lead = "What is under way, and what was."
	t := look.Table{Caption: "Runs", Columns: []look.Column{{Title: "Run", Wide: true}, {Title: "State"}, {Title: "Began"}, {Title: "Took"}, {Title: "By"}, {Title: "Failed", Number: true}},
		Empty: &look.Empty{Title: "Nothing has run yet", Text: "A migration is forecast first, which only reads, and then run."}}
	for _, r := range all {
		took := "so far " + spell(v.Now().Sub(r.Began))
		if !r.Ended.IsZero() {
			took = spell(r.Ended.Sub(r.Began))
		}
		t.Rows = append(t.Rows, look.Row{Cells: []any{
			look.Stacked{Top: look.Link{Text: fmt.Sprintf("%s, no. %d", verbTitle(r.Verb), r.Num), Href: v.atRun(r.Num, "")}, Below: look.Name(r.Migration)},
			badge(r), r.Began, took, v.named(r.By, names), int(failed(r.Counts))}})
	}
	if len(all) == runsOnPage {
		t.Pages = &look.Pagination{First: int(all[0].Num), Last: int(all[len(all)-1].Num), Word: "runs", Next: fmt.Sprintf("%s?before=%d", v.at("/runs"), all[len(all)-1].Num)}
	}
	p.Body = t
	return v.show(p)
}

// named is who ordered a run, as far as whoever visits may know.
func (v *visit) named(person string, names map[string]string) any {
	switch {
	case person == v.signed.Person.ID:
		return "you"
	case person == "":
		return "the service"
	case names[person] != "":
		return look.Name(names[person])
	}
	return "a colleague"
}

func failed(c runs.Counts) (n int64) {
	for _, f := range c.Failures {
		n += f.Count
	}
	return n
}

// spell says how long something took.
func spell(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

func (v *visit) atRun(num int64, path string) string {
	return v.at("/runs/" + strconv.FormatInt(num, 10) + path)
}

// run is the one that the address names.
func (v *visit) run() (runs.Run, error) {
	num, err := strconv.ParseInt(v.r.PathValue("id"), 10, 64)
	if err != nil {
		return runs.Run{}, errNotFound
	}
	r, err := v.Runs.Run(v.ctx(), v.org.ID, num)
	if connector.ClassOf(err) == connector.Gone {
		err = errNotFound
	}
	return r, err
}

// linesAtFirst is how many lines of the log a page begins with.
const linesAtFirst = 200

func (v *visit) showRun() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	names, err := v.names()
	if err != nil {
		return err
	}
	p := v.layout(fmt.Sprintf("%s, no. %d", verbTitle(r.Verb), r.Num))
	p.Crumbs = []look.Link{{Text: "Runs", Href: v.at("/runs")}}
	p.Wide = true
	p.Heading.Lead = look.Words{"Of the migration ", look.Name(r.Migration), ", by ", v.named(r.By, names), "."}
	events, err := v.App.Store().RunEvents(v.ctx(), v.org.ID, r.Num, max(r.Last-linesAtFirst, 0), linesAtFirst)
	if err != nil {
		return err
	}
	log := look.Log{ID: "log", Label: "What happens", Filter: true}
	for _, row := range events {
		e, err := runs.Read(row)
		if err != nil {
			return err
		}
		log.Lines = append(log.Lines, lines(e)...)
	}
	regions, err := v.regions(r)
	if err != nil {
		return err
	}
	body := []any{look.Region{ID: "acts", Parts: v.acts(r)}}
	for _, g := range regions {
		body = append(body, g)
	}
	body = append(body, look.Section{ID: "happens", Title: "Log", Parts: []any{log}})
	p.Body = body
	if !r.State.Over() {
		p.Live = fmt.Sprintf("%s?after=%d", v.atRun(r.Num, "/events"), r.Last)
	}
	return v.show(p)
}

// acts are what whoever visits can do about a run, as it stands.
func (v *visit) acts(r runs.Run) []any {
	var all []look.Button
	add := func(need access.Action, b look.Button) {
		if v.may(need) {
			all = append(all, b)
		}
	}
	post := func(what string) string { return v.atRun(r.Num, "/"+what) }
	switch {
	case r.State.Over() && r.Verb != job.Scan:
		text := map[bool]string{true: "Try again what failed", false: "Run again"}[r.Verb == job.Run && r.State != runs.Done]
		if r.Verb == job.Forecast {
			text = "Run"
		}
		add(access.StartRuns, look.Button{Text: text, Kind: look.Primary, Post: post("run")})
		add(access.MakeReports, look.Button{Text: "Verify", Post: post("verify")})
		if r.Verb != job.Forecast && r.Verb != job.Undo {
			add(access.ReadCertificates, look.Button{Text: "Certificate", Href: post("certificate")})
			add(access.UndoRuns, look.Button{Text: "Undo", Kind: look.Danger, Href: post("undo"), Confirm: true})
		}
	case r.State.Over() || r.Stopping:
	case r.State == runs.Paused:
		add(access.StartRuns, look.Button{Text: "Resume", Kind: look.Primary, Post: post("resume")})
		add(access.StopRuns, look.Button{Text: "Stop", Post: post("stop")})
	default:
		if r.Verb != job.Scan {
			add(access.PauseRuns, look.Button{Text: "Pause", Kind: look.Primary, Post: post("pause")})
		}
		add(access.StopRuns, look.Button{Text: "Stop", Post: post("stop")})
	}
	if len(all) == 0 {
		return nil
	}
	return []any{look.Section{Title: "What to do", Actions: all}}
}

// onRun does something to the run, and shows it again.
func (v *visit) onRun(do func(*runs.Registry, context.Context, string, int64) error) error {
	r, err := v.run()
	if err != nil {
		return err
	}
	if err := do(v.Runs, v.ctx(), v.org.ID, r.Num); err != nil {
		return err
	}
	return v.to(v.atRun(r.Num, ""))
}

// again begins a run of a verb on the same migration, and shows that.
func (v *visit) again(verb string) error {
	r, err := v.run()
	if err != nil {
		return err
	}
	next, err := v.Runs.Again(v.ctx(), v.org.ID, r.Num, verb, v.signed.Person.ID)
	if err != nil {
		return err
	}
	return v.to(v.atRun(next.Num, ""))
}

func (v *visit) askUndo() error {
	r, err := v.run()
	if err != nil {
		return err
	}
	p := v.layout("Undo the migration")
	p.Crumbs = []look.Link{{Text: "Runs", Href: v.at("/runs")}, {Text: fmt.Sprintf("%s, no. %d", verbTitle(r.Verb), r.Num), Href: v.atRun(r.Num, "")}}
	p.Body = look.Confirm{Text: "What this migration wrote to the target is removed there.",
		Follows: []any{look.Words{"The migration is ", look.Name(r.Migration), ", with all of its runs, as far as it was selected for this one."},
			"What people changed or added since stays, and is listed.", "The source is not touched."},
		Action: v.atRun(r.Num, "/undo"), Button: "Undo", Danger: true, Back: v.atRun(r.Num, "")}
	return v.show(p)
}
