package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/outside"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// outside are the ways to other providers of sign-ins and back. The way there is a
// link: what a form sends may not leave our site.
func (s *Site) outside() {
	s.door("GET /sign-in/with/{provider}", "whoever comes in is not in yet", func(v *visit) error { return v.depart(forSignIn) })
	s.door("GET /sign-in/with/{provider}/done", "the provider sends whoever it recognised", (*visit).arrived)
	s.page("GET "+othersAt, access.ReadAccount, (*visit).otherSignIns)
	s.page("GET "+othersAt+"/{provider}/link", access.ChangeAccount, func(v *visit) error { return v.depart(forLink) })
	s.page("POST "+othersAt+"/unlink", access.ChangeAccount, (*visit).unlinked)
	s.page("GET /account/prove/with/{provider}", access.Prove, func(v *visit) error { return v.depart(forProof) })
}

const othersAt = "/account/other-sign-ins"

// What a trip to another provider is for.
const (
	forSignIn = "sign in"
	forLink   = "link another sign-in"
	forProof  = "prove"
)

// A journey is a trip to another provider with what it is for.
type journey struct {
	outside.Trip
	For, To string
	Session string // the one that began it, by its token's hash; "" to sign in
}

func (v *visit) sessionName() string { return hex.EncodeToString(v.signed.Session.TokenHash) }

func (v *visit) depart(what string) error {
	id := v.r.PathValue("provider")
	to, trip, err := v.Outside.Begin(v.ctx(), id, v.Accounts.Base+"/sign-in/with/"+id+"/done", what == forProof)
	if errors.Is(err, outside.ErrUnknown) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	j := journey{Trip: trip, For: what, To: next(v.r.FormValue("to"))}
	if what != forSignIn {
		j.Session = v.sessionName()
	}
	sealed, err := v.Accounts.Seal(v.ctx(), heldTrip, j)
	if err != nil {
		return err
	}
	v.hold(heldTrip, sealed)
	return v.to(to)
}

func (v *visit) arrived() error {
	if v.Outside.Name(v.r.PathValue("provider")) == "" {
		return errNotFound
	}
	var j journey
	err := v.Accounts.Unseal(v.ctx(), heldTrip, v.held(heldTrip), &j)
	v.drop(heldTrip)
	if err != nil {
		return v.signIn("", err)
	}
	if j.Provider != v.r.PathValue("provider") || j.For != forSignIn && (v.signed.Person.ID == "" || v.signed.Half || j.Session != v.sessionName()) {
		return v.signIn("", &account.Refusal{Reason: "this was begun in another session: begin once more"})
	}
	who, at, err := v.Outside.End(v.ctx(), j.Trip, v.r.URL.Query())
	switch j.For {
	case forLink:
		if err != nil {
			return err
		}
		e := v.entry()
		e.Action = forLink
		if err := v.Audit.Doing(v.ctx(), e, func() error { return v.Accounts.Link(v.ctx(), v.signed, who) }); err != nil {
			return err
		}
		return v.to(othersAt + "?done=linked")
	case forProof:
		var token string
		if err == nil {
			token, err = v.Accounts.ProveOutside(v.ctx(), v.place(), v.signed, who, at)
		}
		if told := v.did(forProof, v.signed.Person.ID, err); told != nil {
			return told
		}
		if err != nil {
			return v.prove(err)
		}
		v.keep(token)
		return v.to(j.To)
	}
	var token string
	if err == nil {
		token, err = v.Accounts.SignInOutside(v.ctx(), v.place(), who)
	}
	person := ""
	if err == nil {
		if v.signed, err = v.Accounts.Signed(v.ctx(), token); err == nil {
			person = v.signed.Person.ID
		}
	}
	if told := v.did(forSignIn, person, err); told != nil {
		return told
	}
	if err != nil {
		return v.signIn("", err)
	}
	v.keep(token)
	if v.signed.Half {
		return v.to("/sign-in/second?to=" + url.QueryEscape(j.To))
	}
	return v.to(j.To)
}

// otherWays are the buttons of other providers, which lead on to an address of ours.
func (v *visit) otherWays(word, to string) (out []any) {
	for _, p := range v.Outside.All() {
		out = append(out, look.Button{Text: word + p.Name, Href: "/sign-in/with/" + p.ID + "?to=" + url.QueryEscape(to)})
	}
	return out
}

// proofs are the same for a recent proof of somebody who is linked to one.
func (v *visit) proofs() (out []any, err error) {
	linked, err := v.App.Store().Outsides(v.ctx(), v.signed.Person.ID)
	if err != nil || linked == 0 {
		return nil, err
	}
	for _, p := range v.Outside.All() {
		out = append(out, look.Button{Text: "Use " + p.Name, Href: "/account/prove/with/" + p.ID + "?to=" + url.QueryEscape(next(v.r.FormValue("to")))})
	}
	return out, nil
}

func (v *visit) otherSignIns() error {
	linked, err := v.App.Store().Outsides(v.ctx(), v.signed.Person.ID)
	if err != nil {
		return err
	}
	p := v.ownPage("Other sign-ins")
	text := "You sign in by nothing but your password or passkeys."
	if linked > 0 {
		text = fmt.Sprintf("Sign-ins by other providers that open your account: %d.", linked)
	}
	body := []any{p.Body, look.Text(text)}
	add := look.Section{ID: "link", Title: "Link one", Text: "You can then sign in by it, too. Of who you are there we keep a hash, and nothing else."}
	for _, one := range v.Outside.All() {
		add.Parts = append(add.Parts, look.Button{Text: "Link " + one.Name, Href: othersAt + "/" + one.ID + "/link"})
	}
	if len(add.Parts) > 0 {
		body = append(body, add)
	}
	if linked > 0 {
		body = append(body, look.Section{ID: "unlink", Title: "Unlink", Text: "We keep what tells you apart there as a hash alone, so we cannot list them: all are unlinked at once.",
			Parts: []any{look.Button{Text: "Unlink all", Post: othersAt + "/unlink"}}})
	}
	p.Body = body
	return v.answer(http.StatusOK, p)
}

func (v *visit) unlinked() error {
	if err := v.Accounts.Unlink(v.ctx(), v.signed); err != nil {
		return err
	}
	return v.to(othersAt + "?done=unlinked")
}
