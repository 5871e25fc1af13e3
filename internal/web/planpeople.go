package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// peopleStep says who becomes whom.
func peopleStep() step {
	return step{path: "people", title: "People", lead: "Who becomes whom. What is found by itself says by what; the rest you decide.", form: (*visit).peopleForm, take: (*visit).takePeople}
}

func peopleOf(migration string) string { return "people:" + migration }

// ways are the ways to find somebody's counterpart, in the order in which they are
// tried.
func ways() []look.Choice {
	return []look.Choice{
		{Value: "email", Title: "By e-mail address", Text: "The same address at both clouds."},
		{Value: "username", Title: "By user name", Text: "The same name to sign in with."},
		{Value: "name", Title: "By full name", Text: "Only where nobody else has it."},
	}
}

func (v *visit) peopleForm(m app.Plan) (f planForm, err error) {
	at := v.planAt(m.Name, "/people")
	match := look.Choices{Name: "match", Legend: "Found by itself", Several: true, Options: ways()}
	for i, w := range match.Options {
		match.Options[i].Chosen = slices.Contains(v.wereTyped("match", m.File.People.Match), w.Value)
	}
	others := look.Choices{Name: "others", Legend: "People whom nobody has decided about", Options: []look.Choice{
		{Value: "", Title: "Stop before a run", Text: "A run refuses while somebody who is assigned to a task is undecided."},
		{Value: "name-in-text", Title: "Write their names down", Text: "Their names stand in the text of what was theirs."},
		{Value: "drop", Title: "Leave them out", Text: "What was theirs moves without them."},
	}}
	for i, o := range others.Options {
		others.Options[i].Chosen = v.was("others", m.File.People.Others) == o.Value
	}
	f.form.Upload = true
	f.form.Fields = []any{match, others}
	read := look.Form{Action: at + "/read", Buttons: []look.Button{{Text: "Read who is there"}}}
	d := v.deeds.current(v.org.ID, peopleOf(m.Name))
	var list *migrate.PeopleList
	if d != nil {
		now := v.soon(d)
		list, _ = now.result.(*migrate.PeopleList)
		if !now.done {
			f.live = at + "/events"
		}
		if list == nil {
			f.above = append(f.above, v.peopleRegion(m.Name, now))
		}
	}
	switch {
	case list != nil:
		f.form.Fields = append(f.form.Fields, v.peopleTable(m, list, &f)...)
		f.above = append(f.above, v.peopleSaid(list)...)
		f.below = append(f.below, look.Disclosure{ID: "again", Summary: "Read a while ago", Parts: []any{read}})
	case f.live == "":
		f.above = append(f.above, look.Empty{Title: "Nobody was read yet", Text: "Names and addresses are read when they are shown. Only what you decide is kept."}, read)
	}
	f.form.Fields = append(f.form.Fields, look.Fieldset{Legend: "As a table", Hint: fmt.Sprintf("%s decided by hand. A table of the columns source and target, as CSV, takes the place of them all.",
		counted(len(m.File.People.Rows), "person is", "people are")), Fields: []any{
		look.Field{Name: "table", Label: "Table", Kind: "file", Optional: true, Hint: "From any spreadsheet, saved as CSV."}}})
	f.below = append(f.below, look.Section{ID: "csv", Title: "Decide in a spreadsheet", Text: "Download the table, fill in the column target, and bring it back above. A hyphen there means nobody.",
		Actions: []look.Button{{Text: "Download the table", Href: v.planAt(m.Name, "/people.csv")}}})
	return f, nil
}

// wereTyped is what a group of choices holds.
func (v *visit) wereTyped(name string, kept []string) []string {
	if v.r.Method == http.MethodPost {
		return v.r.PostForm[name]
	}
	return kept
}

// peopleSaid says how far the people are decided.
func (v *visit) peopleSaid(list *migrate.PeopleList) (parts []any) {
	if list.Refused > 0 {
		parts = append(parts, look.Alert{Tone: look.Warn, Title: counted(list.Undecided, "person is undecided", "people are undecided"), Text: "Assigned to tasks: " + look.Number(list.Refused) + "."})
	}
	for _, t := range list.Together {
		parts = append(parts, look.Alert{Tone: look.Warn, Title: "Several become one", Text: look.Name(strings.Join(t.Sources, ", ") + " → " + t.Target)})
		if len(parts) > 5 {
			break
		}
	}
	return parts
}

// found says by what somebody was found.
func found(by string) string {
	return map[string]string{"email": "same e-mail address", "domain": "changed domain", "username": "same user name", "name": "same full name", "hand": "decided by hand", "left": "has left"}[by]
}

// suggested is who somebody may be at the target; nothing for nobody.
func suggested(p migrate.PersonLine) any {
	if p.Suggestion == "" {
		return ""
	}
	return look.Stacked{Top: look.Name(orNone(p.SuggestedName, p.Suggestion)), Below: look.Name(orNone(p.SuggestedEmail, p.Suggestion))}
}

