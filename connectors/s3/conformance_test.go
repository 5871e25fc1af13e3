package s3_test

import (
	"fmt"
	"maps"
	"sync/atomic"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
	"github.com/rialto-migrate/rialto/connectors/s3"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
)

// The connector against a real server, with metadata and without.
func TestConformance(t *testing.T) {
	for _, metadata := range []string{"keep", "drop"} {
		t.Run(metadata, func(t *testing.T) {
			server := s3test.Start(t)
			var n atomic.Int64
			connectortest.RunTree(t, connectortest.Tree{Connector: s3.New(), Start: func(t testing.TB) connectortest.TreeWorld {
				set := maps.Clone(server.Settings)
				set["metadata"] = metadata
				transport := connector.NewTransport()
				t.Cleanup(transport.CloseIdleConnections)
				return connectortest.TreeWorld{Settings: set, Transport: transport, Place: fmt.Sprintf("bucket-%d/in/a folder", n.Add(1)),
					Spoilt: "\a"} // versitygw escapes no keys, and XML holds no bell
			}})
		})
	}
}
