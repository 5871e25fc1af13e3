package web

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/account"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/vault"
	"github.com/rialto-migrate/rialto/internal/web/look"
)

// connections are the ways into an organisation's clouds. One that is being made is
// a deed until somebody who has seen what it may do keeps it.
func (s *Site) connections() {
	s.page("GET /o/{org}/connections", access.ReadConnections, (*visit).listConnections)
	s.page("GET /o/{org}/connections/{id}", access.ReadConnections, (*visit).connection)
	s.page("POST /o/{org}/connections/{id}/test", access.TestConnections, (*visit).testedConnection)
	s.page("GET /o/{org}/connections/{id}/events", access.TestConnections, (*visit).connectionEvents)
	s.page("GET /o/{org}/connections/{id}/remove", access.DeleteConnections, func(v *visit) error { return v.askForget(nil) })
	s.page("POST /o/{org}/connections/{id}/remove", access.DeleteConnections, (*visit).forgot)
	s.page("GET /o/{org}/clouds", access.AddConnections, (*visit).chooseCloud)
	s.page("GET /o/{org}/clouds/{id}", access.AddConnections, func(v *visit) error { return v.connect(v.r.PathValue("id"), nil, nil) })
	s.page("POST /o/{org}/clouds/{id}", access.AddConnections, (*visit).tried)
	s.page("GET /o/{org}/tries/{id}", access.AddConnections, (*visit).try)
	s.page("GET /o/{org}/tries/{id}/events", access.AddConnections, (*visit).tryEvents)
	s.page("POST /o/{org}/tries/{id}", access.AddConnections, (*visit).decided)
}

// How long the deeds of connections may take.
const (
	checkWithin  = 2 * time.Minute
	signInWithin = 16 * time.Minute // codes hold for 15 at most clouds
)

// own are the use cases of the organisation that is visited.
func (v *visit) own() *app.App { return v.App.Of(v.org.ID) }

// cloud is a cloud's title; its name where this program has it no more.
func (v *visit) cloud(name string) string {
	c, err := v.App.Connector(name)
	if err != nil {
		return name
	}
	return c.Manifest().Title
}

func (v *visit) connectionAt(name, path string) string {
	return v.at("/connections/" + url.PathEscape(name) + path)
}

func (v *visit) listConnections() error {
	all, err := v.own().Connections(v.ctx())
	if err != nil {
		return err
	}
	p := v.layout("Connections")
	p.Heading.Lead = "The ways into your clouds. What they hold is sealed under your organisation's own key and never shown again."
	empty := look.Empty{Title: "No connections yet", Text: "A migration needs one to the cloud that you leave, and one to the cloud that you go to."}
	if v.may(access.AddConnections) {
		p.Heading.Actions = []look.Button{{Text: "Add a connection", Kind: look.Primary, Href: v.at("/clouds")}}
	}
	t := look.Table{Caption: "Connections", Columns: []look.Column{{Title: "Connection", Wide: true}, {Title: "Cloud"}, {Title: "Since"}, {Title: "Open", Quiet: true}}, Empty: &empty}
	for _, c := range all {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(c.Name), v.cloud(c.Connector), c.Created,
			look.Button{Text: "Open", Small: true, Kind: look.Quiet, Href: v.connectionAt(c.Name, ""), About: look.Name(c.Name)}}})
	}
	p.Body = t
	return v.show(p)
}

func (v *visit) chooseCloud() error {
	p := v.layout("Add a connection")
	p.Crumbs = []look.Link{{Text: "Connections", Href: v.at("/connections")}}
	p.Heading.Lead = "Choose the cloud."
	t := look.Table{Caption: "Clouds", Columns: []look.Column{{Title: "Cloud", Wide: true}, {Title: "You can sign in there"}, {Title: "Choose", Quiet: true}}}
	for _, m := range v.own().Clouds() {
		way := "with credentials"
		if m.SignIn != nil {
			way = "yourself, or with credentials"
		}
		t.Rows = append(t.Rows, look.Row{Cells: []any{m.Title, way, look.Button{Text: "Choose", Small: true, Href: v.at("/clouds/" + m.Name), About: m.Title}}})
	}
	p.Body = t
	return v.show(p)
}

