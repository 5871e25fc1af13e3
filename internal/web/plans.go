package web

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// A step is one page of a migration's plan: it shows a part of the file and takes
// that part back.
type step struct {
	path, title, lead string
	// form shows the part; what was typed before stands in place of what is kept.
	form func(*visit, app.Plan) (planForm, error)
	// take puts what was typed into the file.
	take func(*visit, *migrate.File) error
}

// A planForm is a step's form, with what stands above and below it. A form without
// fields is not shown.
type planForm struct {
	above, below []any
	form         look.Form
	live         string
}

func steps() []step {
	return []step{
		scopeStep(), placeStep(), peopleStep(), wavesStep(), policiesStep(), hoursStep(),
	}
}

// plans are the migrations of an organisation, before they run.
func (s *Site) plans() {
	s.page("GET /o/{org}/migrations", access.ReadMigrations, (*visit).listPlans)
	s.page("GET /o/{org}/plan", access.ChangeMigrations, func(v *visit) error { return v.newPlan(nil) })
	s.page("POST /o/{org}/plan", access.ChangeMigrations, (*visit).planned)
	s.page("GET /o/{org}/migrations/{id}", access.ReadMigrations, (*visit).planOverview)
	s.page("GET /o/{org}/migrations/{id}/remove", access.DeleteMigrations, (*visit).askRemovePlan)
	s.page("POST /o/{org}/migrations/{id}/remove", access.DeleteMigrations, (*visit).removedPlan)
	for _, st := range append(steps(), textStep()) {
		s.page("GET /o/{org}/migrations/{id}/"+st.path, access.ReadMigrations, func(v *visit) error { return v.showStep(st, nil) })
		s.page("POST /o/{org}/migrations/{id}/"+st.path, access.ChangeMigrations, func(v *visit) error { return v.takeStep(st) })
	}
	s.page("POST /o/{org}/migrations/{id}/scan", access.ReadMigrations, (*visit).scanned)
	s.page("GET /o/{org}/migrations/{id}/scan/events", access.ReadMigrations, (*visit).scanEvents)
	s.page("POST /o/{org}/migrations/{id}/people/read", access.ReadMigrations, (*visit).readPeople)
	s.page("GET /o/{org}/migrations/{id}/people/events", access.ReadMigrations, (*visit).peopleEvents)
	s.page("GET /o/{org}/migrations/{id}/people.csv", access.ReadMigrations, (*visit).peopleCSV)
	s.page("GET /o/{org}/migrations/{id}/map.csv", access.ReadMigrations, (*visit).mapCSV)
}

func (v *visit) planAt(name, path string) string {
	return v.at("/migrations/" + url.PathEscape(name) + path)
}

func (v *visit) listPlans() error {
	all, err := v.own().Plans(v.ctx())
	if err != nil {
		return err
	}
	p := v.layout("Migrations")
	p.Heading.Lead = "What moves from one cloud to another."
	if v.may(access.ChangeMigrations) {
		p.Heading.Actions = []look.Button{{Text: "Plan a migration", Kind: look.Primary, Href: v.at("/plan")}}
	}
	t := look.Table{Caption: "Migrations", Columns: []look.Column{{Title: "Migration", Wide: true}, {Title: "From"}, {Title: "To"}, {Title: "Changed"}, {Title: "Open", Quiet: true}},
		Empty: &look.Empty{Title: "Nothing is planned yet", Text: "A migration needs a connection to the cloud that you leave, and one to the cloud that you go to."}}
	for _, m := range all {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(m.Name), look.Name(m.File.From), look.Name(m.File.To), m.Changed,
			look.Button{Text: "Open", Small: true, Kind: look.Quiet, Href: v.planAt(m.Name, ""), About: look.Name(m.Name)}}})
	}
	p.Body = t
	return v.show(p)
}

