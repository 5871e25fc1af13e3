package webdav

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// An api speaks WebDAV. Paths are decoded, as ids are.
type api struct {
	base *url.URL
	http *connector.Client
}

func dialect(c config) connector.Dialect {
	auth := ""
	switch {
	case c.token != "":
		auth = "Bearer " + c.token
	case c.user != "" || c.password != "":
		auth = "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	}
	return connector.Dialect{
		Sign: func(_ context.Context, r *http.Request) error {
			if auth != "" {
				r.Header.Set("Authorization", auth)
			}
			return nil
		},
		Refuse: refuse,
	}
}

// at returns the address of a path. A folder's ends with a slash: servers
// redirect otherwise.
func (a *api) at(path string, folder bool) string {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	out := a.base.Scheme + "://" + a.base.Host + strings.Join(parts, "/")
	if folder || out == a.base.Scheme+"://"+a.base.Host {
		out += "/"
	}
	return out
}

// send sends a request that has no answer but its head.
func (a *api) send(ctx context.Context, q connector.Request) (http.Header, error) {
	resp, err := a.http.Do(ctx, q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode == http.StatusOK && t == "text/html" {
		// What was done is 201 or 204 (RFC 4918, 9): a sign-in page is neither.
		e := connector.Errorf(connector.Malformed, "%s: the server answered a web page", q.Call).
			WithHint("check the connection's url setting: something else answers there, a proxy or a sign-in page")
		e.InDoubt = q.Once || q.Method == "MKCOL" || q.Method == "MOVE"
		return nil, e
	}
	if resp.StatusCode == http.StatusMultiStatus {
		// RFC 4918, 9.6.1 and 9.9.4: something within could not be deleted or moved.
		return nil, connector.Errorf(connector.Permanent, "%s: it was carried out in part", q.Call).
			WithHint("look at the folder on the server: something in it is locked or protected")
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection serves again
	return resp.Header, nil
}

func (a *api) options(ctx context.Context, path string) (http.Header, error) {
	return a.send(ctx, connector.Request{Method: http.MethodOptions, URL: a.at(path, true), Reads: true, Call: "OPTIONS {folder}"})
}

// makeFolder makes one folder; its error is exists() if something is there.
func (a *api) makeFolder(ctx context.Context, path string) error {
	_, err := a.send(ctx, connector.Request{Method: "MKCOL", URL: a.at(path, true), Call: "MKCOL {folder}"})
	return err
}

// move renames what is at a path, and never onto something else unless over.
func (a *api) move(ctx context.Context, from, to string, folder, over bool, head http.Header) (http.Header, error) {
	h := http.Header{"Destination": {a.at(to, folder)}, "Overwrite": {"F"}}
	if over {
		h.Set("Overwrite", "T")
	}
	for k, v := range head {
		h[k] = v
	}
	return a.send(ctx, connector.Request{Method: "MOVE", URL: a.at(from, folder), Header: h, Call: "MOVE {object}"})
}

// remove deletes what is at a path, a folder with all that lies in it, if it meets
// the conditions. What is not there counts as deleted.
func (a *api) remove(ctx context.Context, path string, folder bool, h http.Header) error {
	_, err := a.send(ctx, connector.Request{Method: http.MethodDelete, URL: a.at(path, folder), Header: h, Call: "DELETE {object}"})
	if connector.ClassOf(err) == connector.Gone && err != nil {
		return nil
	}
	return err
}

// A status is what a server refused with: the cause of its error.
type status int

func (s status) Error() string { return http.StatusText(int(s)) }

// refused reports whether an error is a refusal with this status.
func refused(err error, code int) bool {
	s, ok := errors.AsType[status](err)
	return ok && int(s) == code
}

// refuse gives refusals a class (RFC 4918, 9 and 11).
func refuse(code int, _ http.Header, _ []byte) *connector.Error {
	e := connector.RefusePlain(code)
	switch code {
	case http.StatusUnauthorized:
		e.Hint = "connect again with the account's name and password; an account with a second factor needs an app password"
	case http.StatusForbidden:
		e.Hint = "the server does not let this account do that there: ask its administrator for the right (Apache says so of names, too, that are too long for its disk)"
	case http.StatusConflict:
		e.Hint = "the folder that it lies in is not there: run again"
	case http.StatusPreconditionFailed:
		e.Hint = "somebody changed it at the same moment: run again"
	case http.StatusRequestEntityTooLarge:
		e.Hint = "the server takes no files of this size: raise its limit (Apache: LimitRequestBody, nginx: client_max_body_size), then run again"
	case http.StatusRequestURITooLong:
		e.Hint = "the path is too long for the server (Apache: LimitRequestLine): put it into fewer folders or shorten their names"
	case http.StatusLocked:
		e.Class, e.Hint = connector.Transient, "somebody has locked it, perhaps by having it open: run again when it is closed"
	case http.StatusInsufficientStorage:
		e.Hint = "the disk or the account's quota is full; make room there, then run again"
	}
	e.Err = status(code)
	return e
}
