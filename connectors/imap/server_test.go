package imap

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// A mailbox moves whole from and to servers that lack what makes it fast, and that
// let one have few connections.
func TestServers(t *testing.T) {
	one := imaptest.Start(t, imaptest.Options{})
	filled := open(t, one, "ann", nil, nil)
	_, dst := ends(t, filled, filled)
	bodies := map[string][]byte{}
	var items []item.Item
	for i := range 130 {
		id := fmt.Sprintf("%d@example.org", i)
		if i%10 == 0 {
			id = ""
		}
		bodies[fmt.Sprint(i)] = append(message(id, 100+(i%7)*3000), fmt.Sprintf("%d\r\n", i)...)
		it := flagged([]string{`\Seen`, "$Junk", `\Draft`}[:i%4]...)
		items = append(items, it)
	}
	for i, r := range fill(t, dst, folderNamed(t, filled, "INBOX"), items, bodies) {
		if r.Err != nil {
			t.Fatalf("%d: %v", i, r.Err)
		}
	}
	want := contents(t, filled)
	for _, c := range []struct {
		name string
		o    imaptest.Options
		set  connector.Settings
	}{
		{"all there is", imaptest.Options{}, nil},
		{"asked for each literal", imaptest.Options{Hide: []string{"LITERAL+"}}, nil},
		{"one message a command", imaptest.Options{Hide: []string{"MULTIAPPEND", "BINARY"}}, nil},
		{"an old server", imaptest.Options{Hide: []string{"MULTIAPPEND", "BINARY", "LITERAL+", "ESEARCH", "LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CONDSTORE", "QRESYNC", "SASL-IR", "STATUS=SIZE"}}, nil},
		{"two connections", imaptest.Options{Connections: 2}, nil},
		{"one connection", imaptest.Options{Connections: 1}, connector.Settings{setConnections: "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := imaptest.Start(t, c.o)
			to := open(t, srv, "bob", nil, c.set)
			src, _ := ends(t, filled, filled)
			_, dst := ends(t, to, to)
			if _, failed := move(t, src, dst); len(failed) > 0 {
				t.Fatal(failed)
			}
			differ(t, want, contents(t, to)) // which reads the server, too
		})
	}
}

// Passwords leave on a connection that is secret, and to the server that was meant.
func TestSecret(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	_, port, _ := strings.Cut(srv.Plain, ":")
	for _, c := range []struct {
		name  string
		set   connector.Settings
		class connector.Class
	}{
		{"TLS", connector.Settings{setServer: srv.TLS, setSecurity: securityTLS}, ""},
		{"STARTTLS", connector.Settings{setSecurity: securityStart}, ""},
		{"STARTTLS by another name", connector.Settings{setServer: "localhost:" + port, setSecurity: securityStart}, ""},
		{"no TLS where it is to be", connector.Settings{setSecurity: securityTLS}, connector.Permanent},
		{"a wrong password", connector.Settings{setPassword: "not-this-one"}, connector.Auth},
		{"a token that is not taken", connector.Settings{setToken: "t"}, connector.Auth},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(t, srv, "ann", nil, c.set).Check(t.Context())
			if c.class == "" && err != nil || c.class != "" && (err == nil || connector.ClassOf(err) != c.class) {
				t.Errorf("the error is %v, want class %q", err, c.class)
			}
			if err != nil && (strings.Contains(err.Error(), imaptest.Password) || strings.Contains(err.Error(), "not-this-one")) {
				t.Errorf("%v holds a secret", err)
			}
		})
	}
	stranger := imaptest.Start(t, imaptest.Options{})
	stranger.Roots = srv.Roots
	for _, set := range []connector.Settings{{setServer: stranger.TLS, setSecurity: securityTLS}, {setSecurity: securityStart}} {
		if _, err := open(t, stranger, "ann", nil, set).Check(t.Context()); err == nil || connector.ClassOf(err) != connector.Permanent {
			t.Errorf("a server of whom nobody knows is trusted: %v", err)
		}
	}
	for _, host := range []string{"imap.example.org", "192.0.2.1:143"} {
		if _, err := New().Open(t.Context(), connector.Env{Settings: connector.Settings{setServer: host, setSecurity: securityNone, setUser: "u", setPassword: "p"}, HTTP: connector.NewClient(connector.ClientOptions{})}); err == nil {
			t.Errorf("%s would get a password in the open", host)
		}
	}
}

// Check says who one is, and learns what the capabilities rest on.
func TestCheck(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{Hide: []string{"UIDPLUS"}})
	id, err := open(t, srv, "ann", nil, nil).Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id.ID != "ann" || id.Settings[setKeywords] != "yes" || id.Settings[setCreateUse] != "no" || id.Settings[setDelimiter] != "/" || len(id.Missing) != 1 {
		t.Errorf("learned %+v", id)
	}
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.Name] = true
	}
	for name := range id.Settings {
		if !known[name] {
			t.Errorf("the setting %s is not in the manifest", name)
		}
	}
	reader, err := open(t, srv, "ann", &connector.Guard{}, nil).Check(t.Context())
	if err != nil || len(reader.Missing) != 0 || len(reader.Rights) != 1 {
		t.Errorf("learned %+v: %v", reader, err)
	}
}

// A listing goes on where it was left, also when messages came and went meanwhile.
func TestResume(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for i := range 9300 {
		srv.Deliver(t, "ann", []string{"", ".Later"}[i/9200], fmt.Sprintf("%d.M%d.test", 981173106+i, i), "S", at, message(fmt.Sprintf("%d@b", i), 60))
	}
	c := open(t, srv, "ann", nil, nil)
	src, dst := ends(t, c, c)
	whole := list(t, src)
	if len(whole) != 9300+3 {
		t.Fatalf("%d items are listed", len(whole))
	}
	seen := map[item.Ref]bool{}
	var cursor connector.Cursor
	for pages := 0; ; pages++ {
		if pages > 20 {
			t.Fatal("the listing does not end")
		}
		var page connector.Page
		for p, err := range src.List(t.Context(), connector.Shard{}, cursor) { // one page of each
			if err != nil {
				t.Fatal(err)
			}
			page = p
			break
		}
		for _, b := range page.Bundles {
			if seen[b.Item.Ref] {
				t.Errorf("%s is listed twice", b.Item.Ref)
			}
			seen[b.Item.Ref] = true
		}
		if slices.Contains(page.Whole, item.Message) {
			break
		}
		cursor = page.Next
		if pages == 1 { // what was listed goes: numbers of messages shift
			for _, b := range whole[10:40] {
				if removed, err := dst.Delete(t.Context(), c.mailbox(), b.Item.Ref, func(item.Bundle) bool { return true }); !removed || err != nil {
					t.Fatalf("removed %v: %v", removed, err)
				}
			}
		}
	}
	for _, b := range whole {
		if !seen[b.Item.Ref] {
			t.Errorf("%s was passed over", b.Item.Ref)
		}
	}
}

// Connections of a process that died still count for a while: the first one is asked
// for again, and a mailbox that refuses for good says so.
func TestCrowded(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{Connections: 1})
	first, second := open(t, srv, "ann", nil, nil), open(t, srv, "ann", nil, nil)
	if _, err := first.look(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(time.Second)
		first.Close()
	}()
	if _, err := second.look(t.Context(), true); err != nil {
		t.Errorf("after the other connection ended: %v", err)
	}
}