// manifest is that of a cloud that can be connected here.
func (v *visit) manifest(name string) (connector.Manifest, error) {
	all := v.own().Clouds()
	i := slices.IndexFunc(all, func(m connector.Manifest) bool { return m.Name == name })
	if i < 0 {
		return connector.Manifest{}, errNotFound
	}
	return all[i], nil
}

// The fields of the form beside the settings, which have a prefix.
const (
	wayField  = "way"
	waySignIn = "sign-in"
	setPrefix = "set-"
)

// connect asks for what a cloud needs; typed is what was typed before.
func (v *visit) connect(cloud string, typed map[string]string, refused error) error {
	m, err := v.manifest(cloud)
	if err != nil {
		return err
	}
	p := v.layout("Connect " + m.Title)
	p.Crumbs = []look.Link{{Text: "Connections", Href: v.at("/connections")}, {Text: "Add a connection", Href: v.at("/clouds")}}
	p.Heading.Lead = "What you give here is tried first. You then see who it is and what it may do, and decide whether to keep it."
	fields := []any{look.Field{Name: "name", Label: "Name of the connection", Hint: "As migrations call it.", Value: typed["name"], MaxLength: 100, First: typed == nil}}
	if m.SignIn != nil {
		fields = append(fields, look.Choices{Name: wayField, Legend: "How", Options: []look.Choice{
			{Value: waySignIn, Title: "Sign in on a page of " + m.Title, Text: "You get an address and a code. What moves is then written in your name.", Chosen: typed[wayField] != "set"},
			{Value: "set", Title: "With credentials", Text: "Of an application that your administrator has agreed to.", Chosen: typed[wayField] == "set"},
		}})
	}
	var more []any
	for _, s := range v.own().Settings(m) {
		f := look.Field{Name: setPrefix + s.Name, Label: label(s.Name), Hint: sentence(s.Help), Optional: s.Optional, Autocomplete: "off"}
		if s.Secret {
			f.Kind, f.Autocomplete = look.Password, "new-password"
		} else {
			f.Value = typed[f.Name]
		}
		if s.Secret || !s.Optional {
			fields = append(fields, f)
		} else {
			more = append(more, f)
		}
	}
	if len(more) > 0 {
		fields = append(fields, look.Fieldset{Legend: "Only where you need it", Fields: more})
	}
	return v.ask(form{page: p, form: look.Form{Action: v.at("/clouds/" + m.Name), Fields: fields,
		Buttons: []look.Button{{Text: "Try it", Kind: look.Primary}, {Text: "Go back", Kind: look.Quiet, Href: v.at("/clouds")}}}}, refused)
}

// label is a setting's name as a form shows it.
func label(setting string) string {
	return strings.TrimSuffix(sentence(strings.ReplaceAll(setting, "-", " ")), ".")
}

// ofSetting makes a refusal of what is wrong with a setting or a name.
func ofSetting(err error) error {
	if bad, ok := errors.AsType[*app.SettingError](err); ok {
		return &account.Refusal{Field: setPrefix + bad.Setting, Reason: bad.Reason}
	}
	if connector.ClassOf(err) == connector.Conflict {
		return &account.Refusal{Field: "name", Reason: reason(err)}
	}
	return err
}