// newPlan asks for the two ends of a new migration.
func (v *visit) newPlan(refused error) error {
	all, err := v.own().Connections(v.ctx())
	if err != nil {
		return err
	}
	p := v.layout("Plan a migration")
	p.Crumbs = []look.Link{{Text: "Migrations", Href: v.at("/migrations")}}
	if len(all) < 2 {
		e := look.Empty{Title: "Two connections are needed", Text: "One to the cloud that you leave, and one to the cloud that you go to."}
		if v.may(access.AddConnections) {
			e.Actions = []look.Button{{Text: "Add a connection", Kind: look.Primary, Href: v.at("/clouds")}}
		}
		p.Body = e
		return v.show(p)
	}
	p.Heading.Lead = "Name it, and say from where to where. The source is only read, until you cut over."
	choose := func(name, label string) look.Field {
		f := look.Field{Name: name, Label: label, Kind: look.Select, Options: []look.Option{{Value: "", Text: "Choose one"}}}
		for _, c := range all {
			f.Options = append(f.Options, look.Option{Value: c.Name, Text: look.Words{look.Name(c.Name), ", " + v.cloud(c.Connector)}, Selected: v.typed(name) == c.Name})
		}
		return f
	}
	return v.ask(form{page: p, form: look.Form{Action: v.at("/plan"), Fields: []any{
		look.Field{Name: "name", Label: "Name", Value: v.typed("name"), MaxLength: 100, First: true}, choose("from", "From"), choose("to", "To"),
	}, Buttons: []look.Button{{Text: "Go on", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: v.at("/migrations")}}}}, refused)
}

func (v *visit) planned() error {
	name := strings.TrimSpace(v.typed("name"))
	if strings.Trim(name, ".") == "" {
		return v.newPlan(&account.Refusal{Field: "name", Reason: "a migration needs a name"})
	}
	f := &migrate.File{From: v.typed("from"), To: v.typed("to"), Spec: migrate.Spec{Name: name, Scope: []string{"*"}}}
	p, err := v.own().PutPlan(v.ctx(), app.Plan{File: f, By: v.signed.Person.ID})
	if _, taken := errors.AsType[*app.PlanChanged](err); taken {
		err = &account.Refusal{Field: "name", Reason: "there is a migration of this name"}
	}
	if bad, ok := errors.AsType[*app.SettingError](err); ok {
		err = &account.Refusal{Field: bad.Setting, Reason: bad.Reason}
	}
	if err != nil {
		return v.newPlan(err)
	}
	return v.to(v.planAt(p.Name, "/"+steps()[0].path))
}

// plan is the plan that the address names.
func (v *visit) plan() (app.Plan, error) { return v.own().Plan(v.ctx(), v.r.PathValue("id")) }

// stepper shows where in a plan one is.
func (v *visit) stepper(name, current string) look.Stepper {
	s := look.Stepper{Label: "Plan"}
	passed := true
	for _, st := range append(steps(), step{path: "forecast", title: "Forecast"}) {
		one := look.Step{Title: st.title, Href: v.planAt(name, "/"+st.path)}
		switch {
		case st.path == current:
			one.State, passed = look.StepCurrent, false
		case passed && current != "":
			one.State = look.StepDone
		}
		s.Steps = append(s.Steps, one)
	}
	return s
}

func (v *visit) planPage(name, title string) look.Page {
	p := v.layout(title)
	p.Crumbs = []look.Link{{Text: "Migrations", Href: v.at("/migrations")}, {Text: look.Name(name), Href: v.planAt(name, "")}}
	return p
}

func (v *visit) planOverview() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	p := v.layout("Migration")
	p.Crumbs = []look.Link{{Text: "Migrations", Href: v.at("/migrations")}}
	p.Heading.Title = look.Name(m.Name)
	p.Heading.Actions = []look.Button{{Text: "Forecast", Kind: look.Primary, Href: v.planAt(m.Name, "/forecast")}, {Text: "As text", Kind: look.Quiet, Href: v.planAt(m.Name, "/text")}}
	if v.may(access.DeleteMigrations) {
		p.Heading.Actions = append(p.Heading.Actions, look.Button{Text: "Remove", Kind: look.Danger, Href: v.planAt(m.Name, "/remove"), Confirm: true, About: look.Name(m.Name)})
	}
	who, err := v.nameOf(m.By)
	if err != nil {
		return err
	}
	facts := look.Facts{{Term: "From", Value: look.Name(m.File.From)}, {Term: "To", Value: look.Name(m.File.To)}, {Term: "Place", Value: look.Name(orNone(m.File.Place, "the target's own"))},
		{Term: "Changed", Value: m.Changed}, {Term: "By", Value: who}}
	t := look.Table{Caption: "What is decided", Captioned: true, Columns: []look.Column{{Title: "Decision"}, {Title: "Choice", Wide: true}, {Title: "By"}}}
	for _, d := range m.File.Decisions().Choices {
		t.Rows = append(t.Rows, look.Row{Cells: []any{d.Name, look.Name(d.Choice), look.Name(d.By)}})
	}
	p.Body = []any{v.stepper(m.Name, ""), facts, t}
	return v.show(p)
}

