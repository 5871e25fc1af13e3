package web

import (
	"encoding/json"
	"net/http"

	"github.com/rialto-migrate/rialto/internal/account"
)

// What a browser holds between two requests, sealed by the service.
const (
	heldSeed    = "seed"
	heldPasskey = "passkey"
	heldTrip    = "trip"
)

func (s *Site) heldName(what string) string { return s.cookieName() + "-" + what }

// hold gives the browser something to bring along with its next requests.
func (v *visit) hold(what, sealed string) {
	http.SetCookie(v.w, &http.Cookie{Name: v.heldName(what), Value: sealed, Path: "/", HttpOnly: true, Secure: v.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(account.FlightWithin.Seconds())})
}

// held is what the browser brought along; "" for nothing.
func (v *visit) held(what string) string {
	c, err := v.r.Cookie(v.heldName(what))
	if err != nil {
		return ""
	}
	return c.Value
}

// drop takes it from the browser.
func (v *visit) drop(what string) {
	http.SetCookie(v.w, &http.Cookie{Name: v.heldName(what), Path: "/", HttpOnly: true, Secure: v.Secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// question answers a script with what it is to ask the browser's authenticator.
func (v *visit) question(options []byte, sealed string, err error) error {
	if err != nil {
		return err
	}
	v.hold(heldPasskey, sealed)
	v.wrote = true
	v.w.Header().Set("Content-Type", "application/json")
	v.w.Header().Set("Cache-Control", "no-store")
	_, err = v.w.Write(json.RawMessage(options))
	return err
}