func (v *visit) tried() error {
	m, err := v.manifest(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	own, name, signIn := v.own(), strings.TrimSpace(v.typed("name")), m.SignIn != nil && v.typed(wayField) != "set"
	values, typed := map[string]string{}, map[string]string{"name": name, wayField: v.typed(wayField), "cloud": m.Name}
	for _, s := range own.Settings(m) {
		if value := strings.TrimSpace(v.typed(setPrefix + s.Name)); value != "" {
			values[s.Name] = value
			if !s.Secret {
				typed[setPrefix+s.Name] = value
			}
		}
	}
	refused := own.Complete(m, values, signIn)
	if strings.Trim(name, ".") == "" {
		refused = &account.Refusal{Field: "name", Reason: "a connection needs a name"}
	}
	if refused == nil {
		refused = own.Free(v.ctx(), name)
	}
	if refused != nil {
		return v.connect(m.Name, typed, ofSetting(refused))
	}
	limit := checkWithin
	if signIn {
		limit = signInWithin
	}
	d, err := v.deeds.start(v.org.ID, "connect:"+name, limit, typed, func(ctx context.Context, d *deed) (any, error) {
		values := values
		if signIn {
			var err error
			if values, err = own.SignIn(ctx, m.Name, values, func(url, code string) { d.tell(entrance{url, code}) }); err != nil {
				return nil, err
			}
			d.tell(nil)
		}
		return own.Try(ctx, name, m.Name, values)
	})
	if err != nil {
		return err
	}
	return v.to(v.at("/tries/" + d.id))
}

// An entrance is where to sign in, and what to type there.
type entrance struct{ url, code string }

// attempt is the try that the address names.
func (v *visit) attempt() (*deed, error) {
	d := v.deeds.one(v.org.ID, v.r.PathValue("id"))
	if d == nil || d.form["cloud"] == "" {
		return nil, errNotFound
	}
	return d, nil
}

func (v *visit) try() error {
	d, err := v.attempt()
	if err != nil {
		return err
	}
	now := v.soon(d)
	if now.done && now.err != nil {
		return v.failedTry(d, now.err)
	}
	p := v.layout("Connect " + v.cloud(d.form["cloud"]))
	p.Crumbs = []look.Link{{Text: "Connections", Href: v.at("/connections")}}
	p.Heading.Title = look.Name(d.form["name"])
	if !now.done {
		p.Live = v.at("/tries/" + d.id + "/events")
	}
	p.Body = v.tryRegion(d, now)
	return v.show(p)
}

// failedTry shows the form again, with why it did not work.
func (v *visit) failedTry(d *deed, err error) error {
	refused := ofSetting(err)
	if _, ok := errors.AsType[*account.Refusal](refused); !ok {
		refused = &account.Refusal{Reason: strings.TrimSuffix(why(err), ".")}
	}
	err = v.connect(d.form["cloud"], d.form, refused)
	if errors.As(err, &answered{}) {
		return nil // this page only shows what happened before
	}
	return err
}

// why is the reason for which a deed failed, as a page tells it.
func why(err error) string {
	if fault, ok := errors.AsType[*job.Fault](err); ok {
		return sentence(strings.TrimSuffix(fault.Reason, "."))
	}
	if e, ok := errors.AsType[*connector.Error](err); ok {
		return sentence(strings.TrimSuffix(e.Error(), "."))
	}
	return problemOf(err).text
}

func (v *visit) tryEvents() error {
	d, err := v.attempt()
	if err != nil {
		return err
	}
	return v.stream(d, func(now sight) look.Region { return v.tryRegion(d, now) })
}

func (v *visit) tryRegion(d *deed, now sight) look.Region {
	r := look.Region{ID: "try"}
	at := v.at("/tries/" + d.id)
	again := look.Button{Text: "Look again", Href: at}
	decide := func(buttons ...look.Button) look.Form {
		return look.Form{Action: at, Buttons: append(buttons, look.Button{Text: "Discard", Kind: look.Quiet, Name: "do", Value: "discard"})}
	}
	if told, ok := now.told.(entrance); ok && !now.done {
		r.Parts = []any{look.Section{ID: "sign-in", Title: "Sign in there, and type this code", Card: true, Parts: []any{
			look.Code{ID: "code", Label: "Code", Text: told.code}, look.Code{ID: "address", Label: "Address", Text: told.url},
		}, Actions: []look.Button{{Text: "Open the page", Kind: look.Primary, Href: told.url}, again}},
			look.Text("This page goes on by itself when you have signed in."), decide()}
		return r
	}
	switch draft, ok := now.result.(*app.Draft); {
	case now.done && ok:
		r.Parts = []any{look.Alert{Tone: look.Good, Title: "It works", Text: "Nothing is kept yet. Look at what it may do, and decide."}, who(draft.Identity), may(draft.Identity),
			decide(look.Button{Text: "Keep it", Kind: look.Primary, Name: "do", Value: "keep"})}
	case now.done:
		r.Parts = []any{look.Alert{Tone: look.Bad, Title: "It does not work", Text: why(now.err), Actions: []look.Button{{Text: "Correct it", Href: at}}}}
	default:
		r.Parts = []any{look.Alert{Tone: look.Info, Title: "Trying it", Text: "This takes a few seconds.", Actions: []look.Button{again}}, decide()}
	}
	return r
}

// who says as whom a connection acts.
func who(id connector.Identity) look.Facts {
	return look.Facts{{Term: "Acts as", Value: look.Name(id.Name)}, {Term: "In", Value: look.Name(id.Account)}, {Term: "Its id there", Value: look.Name(id.ID)}}
}

// may says what a connection may do, and what it may not.
func may(id connector.Identity) look.Table {
	t := look.Table{Caption: "What it may do", Captioned: true, Columns: []look.Column{{Title: "What", Wide: true}, {Title: "May it"}},
		Empty: &look.Empty{Title: "The cloud does not tell what it may do", Text: "Then it may do what the account may that it acts as."}}
	for _, r := range id.Rights {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(r), look.Badge{Text: "yes", Tone: look.Good}}})
	}
	for _, r := range id.Missing {
		t.Rows = append(t.Rows, look.Row{Cells: []any{look.Name(r), look.Badge{Text: "no", Tone: look.Warn}}})
	}
	return t
}

