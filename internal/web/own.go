package web

import (
	"encoding/hex"
	"strings"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// own are the pages of one's own account.
func (s *Site) own() {
	s.page("GET /account", access.ReadAccount, func(v *visit) error { return v.account(v.signed.Person.Name, nil) })
	s.page("POST /account", access.ChangeAccount, (*visit).changedAccount)
	s.page("GET /account/password", access.ReadAccount, func(v *visit) error { return v.changePassword(nil) })
	s.page("POST /account/password", access.ChangeAccount, (*visit).changedPassword)
	s.page("GET /account/sessions", access.ReadSessions, (*visit).sessions)
	s.page("POST /account/sessions/{id}/end", access.EndSessions, (*visit).endedSession)
	s.page("POST /account/sessions/end-others", access.EndSessions, (*visit).endedOthers)
	// Whoever has to prove anew who it is has no recent proof for these: they change the own
	// session and nothing else.
	s.page("GET /account/prove", access.Prove, func(v *visit) error { return v.prove(nil) })
	s.page("POST /account/prove", access.Prove, (*visit).proved)
	s.page("POST /account/prove/passkey", access.Prove, (*visit).provedByPasskey)
}

// ownPage begins a page of one's account.
func (v *visit) ownPage(title string) look.Page {
	p := v.layout(title)
	p.Heading.Title = "Your account"
	p.Body = look.Tabs{Label: "Your account", Tabs: v.ownTabs()}
	return p
}

func (v *visit) ownTabs() []look.Tab {
	var out []look.Tab
	for _, t := range [][2]string{{"Profile", "/account"}, {"Password", "/account/password"}, {"Second factor", "/account/second-factor"}, {"Other sign-ins", othersAt}, {"Sessions", "/account/sessions"}} {
		if t[1] == othersAt && len(v.Outside.All()) == 0 {
			continue
		}
		out = append(out, look.Tab{Title: t[0], Href: t[1], Current: v.r.URL.Path == t[1]})
	}
	return out
}

func (v *visit) account(name string, refused error) error {
	return v.ask(form{page: v.ownPage("Profile"), form: look.Form{Action: "/account", Fields: []any{
		look.Field{Name: "name", Label: "Your name", Value: name, Autocomplete: "name", MaxLength: 100},
		look.Field{Name: "address", Label: "E-mail address", Kind: "email", Value: v.signed.Person.Address, Locked: "Letters go here, and you sign in with it."},
	}, Buttons: []look.Button{{Text: "Save", Kind: look.Primary}}}}, refused)
}

func (v *visit) changedAccount() error {
	if err := v.Accounts.Rename(v.ctx(), v.signed, v.typed("name")); err != nil {
		return v.account(v.typed("name"), err)
	}
	return v.to("/account?done=profile")
}

func (v *visit) changePassword(refused error) error {
	if v.signed.Person.Password.IsZero() {
		p := v.ownPage("Password")
		p.Body = []any{p.Body, look.Empty{Title: "Your account has no password", Text: "You sign in without one. To set one, have us send you a link.",
			Actions: []look.Button{{Text: "Ask for a link", Href: "/reset"}}}}
		return v.show(p)
	}
	return v.ask(form{page: v.ownPage("Password"), form: look.Form{Action: "/account/password", Fields: []any{
		look.Field{Name: "old", Label: "Your password now", Kind: look.Password, Autocomplete: "current-password"},
		newPassword("New password"),
	}, Buttons: []look.Button{{Text: "Set the password", Kind: look.Primary}}}}, refused)
}

func (v *visit) changedPassword() error {
	if err := v.Accounts.ChangePassword(v.ctx(), v.place(), v.signed, v.secret("old"), v.secret("password")); err != nil {
		return v.changePassword(err)
	}
	return v.to("/account/password?done=password")
}

func (v *visit) sessions() error {
	all, err := v.App.Store().Sessions(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return err
	}
	p := v.ownPage("Sessions")
	t := look.Table{Caption: "Sessions", Columns: []look.Column{{Title: "Where", Wide: true}, {Title: "Last used"}, {Title: "Since"}, {Title: "End", Quiet: true}}}
	for _, s := range all {
		what, where, _ := strings.Cut(s.About, "\n")
		row := look.Row{Cells: []any{look.Stacked{Top: look.Name(what), Below: look.Name(where)}, s.Seen, s.Created, ""}}
		if string(s.TokenHash) == string(v.signed.Session.TokenHash) {
			row.Cells[3] = look.Badge{Text: "this one", Tone: look.Info}
		} else {
			row.Cells[3] = look.Button{Text: "End", Small: true, Kind: look.Quiet, Post: "/account/sessions/" + hex.EncodeToString(s.TokenHash) + "/end", About: look.Name(what)}
		}
		t.Rows = append(t.Rows, row)
	}
	body := []any{p.Body, t}
	if len(all) > 1 {
		body = append(body, look.Button{Text: "End all others", Post: "/account/sessions/end-others"})
	}
	p.Body = body
	return v.show(p)
}

func (v *visit) endedSession() error {
	hash, err := hex.DecodeString(v.r.PathValue("id"))
	if err != nil {
		return errNotFound
	}
	if err := v.Accounts.EndSession(v.ctx(), v.signed, hash); err != nil {
		return err
	}
	return v.to("/account/sessions?done=session")
}

func (v *visit) endedOthers() error {
	if err := v.Accounts.EndOthers(v.ctx(), v.signed); err != nil {
		return err
	}
	return v.to("/account/sessions?done=sessions")
}

// prove asks once more who it is, before something that needs a recent proof.
func (v *visit) prove(refused error) error {
	p := v.layout("Is it you?")
	p.Heading.Lead = "What comes next needs a proof that is not older than " + plainMinutes(account.FreshFor) + "."
	hidden := []look.Hidden{{Name: "to", Value: next(v.r.FormValue("to"))}}
	byPassword := !v.signed.Person.Password.IsZero()
	var key any
	if v.signed.Factors.Passkeys > 0 {
		key = look.Passkey{ID: "passkey", Text: "Use a passkey", Kind: kindIf(!byPassword), Options: "/sign-in/second/options", Action: "/account/prove/passkey", Hidden: hidden,
			Without: "Passkeys need a browser that knows them, with scripts turned on."}
	}
	f := look.Form{Action: "/account/prove", Hidden: hidden}
	if byPassword {
		f.Fields = []any{look.Field{Name: "password", Label: "Your password", Kind: look.Password, Autocomplete: "current-password", First: true}}
		f.Buttons = []look.Button{{Text: "Go on", Kind: look.Primary}}
	}
	others, err := v.proofs()
	if err != nil {
		return err
	}
	return v.ask(form{page: p, form: f, after: []any{key, others}}, refused)
}

func (v *visit) proved() error {
	token, err := v.Accounts.Prove(v.ctx(), v.place(), v.signed, v.secret("password"))
	if err != nil {
		return v.prove(err)
	}
	v.keep(token)
	return v.to(next(v.typed("to")))
}

func (v *visit) provedByPasskey() error {
	token, err := v.Accounts.GivePasskey(v.ctx(), v.place(), v.signed, v.held(heldPasskey), v.typed("answer"))
	v.drop(heldPasskey)
	if err != nil {
		return v.prove(err)
	}
	v.keep(token)
	return v.to(next(v.typed("to")))
}
