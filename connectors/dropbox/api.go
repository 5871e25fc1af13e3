package dropbox

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
)

// Classes of calls. Dropbox counts calls by who makes them, publishes no numbers, and
// locks a namespace while something is committed there
// (https://www.dropbox.com/developers/reference/data-ingress-guide): commits are
// paced by themselves.
const (
	classLogin  = "login"
	classRead   = "read"
	classBytes  = "bytes"
	classCommit = "commit"
	classShare  = "share"
)

// An api speaks Dropbox's HTTP API.
type api struct {
	cfg  config
	http *connector.Client
}

// A view is whom a call acts as, and where its paths begin
// (https://www.dropbox.com/developers/reference/path-root-header-modes).
type view struct {
	user  string // Dropbox-API-Select-User: a member of the team whose app this is
	admin string // Dropbox-API-Select-Admin
	root  string // the namespace that is the root of all that they see
	space string // a namespace to root at, instead
}

func (v view) header() http.Header {
	h := http.Header{}
	if v.user != "" {
		h.Set("Dropbox-API-Select-User", v.user)
	}
	if v.admin != "" {
		h.Set("Dropbox-API-Select-Admin", v.admin)
	}
	switch {
	case v.space != "":
		h.Set("Dropbox-API-Path-Root", `{".tag": "namespace_id", "namespace_id": `+strconv.Quote(v.space)+`}`)
	case v.root != "":
		h.Set("Dropbox-API-Path-Root", `{".tag": "root", "root": `+strconv.Quote(v.root)+`}`)
	}
	return h
}

// A sort says how a call is paced and repeated.
type sort struct {
	class             string
	reads, repeatable bool
}

var (
	read   = sort{class: classRead, reads: true, repeatable: true}
	shares = sort{class: classShare, reads: true, repeatable: true}
	grants = sort{class: classShare}
	commit = sort{class: classCommit}
	stores = sort{class: classBytes, repeatable: true}
)

// rpc sends a call that takes and answers JSON; a nil arg is none.
func (a *api) rpc(ctx context.Context, v view, route string, arg, out any, s sort) error {
	q := connector.Request{Method: http.MethodPost, URL: a.cfg.api + "/2/" + route, Header: v.header(), Class: s.class, Call: route, Reads: s.reads, Repeatable: s.repeatable, JSON: arg}
	if arg == nil {
		q.Body = func() (io.ReadCloser, int64, string, error) { return http.NoBody, 0, "", nil }
	}
	_, err := a.http.JSON(ctx, q, out)
	return err
}

// send sends bytes that are held whole with a call of the content host.
func (a *api) send(ctx context.Context, v view, route string, arg any, data []byte, out any, s sort) error {
	return a.stream(ctx, v, route, arg, func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
	}, out, s)
}

// stream sends bytes with a call of the content host.
func (a *api) stream(ctx context.Context, v view, route string, arg any, body func() (io.ReadCloser, int64, error), out any, s sort) error {
	h, err := withArg(v, arg)
	if err != nil {
		return err
	}
	h.Set("Content-Type", "application/octet-stream")
	_, err = a.http.JSON(ctx, connector.Request{Method: http.MethodPost, URL: a.cfg.content + "/2/" + route, Header: h, Class: s.class, Call: route, Repeatable: s.repeatable,
		Body: func() (io.ReadCloser, int64, string, error) {
			r, n, err := body()
			return r, n, "", err
		}}, out)
	return err
}

// withArg puts a call's argument into a header, where all but ASCII is escaped
// (https://www.dropbox.com/developers/documentation/http/documentation#formats).
func withArg(v view, arg any) (http.Header, error) {
	h := v.header()
	text, err := json.Marshal(arg)
	if err != nil {
		return nil, connector.Errorf(connector.Permanent, "the argument of a call is not JSON")
	}
	h.Set("Dropbox-API-Arg", ascii(text))
	return h, nil
}

func ascii(text []byte) string {
	var b strings.Builder
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escape(&b, high)
			escape(&b, low)
		default:
			escape(&b, r)
		}
	}
	return b.String()
}

func escape(b *strings.Builder, r rune) {
	h := strconv.FormatInt(int64(r), 16)
	b.WriteString(`\u` + "0000"[len(h):] + h)
}
