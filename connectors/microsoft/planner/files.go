package planner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft"
	"github.com/rialto-migrate/rialto/item"
)

const (
	// folder of the group's drive under which the files of tasks lie.
	folder = "Rialto"
	// smallFile is sent in one request, a bigger one through an upload session.
	smallFile = 4 << 20
	// chunk is a multiple of 320 KiB, as a session asks for:
	// https://learn.microsoft.com/en-us/graph/api/driveitem-createuploadsession
	chunk = 32 * 320 << 10
)

// drive returns the group's drive. That of a new group is not there for
// minutes ("provisioning", microsoftgraph/microsoft-graph-docs#631): it waits if
// wait is set, at most the setting drive-wait.
func (c *cloud) drive(ctx context.Context, groupID string, wait bool) (drive, error) {
	c.mu.Lock()
	d, ok := c.drives[groupID]
	c.mu.Unlock()
	if ok {
		return d, nil
	}
	ask := func() (bool, error) {
		err := c.graph.Get(ctx, "/groups/"+groupID+"/drive", url.Values{"$select": {"id,webUrl"}}, &d)
		var r *microsoft.Refusal
		if wait && (microsoft.IsGone(err) || errors.As(err, &r) && r.Waiting) {
			return false, nil
		}
		return err == nil, err
	}
	if _, err := ask(); err != nil {
		return d, err
	}
	if d.ID == "" {
		if err := c.until(ctx, c.options.drive, "the drive of the group", ask); err != nil {
			return d, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.drives == nil {
		c.drives = map[string]drive{}
	}
	c.drives[groupID] = d
	return d, nil
}

// pathIn returns the path within the drive of an address, if it lies there.
func (d drive) pathIn(address string) (string, bool) {
	if d.Web == "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(address, strings.TrimRight(d.Web, "/")+"/")
	if !ok || strings.ContainsAny(rest, "?#") {
		return "", false
	}
	p, err := url.PathUnescape(rest)
	return p, err == nil && p != ""
}

// addressOf is where people find the file at a path of the drive.
func (d drive) addressOf(path string) string {
	return strings.TrimRight(d.Web, "/") + "/" + escapePath(path)
}

// byPath addresses a file of the drive by its path, with what follows it
// ("/content"): https://learn.microsoft.com/en-us/graph/onedrive-addressing-driveitems
func (d drive) byPath(path, then string) string {
	p := "/drives/" + url.PathEscape(d.ID) + "/root:/" + escapePath(path)
	if then != "" {
		p += ":" + then
	}
	return p
}

func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

func planFolder(plan string) string { return folder + "/" + plan }

func taskFolder(plan, mark string) string { return planFolder(plan) + "/" + digest(mark) }

// filePath is where a task's file goes: the same for the same attachment, so
// that sending it again replaces it.
func filePath(plan, mark string, a item.Item) string {
	id := a.Blob.Ref.ID
	if id == "" {
		id = a.ID
	}
	return taskFolder(plan, mark) + "/" + digest(id) + "-" + fileName(item.Name.Get(a))
}

// fileName makes a name that SharePoint takes:
// https://support.microsoft.com/en-us/office/restrictions-and-limitations-in-onedrive-and-sharepoint-64883a5d-228e-48f5-b3d2-eb39e07630fa
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`"*:<>?/\|#%~&{}`, r):
			return '_'
		case r < 32 || r == 127 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfffd:
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	stem, ext := name, ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 12 {
		stem, ext = name[:i], name[i:]
	}
	if r := []rune(stem); len(r) > 100 {
		stem = strings.TrimRight(string(r[:100]), " .")
	}
	if stem+ext == "" {
		return "file"
	}
	return strings.ReplaceAll(stem+ext, "_vti_", "_vti-")
}

