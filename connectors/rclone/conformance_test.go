package rclone

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync/atomic"
	"testing"

	_ "github.com/rclone/rclone/backend/memory"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/rclone/rclonetest"
)

// learned are settings with what Check found out, as a connection has them.
func learned(t testing.TB, s connector.Settings, way http.RoundTripper) connector.Settings {
	t.Helper()
	c := opened(t, s, connector.ClientOptions{Transport: way})
	id, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s = maps.Clone(s)
	maps.Copy(s, id.Settings)
	return s
}

func opened(t testing.TB, s connector.Settings, o connector.ClientOptions) *cloud {
	t.Helper()
	c, err := New().Open(t.Context(), connector.Env{Settings: s, HTTP: connector.NewClient(o)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*cloud)
}

// The connector over a backend in this process, which no HTTP leads to.
func TestMemory(t *testing.T) {
	var n atomic.Int64
	connectortest.RunTree(t, connectortest.Tree{Connector: New(), Start: func(t testing.TB) connectortest.TreeWorld {
		set := connector.Settings{"backend": "memory", "folder": fmt.Sprintf("bucket-%d", n.Add(1))}
		c := opened(t, set, connector.ClientOptions{})
		if err := c.do(t.Context(), "making the bucket", func(ctx context.Context, lib *library) error { return lib.Mkdir(ctx, "") }); err != nil {
			t.Fatal(err)
		}
		return connectortest.TreeWorld{Settings: learned(t, set, nil), Place: "in/a folder"}
	}})
}

// The connector over a backend that speaks HTTP, to a real server, with all that a
// network can do to its requests.
func TestS3(t *testing.T) {
	server := rclonetest.S3(t)
	var n atomic.Int64
	connectortest.RunTree(t, connectortest.Tree{Connector: New(), Files: 1100, Start: func(t testing.TB) connectortest.TreeWorld {
		transport := connector.NewTransport()
		t.Cleanup(transport.CloseIdleConnections)
		set := learned(t, server.Bucket(t, fmt.Sprintf("bucket-%d", n.Add(1))), transport)
		return connectortest.TreeWorld{Settings: set, Transport: transport, Place: "in/a folder", Secrets: []string{server.Secret},
			Spoilt: "\a\n\t"} // versitygw escapes no keys in its XML
	}})
}
