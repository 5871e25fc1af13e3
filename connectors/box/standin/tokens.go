package standin

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// tokens are those that were handed out. A refresh token serves once: it ends when
// what it was exchanged for is used; until then it yields the same pair again
// (https://developer.box.com/guides/authentication/tokens/refresh, and Box's word on
// it in its forum: support.box.com/hc/en-us/community/posts/15765421154323).
type tokens struct {
	n       int
	access  map[string]token
	refresh map[string]*refresh
}

type token struct {
	user    string
	expires time.Time
	from    string // the refresh token that it came of, "" for none
}

type refresh struct {
	user         string
	access, next string // what it was exchanged for, "" before
}

func newTokens() tokens {
	return tokens{access: map[string]token{}, refresh: map[string]*refresh{}}
}

func (t *tokens) name(kind string) string {
	t.n++
	return kind + "-token-" + strconv.Itoa(t.n) + "-of-the-stand-in"
}

// signIn hands out a refresh token, as Box does at the end of its sign-in.
func (t *tokens) signIn(user string) string {
	name := t.name("refresh")
	t.refresh[name] = &refresh{user: user}
	return name
}

// used ends the refresh token that a pair came of.
func (t *tokens) used(from string) { delete(t.refresh, from) }

func (t *tokens) owner(header string, now time.Time) (user string, ok bool) {
	name, bearer := strings.CutPrefix(header, "Bearer ")
	k, known := t.access[name]
	if !bearer || !known || !now.Before(k.expires) {
		return "", false
	}
	t.used(k.from)
	return k.user, true
}

func (t *tokens) grant(user, from string, until time.Time) string {
	name := t.name("access")
	t.access[name] = token{user: user, expires: until, from: from}
	return name
}

// token is POST /oauth2/token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts["POST /oauth2/token"]++
	refused := func(code, why string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(object{"error": code, "error_description": why}) // who has gone does not mind
	}
	if err := r.ParseForm(); err != nil {
		refused("invalid_request", "the form cannot be read")
		return
	}
	if r.PostForm.Get("client_id") != ClientID || r.PostForm.Get("client_secret") != ClientSecret {
		refused("invalid_client", "The client credentials are invalid")
		return
	}
	until := s.now().Add(s.limits.TokenLife)
	out := object{"expires_in": int(s.limits.TokenLife / time.Second), "token_type": "bearer", "restricted_to": []any{}}
	switch r.PostForm.Get("grant_type") {
	case "refresh_token":
		name := r.PostForm.Get("refresh_token")
		k := s.tokens.refresh[name]
		if k == nil {
			refused("invalid_grant", "Refresh token has expired")
			return
		}
		for from, other := range s.tokens.refresh {
			if other.next == name {
				s.tokens.used(from)
			}
		}
		if k.access == "" {
			k.access, k.next = s.tokens.grant(k.user, name, until), s.tokens.signIn(k.user)
		}
		out["access_token"], out["refresh_token"] = k.access, k.next
	case "client_credentials":
		subject, id := r.PostForm.Get("box_subject_type"), r.PostForm.Get("box_subject_id")
		switch {
		case subject == "enterprise" && id == Enterprise:
			out["access_token"] = s.tokens.grant(Service, "", until)
		case subject == "user" && s.users[id] != nil:
			out["access_token"] = s.tokens.grant(id, "", until)
		default:
			refused("invalid_grant", "Grant credentials are invalid")
			return
		}
	default:
		refused("unsupported_grant_type", "Grant type is not supported")
		return
	}
	write(w, answer{status: http.StatusOK, json: out})
}