func (v *visit) peopleTable(m app.Plan, list *migrate.PeopleList, f *planForm) []any {
	from, to, pages := v.window(len(list.People), v.planAt(m.Name, "/people"), "people")
	t := look.Table{Caption: "People", Columns: []look.Column{{Title: "At the source"}, {Title: "Tasks", Number: true}, {Title: "Found at the target"}, {Title: "Found by"}, {Title: "State"}, {Title: "Becomes", Wide: true}},
		Empty: &look.Empty{Title: "Nobody appears in what moves"}}
	decided := map[string]string{}
	for _, r := range m.File.People.Rows {
		decided[r.Source] = r.Target
	}
	for i, p := range list.People[from:to] {
		name := fmt.Sprint("who-", from+i)
		f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "of-" + name, Value: p.Source})
		kept := decided[p.Source]
		if kept == "" {
			kept = p.Decision
		}
		status := look.Badge{Text: p.Status}
		switch p.Status {
		case "decided", "matched":
			status.Tone = look.Good
		case "undecided", "suggested":
			status.Tone = look.Warn
		}
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Stacked{Top: look.Name(orNone(p.Name, p.Source)), Below: look.Name(orNone(p.Email, p.UserName))}, p.As["assigned"],
			suggested(p),
			look.Stacked{Top: orNone(found(p.Reason), "nobody"), Below: status}, p.State,
			look.Field{Name: name, Label: look.Words{"Who ", look.Name(orNone(p.Name, p.Source)), " becomes"}, Quiet: true, Optional: true, Value: v.was(name, kept)}}})
	}
	f.form.Hidden = append(f.form.Hidden, look.Hidden{Name: "page", Value: fmt.Sprint(v.page(len(list.People)))})
	parts := []any{t, look.Text("Write an e-mail address, a user name or an id of the target; a hyphen for nobody; leave it empty to take what was found.")}
	if pages != nil {
		parts = append(parts, *pages)
	}
	return parts
}

func (v *visit) takePeople(f *migrate.File) error {
	raw, err := v.uploaded("table")
	if err != nil {
		return err
	}
	f.People.Match = v.r.PostForm["match"]
	if len(f.People.Domains) > 0 {
		f.People.Match = nil // the defaults, and the change of domains
	}
	f.People.Others = v.typed("others")
	decided := map[string]string{}
	for key := range v.r.PostForm {
		if source, is := strings.CutPrefix(key, "of-"); is {
			decided[v.typed(key)] = v.typed(source)
		}
	}
	app.Decide(f, decided)
	if len(raw) > 0 {
		if err := app.TakePeople(f, raw); err != nil {
			return &account.Refusal{Field: "table", Reason: err.Error()}
		}
	}
	if err := f.Validate(); err != nil {
		return &account.Refusal{Reason: err.Error()}
	}
	return nil
}

// uploaded is a file that a form brought; nil for none.
func (v *visit) uploaded(name string) ([]byte, error) {
	if err := v.r.ParseMultipartForm(maxForm); err != nil {
		if errors.Is(err, http.ErrNotMultipart) {
			return nil, nil
		}
		return nil, err
	}
	file, _, err := v.r.FormFile(name)
	if err != nil {
		return nil, nil // none was chosen
	}
	defer file.Close()
	return io.ReadAll(file)
}

func (v *visit) readPeople() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	own := v.own()
	_, err = v.deeds.start(v.org.ID, peopleOf(m.Name), scanWithin, nil, func(ctx context.Context, d *deed) (any, error) {
		out, err := own.Do(ctx, app.Request{Verb: job.People, File: m.File, Names: true})
		if err != nil {
			return nil, err
		}
		if out.Error != nil {
			return nil, out.Error
		}
		return out.People, nil
	})
	if err != nil {
		return err
	}
	return v.to(v.planAt(m.Name, "/people"))
}

func (v *visit) peopleRegion(name string, now sight) look.Region {
	at := v.planAt(name, "/people")
	r := look.Region{ID: "people"}
	switch {
	case !now.done:
		r.Parts = []any{look.Alert{Tone: look.Info, Title: "Reading who is there", Actions: []look.Button{{Text: "Look again", Href: at}}}}
	case now.err != nil:
		r.Parts = []any{look.Alert{Tone: look.Bad, Title: "The people could not be read", Text: why(now.err)}}
	default:
		r.Parts = []any{look.Alert{Tone: look.Good, Title: "The people are read", Actions: []look.Button{{Text: "Show them", Href: at}}}}
	}
	return r
}

func (v *visit) peopleEvents() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	d := v.deeds.current(v.org.ID, peopleOf(m.Name))
	if d == nil {
		return errNotFound
	}
	return v.stream(d, func(now sight) look.Region { return v.peopleRegion(m.Name, now) })
}

func (v *visit) peopleCSV() error {
	m, err := v.plan()
	if err != nil {
		return err
	}
	var list *migrate.PeopleList
	if d := v.deeds.last(v.org.ID, peopleOf(m.Name)); d != nil {
		list, _ = d.look().result.(*migrate.PeopleList)
	}
	raw, err := app.PeopleCSV(m.File, list)
	if err != nil {
		return err
	}
	return v.download("people.csv", "text/csv; charset=utf-8", raw)
}

// download answers with a file.
func (v *visit) download(name, kind string, raw []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-store")
	v.wrote = true
	_, err := v.w.Write(raw)
	return err
}
