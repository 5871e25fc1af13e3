package web

import (
	"encoding/hex"
	"errors"
	"slices"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// roles are the roles that a member can have, with what they may do.
func roles() map[string]string {
	return map[string]string{
		"owner":         "may do everything, also give this role to others and destroy the organisation",
		"administrator": "adds connections, plans migrations, and invites people",
		"operator":      "runs what was planned: starts, pauses, stops, verifies and undoes",
		"auditor":       "reads reports and the audit log, and changes nothing",
	}
}

// article is a role with its article.
func article(role string) string {
	if role != "" && slices.Contains([]byte("aeiou"), role[0]) {
		return "an " + role
	}
	return "a " + role
}

// people are an organisation's members and who is invited.
func (s *Site) people() {
	s.page("GET /o/{org}/people", access.ReadPeople, (*visit).listPeople)
	s.page("GET /o/{org}/people/invite", access.ChangeInvitations, func(v *visit) error { return v.invite("", "operator", nil) })
	s.page("POST /o/{org}/people/invite", access.ChangeInvitations, (*visit).invited)
	s.page("POST /o/{org}/invitations/{id}/withdraw", access.ChangeInvitations, (*visit).withdrawn)
	s.page("GET /o/{org}/people/{id}", access.ReadPeople, func(v *visit) error { return v.member("", nil) })
	s.page("POST /o/{org}/people/{id}/role", access.ChangeRoles, (*visit).changedRole)
	s.page("GET /o/{org}/people/{id}/remove", access.RemovePeople, (*visit).askRemove)
	s.page("POST /o/{org}/people/{id}/remove", access.RemovePeople, (*visit).removed)
}

func (v *visit) listPeople() error {
	members, err := v.App.Store().Members(v.ctx(), v.org.ID)
	if err != nil {
		return err
	}
	p := v.layout("People")
	p.Heading.Lead = "Who is in this organisation, and what each of them may do."
	if v.may(access.ChangeInvitations) {
		p.Heading.Actions = []look.Button{{Text: "Invite somebody", Kind: look.Primary, Href: v.at("/people/invite")}}
	}
	t := look.Table{Caption: "People", Columns: []look.Column{{Title: "Person", Wide: true}, {Title: "Role"}, {Title: "Second factor"}, {Title: "Since"}, {Title: "Change", Quiet: true}}}
	for _, m := range members {
		row := look.Row{Cells: []any{look.Stacked{Top: look.Name(m.Name), Below: look.Name(m.Address)}, look.Badge{Text: m.Role}, factor(m.Second), m.Since, ""}}
		if v.may(access.ChangeRoles) {
			row.Cells[4] = look.Button{Text: "Change", Small: true, Kind: look.Quiet, Href: v.at("/people/" + m.Person), About: look.Name(m.Name)}
		}
		t.Rows = append(t.Rows, row)
	}
	body := []any{t}
	if v.may(access.ReadInvitations) {
		invited, err := v.invitations()
		if err != nil {
			return err
		}
		if len(invited.Rows) > 0 {
			body = append(body, look.Section{ID: "invited", Title: "Invited", Parts: []any{invited}})
		}
	}
	p.Body = body
	return v.show(p)
}

func factor(has bool) look.Badge {
	if has {
		return look.Badge{Text: "yes", Tone: look.Good}
	}
	return look.Badge{Text: "none"}
}

func (v *visit) invitations() (look.Table, error) {
	t := look.Table{Caption: "Invitations", Columns: []look.Column{{Title: "Address", Wide: true}, {Title: "Role"}, {Title: "Holds until"}, {Title: "Withdraw", Quiet: true}}}
	all, err := v.App.Store().Invitations(v.ctx(), v.org.ID)
	for _, i := range all {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(i.Address), look.Badge{Text: i.Role}, i.Expires,
			look.Button{Text: "Withdraw", Small: true, Kind: look.Quiet, Post: v.at("/invitations/" + hex.EncodeToString(i.TokenHash) + "/withdraw"), About: look.Name(i.Address)}}})
	}
	return t, err
}

func chooseRole(chosen string) look.Choices {
	c := look.Choices{Name: "role", Legend: "Role"}
	for _, r := range access.Members() {
		c.Options = append(c.Options, look.Choice{Value: string(r), Title: string(r), Text: sentence(roles()[string(r)]), Chosen: string(r) == chosen})
	}
	return c
}

