package webdav

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/item"
)

// What is asked of each folder and file. Checksums and permissions are ownCloud's
// and Nextcloud's own
// (https://docs.nextcloud.com/server/latest/developer_manual/client_apis/WebDAV/basic.html).
const asked = `<?xml version="1.0" encoding="utf-8"?>` +
	`<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>` +
	`<d:resourcetype/><d:getetag/><d:getcontentlength/><d:getlastmodified/><d:creationdate/><d:getcontenttype/><oc:checksums/><oc:permissions/>` +
	`</d:prop></d:propfind>`

// mostEntry is how many bytes one entry of an answer may have.
const mostEntry = 1 << 20

// An entry is one folder or file, as a server tells of it.
type entry struct {
	name        string
	self        bool // what was asked for, and not what lies in it
	folder      bool
	etag        string // without what says that it is weak, and without quotes; "" if there is none
	size        int64  // -1 if it is not told
	modified    time.Time
	created     time.Time
	media       string
	sums        []item.Sum
	permissions string
}

// version pins the bytes of a file: by its etag, else by when it changed and how
// large it is.
func (e entry) version() string { return version(e.etag, e.modified, e.size) }

func version(etag string, modified time.Time, size int64) string {
	if etag != "" {
		return etag
	}
	if modified.IsZero() {
		return strconv.FormatInt(size, 10)
	}
	return strconv.FormatInt(modified.Unix(), 10) + "." + strconv.FormatInt(size, 10)
}

// unweak takes from an etag what says that it is weak, and the quotes: Apache
// calls one weak for the first second, and strong after that.
func unweak(etag string) string { return strings.Trim(strings.TrimPrefix(etag, "W/"), `"`) }

// stat reads what is at a path. It fails with class Gone if nothing is.
func (a *api) stat(ctx context.Context, path string, folder bool) (entry, error) {
	for attempt := 1; ; attempt++ {
		var found *entry
		var failed error
		for e, err := range a.propfind(ctx, path, folder, "0") {
			if err != nil {
				failed = err
				break
			}
			found = &e
		}
		if failed == nil && found == nil {
			failed = connector.Errorf(connector.Malformed, "PROPFIND {object}: the answer tells of nothing")
		}
		if failed == nil {
			return *found, nil
		}
		if !cutOff(failed) || attempt == tries || ctx.Err() != nil {
			return entry{}, failed
		}
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return entry{}, err
		}
	}
}

// tries is how often an answer is asked for that is cut off.
const tries = 4

// errCut is the cause of an answer that ended before its time.
var errCut = errors.New("the answer was cut off")

func cutOff(err error) bool { return errors.Is(err, errCut) }

// propfind yields what is at a path and, at depth "1", what lies in it, as the
// answer comes in.
func (a *api) propfind(ctx context.Context, path string, folder bool, depth string) iter.Seq2[entry, error] {
	const call = "PROPFIND {object}"
	return func(yield func(entry, error) bool) {
		resp, err := a.http.Do(ctx, connector.Request{Method: "PROPFIND", URL: a.at(path, folder), Call: call, Reads: true, Repeatable: true,
			Header: http.Header{"Depth": {depth}},
			Body: func() (io.ReadCloser, int64, string, error) {
				return io.NopCloser(strings.NewReader(asked)), int64(len(asked)), `application/xml; charset="utf-8"`, nil
			}})
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusMultiStatus {
			yield(entry{}, connector.Errorf(connector.Malformed, "%s: the server answered %d and no list", call, resp.StatusCode).
				WithHint("check the connection's url setting: what answers there does not speak WebDAV"))
			return
		}
		in := &ration{r: resp.Body}
		d := xml.NewDecoder(in)
		begun := false
		for {
			in.left = mostEntry
			r, err := next(d, &begun)
			switch {
			case errors.Is(err, errEnd):
				return
			case in.err != nil, errors.Is(err, errCut):
				yield(entry{}, &connector.Error{Class: connector.Transient, Reason: call + ": the answer was cut off", Err: errCut})
				return
			case in.left <= 0:
				yield(entry{}, connector.Errorf(connector.Malformed, "%s: an entry of the list is longer than %d MiB", call, mostEntry>>20))
				return
			case err != nil:
				yield(entry{}, connector.Errorf(connector.Malformed, "%s: the answer is not XML as RFC 4918 has it", call))
				return
			}
			e, ok, bad := r.entry(path)
			if bad != nil {
				yield(entry{}, bad)
				return
			}
			if ok && !yield(e, nil) {
				return
			}
		}
	}
}