// upload puts a file where it belongs and returns what the drive made of it.
// Repeating it is harmless. The bytes are streamed.
func (c *cloud) upload(ctx context.Context, d drive, path string, b item.Blob, open item.Opener) (driveItem, error) {
	if b.Bytes >= 0 && b.Bytes <= smallFile || b.Bytes < 0 {
		var stored driveItem
		_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodPut, Class: "files",
			URL: c.graph.URL(d.byPath(path, "/content"), url.Values{"@microsoft.graph.conflictBehavior": {"replace"}}),
			Body: func() (io.ReadCloser, int64, string, error) {
				r, err := open(b, 0, -1)
				if err == nil && b.Bytes >= 0 {
					r, err = allOf(r, b.Bytes)
				}
				return r, b.Bytes, "application/octet-stream", err
			}}, &stored)
		return stored, err
	}
	var session struct {
		URL string `json:"uploadUrl"` // a secret
	}
	_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodPost, URL: c.graph.URL(d.byPath(path, "/createUploadSession"), nil), Class: "files", Repeatable: true,
		JSON: map[string]any{"item": map[string]any{"@microsoft.graph.conflictBehavior": "replace"}}}, &session)
	if err != nil {
		return driveItem{}, err
	}
	if session.URL == "" {
		return driveItem{}, connector.Errorf(connector.Malformed, "POST createUploadSession: the answer has no uploadUrl")
	}
	stored, err := c.send(ctx, session.URL, b, open)
	if err != nil && stored.ID == "" {
		drop := connector.Request{Method: http.MethodDelete, URL: session.URL, Unsigned: true, Class: "files"}
		if resp, dropErr := c.graph.Do(context.WithoutCancel(ctx), drop); dropErr == nil {
			resp.Body.Close()
		}
		return stored, err
	}
	if stored.ID == "" { // the answer to the last chunk was lost
		err = c.graph.Get(ctx, d.byPath(path, ""), nil, &stored)
	}
	if err == nil && stored.Size != b.Bytes {
		return stored, connector.Errorf(connector.Conflict, "the uploaded file has %d bytes, its source said %d", stored.Size, b.Bytes).
			WithHint("the file changed meanwhile: run again")
	}
	return stored, err
}

// send puts the bytes into a session chunk by chunk, and goes on where the
// session says that it stands. No bytes are kept: a chunk that has to be sent
// again is read again.
func (c *cloud) send(ctx context.Context, session string, b item.Blob, open item.Opener) (driveItem, error) {
	type progress struct {
		driveItem
		Expected []string `json:"nextExpectedRanges"`
	}
	for from, stuck := int64(0), 0; from < b.Bytes; {
		n := min(chunk, b.Bytes-from)
		var got progress
		_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodPut, URL: session, Unsigned: true, Class: "files",
			Header: http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, from+n-1, b.Bytes)}},
			Body: func() (io.ReadCloser, int64, string, error) {
				if from+n == b.Bytes {
					r, err := open(b, from, -1)
					if err == nil {
						r, err = allOf(r, n)
					}
					return r, n, "application/octet-stream", err
				}
				r, err := open(b, from, n)
				if err == nil {
					r = &exact{ReadCloser: r, left: n}
				}
				return r, n, "application/octet-stream", err
			}}, &got)
		if err != nil {
			if microsoft.Status(err) != http.StatusRequestedRangeNotSatisfiable {
				return driveItem{}, err
			}
			// The range was received already: ask where to go on.
			if _, err = c.graph.JSON(ctx, connector.Request{Method: http.MethodGet, URL: session, Unsigned: true, Class: "files"}, &got); err != nil {
				if microsoft.IsGone(err) {
					return driveItem{}, nil // finished; the session is closed
				}
				return driveItem{}, err
			}
		}
		if got.ID != "" {
			return got.driveItem, nil
		}
		next := from + n
		if len(got.Expected) > 0 {
			first, _, _ := strings.Cut(got.Expected[0], "-")
			if next, err = strconv.ParseInt(first, 10, 64); err != nil {
				return driveItem{}, connector.Errorf(connector.Malformed, "an upload session answers with a range that cannot be read")
			}
		}
		if next <= from {
			if stuck++; stuck > 5 {
				return driveItem{}, connector.Errorf(connector.Transient, "an upload does not come forward")
			}
		} else {
			stuck = 0
		}
		from = next
	}
	return driveItem{}, nil
}

