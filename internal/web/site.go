// Package web is the service's pages: one file a page, or a few that belong
// together. A page reads a request, calls a use case, and shows what came of it;
// what may be seen and done is decided before, by the rule that each route is
// declared with.
//
// Addresses below /o/ORGANISATION/ are an organisation's. To whoever is not in it
// they are not there.
package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/outside"
	"github.com/rialto-migrate/rialto/internal/runs"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// Config makes a Site.
type Config struct {
	App      *app.App
	Accounts *account.Accounts
	Policy   *access.Policy
	Audit    *audit.Log
	// Outside are other providers of sign-ins; nil for none.
	Outside *outside.Providers
	Runs    *runs.Registry
	// Secure says that people reach the pages by HTTPS: cookies then never travel
	// otherwise.
	Secure bool
	// Proxies are the networks whose word on where a request comes from is taken
	// (X-Forwarded-For).
	Proxies []netip.Prefix
	Log     *slog.Logger
	Version string
	Now     func() time.Time // nil is time.Now
}

// A Site serves the pages. It is safe for concurrent use.
type Site struct {
	Config
	look   *look.Look
	mux    *http.ServeMux
	routes []Route
	deeds  *deeds

	drawings *drawings
}

// A Route is one address with its rule.
type Route struct {
	Method, Path string
	Action       access.Action // "" for a door, which is open to everybody
	Kind         access.Kind
}

// New makes a Site. Close it.
func New(c Config) (*Site, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	l, err := look.New()
	if err != nil {
		return nil, err
	}
	s := &Site{Config: c, look: l, mux: http.NewServeMux(), deeds: newDeeds(c.Now), drawings: newDrawings()}
	s.mux.Handle("GET /static/", l.Static())
	s.doors()
	s.home()
	s.second()
	s.outside()
	s.own()
	s.factors()
	s.organisation()
	s.people()
	s.connections()
	s.plans()
	s.forecasts()
	s.runPages()
	s.auditLog()
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Route{Path: "/"}, func(*visit) error { return errNotFound })
	})
	return s, nil
}

// Routes are all addresses with their rules, for tests that walk them.
func (s *Site) Routes() []Route { return slices.Clone(s.routes) }

// ServeHTTP serves a request. What would change something is refused when another
// site sent it.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
	if s.Secure {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Route{Path: r.URL.Path}, func(*visit) error { return errForeign })
	}))
	protection.Handler(s.mux).ServeHTTP(w, r)
}

// door declares a page that everybody may see. why is for whoever reads the list.
func (s *Site) door(pattern, why string, do func(*visit) error) {
	if why == "" {
		panic("web: a door needs a reason: " + pattern)
	}
	s.route(pattern, "", do)
}

// page declares a page or a deed for whoever may do what it does.
func (s *Site) page(pattern string, what access.Action, do func(*visit) error) {
	if _, ok := s.Policy.Kind(what); !ok {
		panic("web: no action: " + pattern)
	}
	s.route(pattern, what, do)
}

func (s *Site) route(pattern string, what access.Action, do func(*visit) error) {
	method, path, _ := strings.Cut(pattern, " ")
	kind, _ := s.Policy.Kind(what)
	r := Route{Method: method, Path: path, Action: what, Kind: kind}
	s.routes = append(s.routes, r)
	s.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) { s.serve(w, req, r, do) })
}

var (
	errNotFound = errors.New("there is no such page")
	errForeign  = errors.New("this was sent by another site, so nothing was done")
)

// denied is an error that a rule decided.
type denied struct{ access.Decision }

func (d denied) Error() string { return d.Says }

// maxForm is the most that a form may bring, in bytes: a table of people of fifty
// thousand rows.
const maxForm = 16 << 20

