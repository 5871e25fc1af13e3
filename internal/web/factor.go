package web

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// factors are the pages of one's own second factors.
func (s *Site) factors() {
	const at = "/account/second-factor"
	s.page("GET "+at, access.ReadAccount, func(v *visit) error { return v.listFactors("") })
	s.page("GET "+at+"/app", access.ChangeAccount, func(v *visit) error { return v.setUpApp(nil) })
	s.page("POST "+at+"/app", access.ChangeAccount, (*visit).tookApp)
	s.page("GET "+at+"/app/remove", access.ChangeAccount, (*visit).askRemoveApp)
	s.page("POST "+at+"/app/remove", access.ChangeAccount, (*visit).removedApp)
	s.page("GET "+at+"/passkeys/options", access.ChangeAccount, func(v *visit) error { return v.question(v.Accounts.OfferPasskey(v.ctx(), v.signed)) })
	s.page("POST "+at+"/passkeys", access.ChangeAccount, (*visit).tookPasskey)
	s.page("GET "+at+"/passkeys/{id}/remove", access.ChangeAccount, (*visit).askRemovePasskey)
	s.page("POST "+at+"/passkeys/{id}/remove", access.ChangeAccount, (*visit).removedPasskey)
	s.page("POST "+at+"/codes", access.ChangeAccount, (*visit).newCodes)
}

const factorsAt = "/account/second-factor"

// onward is a query that leads on after a factor was set up; "" for nowhere.
func (v *visit) onward() string {
	if to := next(v.r.FormValue("to")); to != "/" {
		return "?to=" + url.QueryEscape(to)
	}
	return ""
}

func (v *visit) listFactors(problem string) error {
	p := v.ownPage("Second factor")
	keys, err := v.Accounts.Passkeys(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return err
	}
	body := []any{p.Body}
	f := v.signed.Factors
	if !f.Any() {
		text := "Your password alone opens your account. With a second factor, whoever learns the password stays outside."
		if v.onward() != "" {
			text = "The organisation asks for one before you go on. " + text
		}
		body = append(body, look.Alert{Tone: look.Warn, Title: "You have no second factor", Text: text})
	}
	t := look.Table{Caption: "Second factors", Columns: []look.Column{{Title: "Factor", Wide: true}, {Title: "Since"}, {Title: "Last used"}, {Title: "Remove", Quiet: true}}}
	for _, k := range keys {
		kind := "Passkey"
		if k.Synced {
			kind = "Passkey that can be on several devices"
		}
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Stacked{Top: look.Name(k.Name), Below: kind}, k.Created, k.Used,
			look.Button{Text: "Remove", Small: true, Kind: look.Quiet, Href: factorsAt + "/passkeys/" + passkeyID(k.ID) + "/remove", Confirm: true, About: look.Name(k.Name)}}})
	}
	if f.TOTP {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Stacked{Top: "App for codes", Below: "Six digits, another code every half minute"}, "", "",
			look.Button{Text: "Remove", Small: true, Kind: look.Quiet, Href: factorsAt + "/app/remove", Confirm: true, About: "app for codes"}}})
	}
	if len(t.Rows) > 0 {
		body = append(body, t)
	}
	add := look.Section{ID: "add", Title: "Add one"}
	if v.Accounts.TakesPasskeys() {
		add.Parts = append(add.Parts, look.Text("A passkey is kept by your device, which recognises you by finger, face or number. It cannot be typed into a wrong page, and it signs you in alone."),
			look.Passkey{ID: "add-passkey", Text: "Add a passkey", Kind: kindIf(true), Makes: true, Options: factorsAt + "/passkeys/options", Action: factorsAt + "/passkeys", Error: problem,
				Hidden:  []look.Hidden{{Name: "to", Value: next(v.r.FormValue("to"))}},
				Without: "Passkeys need a browser that knows them, with scripts turned on. An app for codes does without."})
	}
	if !f.TOTP {
		add.Parts = append(add.Parts, look.Text("An app for codes on your telephone shows six digits that you type after your password."),
			look.Button{Text: "Set up an app for codes", Href: factorsAt + "/app" + v.onward()})
	}
	if len(add.Parts) > 0 {
		body = append(body, add)
	}
	if f.Any() {
		body = append(body, look.Section{ID: "recovery", Title: "Recovery codes", Parts: []any{
			look.Text(fmt.Sprintf("For when you have lost the others: you have %d left. New ones take the place of all that you have.", f.Codes)),
			look.Button{Text: "Make new codes", Post: factorsAt + "/codes"}}})
	}
	p.Body = body
	if problem != "" {
		p.Problems = true
		return v.answer(http.StatusUnprocessableEntity, p)
	}
	return v.show(p)
}