// next reads on to the next entry; errEnd after the last. A list that was begun and
// not closed was cut off.
func next(d *xml.Decoder, begun *bool) (*response, error) {
	for {
		t, err := d.Token()
		if err != nil {
			return nil, short(err, *begun)
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name {
			case xml.Name{Space: "DAV:", Local: "multistatus"}:
				*begun = true
			case xml.Name{Space: "DAV:", Local: "response"}:
				var r response
				if err := d.DecodeElement(&r, &t); err != nil {
					return nil, short(err, true)
				}
				return &r, nil
			default:
				if err := d.Skip(); err != nil {
					return nil, err
				}
			}
		case xml.EndElement: // of the list: what was opened within was skipped
			return nil, errEnd
		}
	}
}

// errEnd is the end of a list.
var errEnd = errors.New("the list is at its end")

// short tells an answer that ended too early from one that is no list.
func short(err error, begun bool) error {
	if syntax, ok := errors.AsType[*xml.SyntaxError](err); begun && (err == io.EOF || ok && syntax.Msg == "unexpected EOF") {
		return errCut
	}
	return err
}

// A response is an entry of a list (RFC 4918, 14.24).
type response struct {
	Href   string     `xml:"DAV: href"`
	Status string     `xml:"DAV: status"`
	Stats  []propstat `xml:"DAV: propstat"`
}

type propstat struct {
	Status string `xml:"DAV: status"`
	Prop   struct {
		Type struct {
			Folder *struct{} `xml:"DAV: collection"`
		} `xml:"DAV: resourcetype"`
		ETag        string `xml:"DAV: getetag"`
		Size        string `xml:"DAV: getcontentlength"`
		Modified    string `xml:"DAV: getlastmodified"`
		Created     string `xml:"DAV: creationdate"`
		Media       string `xml:"DAV: getcontenttype"`
		Permissions string `xml:"http://owncloud.org/ns permissions"`
		Checksums   struct {
			Each []string `xml:"http://owncloud.org/ns checksum"`
		} `xml:"http://owncloud.org/ns checksums"`
	} `xml:"DAV: prop"`
}

// entry reads a response about a path or what lies in it; ok is false for one of
// which the server may tell nothing. A server behind another one may call its
// folders by other names than we do: what lies below counts by its last name.
func (r *response) entry(path string) (e entry, ok bool, bad *connector.Error) {
	u, err := url.Parse(strings.TrimSpace(r.Href))
	if err != nil {
		return e, false, connector.Errorf(connector.Malformed, "PROPFIND {object}: the address of an entry cannot be read")
	}
	told, base := strings.Trim(u.Path, "/"), strings.Trim(path, "/")
	name := told[strings.LastIndexByte(told, '/')+1:]
	switch depth(told) - depth(base) {
	case 0:
		e.self = true
	case 1:
		if paths.Legal(name) != nil {
			return e, false, connector.Errorf(connector.Malformed, "PROPFIND {object}: an entry has no name")
		}
	default:
		return e, false, connector.Errorf(connector.Malformed, "PROPFIND {object}: an entry lies elsewhere").
			WithHint("check the connection's url setting: the server, or a proxy before it, has the folder under another path")
	}
	e.name, e.size = name, -1
	for _, s := range r.Stats {
		if !strings.Contains(s.Status, " 200") {
			continue
		}
		ok = true
		p := s.Prop
		e.folder = e.folder || p.Type.Folder != nil
		if p.ETag != "" {
			e.etag = unweak(strings.TrimSpace(p.ETag))
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(p.Size), 10, 64); err == nil && n >= 0 {
			e.size = n
		}
		if t, err := http.ParseTime(strings.TrimSpace(p.Modified)); err == nil {
			e.modified = t.UTC()
		}
		if t, err := time.Parse(time.RFC3339, strings.TrimSpace(p.Created)); err == nil && t.Unix() > 0 {
			e.created = t.UTC()
		}
		if p.Media != "" {
			e.media = strings.TrimSpace(p.Media)
		}
		if p.Permissions != "" {
			e.permissions = strings.TrimSpace(p.Permissions)
		}
		for _, c := range p.Checksums.Each {
			e.sums = append(e.sums, sums(c)...)
		}
	}
	return e, ok, nil
}

// depth is how many names a path has.
func depth(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}

// sums reads checksums as ownCloud tells them: "SHA1:ab… MD5:cd… ADLER32:ef…".
func sums(told string) []item.Sum {
	var out []item.Sum
	for one := range strings.FieldsSeq(told) {
		name, hex, _ := strings.Cut(one, ":")
		switch name = strings.ToLower(name); name {
		case "md5", "sha1", "sha256":
			if hex != "" {
				out = append(out, item.Sum{Algorithm: name, Hex: strings.ToLower(hex)})
			}
		}
	}
	return out
}

// A ration ends a stream after so many bytes, and remembers why it broke.
type ration struct {
	r    io.Reader
	left int64
	err  error
}

func (r *ration) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
