package web

import (
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// organisation are the pages about an organisation itself.
func (s *Site) organisation() {
	s.page("GET /o/{org}", access.ReadOrganisation, (*visit).overview)
	s.page("GET /o/{org}/settings", access.ReadOrganisation, func(v *visit) error { return v.settings(v.org.Name, v.org.SecondFactor, nil) })
	s.page("POST /o/{org}/settings", access.ChangeOrganisation, (*visit).changedSettings)
	s.page("GET /o/{org}/destroy", access.DeleteOrganisation, func(v *visit) error { return v.askDestroy("", nil) })
	s.page("POST /o/{org}/destroy", access.DeleteOrganisation, (*visit).destroyed)
}

func plainMinutes(d time.Duration) string { return fmt.Sprintf("%d minutes", int(d.Minutes())) }

func (v *visit) overview() error {
	p := v.layout("Overview")
	p.Heading.Title = look.Name(v.org.Name)
	t := look.Table{Caption: "Migrations", Columns: []look.Column{{Title: "Migration", Wide: true}, {Title: "Changed"}},
		Empty: &look.Empty{Title: "Nothing moves yet", Text: "A migration needs a connection to the cloud that you leave, and one to the cloud that you go to."}}
	if v.may(access.ReadMigrations) {
		plans, err := v.own().Plans(v.ctx())
		if err != nil {
			return err
		}
		for _, m := range plans {
			t.Rows = append(t.Rows, look.Row{Cells: []any{look.Link{Text: look.Name(m.Name), Href: v.planAt(m.Name, "")}, m.Changed}})
		}
	}
	p.Body = []any{look.Facts{
		{Term: "Your role", Value: string(v.role), Note: sentence(roles()[string(v.role)])},
		{Term: "Data is kept in", Value: v.Accounts.Regions.Region(v.org.Region).Title},
	}, t}
	return v.show(p)
}

func (v *visit) settings(name string, factor bool, refused error) error {
	p := v.layout("Organisation")
	country, _ := v.Accounts.Regions.Country(v.org.Country)
	p.Body = look.Facts{{Term: "Country", Value: country.Name}, {Term: "Data is kept in", Value: v.Accounts.Regions.Region(v.org.Region).Title, Note: "Fixed when the organisation was made."},
		{Term: "Made", Value: v.org.Created}}
	if !v.may(access.ChangeOrganisation) {
		return v.show(p)
	}
	if v.may(access.DeleteOrganisation) {
		p.Heading.Actions = []look.Button{{Text: "Destroy", Kind: look.Danger, Href: v.at("/destroy")}}
	}
	return v.ask(form{page: p, form: look.Form{Action: v.at("/settings"), Fields: []any{
		look.Field{Name: "organisation", Label: "Name", Value: name, MaxLength: 100},
		look.Field{Name: "second", Label: "Everybody needs a second factor", Kind: look.Check, Checked: factor, Hint: "Whoever has none sets one up before going on."},
	}, Buttons: []look.Button{{Text: "Save", Kind: look.Primary}}}}, refused)
}

func (v *visit) changedSettings() error {
	o, second := v.org, v.typed("second") != ""
	if second && !v.signed.Factors.Any() {
		return v.settings(v.typed("organisation"), second, &account.Refusal{Field: "second", Reason: "set up a second factor of your own first, or you would lock yourself out"})
	}
	if err := v.Accounts.Change(v.ctx(), o, v.typed("organisation"), second); err != nil {
		return v.settings(v.typed("organisation"), second, err)
	}
	return v.to(v.at("/settings?done=settings"))
}

func (v *visit) askDestroy(typed string, refused error) error {
	p := v.layout("Destroy the organisation")
	p.Crumbs = []look.Link{{Text: "Organisation", Href: v.at("/settings")}}
	p.Body = look.Text("Everything that belongs to it goes: connections and their secrets, migrations, what they remember, and the key under which all of it is sealed, so that no copy can be read. " +
		"What was moved stays where it is, but it can no longer be undone or brought up to date from here. People keep their accounts.")
	return v.ask(form{page: p, form: look.Form{Action: v.at("/destroy"), Fields: []any{
		look.Field{Name: "name", Label: "Type the organisation's name", Value: typed, Hint: "It is “" + v.org.Name + "”."},
	}, Buttons: []look.Button{{Text: "Destroy it now", Kind: look.Danger}, {Text: "Go back", Kind: look.Quiet, Href: v.at("/settings")}}}}, refused)
}

func (v *visit) destroyed() error {
	if v.typed("name") != v.org.Name {
		return v.askDestroy(v.typed("name"), &account.Refusal{Field: "name", Reason: "this is not its name"})
	}
	if err := v.App.Store().DestroyOrganisation(v.ctx(), v.org.ID); err != nil {
		return err
	}
	return v.to("/organisations?done=destroyed")
}
