package webdav

import (
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// touch sets when a file's bytes changed, where they stay as they are: by the
// property DAV:lastmodified, which Nextcloud (apps/dav/lib/Connector/Sabre/FilesPlugin.php)
// and rclone (cmd/serve/webdav/webdav.go, Handle.Patch) let be written.
func (a *api) touch(ctx context.Context, path string, at time.Time) error {
	const call = "PROPPATCH {object}"
	set := `<?xml version="1.0" encoding="utf-8"?><d:propertyupdate xmlns:d="DAV:"><d:set><d:prop><d:lastmodified>` +
		strconv.FormatInt(at.Unix(), 10) + `</d:lastmodified></d:prop></d:set></d:propertyupdate>`
	resp, err := a.http.Do(ctx, connector.Request{Method: "PROPPATCH", URL: a.at(path, false), Call: call, Repeatable: true,
		Body: func() (io.ReadCloser, int64, string, error) {
			return io.NopCloser(strings.NewReader(set)), int64(len(set)), `application/xml; charset="utf-8"`, nil
		}})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var told struct {
		Responses []response `xml:"DAV: response"`
	}
	if resp.StatusCode != http.StatusMultiStatus || xml.NewDecoder(io.LimitReader(resp.Body, mostEntry)).Decode(&told) != nil {
		return connector.Errorf(connector.Malformed, "%s: the answer is not as RFC 4918 has it", call)
	}
	for _, r := range told.Responses {
		for _, s := range r.Stats {
			if !strings.Contains(s.Status, " 200") {
				return connector.Errorf(connector.Permanent, "%s: the server does not let the time be set", call).WithHint("set server to other with rialto connect: times are then not kept")
			}
		}
	}
	return nil
}
