package web

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/password"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// doors are the pages by which people come in.
func (s *Site) doors() {
	const why = "whoever comes in is not in yet"
	s.door("GET /sign-up", why, func(v *visit) error { return v.signUp(account.SignUp{}, nil) })
	s.door("POST /sign-up", why, (*visit).signedUp)
	s.door("GET /sign-in", why, func(v *visit) error { return v.signIn("", nil) })
	s.door("POST /sign-in", why, (*visit).signedIn)
	s.door("POST /sign-out", "it harms nobody", (*visit).signOut)
	s.door("GET /confirm/{token}", "the link is the proof", (*visit).confirm)
	s.door("POST /confirm/{token}", "the link is the proof", (*visit).confirmed)
	s.door("GET /reset", why, func(v *visit) error { return v.askReset("", nil) })
	s.door("POST /reset", why, (*visit).askedReset)
	s.door("GET /reset/{token}", "the link is the proof", func(v *visit) error { return v.reset(v.Accounts.ResetHolds(v.ctx(), v.r.PathValue("token"))) })
	s.door("POST /reset/{token}", "the link is the proof", (*visit).didReset)
	s.door("GET /invitation/{token}", "the link is the proof", func(v *visit) error { return v.invitation("", nil) })
	s.door("POST /invitation/{token}", "the link is the proof", (*visit).joined)
}

func newPassword(label string) look.Field {
	return look.Field{Name: "password", Label: label, Kind: look.Password, Autocomplete: "new-password", MaxLength: password.MaxLength,
		Hint: fmt.Sprintf("At least %d characters. Four words that do not belong together are easy to keep in mind and hard to guess.", password.MinLength)}
}

func (v *visit) secret(name string) vault.Secret { return vault.NewSecret(v.r.PostFormValue(name)) }

func (v *visit) signUp(s account.SignUp, refused error) error {
	p := v.layout("Create an account")
	p.Heading.Lead = "Rialto moves what your organisation keeps in one cloud into another, and proves it."
	p.Footer = []look.Link{{Text: "Sign in instead", Href: "/sign-in"}}
	countries := []look.Option{{Value: "", Text: "Choose a country"}}
	for _, c := range v.Accounts.Regions.Countries() {
		countries = append(countries, look.Option{Value: c.Code, Text: c.Name + ": " + c.Region.Title, Selected: c.Code == s.Country})
	}
	return v.ask(form{page: p, form: look.Form{Action: "/sign-up", Fields: []any{
		look.Field{Name: "name", Label: "Your name", Value: s.Name, Autocomplete: "name", MaxLength: 100, First: true},
		look.Field{Name: "address", Label: "E-mail address", Kind: "email", Value: s.Address, Autocomplete: "username"},
		newPassword("Password"),
		look.Field{Name: "organisation", Label: "Organisation", Value: s.Organisation, Autocomplete: "organization", MaxLength: 100},
		look.Field{Name: "country", Label: "Country of the organisation", Kind: look.Select, Options: countries,
			Hint: "It decides where your data is kept: in the nearest of our regions, which stands behind each country. This cannot be changed later."},
	}, Buttons: []look.Button{{Text: "Create the account", Kind: look.Primary}}}, after: v.otherWays("Begin with ", "/")}, refused)
}

func (v *visit) signedUp() error {
	s := account.SignUp{Country: v.typed("country"), Organisation: v.typed("organisation"), Name: v.typed("name"), Address: v.typed("address"), Password: v.secret("password")}
	err := v.doing("sign up", func() error { return v.Accounts.SignUp(v.ctx(), s) })
	if err != nil {
		return v.signUp(s, err)
	}
	return v.letter("We sent you a letter", "Open the link in it within a day to confirm that "+s.Address+" is yours. Then you can sign in.")
}

// letter says that something was sent.
func (v *visit) letter(title, text string) error {
	p := v.layout(title)
	p.Body = []any{look.Text(text), look.Text("It can take a minute. Look among the unwanted mail, too.")}
	p.Footer = []look.Link{{Text: "Sign in", Href: "/sign-in"}}
	return v.show(p)
}

func (v *visit) signIn(address string, refused error) error {
	p := v.layout("Sign in")
	p.Footer = []look.Link{{Text: "Create an account", Href: "/sign-up"}, {Text: "Forgot your password?", Href: "/reset"}}
	to := next(v.r.FormValue("to"))
	return v.ask(form{page: p, form: look.Form{Action: "/sign-in", Hidden: []look.Hidden{{Name: "to", Value: to}}, Fields: []any{
		look.Field{Name: "address", Label: "E-mail address", Kind: "email", Value: address, Autocomplete: "username", First: true},
		look.Field{Name: "password", Label: "Password", Kind: look.Password, Autocomplete: "current-password"},
	}, Buttons: []look.Button{{Text: "Sign in", Kind: look.Primary}}}, after: []any{v.askPasskey(), v.otherWays("Sign in with ", to)}}, refused)
}

func (v *visit) signedIn() error {
	token, err := v.Accounts.SignIn(v.ctx(), v.place(), v.typed("address"), v.secret("password"))
	who := ""
	if err == nil {
		if v.signed, err = v.Accounts.Signed(v.ctx(), token); err == nil {
			who = v.signed.Person.ID
		}
	}
	if told := v.did("sign in", who, err); told != nil {
		return told
	}
	if err != nil {
		return v.signIn(v.typed("address"), err)
	}
	v.keep(token)
	to := next(v.typed("to"))
	if v.signed.Half {
		return v.to("/sign-in/second?to=" + url.QueryEscape(to))
	}
	return v.to(to)
}

