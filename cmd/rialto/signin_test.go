package main

import (
	"maps"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	box "github.com/rialto-migrate/rialto/connectors/box/standin"
)

// TestRefreshTokenServesOnce signs in to a cloud whose refresh token serves once: the
// one that connecting leaves behind serves the next process, and so on, also where the
// access token between ended.
func TestRefreshTokenServesOnce(t *testing.T) {
	cloud := httptest.NewServer(box.New(box.Options{Limits: box.Limits{TokenLife: time.Minute}}))
	t.Cleanup(cloud.Close)
	s, ok := cloud.Config.Handler.(*box.Server)
	if !ok {
		t.Fatal("the server is none of Box's stand-in")
	}
	in := newInstall(t)
	connect := func() {
		set := s.Settings(cloud.URL)
		args := []string{"connect", "box", "--name", "mine"}
		for _, name := range slices.Sorted(maps.Keys(set)) {
			args = append(args, "--set", name+"="+set[name])
		}
		in.must(args...)
	}
	for range 2 { // the second connection replaces the first, and its token with it
		connect()
		for range 2 {
			in.must("connections", "test", "mine")
		}
	}
}