// serve finds out who asks, has the rule decide, and then does what the route does: what
// changes something, between two entries of the audit log.
func (s *Site) serve(w http.ResponseWriter, r *http.Request, route Route, do func(*visit) error) {
	v := &visit{Site: s, w: w, r: r, route: route, id: uuid.Must(uuid.NewV7()).String()}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	err := v.enter()
	if err == nil && route.Action == "" && r.Method == http.MethodPost && v.signed.Person.ID == "" {
		err = s.Accounts.Admit(v.place())
	}
	if err == nil {
		if r.Method == http.MethodPost && !v.unlogged() {
			err = s.Audit.Doing(r.Context(), v.entry(), func() error { return do(v) })
		} else {
			err = do(v)
		}
	}
	if err != nil && !errors.As(err, &answered{}) {
		v.fail(err)
	}
}

// answered is a refusal that a page has told already: nothing is left to do but to
// note it.
type answered struct{ error }

func (a answered) Unwrap() error { return a.error }

// A visit is one request.
type visit struct {
	*Site
	w     http.ResponseWriter
	r     *http.Request
	route Route
	id    string // of the request

	signed account.Signed // Person.ID is "" for nobody
	org    store.Organisation
	role   access.Role

	wrote bool
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// enter finds out who asks for what, and whether that may be.
func (v *visit) enter() (err error) {
	v.signed, err = v.Accounts.Signed(v.ctx(), v.token())
	if errors.Is(err, account.ErrSignedOut) {
		err = nil
	}
	if err != nil {
		return err
	}
	if v.route.Action == "" {
		return nil
	}
	with := access.Resource{Kind: v.route.Kind}
	who := access.Subject{Person: v.signed.Person.ID, SecondFactor: !v.signed.Session.Second.IsZero(), SignedIn: v.signed.Session.Fresh}
	if v.signed.Half {
		return denied{access.Decision{Why: access.NeedsSecondFactor, Says: "Give your second factor to go on."}}
	}
	if id := v.r.PathValue("org"); id != "" {
		if who.Person == "" {
			return denied{access.Decision{Why: access.NotSignedIn}}
		}
		role, err := v.App.Store().Role(v.ctx(), id, who.Person)
		if err != nil {
			return err
		}
		if role == "" {
			return errNotFound
		}
		if v.org, err = v.App.Store().Organisation(v.ctx(), id); err != nil {
			return err
		}
		v.role = access.Role(role)
		who.Organisation, who.Role = id, v.role
		with.Organisation, with.DemandsSecondFactor = id, v.org.SecondFactor
		if v.Now().Sub(v.org.Active) > touchEvery {
			if err := v.App.Store().Touch(v.ctx(), id, v.Now()); err != nil {
				return err
			}
		}
	} else {
		with.Person = who.Person
	}
	if d := v.Policy.Decide(who, v.route.Action, with); !d.Allowed {
		return denied{d}
	}
	return nil
}

// touchEvery is how exactly it is noted when an organisation was last active.
const touchEvery = time.Hour

// may reports whether whoever visits an organisation may do something in it: for
// what a page offers.
func (v *visit) may(do access.Action) bool {
	kind, _ := v.Policy.Kind(do)
	who := access.Subject{Person: v.signed.Person.ID, Organisation: v.org.ID, Role: v.role, SecondFactor: !v.signed.Session.Second.IsZero(), SignedIn: v.signed.Session.Fresh}
	d := v.Policy.Decide(who, do, access.Resource{Kind: kind, Organisation: v.org.ID, DemandsSecondFactor: v.org.SecondFactor})
	return d.Allowed || d.Why == access.NeedsRecentSignIn
}

// unlogged reports whether a door's deed writes its own entry, as it is known only
// later whose it is.
func (v *visit) unlogged() bool { return v.route.Action == "" }

// entry is the audit log's entry of what the visit is about to do.
func (v *visit) entry() audit.Entry {
	e := audit.Entry{Organisation: cmp.Or(v.org.ID, audit.Service), Actor: audit.ByNobody(), Action: string(v.route.Action), Request: v.id,
		Object: audit.Object{Kind: strings.ToLower(string(v.route.Kind)), ID: v.r.PathValue("id")}}
	if v.signed.Person.ID != "" {
		e.Actor = audit.ByPerson(v.signed.Person.ID)
	}
	if v.route.Action == access.DeleteOrganisation { // its own log goes with it
		e.Organisation, e.Object = audit.Service, audit.Object{Kind: "organisation", ID: v.org.ID}
	}
	e.Address, _ = netip.ParseAddr(v.place().Address)
	return e
}

// doing does what a door changes, between two entries of the service's log.
func (v *visit) doing(action string, deed func() error) error {
	e := v.entry()
	e.Action, e.Object = action, audit.Object{}
	return v.Audit.Doing(v.ctx(), e, func() error {
		err := deed()
		if _, ok := errors.AsType[*account.Refusal](err); ok { // the log tells it from a failure
			err = errors.Join(err, connector.Errorf(connector.Forbidden, "web: a form was refused"))
		}
		return err
	})
}

// did adds an entry to the audit log for what a door did that changes no account: who
// signed in, or tried to.
func (v *visit) did(action string, who string, err error) error {
	e := v.entry()
	e.Action, e.Object, e.Outcome = action, audit.Object{}, audit.Done
	if who != "" {
		e.Actor = audit.ByPerson(who)
	}
	if err != nil {
		e.Outcome, e.Class = audit.Refused, string(connector.ClassOf(err))
	}
	_, told := v.Audit.Append(v.ctx(), e)
	return told
}

// place is where the request comes from.
func (v *visit) place() account.Place {
	return account.Place{Address: v.address(), Device: device(v.r.UserAgent())}
}

// address is that of the network from which the request comes: a proxy's word is
// taken only from a proxy that is known, and only what that one saw itself.
func (v *visit) address() string {
	at, err := netip.ParseAddrPort(v.r.RemoteAddr)
	if err != nil {
		return ""
	}
	from := at.Addr().Unmap()
	known := func(a netip.Addr) bool {
		return slices.ContainsFunc(v.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	hops := strings.Split(strings.Join(v.r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && known(from); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		from = hop.Unmap()
	}
	return from.String()
}

// device is a browser as people would know it.
func device(agent string) string {
	find := func(names [][2]string) string {
		for _, n := range names {
			if strings.Contains(agent, n[0]) {
				return n[1]
			}
		}
		return ""
	}
	browser := find([][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}})
	system := find([][2]string{{"Android", "Android"}, {"iPhone", "an iPhone"}, {"iPad", "an iPad"}, {"Windows", "Windows"}, {"Mac OS X", "a Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}})
	switch {
	case browser == "":
		return "Another program"
	case system == "":
		return browser
	}
	return browser + " on " + system
}

// cookieName begins with __Host- where cookies are secure: browsers then take the
// cookie from this host alone.
func (s *Site) cookieName() string {
	if s.Secure {
		return "__Host-rialto"
	}
	return "rialto"
}

func (v *visit) token() string {
	c, err := v.r.Cookie(v.cookieName())
	if err != nil {
		return ""
	}
	return c.Value
}

// keep gives the browser the token of a session.
func (v *visit) keep(token string) {
	http.SetCookie(v.w, &http.Cookie{Name: v.cookieName(), Value: token, Path: "/", HttpOnly: true, Secure: v.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(account.EndsAfter.Seconds())})
}

func (v *visit) forget() {
	http.SetCookie(v.w, &http.Cookie{Name: v.cookieName(), Path: "/", HttpOnly: true, Secure: v.Secure, SameSite: http.SameSiteLaxMode, MaxAge: -1})
}

// to leads to another page of ours.
func (v *visit) to(path string) error {
	v.wrote = true
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// next is the page that a sign-in was asked for; home if there is none. Only an
// address of ours is taken.
func next(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") {
		return "/"
	}
	return to
}

// fail answers with what went wrong.
func (v *visit) fail(err error) {
	if v.wrote || v.ctx().Err() != nil {
		v.Log.Error("a request failed after its answer", "request", v.id, "path", v.route.Path, "class", connector.ClassOf(err))
		return
	}
	if d, ok := errors.AsType[denied](err); ok && v.deny(d.Decision) {
		return
	}
	p := problemOf(err)
	if p.status >= 500 {
		v.Log.Error("a request failed", "request", v.id, "path", v.route.Path, "class", connector.ClassOf(err), "reason", reason(err))
	}
	page := v.layout(p.title)
	page.Body = look.Empty{Title: p.title, Text: p.text, Actions: []look.Button{{Text: "Go to the start", Href: "/"}}}
	page.Heading.Lead = ""
	if p.status >= 500 {
		page.Footer = append(page.Footer, look.Link{Text: "Request " + v.id, Href: "#"})
	}
	var slow *account.TooMany
	if errors.As(err, &slow) {
		v.w.Header().Set("Retry-After", fmt.Sprint(int(slow.Wait.Seconds())))
	}
	if err := v.look.Render(v.w, p.status, page); err != nil {
		v.Log.Error("a page cannot be shown", "request", v.id, "reason", err)
		http.Error(v.w, "This page cannot be shown.", http.StatusInternalServerError)
	}
}

// deny leads to where the reason can be mended; false where it cannot.
func (v *visit) deny(d access.Decision) bool {
	back := v.r.URL.RequestURI()
	if v.r.Method != http.MethodGet {
		back = "/"
		if from, err := url.Parse(v.r.Referer()); err == nil && from.Path != "" {
			back = next(from.RequestURI())
		}
	}
	query := "?to=" + url.QueryEscape(back)
	switch d.Why {
	case access.NotSignedIn:
		_ = v.to("/sign-in" + query)
	case access.NeedsRecentSignIn:
		_ = v.to("/account/prove" + query)
	case access.NeedsSecondFactor:
		if v.signed.Half {
			_ = v.to("/sign-in/second" + query)
		} else {
			_ = v.to("/account/second-factor" + query)
		}
	default:
		return false
	}
	return true
}

// A problem is an error as a page tells it.
type problem struct {
	status      int
	title, text string
}

func problemOf(err error) problem {
	var slow *account.TooMany
	var refusal *account.Refusal
	var too *http.MaxBytesError
	if d, ok := errors.AsType[denied](err); ok {
		return problem{http.StatusForbidden, "You may not do this", d.Says}
	}
	switch {
	case errors.Is(err, errNotFound):
		return problem{http.StatusNotFound, "There is no such page", "Its address may have changed, or it belongs to an organisation that you are not in."}
	case errors.Is(err, errForeign):
		return problem{http.StatusForbidden, "Nothing was done", "Another site sent this request. Open the page here, and try again."}
	case errors.As(err, &slow):
		return problem{http.StatusTooManyRequests, "Too many tries", "Wait " + slow.Wait.String() + " and try again."}
	case errors.As(err, &refusal):
		return problem{http.StatusUnprocessableEntity, "This will not do", sentence(refusal.Reason)}
	case errors.As(err, &too):
		return problem{http.StatusRequestEntityTooLarge, "This is too much", "A form may bring 16 MB."}
	}
	switch connector.ClassOf(err) {
	case connector.Gone:
		return problem{http.StatusNotFound, "This is no longer there", "Somebody may have removed it."}
	case connector.Conflict:
		return problem{http.StatusConflict, "This cannot be done now", sentence(reason(err))}
	case connector.Full:
		return problem{http.StatusInsufficientStorage, "The disk is full", "Nothing was changed. Whoever runs this service has to make room."}
	case connector.Transient:
		return problem{http.StatusServiceUnavailable, "This does not work right now", "Nothing was lost. Try again in a moment."}
	}
	return problem{http.StatusInternalServerError, "Something went wrong", "Nothing was changed that the page did not say. Whoever runs this service finds the reason in its log by the number of this request."}
}

// reason is an error's own words, for errors of ours; others may hold what is not
// to be logged.
func reason(err error) string {
	e, ok := errors.AsType[*connector.Error](err)
	if !ok {
		return fmt.Sprintf("%T", err)
	}
	return e.Error()
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
