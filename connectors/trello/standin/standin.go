// Package standin is a local Trello: a server with state that speaks Trello's
// REST API as its contract (trello-swagger.v3.json), its documentation
// (https://developer.atlassian.com/cloud/trello/) and recorded exchanges show
// it, and refuses what Trello refuses.
//
// It serves the API under /1, and its boards as a web page at "/". Boards come
// from Trello's own JSON exports (Load), from the API, or from Go (AddBoard and
// the other builders), which tests and demos also use to change things behind a
// client's back.
package standin

import (
	crand "crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
)

// Options make a Server. The zero value is a Trello with its documented limits.
type Options struct {
	Now    func() time.Time // nil means time.Now
	Seed   uint64           // of ids, faults and the kinds of rate limits; 0 draws one
	Faults standin.Faults
	Rates  *Rates  // nil means DocumentedRates; &Rates{} means none
	Limits *Limits // nil means DocumentedLimits
	// Key and Token are the credentials it accepts; "" draws them by seed.
	Key, Token string
	Log        *slog.Logger // nil means none
}

// A Server is a Trello. It is safe for concurrent use.
type Server struct {
	outbox     standin.Outbox // what the real cloud would tell people
	now        func() time.Time
	log        *slog.Logger
	limits     Limits
	rates      *throttle
	routes     *http.ServeMux
	handler    http.Handler // routes behind the faults
	key, token string

	mu         sync.Mutex
	dice       *rand.Rand
	machine    uint64 // the middle of every object id
	counter    uint32 // the end of every object id
	tokenState tokenState
	readOnly   bool
	owner      *member            // of the token in Settings
	tokens     map[string]*member // whose each token is
	me         *member            // whose token the call under way carries; else the owner
	carried    string             // that token; else the one in Settings
	webhooks   []*webhook
	members    []*member
	orgs       []*org
	boards     []*board
	ids        map[string]any // every object by its id
	links      map[string]any // boards and cards by their short link
}

// New returns an empty Trello with one member, who owns the token.
func New(o Options) *Server {
	if o.Seed == 0 {
		var b [8]byte
		crand.Read(b[:]) // never fails, as its documentation says
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	s := &Server{now: o.Now, log: o.Log, key: o.Key, token: o.Token, limits: DocumentedLimits(),
		dice: rand.New(rand.NewPCG(o.Seed, 0x7472656c6c6f)), ids: map[string]any{}, links: map[string]any{}}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Limits != nil {
		s.limits = *o.Limits
	}
	rates := DocumentedRates()
	if o.Rates != nil {
		rates = *o.Rates
	}
	s.rates = newThrottle(rates, o.Seed, s.now)
	if s.key == "" {
		s.key = s.hex(16)
	}
	if s.token == "" {
		s.token = "ATTA" + s.hex(36)
	}
	s.machine = s.dice.Uint64() & (1<<40 - 1)
	s.counter = s.dice.Uint32() & (1<<23 - 1)
	s.owner = s.addMember(Member{Username: "rialto_owner", FullName: "Olive Owner", Email: "owner@example.org"})
	s.me, s.carried, s.tokens = s.owner, s.token, map[string]*member{s.token: s.owner}
	s.routes = s.newRoutes()
	s.handler = o.Faults.Wrap(api{s}, o.Seed)
	return s
}

// Name implements standin.Cloud.
func (s *Server) Name() string { return "trello" }

// Settings implements standin.Cloud.
func (s *Server) Settings(base string) map[string]string {
	return map[string]string{"url": strings.TrimSuffix(base, "/") + "/1", "key": s.key, "token": s.token}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Rates gives access to the rate limits, to change them while a test runs.
func (s *Server) Rates() *RateControl { return &RateControl{s.rates} }

// TokenOf gives a member a token of their own, beside that of the owner: what it
// is used for, they do and see.
func (s *Server) TokenOf(username string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findMember(username)
	if err != nil {
		return "", fmt.Errorf("there is no member %q: add them with AddMember first", username)
	}
	token := "ATTA" + s.hex(36)
	s.tokens[token] = m
	return token, nil
}

// as lets what follows be done by the member whose token a request carries,
// until the function that it returns is called. The server is locked.
func (s *Server) as(r *http.Request) (done func()) {
	_, token := credentials(r)
	if m := s.tokens[token]; m != nil {
		s.me, s.carried = m, token
	}
	return func() { s.me, s.carried = s.owner, s.token }
}

// tokenState is what became of the token.
type tokenState int

const (
	tokenGood tokenState = iota
	tokenExpired
	tokenRevoked
)

// ExpireToken lets the token be refused as expired from now on.
func (s *Server) ExpireToken() { s.setToken(tokenExpired) }

// RevokeToken lets the token be refused as unknown from now on.
func (s *Server) RevokeToken() { s.setToken(tokenRevoked) }

// RestoreToken makes the token good again.
func (s *Server) RestoreToken() { s.setToken(tokenGood) }

func (s *Server) setToken(t tokenState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokenState = t
}

// SetReadOnly gives or takes the token's right to write.
func (s *Server) SetReadOnly(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readOnly = yes
}

func (s *Server) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.dice.Uint32())
	}
	return hex.EncodeToString(b)
}
