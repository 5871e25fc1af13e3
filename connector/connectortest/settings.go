package connectortest

import (
	"maps"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// testSettings connects with what people get wrong: nothing at all, an address
// that is none, credentials that are not good, a place that cannot be. Each is
// met by an error that says what to do.
func (r *rig) testSettings() {
	_, err := r.open(connector.Settings{})
	r.helps("a connection without settings", err, connector.Auth, connector.Permanent)
	for _, s := range r.suite.Connector.Manifest().Settings {
		wrong := maps.Clone(r.world.Settings)
		switch {
		case s.Name == connector.SettingURL && r.world.Transport != nil:
			wrong[s.Name] = "not an address"
			_, err := r.open(wrong)
			r.helps("a url that is no address", err, connector.Permanent)
		case s.Secret && wrong[s.Name] != "":
			wrong[s.Name] = "wrong-" + canary
			cloud, err := r.open(wrong)
			if err == nil {
				_, err = cloud.Check(r.Context())
				r.no(cloud.Close(), "Close")
			}
			r.helps("a wrong "+s.Name, err, connector.Auth)
		case s.Path && wrong[s.Name] != "":
			wrong[s.Name] += ".not-there"
			cloud, err := r.open(wrong)
			if err == nil {
				_, err = cloud.Source(r.Context())
				r.no(cloud.Close(), "Close")
			}
			r.helps("a path that leads nowhere, in "+s.Name, err, connector.Permanent)
		}
	}
	if r.target == nil {
		return
	}
	for _, place := range []string{"nonsense", "nonsense:x"} {
		_, err = r.cloud.Target(r.Context(), place)
		r.helps("the place "+place, err, connector.Permanent)
	}
}

// open opens a connection with settings of its own.
func (r *rig) open(set connector.Settings) (connector.Cloud, error) {
	o := r.client()
	return r.suite.Connector.Open(r.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(o), Log: o.Log, Now: time.Now,
		Renewed: func(string, string) error { return nil }})
}

// helps checks an error that a person can do something about.
func (r *rig) helps(what string, err error, classes ...connector.Class) {
	r.Helper()
	e := r.saw(err)
	switch {
	case e == nil:
		r.Errorf("%s passes", what)
	case !slices.Contains(classes, e.Class) || e.Hint == "":
		r.Errorf("%s: class %s, hint %q: %v; want class %v and a hint that says what to do", what, e.Class, e.Hint, err, classes)
	}
}