func orNone(text, none string) string {
	if text == "" {
		return none
	}
	return text
}

// nameOf is what a member is called.
func (v *visit) nameOf(person string) (any, error) {
	if person == v.signed.Person.ID {
		return "you", nil
	}
	members, err := v.App.Store().Members(v.ctx(), v.org.ID)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if m.Person == person {
			return look.Name(m.Name), nil
		}
	}
	return "somebody who is no longer in this organisation", nil
}

// showStep shows a step; refused is why what was typed was not taken.
func (v *visit) showStep(st step, refused error) error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	f, err := st.form(v, m)
	if err != nil {
		return err
	}
	p := v.planPage(m.Name, st.title)
	p.Heading.Lead, p.Live, p.Wide = st.lead, f.live, true
	if changed, ok := errors.AsType[*app.PlanChanged](refused); ok {
		who, err := v.nameOf(changed.Now.By)
		if err != nil {
			return err
		}
		var lines []any
		if len(changed.Differs) > 0 {
			lines = []any{look.Code{ID: "differs", Label: "What differs: − is yours, + is what is kept", Text: strings.Join(changed.Differs, "\n"), Wrap: true}}
		}
		p.Notices = append(p.Notices, look.Alert{Tone: look.Warn, Title: look.Words{who, " changed this migration while you did."},
			Text: "Nothing of yours is kept yet, and nothing is lost. Look at what differs, and save again: this page then replaces its part.", More: lines})
		refused = &account.Refusal{Reason: "somebody changed it meanwhile; look above, and save again"}
	}
	body := append([]any{}, f.above...)
	if st.path != "text" {
		body = append([]any{v.stepper(m.Name, st.path)}, body...)
	}
	if len(f.form.Fields) == 0 || !v.may(access.ChangeMigrations) {
		body = append(body, f.below...)
		p.Body = body
		return v.show(p)
	}
	f.form.Action = v.planAt(m.Name, "/"+st.path)
	f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "version", Value: strconv.FormatInt(m.Version, 10)})
	if f.form.Buttons == nil {
		f.form.Buttons = []look.Button{{Text: "Save and go on", Kind: look.Primary, Name: "go", Value: "on"}, {Text: "Save", Name: "go", Value: "stay"}}
	}
	p.Body = body
	return v.ask(form{page: p, form: f.form, after: f.below}, refused)
}

// takeStep keeps what was typed in a step, if nobody else was quicker.
func (v *visit) takeStep(st step) error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	refused := func(err error) error {
		switch {
		case isA[*app.PlanChanged](err), isA[*account.Refusal](err):
			return v.showStep(st, err)
		case isA[*app.SettingError](err):
			bad, _ := errors.AsType[*app.SettingError](err)
			return v.showStep(st, &account.Refusal{Field: bad.Setting, Reason: bad.Reason})
		case connector.ClassOf(err) == connector.Permanent:
			return v.showStep(st, &account.Refusal{Reason: reason(err)})
		}
		return err
	}
	seen, err := strconv.ParseInt(v.typed("version"), 10, 64)
	if err != nil {
		return refused(&account.Refusal{Reason: "the page was too old; look at it again, and save it"})
	}
	ours := *m.File
	if err := st.take(v, &ours); err != nil {
		return refused(err)
	}
	if seen != m.Version {
		differs, err := app.Differences(&ours, m.File)
		if err != nil {
			return err
		}
		return refused(&app.PlanChanged{Now: m, Differs: differs})
	}
	if _, err := v.own().PutPlan(v.ctx(), app.Plan{File: &ours, Version: seen, By: v.signed.Person.ID}); err != nil {
		return refused(err)
	}
	to := st.path
	if v.typed("go") == "on" {
		to = after(st.path)
	}
	at := v.planAt(m.Name, "/"+to) + "?done=planned"
	if n := v.typed("page"); n != "" && to == st.path {
		at += "&page=" + url.QueryEscape(n)
	}
	return v.to(at)
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// after is the step that follows one.
func after(path string) string {
	all := steps()
	i := slices.IndexFunc(all, func(s step) bool { return s.path == path })
	if i < 0 || i+1 >= len(all) {
		return "forecast"
	}
	return all[i+1].path
}

