package planner

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
)

// TestConformance runs the suite against the stand-in, as the app itself and as
// a person.
func TestConformance(t *testing.T) {
	t.Run("App", func(t *testing.T) { conform(t, false) })
	t.Run("Delegated", func(t *testing.T) { conform(t, true) })
}

func conform(t *testing.T, delegated bool) {
	connectortest.Run(t, connectortest.Suite{Connector: New(), Start: func(t testing.TB) connectortest.World {
		s := standin.New(standin.Options{Seed: 5, ProvisioningDelay: -1,
			Users: []standin.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}, {Name: "Bob Øst", Mail: "bob@contoso.test"}, {Name: "田中", Mail: "tanaka@contoso.test"}}})
		group := s.AddGroup("Marketing", s.Users()[0].ID)
		set := s.Settings(base)
		if delegated {
			var err error
			if set, err = s.DelegatedSettings(base, s.Users()[0].ID); err != nil {
				t.Fatal(err)
			}
		}
		return connectortest.World{Settings: set, Transport: shared.Transport{Handler: s}, Place: "group:" + group, Expire: s.ExpireTokens, Partly: halfBatch, BigFile: chunk}
	}})
}

// halfBatch makes of a batch one that holds the first half of its parts.
func halfBatch(r *http.Request) (*http.Request, bool) {
	if !strings.HasSuffix(r.URL.Path, "/$batch") {
		return nil, false
	}
	sent, err := io.ReadAll(r.Body)
	r.Body.Close()
	var body struct {
		Requests []json.RawMessage `json:"requests"`
	}
	if err != nil || json.Unmarshal(sent, &body) != nil || len(body.Requests) < 2 {
		return nil, false
	}
	body.Requests = body.Requests[:len(body.Requests)/2]
	part, err := json.Marshal(body)
	if err != nil {
		return nil, false
	}
	half := r.Clone(r.Context())
	half.Body, half.ContentLength = io.NopCloser(bytes.NewReader(part)), int64(len(part))
	return half, true
}
