package standin

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A token is an access token's meaning.
type token struct {
	who     caller
	expires time.Time
}

// A device is a sign-in by device code that waits for its person.
type device struct {
	userCode string
	expires  time.Time
	user     string // "" while nobody has signed in
	declined bool
}

const deviceLife = 15 * time.Minute

// authorize tells who a request is from. The messages are Graph's.
func (s *Server) authorize(header string) (caller, error) {
	bearer, ok := strings.CutPrefix(header, "Bearer ")
	if !ok || bearer == "" {
		return caller{}, unauthorized("Access token is empty.")
	}
	t, ok := s.tokens[bearer]
	if !ok {
		return caller{}, unauthorized("IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE Compact Serialization Format.")
	}
	if !s.now().Before(t.expires) {
		return caller{}, expiredToken()
	}
	return t.who, nil
}

func expiredToken() *refusal {
	return unauthorized("Lifetime validation failed, the token is expired.")
}

func unauthorized(message string) *refusal {
	r := refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "%s", message)
	r.header = http.Header{"Www-Authenticate": {`Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`}}
	return r
}

// serveSignIn is the token service (docs: v2-oauth2-client-creds-grant-flow,
// v2-oauth2-device-code, v2-oauth2-auth-code-flow "Refresh the access token").
func (s *Server) serveSignIn(w http.ResponseWriter, r *http.Request, tenant, what string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store, no-cache")
	if r.Method != http.MethodPost {
		s.signInError(w, http.StatusMethodNotAllowed, "invalid_request", 900561, "The endpoint only accepts POST requests. Received a "+r.Method+" request.")
		return
	}
	if err := r.ParseForm(); err != nil {
		s.signInError(w, http.StatusBadRequest, "invalid_request", 900144, "The request body cannot be read.")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts["POST /oauth2/v2.0/"+what]++
	if tenant != s.tenant && tenant != domain && tenant != "common" && tenant != "organizations" {
		s.signInError(w, http.StatusBadRequest, "invalid_request", 90002, fmt.Sprintf("Tenant '%s' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.", tenant))
		return
	}
	if id := r.PostForm.Get("client_id"); id != s.client {
		if id == "" {
			s.signInError(w, http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: 'client_id'.")
			return
		}
		s.signInError(w, http.StatusBadRequest, "unauthorized_client", 700016, fmt.Sprintf("Application with identifier '%s' was not found in the directory.", id))
		return
	}
	switch what {
	case "token":
		s.issue(w, r)
	case "devicecode":
		s.deviceCode(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *Server) issue(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	who := caller{app: s.client}
	if secret := form.Get("client_secret"); secret != "" && secret != s.secret {
		s.signInError(w, http.StatusUnauthorized, "invalid_client", 7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '"+s.client+"'.")
		return
	}
	switch grant := form.Get("grant_type"); grant {
	case "client_credentials":
		if form.Get("client_secret") == "" {
			s.signInError(w, http.StatusUnauthorized, "invalid_client", 7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.")
			return
		}
		if !strings.HasSuffix(form.Get("scope"), "/.default") {
			s.signInError(w, http.StatusBadRequest, "invalid_scope", 1002012, fmt.Sprintf("The provided value for scope %s is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).", form.Get("scope")))
			return
		}
	case "refresh_token":
		was, ok := s.refresh[form.Get("refresh_token")]
		if !ok || s.users[was.user] == nil {
			s.signInError(w, http.StatusBadRequest, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
			return
		}
		who = was
	case "urn:ietf:params:oauth:grant-type:device_code", "device_code":
		d := s.devices[form.Get("device_code")]
		switch {
		case d == nil:
			s.signInError(w, http.StatusBadRequest, "bad_verification_code", 70014, "The device code is not known.")
			return
		case d.declined:
			s.signInError(w, http.StatusBadRequest, "authorization_declined", 70018, "The end user denied the authorization request.")
			return
		case !s.now().Before(d.expires):
			s.signInError(w, http.StatusBadRequest, "expired_token", 70020, "The provided value for the input parameter 'device_code' is not valid. This code has expired.")
			return
		case d.user == "":
			s.signInError(w, http.StatusBadRequest, "authorization_pending", 70016, "OAuth 2.0 device flow error. Authorization is pending. Continue polling.")
			return
		}
		who.user = d.user
		delete(s.devices, form.Get("device_code"))
	default:
		s.signInError(w, http.StatusBadRequest, "unsupported_grant_type", 70003, fmt.Sprintf("The app requested an unsupported grant type '%s'.", grant))
		return
	}
	out := object{"token_type": "Bearer", "expires_in": int(s.opts.TokenLife / time.Second), "ext_expires_in": int(s.opts.TokenLife / time.Second), "access_token": s.newToken(who)}
	if who.delegated() {
		out["refresh_token"] = s.newRefresh(who)
		out["scope"] = "Group.ReadWrite.All Tasks.ReadWrite Files.ReadWrite.All User.Read.All"
	}
	_ = json.NewEncoder(w).Encode(out) // a failure means that the client has gone
}

func (s *Server) newToken(who caller) string {
	t := s.random(16) + "." + s.random(48) + "." + s.random(32)
	s.tokens[t] = token{who: who, expires: s.now().Add(s.opts.TokenLife)}
	return t
}

func (s *Server) newRefresh(who caller) string {
	t := "0." + s.random(64)
	s.refresh[t] = who
	return t
}

func (s *Server) deviceCode(w http.ResponseWriter, r *http.Request) {
	if r.PostForm.Get("scope") == "" {
		s.signInError(w, http.StatusBadRequest, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.")
		return
	}
	code := s.random(48)
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
	b := s.bytes(9)
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	d := &device{userCode: string(b), expires: s.now().Add(deviceLife)}
	s.devices[code] = d
	page := baseOf(r) + "/devicelogin"
	_ = json.NewEncoder(w).Encode(object{
		"user_code": d.userCode, "device_code": code, "verification_uri": page,
		"expires_in": int(deviceLife / time.Second), "interval": 5,
		"message": "To sign in, use a web browser to open the page " + page + " and enter the code " + d.userCode + " to authenticate.",
	})
}

// signInError is the token service's form of an error.
func (s *Server) signInError(w http.ResponseWriter, status int, code string, number int, message string) {
	now := s.now().UTC().Format("2006-01-02 15:04:05Z")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{
		"error": code, "error_codes": []int{number}, "timestamp": now,
		"error_description": fmt.Sprintf("AADSTS%d: %s Timestamp: %s", number, message, now),
		"error_uri":         fmt.Sprintf("https://login.microsoftonline.com/error?code=%d", number),
	})
}

// SignIn lets a person finish the sign-in that shows userCode. user is an id
// or a user principal name.
func (s *Server) SignIn(userCode, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.findUser(user)
	if u == nil {
		return fmt.Errorf("there is no user %q in this tenant", user)
	}
	for _, d := range s.devices {
		if d.userCode == strings.ToUpper(strings.TrimSpace(userCode)) && s.now().Before(d.expires) {
			d.user = u.id
			return nil
		}
	}
	return fmt.Errorf("no sign-in waits for this code: start it again, it lives for %s", deviceLife)
}

var deviceForm = template.Must(template.New("devicelogin").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign in to the stand-in</title>
<h1>Sign in</h1>{{with .Note}}<p role="status">{{.}}</p>{{end}}
<form method="post"><p><label>Code <input name="code" required autocomplete="off"></label></p>
<p><label>Who are you? <select name="user">{{range .Users}}<option value="{{.ID}}">{{.Name}}</option>{{end}}</select></label></p>
<p><button>Sign in</button></p></form></html>
`))

// serveDeviceLogin is the page on which a person enters a device code.
func (s *Server) serveDeviceLogin(w http.ResponseWriter, r *http.Request) {
	var page struct {
		Note  string
		Users []User
	}
	if r.Method == http.MethodPost {
		page.Note = "Done: you may close this page."
		if err := s.SignIn(r.PostFormValue("code"), r.PostFormValue("user")); err != nil {
			page.Note = err.Error()
		}
	}
	s.mu.Lock()
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		page.Users = append(page.Users, User{ID: id, Name: s.users[id].name})
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	_ = deviceForm.Execute(w, page)
}
