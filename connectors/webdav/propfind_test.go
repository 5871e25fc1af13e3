package webdav

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

// Servers write their lists in many ways.
func TestLists(t *testing.T) {
	const head, tail = `<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">`, `</d:multistatus>`
	entryOf := func(href, props string) string {
		return `<d:response><d:href>` + href + `</d:href><d:propstat><d:prop>` + props + `</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`
	}
	const isFolder = `<d:resourcetype><d:collection/></d:resourcetype>`
	for name, tt := range map[string]struct {
		body  string
		names []string // of what lies in it
		class connector.Class
	}{
		"plain":             {head + entryOf("/dav/", isFolder) + entryOf("/dav/a%20b", "") + tail, []string{"a b"}, ""},
		"whole addresses":   {head + entryOf("http://h/dav", isFolder) + entryOf("http://h/dav/x/", isFolder) + tail, []string{"x"}, ""},
		"behind a proxy":    {head + entryOf("/inner/", isFolder) + entryOf("/inner/x", "") + tail, []string{"x"}, ""},
		"another namespace": {`<multistatus xmlns="DAV:"><response><href>/dav/x</href><propstat><prop/><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`, []string{"x"}, ""},
		"not UTF-8":         {head + entryOf("/dav/%ff%FE", "") + tail, []string{"\xff\xfe"}, ""},
		"encoded percent":   {head + entryOf("/dav/100%25", "") + tail, []string{"100%"}, ""},
		"things of its own": {head + `<x:y xmlns:x="x"><d:response/></x:y>` + entryOf("/dav/x", "<x/>") + tail + "\n", []string{"x"}, ""},
		"forbidden entry":   {head + `<d:response><d:href>/dav/x</d:href><d:status>HTTP/1.1 403 Forbidden</d:status></d:response>` + tail, nil, ""},
		"empty":             {head + tail, nil, ""},
		"elsewhere":         {head + entryOf("/dav/x/y", "") + tail, nil, connector.Malformed},
		"a name of dots":    {head + entryOf("/dav/..", "") + tail, nil, connector.Malformed},
		"a slash in a name": {head + entryOf("/dav/a%2Fb", "") + tail, nil, connector.Malformed},
		"a broken address":  {head + entryOf("/dav/%zz", "") + tail, nil, connector.Malformed},
		"not closed":        {head + entryOf("/dav/x", ""), []string{"x"}, connector.Transient},
		"cut in an entry":   {head + "<d:response><d:href>/dav", nil, connector.Transient},
		"no XML":            {"<html><body>Sign in", nil, connector.Malformed},
		"nothing":           {"", nil, connector.Malformed},
		"one endless entry": {head + entryOf("/dav/x", strings.Repeat(" ", mostEntry)), nil, connector.Malformed},
		"an unknown entity": {head + entryOf("/dav/&x;", "") + tail, nil, connector.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusMultiStatus)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer srv.Close()
			c := open(t, connector.Settings{"url": srv.URL + "/dav"}, connector.ClientOptions{})
			var names []string
			var failed error
			for e, err := range c.api.propfind(t.Context(), "/dav", true, "1") {
				if err != nil {
					failed = err
				} else if !e.self {
					names = append(names, e.name)
				}
			}
			if strings.Join(names, "|") != strings.Join(tt.names, "|") {
				t.Errorf("names %q, want %q", names, tt.names)
			}
			if (failed == nil) != (tt.class == "") || failed != nil && connector.ClassOf(failed) != tt.class {
				t.Errorf("%v, want class %q", failed, tt.class)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	for name, set := range map[string]connector.Settings{
		"none":               {},
		"in the clear":       {"url": "http://files.example.org/dav"},
		"a password in it":   {"url": "https://ann:secret@files.example.org/dav"},
		"another scheme":     {"url": "ftp://files.example.org/dav"},
		"a query":            {"url": "https://files.example.org/dav?x"},
		"token and password": {"url": "https://files.example.org/dav", "token": "a", "password": "b"},
		"an unknown server":  {"url": "https://files.example.org/dav", "server": "iis"},
	} {
		_, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
		e, ok := errors.AsType[*connector.Error](err)
		if !ok || e.Hint == "" {
			t.Errorf("%s: %v, want an error with a hint", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the password is in the error", name)
		}
	}
	if _, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{"url": "http://127.0.0.1:8080/dav"}, HTTP: connector.NewClient(connector.ClientOptions{})}); err != nil {
		t.Errorf("this machine in the clear: %v", err)
	}
}
