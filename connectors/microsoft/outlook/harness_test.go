package outlook

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

const base = "http://graph.test"

// A rig is a tenant with a connection to a mailbox of it.
type rig struct {
	t      *testing.T
	srv    *standin.Server
	user   string
	log    *bytes.Buffer
	stats  *connector.Stats
	faults http.Handler // nil for none
	cloud  connector.Cloud
	src    connector.Source
	dst    connector.Target
}

// tenant connects as the first of two people, or as the app to that one's mailbox.
func tenant(t *testing.T, o standin.Options, delegated bool, more ...string) *rig {
	t.Helper()
	o.Users = []standin.User{{Name: "Ann Lee", Mail: "ann@contoso.test"}, {Name: "Bob", Mail: "bob@contoso.test"}}
	r := &rig{t: t, srv: standin.New(o), user: "ann@contoso.test", log: &bytes.Buffer{}, stats: &connector.Stats{}}
	set, where := r.srv.Settings(base), "user:"+r.user
	if delegated {
		var err error
		if set, err = r.srv.DelegatedSettings(base, r.user); err != nil {
			t.Fatal(err)
		}
		where = "me"
	} else {
		set[settingMailbox] = r.user
	}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	log := slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var wire http.RoundTripper = shared.Transport{Handler: r}
	if _, err := os.Stat(filepath.Join("..", "..", "..", "..", "shared", "contracts", "msgraph")); err == nil {
		wire = connectortest.Watch{Contract: connectortest.GraphContract(t), Test: t, Refused: true}.Transport(wire)
	}
	env := connector.Env{Settings: set, Log: log, Now: time.Now, Renewed: func(string, string) error { return nil },
		HTTP: connector.NewClient(connector.ClientOptions{Transport: wire, Log: log, Stats: r.stats, Pacer: connector.NewPacer(New().Capabilities(set).Quotas)})}
	var err error
	if r.cloud, err = New().Open(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if r.src, err = r.cloud.Source(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.dst, err = r.cloud.Target(t.Context(), where); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestContractIsThere says so where these tests are not held to the contract.
func TestContractIsThere(t *testing.T) { connectortest.GraphContract(t) }

func (r *rig) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.faults != nil {
		r.faults.ServeHTTP(w, q)
		return
	}
	r.srv.ServeHTTP(w, q)
}

// opener serves blobs whose address holds their content.
func opener(b item.Blob, _, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b.URL)), nil
}

func collect[T any](t *testing.T, seq iter.Seq2[T, error]) (out []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func (r *rig) results(changes ...connector.Change) []connector.Result {
	r.t.Helper()
	return collect(r.t, r.dst.Write(r.t.Context(), changes, opener))
}

func (r *rig) write(changes ...connector.Change) (out []item.Bundle) {
	r.t.Helper()
	for i, res := range r.results(changes...) {
		if res.Err != nil {
			r.t.Fatalf("change %d: %v", i, res.Err)
		}
		out = append(out, res.Stored)
	}
	return out
}

func (r *rig) box() item.Ref {
	return collect(r.t, r.dst.Find(r.t.Context(), item.Ref{}, time.Time{}))[0].Bundle.Item.Ref
}

func (r *rig) folder(parent item.Ref, name, use string) connector.Result {
	it := item.Item{Ref: item.Ref{Kind: item.Folder}, Parent: parent}
	item.Name.Set(&it, name)
	if use != "" {
		item.SpecialUse.Set(&it, use)
	}
	res := r.results(connector.Change{Op: connector.Create, Item: it})[0]
	if res.Err != nil {
		r.t.Fatalf("%s: %v", name, res.Err)
	}
	return res
}

// letter is a create of a message.
func letter(in item.Ref, text string, flags ...string) connector.Change {
	it := item.Item{Ref: item.Ref{Kind: item.Message}, Parent: in, Blob: &item.Blob{URL: text, Bytes: int64(len(text))}}
	item.Flags.Set(&it, flags)
	item.Received.Set(&it, time.Date(2019, 3, 4, 5, 6, 7, 0, time.UTC))
	ch := connector.Change{Op: connector.Create, Item: it}
	if id, rest, ok := strings.Cut(text, ">"); ok && strings.HasPrefix(id, "Message-ID: <") && rest != "" {
		ch.Mark = "mid:" + strings.TrimPrefix(id, "Message-ID: <")
	}
	return ch
}

func numbered(n int) string {
	return fmt.Sprintf("Message-ID: <%d@x.test>\r\nDate: Mon, 4 Mar 2019 05:06:07 +0000\r\nSubject: Secret%d\r\n\r\nbody\r\n", n, n)
}
