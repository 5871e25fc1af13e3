// Package rclonetest has what tests of rclone's backends need: a backend that a real
// server can be started for, which the program itself does not have.
package rclonetest

import (
	"os"
	"path/filepath"
	"testing"

	_ "github.com/rclone/rclone/backend/s3" // as the others it speaks HTTP; the program has a connector of its own for S3

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/s3/s3test"
)

// A Server is one for rclone's backend "s3".
type Server struct {
	*s3test.Server
	Secret string
}

// S3 starts a server that runs until the test ends.
func S3(t testing.TB) Server {
	t.Helper()
	srv := s3test.Start(t)
	return Server{Server: srv, Secret: srv.Settings["secret-access-key"]}
}

// Bucket makes a bucket, and returns the settings that lead there.
func (s Server) Bucket(t testing.TB, name string) connector.Settings {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(s.Folder, name), 0o755); err != nil {
		t.Fatal(err)
	}
	return connector.Settings{"backend": "s3", "url": s.Server.Settings["url"], "folder": name,
		"options": "provider=Other,access_key_id=" + s.Server.Settings["access-key-id"] + ",region=us-east-1,force_path_style=true",
		"secrets": "secret_access_key=" + s.Secret}
}
