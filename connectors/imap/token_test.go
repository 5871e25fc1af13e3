package imap

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// Tokens that end, or that a server refuses, are replaced; a new refresh token is
// handed on to be sealed.
func TestRefresh(t *testing.T) {
	var given atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("grant_type") != "refresh_token" || r.FormValue("client_id") != "app" || r.FormValue("refresh_token") != fmt.Sprintf("r%d", given.Load()) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Geheim"}`)
			return
		}
		n := given.Add(1)
		fmt.Fprintf(w, `{"access_token":"a%d","refresh_token":"r%d","expires_in":60}`, n, n)
	}))
	defer service.Close()
	caps := "IMAP4rev1 SASL-IR AUTH=XOAUTH2"
	address, told := serve(t, "* OK [CAPABILITY "+caps+"] x", script{
		"AUTHENTICATE XOAUTH2": "% OK [CAPABILITY IMAP4rev1] in\n",
		// user=ann@example.org, auth=Bearer old: it ended long ago
		"AUTHENTICATE XOAUTH2 dXNlcj1hbm5AZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgb2xkAQE=": "% NO [AUTHENTICATIONFAILED] Geheim\n",
	})
	var sealed []string
	now := time.Unix(0, 0)
	connect := func(refresh string) *cloud {
		c, err := New().Open(t.Context(), connector.Env{
			Settings: connector.Settings{setServer: address, setSecurity: securityNone, setUser: "ann@example.org", setToken: "old", setRefresh: refresh, setClientID: "app", setTokenURL: service.URL},
			HTTP:     connector.NewClient(connector.ClientOptions{}), Now: func() time.Time { return now },
			Renewed: func(name, value string) error { sealed = append(sealed, name+"="+value); return nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.(*cloud)
	}
	c := connect("r0")
	if _, err := c.look(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	now = now.Add(55 * time.Second)
	if _, err := c.connect(t.Context()); err != nil { // it ends in a moment
		t.Fatal(err)
	}
	if len(sealed) != 2 || sealed[1] != "refresh-token=r2" || given.Load() != 2 {
		t.Errorf("sealed %q after %d tokens; the server was told %q", sealed, given.Load(), told())
	}
	_, err := connect("wrong").look(t.Context(), true)
	if err == nil || connector.ClassOf(err) != connector.Auth || strings.Contains(err.Error(), "Geheim") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong refresh token: %v", err)
	}
}
