package imap

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A script answers commands by how they begin, the tag left out: what none of its
// keys begins is answered OK. "%" in an answer stands for the tag, and an answer
// without one gets an OK of its own.
type script map[string]string

// serve starts a server that speaks a script, and returns its address and what it
// was told.
func serve(t *testing.T, greeting string, s script) (address string, told func() []string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said []string
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			conns.Go(func() { s.speak(c, greeting, func(line string) { mu.Lock(); said = append(said, line); mu.Unlock() }) })
		}
	})
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(said)
	}
}

func (s script) speak(c net.Conn, greeting string, told func(string)) {
	defer c.Close()
	fmt.Fprintf(c, "%s\r\n", greeting)
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		tag, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		for strings.HasSuffix(command, "+}") { // a literal, and what follows it
			var n int
			fmt.Sscanf(command[strings.LastIndex(command, "{"):], "{%d+}", &n)
			b := make([]byte, n)
			if _, err := io.ReadFull(r, b); err != nil {
				return
			}
			rest, err := r.ReadString('\n')
			if err != nil {
				return
			}
			command += string(b) + strings.TrimRight(rest, "\r\n")
		}
		told(command)
		best := ""
		for k := range s {
			if strings.HasPrefix(command, k) && len(k) > len(best) {
				best = k
			}
		}
		answer := s[best]
		if answer == "close" {
			return
		}
		if !strings.Contains(answer, "%") {
			answer += "% OK done\n"
		}
		io.WriteString(c, strings.ReplaceAll(strings.ReplaceAll(answer, "%", tag), "\n", "\r\n"))
	}
}

func scripted(t *testing.T, address string, with connector.Settings) *cloud {
	t.Helper()
	set := connector.Settings{setServer: address, setSecurity: securityNone, setUser: "ann@example.org", setPassword: "p"}
	for k, v := range with {
		set[k] = v
	}
	c, err := New().Open(t.Context(), connector.Env{Settings: set, HTTP: connector.NewClient(connector.ClientOptions{})})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*cloud)
}

const gmailCaps = "IMAP4rev1 UIDPLUS X-GM-EXT-1 SPECIAL-USE ESEARCH LITERAL- CHILDREN"

// one is a message of a folder, as a FETCH tells it.
func one(seq, uid int, id, flags, labels string) string {
	header := "Message-ID: <" + id + ">\n\n" // each \n is sent as CR LF
	return fmt.Sprintf("* %d FETCH (UID %d RFC822.SIZE 100 INTERNALDATE \"22-Nov-2001 13:33:36 +0000\" FLAGS (%s) X-GM-LABELS (%s) BODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\n%s)\n", seq, uid, flags, labels, len(header)+2, header)
}