// decided keeps what was tried, or forgets it.
func (v *visit) decided() error {
	d, err := v.attempt()
	if err != nil {
		return err
	}
	if v.typed("do") != "keep" {
		v.deeds.forget(d)
		return v.to(v.at("/connections"))
	}
	draft, ok := d.look().result.(*app.Draft)
	if !ok {
		return connector.Errorf(connector.Conflict, "this was not tried to its end yet")
	}
	if err := v.own().Keep(v.ctx(), draft); err != nil {
		return err
	}
	v.deeds.forget(d)
	return v.to(v.connectionAt(draft.Name(), "?done=connected"))
}

// theConnection returns the connection that the address names.
func (v *visit) theConnection() (vault.Connection, error) {
	all, err := v.own().Connections(v.ctx())
	if err != nil {
		return vault.Connection{}, err
	}
	i := slices.IndexFunc(all, func(c vault.Connection) bool { return c.Name == v.r.PathValue("id") })
	if i < 0 {
		return vault.Connection{}, errNotFound
	}
	return all[i], nil
}

func (v *visit) connection() error {
	c, err := v.theConnection()
	if err != nil {
		return err
	}
	p := v.layout("Connection")
	p.Crumbs = []look.Link{{Text: "Connections", Href: v.at("/connections")}}
	p.Heading.Title = look.Name(c.Name)
	if v.may(access.TestConnections) {
		p.Heading.Actions = append(p.Heading.Actions, look.Button{Text: "Test it", Kind: look.Primary, Post: v.connectionAt(c.Name, "/test")})
	}
	if v.may(access.DeleteConnections) {
		p.Heading.Actions = append(p.Heading.Actions, look.Button{Text: "Remove", Kind: look.Danger, Href: v.connectionAt(c.Name, "/remove"), About: look.Name(c.Name)})
	}
	facts := look.Facts{{Term: "Cloud", Value: v.cloud(c.Connector)}, {Term: "Its id there", Value: look.Name(c.Identity)}, {Term: "Kept since", Value: c.Created}}
	for _, name := range slices.Sorted(maps.Keys(c.Settings)) {
		facts = append(facts, look.Fact{Term: label(name), Value: look.Name(c.Settings[name])})
	}
	body := []any{facts}
	if d := v.test(c.Name); d != nil {
		now := v.soon(d)
		if !now.done {
			p.Live = v.connectionAt(c.Name, "/events?test="+d.id)
		}
		body = append(body, v.testRegion(c.Name, now))
	}
	p.Body = body
	return v.show(p)
}

// test is the test of a connection that the address names; nil for none.
func (v *visit) test(name string) *deed {
	d := v.deeds.one(v.org.ID, v.r.URL.Query().Get("test"))
	if d == nil || d.about != "test:"+name {
		return nil
	}
	return d
}

func (v *visit) testedConnection() error {
	c, err := v.theConnection()
	if err != nil {
		return err
	}
	own := v.own()
	d, err := v.deeds.start(v.org.ID, "test:"+c.Name, checkWithin, nil, func(ctx context.Context, _ *deed) (any, error) { return own.Test(ctx, c.Name) })
	if err != nil {
		return err
	}
	page := ""
	if v.typed("back") == "remove" {
		page = "/remove"
	}
	return v.to(v.connectionAt(c.Name, page+"?test="+d.id))
}

func (v *visit) connectionEvents() error {
	c, err := v.theConnection()
	if err != nil {
		return err
	}
	d := v.test(c.Name)
	if d == nil {
		return errNotFound
	}
	return v.stream(d, func(now sight) look.Region { return v.testRegion(c.Name, now) })
}

