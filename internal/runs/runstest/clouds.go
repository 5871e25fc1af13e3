// Package runstest gives tests the two clouds of the demo, and a migration between
// them.
package runstest

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/demo"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/migrate"
)

// Clouds starts the clouds, connects an organisation to both, and returns what is to
// be moved. slow is how long each answer takes at least.
func Clouds(t testing.TB, a *app.App, organisation string, slow time.Duration) *migrate.File {
	t.Helper()
	stage, err := demo.New(time.Now(), slow)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, actor := range []standin.Actor{stage.From, stage.To} {
		server := httptest.NewServer(actor)
		t.Cleanup(server.Close)
		name := "workshop-" + actor.Name()
		settings := actor.Settings(server.URL + "/")
		settings["settle-delay"] = "1s" // what a killed run sent has landed by then on this machine
		if _, err := a.Of(organisation).Connect(t.Context(), name, actor.Name(), settings); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	f := &migrate.File{From: names[0], To: names[1], Spec: migrate.Spec{Name: "workshop", Scope: []string{stage.Scope}, Place: stage.Place, Timezone: stage.Timezone,
		People: migrate.People{Others: "name-in-text"}, Policies: migrate.Policies{Notify: "all"}}}
	if err := f.Validate(); err != nil {
		t.Fatal(err)
	}
	return f
}
