package standin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// issue is the token service
// (https://developers.dropbox.com/oauth-guide#implementing-oauth).
func (s *Server) issue(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	no := func(status int, code string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(object{"error": code, "error_description": "refused"})
	}
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		no(http.StatusBadRequest, "invalid_request")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts["oauth2/token"]++
	form := r.PostForm
	if form.Get("client_id") != s.key || form.Get("client_secret") != "" && form.Get("client_secret") != s.secret {
		no(http.StatusBadRequest, "invalid_client")
		return
	}
	if form.Get("grant_type") != "refresh_token" {
		no(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	was, ok := s.refresh[form.Get("refresh_token")]
	if !ok {
		no(http.StatusBadRequest, "invalid_grant")
		return
	}
	access := "sl." + s.random(60)
	fresh := *was
	fresh.until = s.now().Add(s.opts.TokenLife)
	s.access[access] = &fresh
	_ = json.NewEncoder(w).Encode(object{"access_token": access, "token_type": "bearer", "expires_in": int(s.opts.TokenLife.Seconds())})
}

// enter finds out who calls, and what paths begin at.
func (c *call) enter() *refusal {
	s := c.s
	bearer, _ := strings.CutPrefix(c.r.Header.Get("Authorization"), "Bearer ")
	t := s.access[bearer]
	switch {
	case t == nil:
		return unauthorized("invalid_access_token")
	case !s.now().Before(t.until):
		return unauthorized("expired_access_token")
	}
	c.team = t.who == nil
	c.me = t.who
	ofTeam := strings.HasPrefix(c.name, "team/")
	if ofTeam && !c.team {
		return badRequest("this API function operates on a team, but the token is a single user's")
	}
	if c.team && !ofTeam {
		as := c.r.Header.Get("Dropbox-API-Select-User")
		if as == "" {
			as = c.r.Header.Get("Dropbox-API-Select-Admin")
		}
		if as == "" {
			return badRequest("This API function operates on a single Dropbox account, but the OAuth 2 access token you provided is for an entire Dropbox Business team.")
		}
		if c.me = s.memberBy(as); c.me == nil {
			return unauthorized("invalid_select_user")
		}
		if c.me.suspended {
			return unauthorized("user_suspended")
		}
	}
	if s.limiter != nil {
		key := "team"
		if c.me != nil {
			key = c.me.id
		}
		if got := s.limiter.Take(key, s.now(), 1); !got.OK {
			return throttle("too_many_requests", int(got.Reset.Seconds())+1)
		}
	}
	if c.me == nil {
		return nil
	}
	return c.root()
}

// root reads Dropbox-API-Path-Root
// (https://www.dropbox.com/developers/reference/path-root-header-modes).
func (c *call) root() *refusal {
	c.base = c.me.home
	h := c.r.Header.Get("Dropbox-API-Path-Root")
	if h == "" {
		return nil
	}
	var root struct {
		Tag  string `json:".tag"`
		Root string `json:"root"`
		NS   string `json:"namespace_id"`
	}
	if json.Unmarshal([]byte(h), &root) != nil {
		return badRequest("the Dropbox-API-Path-Root header cannot be read")
	}
	switch root.Tag {
	case "home":
	case "root":
		if root.Root != c.s.rootOf(c.me).ns {
			return &refusal{status: http.StatusUnprocessableEntity, err: object{".tag": "invalid_root", "invalid_root": c.s.rootInfo(c.me)}}
		}
		c.base = c.s.rootOf(c.me)
	case "namespace_id":
		n := c.s.spaces[root.NS]
		admin := c.r.Header.Get("Dropbox-API-Select-Admin") != ""
		if n == nil || !admin && !c.sees(n) {
			return &refusal{status: http.StatusUnprocessableEntity, err: tagged("no_permission")}
		}
		c.base = n
	default:
		return badRequest("the Dropbox-API-Path-Root header has an unknown tag")
	}
	return nil
}