// was is what a field holds: what was typed, or what is kept.
func (v *visit) was(name, kept string) string {
	if _, sent := v.r.PostForm[name]; sent {
		return v.r.PostForm.Get(name)
	}
	return kept
}

func (v *visit) askRemovePlan() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	p := v.planPage(m.Name, "Remove the plan")
	p.Heading.Title = look.Words{"Remove ", look.Name(m.Name)}
	p.Body = look.Confirm{Text: "The plan goes, with its forecasts.", Follows: []any{"Nothing at either cloud changes.", "A migration that has begun to move keeps its plan."},
		Action: v.planAt(m.Name, "/remove"), Button: "Remove", Danger: true, Back: v.planAt(m.Name, "")}
	return v.show(p)
}

func (v *visit) removedPlan() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	if err := v.own().RemovePlan(v.ctx(), m.Name); err != nil {
		return err
	}
	return v.to(v.at("/migrations?done=unplanned"))
}

// ---- What a scan found, from memory alone ----

func scanOf(connection string) string { return "scan:" + connection }

// scanned lists what the source's connection sees, in the background.
func (v *visit) scanned() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	own := v.own()
	_, err = v.deeds.start(v.org.ID, scanOf(m.File.From), scanWithin, nil, func(ctx context.Context, d *deed) (any, error) {
		n := 0
		return own.Scan(ctx, m.File.From, true, func(migrate.Event) { n++; d.tell(n) })
	})
	if err != nil {
		return err
	}
	back := "scope"
	if v.typed("back") == "waves" {
		back = "waves"
	}
	return v.to(v.planAt(m.Name, "/"+back))
}

// sightOf is what a scan of a connection told last; ok is false where none is known.
func (v *visit) sightOf(connection string) (in app.Sight, ok bool) {
	if d := v.deeds.last(v.org.ID, scanOf(connection)); d != nil {
		in, ok = d.look().result.(app.Sight)
	}
	return in, ok
}

// scanning is the part of a page that offers a scan, or shows one under way.
func (v *visit) scanning(m app.Plan, back string) (parts []any, live string) {
	again := "Read it again"
	_, known := v.sightOf(m.File.From)
	if !known {
		again = "Read the source"
	}
	read := look.Form{Action: v.planAt(m.Name, "/scan"), Hidden: []look.Hidden{{Name: "back", Value: back}}, Buttons: []look.Button{{Text: again}}}
	d := v.deeds.current(v.org.ID, scanOf(m.File.From))
	if d == nil && known {
		return []any{look.Disclosure{ID: "again", Summary: "Read from the source a while ago", Parts: []any{read}}}, ""
	}
	if d == nil {
		return []any{look.Empty{Title: "The source was not read yet", Text: "Names and counts are read when they are shown, and not kept."}, read}, ""
	}
	now := v.soon(d)
	if !now.done {
		live = v.planAt(m.Name, "/scan/events")
	}
	if now.done && now.err == nil {
		return []any{look.Disclosure{ID: "again", Summary: "Read from the source a while ago", Parts: []any{read}}}, ""
	}
	parts = []any{v.scanRegion(m.Name, back, now)}
	if now.done {
		parts = append(parts, read)
	}
	return parts, live
}

func (v *visit) scanRegion(name, back string, now sight) look.Region {
	r := look.Region{ID: "scan"}
	at := v.planAt(name, "/"+back)
	n, _ := now.told.(int)
	switch {
	case !now.done:
		r.Parts = []any{look.Alert{Tone: look.Info, Title: "Reading the source", Text: fmt.Sprintf("%s containers are counted so far.", look.Number(n)), Actions: []look.Button{{Text: "Look again", Href: at}}}}
	case now.err != nil:
		r.Parts = []any{look.Alert{Tone: look.Bad, Title: "The source could not be read", Text: why(now.err)}}
	default:
		r.Parts = []any{look.Alert{Tone: look.Good, Title: "The source is read", Actions: []look.Button{{Text: "Show it", Href: at}}}}
	}
	return r
}

func (v *visit) scanEvents() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	d := v.deeds.current(v.org.ID, scanOf(m.File.From))
	if d == nil {
		return errNotFound
	}
	return v.stream(d, func(now sight) look.Region { return v.scanRegion(m.Name, "scope", now) })
}
