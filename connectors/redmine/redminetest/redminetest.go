// Package redminetest runs Redmine, the real server, for tests: from Debian's
// packages, on a loopback port, with a database, files and logs of its own.
//
// The first test on a machine sets up a database with Redmine's default data
// and keeps it in the user's cache folder; each server starts from a copy.
package redminetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// share is where Debian's redmine package puts the program.
const share = "/usr/share/redmine"

// A Server is a Redmine that is up. It stops when the test ends.
type Server struct {
	URL string // without a slash at the end
	Key string // the administrator's API key

	mails string // the folder that mails are put into; "" for none
}

// A User is a person of the server.
type User struct {
	ID    int
	Login string
	Key   string // the person's API key
}

type options struct{ database string }

// An Option changes the server before it starts.
type Option func(*options)

// WithFields starts with custom fields for issues: Rialto (text), Labels
// (key/value list of Design, Éclair and 日本, several at once), Severity (list
// of Minor and Major), Colours (list of Red, Green and Blue, several at once),
// Effort (float), Checked (bool) and Reviewed (date).
func WithFields() Option { return func(o *options) { o.database = fieldsDB } }

// WithMails starts with the fields of WithFields, and with the mails of issues
// that are added or updated; Mails counts them.
func WithMails() Option { return func(o *options) { o.database = mailsDB } }

// Start starts a server and waits until it answers. Its texts are CommonMark;
// trackers, statuses, workflows and priorities are Redmine's own in English. The
// test is skipped where Debian's packages are missing.
func Start(t testing.TB, with ...Option) *Server {
	t.Helper()
	o := options{database: plainDB}
	for _, f := range with {
		f(&o)
	}
	if missing := missingPackages(); len(missing) > 0 {
		t.Skipf("the real Redmine is missing: apt-get install --no-install-recommends %s", strings.Join(missing, " "))
	}
	tpl, err := prepared()
	if err != nil {
		t.Fatalf("setting up Redmine: %v", err)
	}
	dir := t.TempDir()
	if err := layOut(dir, filepath.Join(dir, "redmine.db")); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(filepath.Join(tpl, o.database), filepath.Join(dir, "redmine.db")); err != nil {
		t.Fatal(err)
	}
	mails := ""
	if o.database == mailsDB {
		mails = filepath.Join(dir, "mails")
		if err := os.WriteFile(filepath.Join(dir, "config", "configuration.yml"), []byte(configuration+mailsInto(mails)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key, err := os.ReadFile(filepath.Join(tpl, keyFile))
	if err != nil {
		t.Fatal(err)
	}
	p, err := launch(command(dir, "puma", "-C", "-", "-e", "production", "-t", "1:1", "-b", "tcp://127.0.0.1:0", "config.ru"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	addr, err := p.address(60 * time.Second)
	if err != nil {
		t.Fatalf("Redmine did not come up: %v", err)
	}
	return &Server{URL: addr, Key: strings.TrimSpace(string(key)), mails: mails}
}

// AddUser makes an active person with an API key and the password "password1".
func (s *Server) AddUser(t testing.TB, login, first, last, mail string) User {
	t.Helper()
	var out struct {
		User struct {
			ID  int    `json:"id"`
			Key string `json:"api_key"`
		} `json:"user"`
	}
	in := map[string]any{"user": map[string]any{"login": login, "firstname": first, "lastname": last, "mail": mail, "password": "password1"}}
	if status := s.Call(t, http.MethodPost, "/users.json", in, &out); status != http.StatusCreated {
		t.Fatalf("adding the user %s: status %d", login, status)
	}
	return User{ID: out.User.ID, Login: login, Key: out.User.Key}
}

// Call sends a request as the administrator, without any code of the
// connector's, and returns the status. in is sent as JSON unless nil; a 2xx
// answer is decoded into out unless nil.
func (s *Server) Call(t testing.TB, method, path string, in, out any) int {
	t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Redmine-API-Key", s.Key)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if out != nil && resp.StatusCode < 300 && len(got) > 0 {
		if err := json.Unmarshal(got, out); err != nil {
			t.Fatalf("%s %s: %v", method, path, err)
		}
	}
	return resp.StatusCode
}

// missingPackages names Debian's packages that are not there. The packages
// redmine-sqlite and puma do not bring redmine itself.
func missingPackages() []string {
	var missing []string
	for _, p := range []struct{ name, file string }{
		{"redmine", share + "/config.ru"},
		{"redmine-sqlite", "/usr/share/doc/redmine-sqlite"},
	} {
		if _, err := os.Stat(p.file); err != nil {
			missing = append(missing, p.name)
		}
	}
	if _, err := exec.LookPath("puma"); err != nil {
		missing = append(missing, "puma")
	}
	return missing
}
