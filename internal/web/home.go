package web

import (
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// home is where everybody arrives.
func (s *Site) home() {
	s.door("GET /{$}", "it leads elsewhere", (*visit).start)
	s.page("GET /organisations", access.ReadMemberships, (*visit).organisations)
	s.page("GET /organisations/new", access.FoundOrganisations, func(v *visit) error { return v.found("", "", nil) })
	s.page("POST /organisations/new", access.FoundOrganisations, (*visit).founded)
}

func (v *visit) start() error {
	if v.signed.Person.ID == "" {
		return v.to("/sign-in")
	}
	all, err := v.App.Store().Memberships(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return err
	}
	if len(all) == 1 {
		return v.to("/o/" + all[0].Organisation.ID)
	}
	return v.to("/organisations")
}

func (v *visit) organisations() error {
	all, err := v.App.Store().Memberships(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return err
	}
	p := v.layout("Organisations")
	p.Heading.Lead = "Those that you are in."
	p.Heading.Actions = []look.Button{{Text: "New organisation", Href: "/organisations/new"}}
	t := look.Table{Caption: "Organisations", Columns: []look.Column{{Title: "Organisation", Wide: true}, {Title: "Your role"}, {Title: "Data is kept in"}, {Title: "Last active"}},
		Empty: &look.Empty{Title: "You are in no organisation", Text: "Make one, or ask somebody for an invitation."}}
	for _, m := range all {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Link{Text: look.Name(m.Organisation.Name), Href: "/o/" + m.Organisation.ID}, look.Badge{Text: m.Role},
			v.Accounts.Regions.Region(m.Organisation.Region).Title, m.Organisation.Active}})
	}
	p.Body = t
	return v.show(p)
}

func (v *visit) found(name, country string, refused error) error {
	p := v.layout("New organisation")
	p.Crumbs = []look.Link{{Text: "Organisations", Href: "/organisations"}}
	options := []look.Option{{Value: "", Text: "Choose a country"}}
	for _, c := range v.Accounts.Regions.Countries() {
		options = append(options, look.Option{Value: c.Code, Text: c.Name + ": " + c.Region.Title, Selected: c.Code == country})
	}
	return v.ask(form{page: p, form: look.Form{Action: "/organisations/new", Fields: []any{
		look.Field{Name: "organisation", Label: "Its name", Value: name, MaxLength: 100, First: true},
		look.Field{Name: "country", Label: "Its country", Kind: look.Select, Options: options,
			Hint: "It decides where its data is kept, which stands behind each country. This cannot be changed later."},
	}, Buttons: []look.Button{{Text: "Make it", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: "/organisations"}}}}, refused)
}

func (v *visit) founded() error {
	id, err := v.Accounts.Found(v.ctx(), v.signed.Person.ID, v.typed("country"), v.typed("organisation"))
	if err != nil {
		return v.found(v.typed("organisation"), v.typed("country"), err)
	}
	return v.to("/o/" + id + "?done=founded")
}