// Gmail's labels become folders, keywords or both, and nothing comes twice from All
// Mail or from views.
func TestGmailLabels(t *testing.T) {
	selected := func(n int) string {
		return fmt.Sprintf("* %d EXISTS\n* OK [UIDVALIDITY 1] x\n* OK [UIDNEXT 99] x\n", n)
	}
	// The scripted server has one set of messages for each folder, told apart by the
	// EXAMINE before it on the same connection.
	address, _ := serve(t, "* OK [CAPABILITY "+gmailCaps+"] Gimap ready", script{
		"LOGIN": "% OK [CAPABILITY " + gmailCaps + "] in\n",
		`LIST "" "*"`: `* LIST (\HasNoChildren) "/" "INBOX"
* LIST (\HasNoChildren) "/" "Projects"
* LIST (\HasChildren \Noselect) "/" "[Gmail]"
* LIST (\All \HasNoChildren) "/" "[Gmail]/All Mail"
* LIST (\Drafts \HasNoChildren) "/" "[Gmail]/Drafts"
* LIST (\HasNoChildren \Important) "/" "[Gmail]/Important"
* LIST (\HasNoChildren \Sent) "/" "[Gmail]/Sent Mail"
* LIST (\Flagged \HasNoChildren) "/" "[Gmail]/Starred"
`,
		`EXAMINE "INBOX"`:             selected(1),
		`EXAMINE "Projects"`:          selected(2),
		`EXAMINE "[Gmail]/All Mail"`:  selected(5),
		`EXAMINE "[Gmail]/Drafts"`:    selected(0),
		`EXAMINE "[Gmail]/Sent Mail"`: selected(1),
		"UID FETCH 1 (":               one(1, 1, "alone@x", `\Seen`, `"\\Important"`),
		"UID FETCH 1:2 (":             one(1, 1, "in@x", `\Seen`, `"\\Inbox"`) + one(2, 2, "kept@x", `\Seen`, ``),
		"UID FETCH 4 (":               one(4, 4, "archived@x", `\Flagged`, `"\\Starred"`),
		"UID FETCH 2,4 (":             one(2, 2, "kept@x", `\Seen`, `Projects "Two words" Gr&APYA3w-e`) + one(4, 4, "archived@x", `\Flagged`, `"\\Starred"`),
		"FETCH 1:1":                   one(1, 1, "alone@x", `\Seen`, `"\\Important"`),
		"FETCH 1:2":                   one(1, 1, "in@x", `\Seen`, `"\\Inbox"`) + one(2, 2, "kept@x", `\Seen`, ``),
		"FETCH 1:5": one(1, 1, "in@x", ``, `"\\Inbox" Projects`) + one(2, 2, "kept@x", `\Seen`, `Projects "Two words" Gr&APYA3w-e`) +
			one(3, 3, "sent@x", ``, `"\\Sent"`) + one(4, 4, "archived@x", `\Flagged`, `"\\Starred" "\\Important"`) + one(5, 5, "draft@x", ``, `"\\Draft" "\\Draft"`),
	})
	for _, c := range []struct {
		labels string
		want   []string // folder mark keywords
	}{
		{labelsFolder, []string{"All Mail mid:archived@x [\\Flagged]", "INBOX mid:alone@x [\\Seen]", "Projects mid:in@x [\\Seen]", "Projects mid:kept@x [\\Seen]", "Sent Mail mid:alone@x [\\Seen]"}},
		{labelsKeyword, []string{"All Mail mid:archived@x [\\Flagged]", "All Mail mid:kept@x [Gr&APYA3w-e Projects Two_words \\Seen]", "INBOX mid:alone@x [\\Seen]", "Sent Mail mid:alone@x [\\Seen]"}},
		{labelsBoth, []string{"All Mail mid:archived@x [\\Flagged]", "INBOX mid:alone@x [\\Seen]", "Projects mid:in@x [\\Seen]", "Projects mid:kept@x [\\Seen]", "Sent Mail mid:alone@x [\\Seen]"}},
	} {
		t.Run(c.labels, func(t *testing.T) {
			cl := scripted(t, address, connector.Settings{setService: serviceGmail, setLabels: c.labels, setConnections: "1"})
			src, err := cl.Source(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			names := map[string]string{}
			var got []string
			for _, b := range list(t, src) {
				switch b.Item.Kind {
				case item.Folder:
					names[b.Item.ID] = item.Name.Get(b.Item)
				case item.Message:
					got = append(got, fmt.Sprintf("%s %s %v", names[b.Item.Parent.ID], b.Item.URL, item.Flags.Get(b.Item)))
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("listed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			for _, view := range []string{"Starred", "Important"} {
				for _, n := range names {
					if n == view {
						t.Errorf("the view %s moves", view)
					}
				}
			}
		})
	}
}

// A server with OBJECTID gives folders their ids, which outlast their names.
func TestObjectIDs(t *testing.T) {
	caps := "IMAP4rev1 UIDPLUS OBJECTID LIST-STATUS LIST-EXTENDED"
	listed := func(name string) string {
		address, _ := serve(t, "* OK [CAPABILITY "+caps+"] x", script{
			"LOGIN": "% OK [CAPABILITY " + caps + "] in\n",
			"LIST":  `* LIST () "/" "` + name + "\"\n" + `* STATUS "` + name + `" (MESSAGES 3 MAILBOXID (F2212ea87))` + "\n",
		})
		c := scripted(t, address, nil)
		tree, err := c.look(t.Context(), true)
		if err != nil {
			t.Fatal(err)
		}
		return tree.folders[0].id
	}
	if a, b := listed("before"), listed("after"); a != b || a != "oF2212ea87" {
		t.Errorf("the ids are %s and %s", a, b)
	}
}

// Tokens are sent as the two mechanisms want them, and what the server says of a
// token that it refuses is answered, so that it ends in a refusal.
func TestTokens(t *testing.T) {
	for _, c := range []struct{ caps, want string }{
		{"IMAP4rev1 SASL-IR AUTH=XOAUTH2", "AUTHENTICATE XOAUTH2 dXNlcj1hbm5AZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rAQE="},
		{"IMAP4rev1 SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2", "AUTHENTICATE OAUTHBEARER bixhPWFubkBleGFtcGxlLm9yZyw"},
		{"IMAP4rev1 AUTH=XOAUTH2", "dXNlcj1hbm5AZXhhbXBsZS5vcmcBYXV0aD1CZWFyZXIgdG9rAQE="},
	} {
		ir := strings.Contains(c.caps, "SASL-IR")
		s := script{"AUTHENTICATE": "% OK [CAPABILITY IMAP4rev1 UIDPLUS] in\n"}
		if !ir {
			s = nil
		}
		var address string
		var told func() []string
		if ir {
			address, told = serve(t, "* OK [CAPABILITY "+c.caps+"] x", s)
		} else {
			address, told = serveAsking(t, c.caps)
		}
		cl := scripted(t, address, connector.Settings{setToken: "tok", setPassword: ""})
		if _, err := cl.look(t.Context(), true); err != nil && ir {
			t.Errorf("%s: %v", c.caps, err)
		}
		if !slices.ContainsFunc(told(), func(s string) bool { return strings.HasPrefix(s, c.want) }) {
			t.Errorf("%s: the server was told %q", c.caps, told())
		}
	}
}

// serveAsking is a server that asks for a token and refuses it, with reasons.
func serveAsking(t *testing.T, caps string) (string, func() []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	var mu sync.Mutex
	var said []string
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r := bufio.NewReader(c)
		read := func() string {
			s, _ := r.ReadString('\n')
			mu.Lock()
			defer mu.Unlock()
			said = append(said, strings.TrimSpace(s))
			return s
		}
		fmt.Fprintf(c, "* OK [CAPABILITY %s] x\r\n", caps)
		tag, _, _ := strings.Cut(read(), " ")
		fmt.Fprint(c, "+ \r\n")
		read()
		fmt.Fprint(c, "+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")
		read()
		fmt.Fprintf(c, "%s NO [AUTHENTICATIONFAILED] x\r\n", tag)
	}()
	return l.Addr().String(), func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(said)
	}
}

// What a server refuses has a class, and nothing that it quotes is repeated.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		answer string
		class  connector.Class
		doubt  bool
	}{
		{"% NO [OVERQUOTA] Geheim is full\n", connector.Full, false},
		{"% NO [NOPERM] Geheim\n", connector.Forbidden, false},
		{"% NO [TRYCREATE] Geheim\n", connector.Gone, false},
		{"% NO [LIMIT] Geheim\n", connector.Throttled, false},
		{"% NO [UNAVAILABLE] Geheim\n", connector.Transient, false},
		{"% NO Geheim is too large\n", connector.Permanent, false},
		{"% BAD Geheim\n", connector.Permanent, false},
		{"close", connector.Transient, true},
		{"* BYE Geheim\n% nonsense\n", connector.Malformed, true},
		{"% OK stored without an id\n", connector.Transient, true},
	} {
		caps := "IMAP4rev1 UIDPLUS LITERAL+"
		address, _ := serve(t, "* OK [CAPABILITY "+caps+"] x", script{
			"LOGIN":  "% OK [CAPABILITY " + caps + "] in\n",
			"LIST":   "* LIST () \"/\" \"Geheim\"\n",
			"SELECT": "* 0 EXISTS\n* OK [UIDVALIDITY 1] x\n",
			"APPEND": c.answer,
		})
		cl := scripted(t, address, nil)
		dst, err := cl.Target(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		r := fill(t, dst, folderNamed(t, cl, "Geheim"), []item.Item{flagged()}, map[string][]byte{"0": message("a@b", 50)})[0]
		if r.Err == nil || connector.ClassOf(r.Err) != c.class || connector.InDoubt(r.Err) != c.doubt || strings.Contains(r.Err.Error(), "Geheim") {
			t.Errorf("%q gives %v, class %q, in doubt %v", c.answer, r.Err, connector.ClassOf(r.Err), connector.InDoubt(r.Err))
		}
	}
}
