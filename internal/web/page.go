package web

import (
	"errors"
	"net/http"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// layout begins a page: what stands around its body.
func (v *visit) layout(title string) look.Page {
	p := look.Page{Title: title, Version: v.Version}
	if v.signed.Person.ID == "" || v.signed.Half {
		return p
	}
	p.Person = &look.Person{Name: look.Name(v.signed.Person.Name), Address: look.Name(v.signed.Person.Address), SignOut: "/sign-out",
		Links: []look.Link{{Text: "Your account", Href: "/account"}, {Text: "All organisations", Href: "/organisations"}}}
	if v.org.ID == "" {
		return p
	}
	base := v.at("")
	p.Organisation = &look.Organisation{Name: look.Name(v.org.Name), Href: base, All: "/organisations"}
	for _, n := range []struct {
		title, path string
		need        access.Action
	}{
		{"Migrations", "/migrations", access.ReadMigrations},
		{"Connections", "/connections", access.ReadConnections},
		{"Runs", "/runs", access.ReadRuns},
		{"People", "/people", access.ReadPeople},
		{"Audit log", "/audit", access.ReadAuditLog},
		{"Organisation", "/settings", access.ReadOrganisation},
	} {
		if v.may(n.need) {
			p.Nav = append(p.Nav, look.NavItem{Title: n.title, Href: base + n.path, Current: v.r.URL.Path == base+n.path})
		}
	}
	return p
}

// at is an address of the organisation that is visited.
func (v *visit) at(path string) string { return "/o/" + v.org.ID + path }

// show shows a page.
func (v *visit) show(p look.Page) error { return v.answer(http.StatusOK, p) }

func (v *visit) answer(status int, p look.Page) error {
	if word := v.r.URL.Query().Get("done"); word != "" && v.r.Method == http.MethodGet {
		if text, ok := done()[word]; ok {
			p.Notices = append(p.Notices, look.Alert{Tone: look.Good, Title: text})
		}
	}
	v.wrote = true
	return v.look.Render(v.w, status, p)
}

// done are the notices that a page shows after a deed led to it.
func done() map[string]string {
	return map[string]string{
		"signed-out": "You are signed out.",
		"confirmed":  "Your address is confirmed. Sign in to go on.",
		"password":   "Your password is set. All other sessions have ended.",
		"profile":    "Your account is changed.",
		"factor":     "The second factor is set up.",
		"no-factor":  "The second factor is removed.",
		"linked":     "You can sign in this way, too, from now on.",
		"unlinked":   "You sign in without other providers from now on.",
		"session":    "The session has ended.",
		"sessions":   "All other sessions have ended.",
		"invited":    "The invitation is on its way.",
		"withdrawn":  "The invitation no longer holds.",
		"role":       "The role is changed.",
		"removed":    "The person is no longer in this organisation.",
		"settings":   "The organisation is changed.",
		"joined":     "Welcome: you have joined.",
		"founded":    "The organisation is made.",
		"planned":    "The plan is kept.",
		"signed":     "You have signed this forecast.",
		"unplanned":  "The plan is removed.",
		"connected":  "The connection is kept.",
		"forgotten":  "The connection is forgotten here, and its secrets with it.",
		"destroyed":  "The organisation is destroyed, with all that belonged to it.",
	}
}

// A form is a page that asks for something, with what was typed before.
type form struct {
	page  look.Page
	form  look.Form
	after any // what stands below the form
}

// ask shows a form; with the refusal, if there is one, beside the field that it is
// about. What was typed stays, passwords apart.
func (v *visit) ask(f form, refused error) error {
	status := http.StatusOK
	if refused != nil {
		r, ok := errors.AsType[*account.Refusal](refused)
		if !ok {
			return refused
		}
		status = http.StatusUnprocessableEntity
		f.page.Problems = true
		if !place(f.form.Fields, r) {
			f.form.Error = sentence(r.Reason)
		}
	}
	f.page.Body = []any{f.page.Body, f.form, f.after}
	if err := v.answer(status, f.page); err != nil || refused == nil {
		return err
	}
	return answered{connector.Errorf(connector.Forbidden, "web: a form was refused")}
}

// place puts a refusal to its field, and says whether there is one.
func place(fields []any, r *account.Refusal) bool {
	for i, any := range fields {
		switch f := any.(type) {
		case look.Field:
			if f.Name == r.Field && r.Field != "" {
				f.Error = sentence(r.Reason)
				fields[i] = f
				return true
			}
		case look.Choices:
			if f.Name == r.Field && r.Field != "" {
				f.Error = sentence(r.Reason)
				fields[i] = f
				return true
			}
		case look.Tree:
			if f.Name == r.Field && r.Field != "" {
				f.Error = sentence(r.Reason)
				fields[i] = f
				return true
			}
		case look.Fieldset:
			if place(f.Fields, r) {
				return true
			}
		}
	}
	return false
}

// typed is what a form's field brought.
func (v *visit) typed(name string) string { return v.r.PostFormValue(name) }