func (v *visit) testRegion(name string, now sight) look.Region {
	r := look.Region{ID: "test"}
	id, ok := now.result.(connector.Identity)
	switch {
	case !now.done:
		r.Parts = []any{look.Alert{Tone: look.Info, Title: "Trying it", Actions: []look.Button{{Text: "Look again", Href: v.r.URL.RequestURI()}}}}
		if strings.Contains(v.r.URL.Path, "/events") {
			r.Parts = []any{look.Alert{Tone: look.Info, Title: "Trying it"}}
		}
	case now.err != nil && connector.ClassOf(now.err) == connector.Auth || dead(now.err):
		r.Parts = []any{look.Alert{Tone: look.Bad, Title: "The cloud refuses it", Text: why(now.err)}}
	case now.err != nil:
		r.Parts = []any{look.Alert{Tone: look.Warn, Title: "It cannot be told whether it works", Text: why(now.err)}}
	case ok:
		r.Parts = []any{look.Alert{Tone: look.Good, Title: "It works"}, who(id), may(id)}
	}
	return r
}

// dead reports whether a cloud refuses a connection's credentials themselves.
func dead(err error) bool {
	fault, ok := errors.AsType[*job.Fault](err)
	return ok && fault.Class == connector.Auth
}

// askForget is the checklist of what to do before a connection is forgotten.
func (v *visit) askForget(refused error) error {
	c, err := v.theConnection()
	if err != nil {
		return err
	}
	p := v.layout("Remove a connection")
	p.Crumbs = []look.Link{{Text: "Connections", Href: v.at("/connections")}, {Text: look.Name(c.Name), Href: v.connectionAt(c.Name, "")}}
	p.Heading.Title = look.Words{"Remove ", look.Name(c.Name)}
	p.Heading.Lead = "In this order, so that nothing is left that could still get in."
	title := v.cloud(c.Connector)
	at := v.connectionAt(c.Name, "/remove")
	probe := []any{look.Text("Rialto tries the connection once more. The cloud has to refuse it.")}
	sure := false
	if d := v.test(c.Name); d != nil {
		now := v.soon(d)
		sure = now.done && dead(now.err)
		if !now.done {
			p.Live = v.connectionAt(c.Name, "/events?test="+d.id)
		}
		switch {
		case sure:
			probe = append(probe, look.Alert{Tone: look.Good, Title: "It is dead", Text: "The cloud refuses it."})
		case now.done && now.err == nil:
			probe = append(probe, look.Alert{Tone: look.Bad, Title: "It still works", Text: "Revoke it at " + title + " first."})
		default:
			probe = append(probe, v.testRegion(c.Name, now))
		}
	}
	probe = append(probe, look.Form{Action: v.connectionAt(c.Name, "/test"), Hidden: []look.Hidden{{Name: "back", Value: "remove"}}, Buttons: []look.Button{{Text: "Probe it"}}})
	p.Body = []any{
		look.Section{ID: "revoke", Title: "1. Revoke it at " + title, Card: true, Text: "Withdraw the token, or the consent that you gave, in the settings of the account that it acts as."},
		look.Section{ID: "app", Title: "2. Delete the application there", Card: true, Text: "If one was registered for the move, it is needed no more. If other connections use it, leave it until they go."},
		look.Section{ID: "probe", Title: "3. Probe that it is dead", Card: true, Parts: probe},
	}
	f := look.Form{Action: at, Buttons: []look.Button{{Text: "Forget it here", Kind: look.Danger}, {Text: "Go back", Kind: look.Quiet, Href: v.connectionAt(c.Name, "")}}}
	if sure {
		f.Hidden = []look.Hidden{{Name: "sure", Value: "probed"}}
	} else {
		f.Fields = []any{look.Field{Name: "sure", Label: "Forget it although it may still work there", Kind: look.Check}}
	}
	return v.ask(form{page: p, form: f}, refused)
}

func (v *visit) forgot() error {
	c, err := v.theConnection()
	if err != nil {
		return err
	}
	if v.typed("sure") == "" {
		return v.askForget(&account.Refusal{Field: "sure", Reason: "probe that it is dead, or say here that you forget it all the same"})
	}
	if err := v.own().Remove(v.ctx(), c.Name); err != nil {
		return err
	}
	return v.to(v.at("/connections?done=forgotten"))
}
