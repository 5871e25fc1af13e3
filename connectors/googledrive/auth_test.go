package googledrive_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/googledrive"
	drive "github.com/rialto-migrate/rialto/connectors/googledrive/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A token that ends every minute is survived, and a refresh token that changes with
// each renewal is told.
func TestTokensEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := world(drive.Options{TokenLife: time.Minute, Rotates: true})
		l := join(t, s, nil)
		in := s.AddFolder(s.Root(), "in")
		target := l.target("my-drive/in")
		for range 5 {
			r := one(t, target, connector.Change{Op: connector.Create, Item: newFile(item.Ref{Kind: item.Folder, ID: in}, "file", 5)}, []byte("bytes"))
			if r.Err != nil {
				t.Fatal(r.Err)
			}
			time.Sleep(61 * time.Second)
		}
		if n := len(s.Names(in)); n != 5 {
			t.Errorf("%d files are there, want 5", n)
		}
		if len(l.renewed) < 4 || !strings.HasPrefix(l.renewed[0], "refresh-token=1//") {
			t.Errorf("told were %v", l.renewed)
		}
	})
}

// A token that is refused before its time is replaced once.
func TestTokenRefused(t *testing.T) {
	s := world(drive.Options{})
	refused := 0
	l := join(t, s, func(r *http.Request) (*http.Response, error) {
		if refused == 0 && strings.HasSuffix(r.URL.Path, "/about") {
			refused++
			return refusal(r, 401, "authError"), nil
		}
		return nil, nil
	})
	id, err := l.cloud.Check(t.Context())
	if err != nil || id.Account != "ann@example.org" || id.ID != s.PersonID("ann@example.org") || len(id.Rights) < 2 {
		t.Errorf("Check tells %+v, %v", id, err)
	}
	wants(t, "an access token that cannot be renewed", func() error {
		_, err := join(t, s, nil, "refresh-token", "", "access-token", "ya29.wrong").cloud.Check(t.Context())
		return err
	}(), connector.Auth)
	wants(t, "a wrong refresh token", func() error {
		_, err := join(t, s, nil, "refresh-token", "1//wrong").cloud.Check(t.Context())
		return err
	}(), connector.Auth)
}

// A service account acts as others: each of them has a My Drive, and a shared drive of
// several comes once.
func TestServiceAccount(t *testing.T) {
	s := world(drive.Options{})
	key := s.AddAccount("ben@example.org", "cleo@example.org")
	s.AddDrive("Sales", map[string]string{"ben@example.org": "organizer", "cleo@example.org": "reader"})
	l := join(t, s, nil, "service-account", key, "as", "ben@example.org, cleo@example.org")
	if _, err := l.cloud.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	shards := collect(t, l.source().Shards(t.Context()))
	var got []string
	for _, sh := range shards {
		got = append(got, sh.Name)
	}
	if strings.Join(got, ", ") != "My Drive of ben@example.org, My Drive of cleo@example.org, Sales" {
		t.Errorf("the drives are %q", got)
	}
	s.AddFile(shards[1].Ref.ID, "of cleo's", []byte("cleo's bytes"))
	all, _ := l.list(shards[1].Ref.ID)
	if text, err := l.read(*named(t, all, "of cleo's").Item.Blob, 0, -1); err != nil || text != "cleo's bytes" {
		t.Errorf("reads %q, %v", text, err)
	}
	if name := item.Name.Get(all[0].Item); name != "My Drive of cleo@example.org" {
		t.Errorf("the drive is called %q", name)
	}
	_, err := l.cloud.Target(t.Context(), "my-drive")
	wants(t, "a target as two people", err, connector.Permanent)
	one := join(t, s, nil, "service-account", key, "as", "ben@example.org")
	one.target("my-drive")
	_, err = join(t, s, nil, "service-account", key, "as", "ann@example.org").cloud.Check(t.Context())
	wants(t, "somebody whom the account may not act as", err, connector.Auth)
}

func TestSettings(t *testing.T) {
	good := map[string]string{"client-id": "i", "client-secret": "s", "refresh-token": "r"}
	for name, c := range map[string]struct {
		set   map[string]string
		class connector.Class // "" for none
	}{
		"a refresh token":             {good, ""},
		"nothing":                     {map[string]string{}, connector.Auth},
		"no client":                   {map[string]string{"refresh-token": "r"}, connector.Auth},
		"an access token alone":       {map[string]string{"access-token": "t"}, ""},
		"no key":                      {map[string]string{"service-account": "{}"}, connector.Auth},
		"a key in no form":            {map[string]string{"service-account": `{"type":"service_account","client_email":"a@b","private_key":"-----BEGIN X-----"}`}, connector.Auth},
		"as without a key":            {map[string]string{"access-token": "t", "as": "a@example.org"}, connector.Permanent},
		"as nobody":                   {map[string]string{"access-token": "t", "as": "ann"}, connector.Permanent},
		"a url in the clear":          {map[string]string{"access-token": "t", "url": "http://www.googleapis.com"}, connector.Permanent},
		"a token endpoint in clear":   {map[string]string{"access-token": "t", "login": "http://oauth2.googleapis.com/token"}, connector.Permanent},
		"an unknown documents policy": {map[string]string{"access-token": "t", "documents": "docx"}, connector.Permanent},
		"an unknown quota":            {map[string]string{"access-token": "t", "quota": "much"}, connector.Permanent},
		"people that are none":        {map[string]string{"access-token": "t", "people": "ann,"}, connector.Permanent},
	} {
		_, err := googledrive.New().Open(t.Context(), connector.Env{Settings: c.set, HTTP: connector.NewClient(connector.ClientOptions{})})
		if c.class == "" && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if c.class != "" {
			wants(t, name, err, c.class)
		}
	}
}

func TestPlaces(t *testing.T) {
	s := world(drive.Options{})
	sales := s.AddDrive("Sales", map[string]string{"ann@example.org": "writer"})
	s.AddDrive("Twins", map[string]string{"ann@example.org": "writer"})
	s.AddDrive("Twins", map[string]string{"ann@example.org": "writer"})
	s.AddDrive("Of others", map[string]string{"ben@example.org": "writer"})
	l := join(t, s, nil)
	for place, ok := range map[string]bool{"": true, "my-drive": true, "my-drive/a/b c": true, "shared-drive:Sales": true, "shared-drive:Sales/x": true, "shared-drive:" + sales: true,
		"shared-drive:Twins": false, "shared-drive:Of others": false, "shared-drive:": false, "my-drive:x": false, "drive": false, "nonsense:x": false} {
		_, err := l.cloud.Target(t.Context(), place)
		if ok && err != nil {
			t.Errorf("%q: %v", place, err)
		} else if !ok {
			wants(t, place, err, connector.Permanent)
		}
	}
}