func passkeyID(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

func (v *visit) factorPage(title string) look.Page {
	p := v.layout(title)
	p.Crumbs = []look.Link{{Text: "Your account", Href: "/account"}, {Text: "Second factor", Href: factorsAt}}
	return p
}

func (v *visit) setUpApp(refused error) error {
	if v.signed.Factors.TOTP {
		return v.to(factorsAt)
	}
	seed, err := v.Accounts.OfferSeed(v.ctx(), v.signed, v.held(heldSeed))
	if err != nil {
		return err
	}
	picture, err := look.NewQR("The key as a picture, for the camera of the app", seed.Link)
	if err != nil {
		return err
	}
	v.hold(heldSeed, seed.Sealed)
	p := v.factorPage("Set up an app for codes")
	p.Heading.Lead = "Any app for one-time codes will do, also the one that keeps your passwords."
	p.Body = []any{look.Text("1. Have the app read this picture, or type the key below into it: by time, six digits, every 30 seconds."), picture,
		look.Code{ID: "key", Label: "Key", Text: seed.Key, Wrap: true}, look.Text("2. Type the code that the app shows.")}
	return v.ask(form{page: p, form: look.Form{Action: factorsAt + "/app", Hidden: []look.Hidden{{Name: "to", Value: next(v.r.FormValue("to"))}}, Fields: []any{
		look.Field{Name: "code", Label: "Code", Kind: look.OneTime, Short: true, MaxLength: 7},
	}, Buttons: []look.Button{{Text: "Turn it on", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: factorsAt}}}}, refused)
}

func (v *visit) tookApp() error {
	token, codes, err := v.Accounts.TakeSeed(v.ctx(), v.place(), v.signed, v.held(heldSeed), v.typed("code"))
	if err != nil {
		return v.setUpApp(err)
	}
	v.drop(heldSeed)
	return v.added(token, codes)
}

func (v *visit) tookPasskey() error {
	token, codes, err := v.Accounts.TakePasskey(v.ctx(), v.place(), v.signed, v.held(heldPasskey), v.typed("answer"))
	v.drop(heldPasskey)
	if r, ok := errors.AsType[*account.Refusal](err); ok {
		return errors.Join(v.listFactors(sentence(r.Reason)), answered{r})
	}
	if err != nil {
		return err
	}
	return v.added(token, codes)
}

// added goes on after a factor was set up: by the recovery codes, if there are new ones.
func (v *visit) added(token string, codes []string) error {
	v.keep(token)
	if codes != nil {
		return v.showCodes(codes)
	}
	if v.onward() != "" {
		return v.to(next(v.typed("to")))
	}
	return v.to(factorsAt + "?done=factor")
}

// showCodes shows recovery codes, this once.
func (v *visit) showCodes(codes []string) error {
	p := v.factorPage("Keep these recovery codes")
	p.Heading.Lead = "Each opens your account once in place of the second factor. They are shown only now."
	on := factorsAt
	if v.onward() != "" {
		on = next(v.typed("to"))
	}
	p.Body = []any{look.Codes{ID: "codes", Label: "Recovery codes", Codes: codes}, look.Text("Write them down, or keep them where you keep your passwords, but not on the device that is your second factor."),
		look.Button{Text: "I have kept them", Kind: look.Primary, Href: on}}
	return v.show(p)
}

func (v *visit) newCodes() error {
	if !v.signed.Factors.Any() {
		return &account.Refusal{Reason: "set up a second factor first: recovery codes stand in for it"}
	}
	codes, err := v.Accounts.NewRecoveryCodes(v.ctx(), v.signed)
	if err != nil {
		return err
	}
	return v.showCodes(codes)
}

func (v *visit) askRemoveApp() error {
	if !v.signed.Factors.TOTP {
		return errNotFound
	}
	p := v.factorPage("Remove the app for codes")
	p.Body = look.Confirm{Text: "Its codes no longer open your account.", Action: factorsAt + "/app/remove", Button: "Remove", Danger: true, Back: factorsAt}
	return v.show(p)
}

func (v *visit) removedApp() error {
	if err := v.Accounts.RemoveSeed(v.ctx(), v.signed); err != nil {
		return err
	}
	return v.to(factorsAt + "?done=no-factor")
}

// passkey is the one that the address names.
func (v *visit) passkey() (account.Passkey, error) {
	all, err := v.Accounts.Passkeys(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return account.Passkey{}, err
	}
	i := slices.IndexFunc(all, func(k account.Passkey) bool { return passkeyID(k.ID) == v.r.PathValue("id") })
	if i < 0 {
		return account.Passkey{}, errNotFound
	}
	return all[i], nil
}

func (v *visit) askRemovePasskey() error {
	k, err := v.passkey()
	if err != nil {
		return err
	}
	p := v.factorPage("Remove a passkey")
	p.Heading.Title = look.Words{"Remove the passkey of ", look.Name(k.Name)}
	p.Body = look.Confirm{Text: "It no longer opens your account.", Follows: []any{"Delete it on the device, too: the device does not know."},
		Action: factorsAt + "/passkeys/" + passkeyID(k.ID) + "/remove", Button: "Remove", Danger: true, Back: factorsAt}
	return v.show(p)
}

func (v *visit) removedPasskey() error {
	k, err := v.passkey()
	if err != nil {
		return err
	}
	if err := v.Accounts.RemovePasskey(v.ctx(), v.signed, k.ID); err != nil {
		return err
	}
	return v.to(factorsAt + "?done=no-factor")
}
