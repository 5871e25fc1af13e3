package box_test

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"

	shared "github.com/rialto-migrate/rialto/connector/standin"
)

// A token that ends every minute is renewed each time, and the refresh token that
// replaces the last one is handed back before anything is asked with it.
func TestTokenThatEndsEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: standin.Limits{TokenLife: time.Minute}})
		var kept []string
		b := at(t, s, connector.Settings{refresh: s.SignIn(standin.Ann)})
		b.renewed = func(name, value string) error {
			if name != refresh || slices.Contains(kept, value) {
				t.Errorf("%s is handed back, or the same one twice", name)
			}
			kept = append(kept, value)
			return nil
		}
		s.Put(standin.Ann, "a file", []byte("x"))
		for range 5 {
			if len(b.list(b.shards()[0])) == 0 {
				t.Fatal("a listing is empty")
			}
			time.Sleep(2 * time.Minute)
		}
		if len(kept) < 5 {
			t.Errorf("%d refresh tokens were handed back in five times two minutes", len(kept))
		}
		// What was handed back last opens the next run.
		b.set[refresh] = kept[len(kept)-1]
		b.open()
		if _, err := b.cloud.Check(t.Context()); err != nil {
			t.Errorf("the last refresh token does not serve: %v", err)
		}
	})
}

// A token that Box refuses although its time is not over is renewed, once for all
// who were refused.
func TestTokenThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		b := at(t, s, connector.Settings{refresh: s.SignIn(standin.Ann)})
		refusals := 0
		b.openWith(connector.ClientOptions{Transport: trip{shared.Transport{Handler: s}, func(r *http.Request) int {
			if strings.HasPrefix(r.URL.Path, "/2.0") && refusals < 1 {
				refusals++
				return 401
			}
			return 0
		}}})
		if _, err := b.cloud.Check(t.Context()); err != nil {
			t.Error(err)
		}
		if n := s.Counts()["POST /oauth2/token"]; n != 2 {
			t.Errorf("%d tokens were fetched, want the first and its renewal", n)
		}
	})
}

// Whoever cannot seal the new refresh token asks nothing with what came beside it: the
// old one still serves, then and in the next process.
func TestTokenThatCannotBeSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		b := at(t, s, connector.Settings{refresh: s.SignIn(standin.Ann)})
		b.renewed = func(string, string) error { return errors.New("the disk is full") }
		if _, err := b.cloud.Check(t.Context()); err == nil {
			t.Fatal("a connection goes on whose sign-in nobody keeps")
		}
		b.renewed = nil
		if _, err := b.cloud.Check(t.Context()); err != nil {
			t.Errorf("the same connection, once more: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{})
		b := at(t, s, connector.Settings{refresh: s.SignIn(standin.Ann)})
		b.renewed = func(string, string) error { return errors.New("killed") }
		_, _ = b.cloud.Check(t.Context())
		b.renewed = nil
		b.open()
		if _, err := b.cloud.Check(t.Context()); err != nil {
			t.Errorf("the next process, with the old token: %v", err)
		}
	})
}

// Where refusals leave one turn to all requests, the one for a token is not kept out by
// those that want it.
func TestTokensAtTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: standin.Limits{TokenLife: time.Minute, PerMinute: 60}})
		b := at(t, s, nil)
		stats := &connector.Stats{}
		b.openWith(connector.ClientOptions{Transport: shared.Transport{Handler: s}, Stats: stats})
		var changes []connector.Change
		for i := range 64 {
			c, _ := b.file(strconv.Itoa(i), []byte("x"))
			changes = append(changes, c)
		}
		for range 4 {
			for r, err := range b.target.Write(t.Context(), changes, from([]byte("x"))) {
				b.no(err)
				b.no(r.Err)
			}
		}
		if stats.Refused.Load() == 0 || s.Counts()["POST /oauth2/token"] < 3 {
			t.Errorf("%d refusals and %d tokens: want some", stats.Refused.Load(), s.Counts()["POST /oauth2/token"])
		}
	})
}

// What people get wrong is told with what to do.
func TestCredentials(t *testing.T) {
	for what, c := range map[string]struct {
		set   connector.Settings
		class connector.Class
	}{
		"nothing":          {connector.Settings{"client-id": "", "client-secret": "", "enterprise": ""}, connector.Auth},
		"no secret":        {connector.Settings{"client-secret": ""}, connector.Auth},
		"a wrong secret":   {connector.Settings{"client-secret": "wrong"}, connector.Auth},
		"another company":  {connector.Settings{"enterprise": "1"}, connector.Auth},
		"an old token":     {connector.Settings{"enterprise": "", refresh: "old"}, connector.Auth},
		"two ways":         {connector.Settings{refresh: "x"}, connector.Permanent},
		"an old developer": {connector.Settings{"enterprise": "", "access-token": "ended"}, connector.Auth},
		"no id":            {connector.Settings{"as": "ann@example.org"}, connector.Permanent},
		"in the clear":     {connector.Settings{"url": "http://box.example.org"}, connector.Permanent},
		"no bytes":         {connector.Settings{"most-bytes": "many"}, connector.Permanent},
		"no tags":          {connector.Settings{"tags": "some"}, connector.Permanent},
	} {
		t.Run(what, func(t *testing.T) {
			s := standin.New(standin.Options{})
			set := connector.Settings(s.AppSettings(base))
			for k, v := range c.set {
				set[k] = v
			}
			cloud, err := box.New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{Transport: shared.Transport{Handler: s}, Backoff: func(int, time.Duration) time.Duration { return 0 }})})
			if err == nil {
				_, err = cloud.Check(t.Context())
			}
			(&bench{T: t}).wants(err, c.class)
		})
	}
}

func TestPlaces(t *testing.T) {
	b := at(t, standin.New(standin.Options{}), nil)
	for _, place := range []string{"nonsense", "folder:", "folder:a//b", "folder:../x"} {
		_, err := b.cloud.Target(t.Context(), place)
		b.wants(err, connector.Permanent)
	}
	b = at(t, b.server, connector.Settings{"as": "everybody"})
	_, err := b.cloud.Target(t.Context(), "all-files")
	b.wants(err, connector.Unsupported)
}