// exact fails where a stream ends before so many bytes, and stops after them.
// Where they are all that is left of a file, it fails as well if the stream goes
// on, before it has given the last of them: else a part would pass for the file.
type exact struct {
	io.ReadCloser
	left int64
	ends bool
}

// allOf is what is left of a file, which its source says has n bytes. It closes
// r if that is not so.
func allOf(r io.ReadCloser, n int64) (io.ReadCloser, error) {
	e := &exact{ReadCloser: r, left: n, ends: true}
	if n > 0 {
		return e, nil
	}
	if err := e.ended(); err != nil { // nobody reads a body of no bytes
		r.Close()
		return nil, err
	}
	return e, nil
}

func (e *exact) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.ReadCloser.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	switch {
	case err == io.EOF && e.left > 0:
		return n, sizeLied()
	case err == nil && e.left == 0 && e.ends:
		if err := e.ended(); err != nil {
			return 0, err
		}
	}
	return n, err
}

// ended reads on, and fails if anything comes.
func (e *exact) ended() error {
	for {
		switch n, err := e.ReadCloser.Read(make([]byte, 1)); {
		case n > 0:
			return sizeLied()
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

func sizeLied() error {
	return connector.Errorf(connector.Conflict, "a file has not as many bytes as its source says").
		WithHint("the file changed meanwhile: run again")
}

// look reads the drive items of paths, those that are there.
func (c *cloud) look(ctx context.Context, d drive, paths []string) (map[string]driveItem, error) {
	calls := make([]microsoft.BatchCall, len(paths))
	for i, p := range paths {
		calls[i] = microsoft.BatchCall{Method: http.MethodGet, Path: d.byPath(p, "")}
	}
	out := map[string]driveItem{}
	for i, a := range c.graph.Batch(ctx, calls) {
		var f driveItem
		switch err := a.Decode(&f); {
		case microsoft.IsGone(err):
		case err != nil:
			return nil, err
		case f.File != nil:
			out[paths[i]] = f
		}
	}
	return out, nil
}

// remove deletes a path of the drive; one that is not there is fine.
func (c *cloud) remove(ctx context.Context, d drive, path string) error {
	_, err := c.graph.JSON(ctx, connector.Request{Method: http.MethodDelete, URL: c.graph.URL(d.byPath(path, ""), nil), Class: "files"}, nil)
	if microsoft.IsGone(err) {
		return nil
	}
	return err
}

// openBlob streams a file of a drive. Blob.URL is the item's path in Graph.
func (c *cloud) openBlob(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if !strings.HasPrefix(b.URL, "/drives/") {
		return nil, connector.Errorf(connector.Permanent, "an attachment has no bytes to read")
	}
	var now driveItem
	if err := c.graph.Get(ctx, b.URL, nil, &now); err != nil {
		return nil, err
	}
	if b.Version != "" && now.version() != b.Version {
		return nil, connector.Errorf(connector.Conflict, "a file changed since it was listed").WithHint("run again")
	}
	if n == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	h := http.Header{}
	if offset > 0 || n > 0 {
		r := fmt.Sprintf("bytes=%d-", offset)
		if n > 0 {
			r += strconv.FormatInt(offset+n-1, 10)
		}
		h.Set("Range", r)
	}
	body, status, err := c.graph.Open(ctx, b.URL+"/content", h)
	if err != nil {
		return nil, err
	}
	if status != http.StatusPartialContent && offset > 0 { // the range was ignored
		if _, err := io.CopyN(io.Discard, body, offset); err != nil {
			body.Close()
			return nil, &connector.Error{Class: connector.Transient, Reason: "GET content: the answer was cut off", Err: err}
		}
	}
	if n > 0 {
		return limited{io.LimitReader(body, n), body}, nil
	}
	return body, nil
}

type limited struct {
	io.Reader
	io.Closer
}