func (v *visit) signOut() error {
	if v.signed.Person.ID != "" {
		if err := v.Accounts.SignOut(v.ctx(), v.signed); err != nil {
			return err
		}
		if err := v.did("sign out", "", nil); err != nil {
			return err
		}
	}
	v.forget()
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return v.to("/sign-in?done=signed-out")
}

// confirm asks for a click: mail programs open links by themselves.
func (v *visit) confirm() error {
	p := v.layout("Confirm your address")
	p.Heading.Lead = "One click, and you can sign in."
	return v.ask(form{page: p, form: look.Form{Action: v.r.URL.Path, Buttons: []look.Button{{Text: "Confirm", Kind: look.Primary}}}}, nil)
}

func (v *visit) confirmed() error {
	if err := v.doing("confirm an address", func() error { return v.Accounts.Confirm(v.ctx(), v.r.PathValue("token")) }); err != nil {
		return err
	}
	return v.to("/sign-in?done=confirmed")
}

func (v *visit) askReset(address string, refused error) error {
	p := v.layout("Set a new password")
	p.Heading.Lead = "We send you a link that is good for an hour."
	p.Footer = []look.Link{{Text: "Sign in", Href: "/sign-in"}}
	return v.ask(form{page: p, form: look.Form{Action: "/reset", Fields: []any{
		look.Field{Name: "address", Label: "E-mail address", Kind: "email", Value: address, Autocomplete: "username", First: true},
	}, Buttons: []look.Button{{Text: "Send the link", Kind: look.Primary}}}}, refused)
}

func (v *visit) askedReset() error {
	err := v.doing("ask for a new password", func() error { return v.Accounts.AskReset(v.ctx(), v.typed("address")) })
	if err != nil {
		return v.askReset(v.typed("address"), err)
	}
	return v.letter("We sent you a letter", "If "+v.typed("address")+" is an address, a letter is on its way to it.")
}

func (v *visit) reset(refused error) error {
	if r, ok := errors.AsType[*account.Refusal](refused); ok && r.Field == "" {
		return refused // the link no longer holds
	}
	p := v.layout("Set a new password")
	return v.ask(form{page: p, form: look.Form{Action: v.r.URL.Path, Fields: []any{newPassword("New password")},
		Buttons: []look.Button{{Text: "Set the password", Kind: look.Primary}}}}, refused)
}

func (v *visit) didReset() error {
	err := v.doing("set a new password", func() error {
		return v.Accounts.SetPassword(v.ctx(), v.r.PathValue("token"), v.secret("password"))
	})
	if err != nil {
		return v.reset(err)
	}
	v.forget()
	return v.to("/sign-in?done=password")
}

func (v *visit) invitation(called string, refused error) error {
	i, err := v.Accounts.Invited(v.ctx(), v.r.PathValue("token"))
	if err != nil {
		return err
	}
	p := v.layout("Join an organisation")
	p.Heading.Title = look.Name("Join " + i.Organisation.Name)
	p.Heading.Lead = "As " + article(i.Role) + ". " + sentence(roles()[i.Role])
	f := look.Form{Action: v.r.URL.Path, Buttons: []look.Button{{Text: "Join", Kind: look.Primary}}}
	var ways []any
	switch {
	case v.signed.Person.ID != "":
	case i.Account:
		p.Body = look.Text("The invitation is for " + i.Address + ", which has an account. Sign in to join.")
		f = look.Form{Action: "/sign-in", Asks: true, Hidden: []look.Hidden{{Name: "to", Value: v.r.URL.Path}}, Buttons: []look.Button{{Text: "Sign in", Kind: look.Primary}}}
	default:
		p.Body = look.Text("The invitation is for " + i.Address + ".")
		f.Fields = []any{
			look.Field{Name: "name", Label: "Your name", Value: called, Autocomplete: "name", MaxLength: 100, First: true},
			newPassword("Password"),
		}
		ways = v.otherWays("Join with ", v.r.URL.Path)
	}
	return v.ask(form{page: p, form: f, after: ways}, refused)
}

func (v *visit) joined() error {
	token := v.r.PathValue("token")
	if v.signed.Half {
		return v.to("/sign-in/second?to=" + url.QueryEscape(v.r.URL.Path))
	}
	i, err := v.Accounts.Invited(v.ctx(), token)
	if err != nil {
		return err
	}
	if v.signed.Person.ID == "" {
		var session string
		err = v.doing("make an account", func() (err error) {
			session, _, err = v.Accounts.JoinAnew(v.ctx(), v.place(), token, v.typed("name"), v.secret("password"))
			return err
		})
		if err != nil {
			return v.invitation(v.typed("name"), err)
		}
		v.keep(session)
		if v.signed, err = v.Accounts.Signed(v.ctx(), session); err != nil {
			return err
		}
		v.org = i.Organisation
		if err := v.did("join", v.signed.Person.ID, nil); err != nil {
			return err
		}
		return v.to(v.at("?done=joined"))
	}
	v.org = i.Organisation
	err = v.doing("join", func() error { _, err := v.Accounts.Join(v.ctx(), v.signed, token); return err })
	if err != nil {
		v.org = store.Organisation{} // its pages are not this person's
		return v.invitation("", err)
	}
	return v.to(v.at("?done=joined"))
}