func (v *visit) invite(address, role string, refused error) error {
	p := v.layout("Invite somebody")
	p.Crumbs = []look.Link{{Text: "People", Href: v.at("/people")}}
	p.Heading.Lead = "They get a letter with a link, which holds for two weeks."
	return v.ask(form{page: p, form: look.Form{Action: v.at("/people/invite"), Fields: []any{
		look.Field{Name: "address", Label: "E-mail address", Kind: "email", Value: address, First: true}, chooseRole(role),
	}, Buttons: []look.Button{{Text: "Send the invitation", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: v.at("/people")}}}}, refused)
}

func (v *visit) invited() error {
	role := v.typed("role")
	if err := v.mayGive(role); err != nil {
		return v.invite(v.typed("address"), role, err)
	}
	if err := v.Accounts.Invite(v.ctx(), v.signed.Person, v.org.ID, v.typed("address"), role); err != nil {
		return v.invite(v.typed("address"), role, err)
	}
	return v.to(v.at("/people?done=invited"))
}

// mayGive refuses an owner's role from whoever may not make owners.
func (v *visit) mayGive(role string) error {
	if role == account.Owner && !v.may(access.ChangeOwners) {
		return &account.Refusal{Field: "role", Reason: "only an owner can make somebody an owner"}
	}
	return nil
}

func (v *visit) withdrawn() error {
	hash, err := hex.DecodeString(v.r.PathValue("id"))
	if err != nil {
		return errNotFound
	}
	if _, err := v.App.Store().RemoveInvitation(v.ctx(), v.org.ID, hash); err != nil {
		return err
	}
	return v.to(v.at("/people?done=withdrawn"))
}

// one returns the member whom the address names.
func (v *visit) one() (store.Member, error) {
	members, err := v.App.Store().Members(v.ctx(), v.org.ID)
	if err != nil {
		return store.Member{}, err
	}
	i := slices.IndexFunc(members, func(m store.Member) bool { return m.Person == v.r.PathValue("id") })
	if i < 0 {
		return store.Member{}, errNotFound
	}
	return members[i], nil
}

func (v *visit) member(role string, refused error) error {
	m, err := v.one()
	if err != nil {
		return err
	}
	p := v.layout("Person")
	p.Crumbs = []look.Link{{Text: "People", Href: v.at("/people")}}
	p.Heading.Title = look.Name(m.Name)
	facts := look.Facts{{Term: "Address", Value: look.Name(m.Address)}, {Term: "In the organisation since", Value: m.Since}, {Term: "Second factor", Value: factor(m.Second)}}
	if !v.may(access.ChangeRoles) {
		p.Body = append(look.Facts{{Term: "Role", Value: m.Role}}, facts...)
		return v.show(p)
	}
	if role == "" {
		role = m.Role
	}
	p.Body = facts
	buttons := []look.Button{{Text: "Change the role", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: v.at("/people")}}
	if v.may(access.RemovePeople) {
		p.Heading.Actions = []look.Button{{Text: "Remove", Kind: look.Danger, Href: v.at("/people/" + m.Person + "/remove"), Confirm: true, About: look.Name(m.Name)}}
	}
	return v.ask(form{page: p, form: look.Form{Action: v.at("/people/" + m.Person + "/role"), Fields: []any{chooseRole(role)}, Buttons: buttons}}, refused)
}

func (v *visit) changedRole() error {
	m, err := v.one()
	if err != nil {
		return err
	}
	role := v.typed("role")
	if err := errors.Join(v.mayGive(m.Role), v.mayGive(role)); err != nil {
		return v.member(role, err)
	}
	if err := v.Accounts.SetRole(v.ctx(), v.org.ID, m.Person, role); err != nil {
		return v.member(role, err)
	}
	return v.to(v.at("/people?done=role"))
}

func (v *visit) askRemove() error {
	m, err := v.one()
	if err != nil {
		return err
	}
	p := v.layout("Remove somebody")
	p.Heading.Title = look.Name("Remove " + m.Name)
	p.Crumbs = []look.Link{{Text: "People", Href: v.at("/people")}}
	p.Body = look.Confirm{Text: "They lose access to this organisation at once.",
		Follows: []any{"Their account stays, and so do the organisations that they are in besides.", "What they did stays in the audit log."},
		Action:  v.at("/people/" + m.Person + "/remove"), Button: "Remove", Danger: true, Back: v.at("/people")}
	return v.show(p)
}

func (v *visit) removed() error {
	m, err := v.one()
	if err != nil {
		return err
	}
	if err := v.mayGive(m.Role); err != nil {
		return err
	}
	if err := v.Accounts.RemoveMember(v.ctx(), v.org.ID, m.Person); err != nil {
		return err
	}
	return v.to(v.at("/people?done=removed"))
}
