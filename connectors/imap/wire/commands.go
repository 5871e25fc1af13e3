package wire

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// quoted writes a string as IMAP quotes it. ok is false for one that must be sent as
// a literal.
func quoted(s string) (q string, ok bool) {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return "", false
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`, true
}

// string writes a string, as a literal where it must be.
func (c *Conn) string(tag, command, s string) error {
	if q, ok := quoted(s); ok {
		c.write(q)
		return c.r.err
	}
	if err := c.literal(tag, command, int64(len(s)), false); err != nil {
		return err
	}
	c.write(s)
	return c.r.err
}

// mostUnasked is the longest literal that LITERAL- lets a client send without asking
// (RFC 7888).
const mostUnasked = 4096

// literal writes the head of a literal, and waits for leave to go on where the
// server wants to be asked.
func (c *Conn) literal(tag, command string, n int64, binary bool) error {
	head := "{"
	if binary {
		head = "~{"
	}
	if c.caps["LITERAL+"] || (c.caps["LITERAL-"] || c.caps["IMAP4REV2"]) && n <= mostUnasked {
		c.write(fmt.Sprintf("%s%d+}\r\n", head, n))
		return c.r.err
	}
	c.write(fmt.Sprintf("%s%d}\r\n", head, n))
	c.flush()
	var asked bool
	s, err := c.wait(tag, command, &events{goesOn: true, wentOn: &asked})
	if err == nil && !asked {
		err = &Refusal{Command: command, Status: s}
	}
	return err
}

// named sends a command of one name.
func (c *Conn) named(command, name, after string, ev *events) (Status, error) {
	tag := c.send(command + " ")
	if err := c.string(tag, command, name); err != nil {
		return Status{}, err
	}
	c.write(after + "\r\n")
	c.flush()
	return c.wait(tag, command, ev)
}

// Login signs in with a password: by SASL PLAIN where the server takes it at once,
// so that any character can be sent, by LOGIN otherwise.
func (c *Conn) Login(user, password string) error {
	plain, err := c.Has("AUTH=PLAIN")
	if err != nil {
		return err
	}
	if plain {
		return c.authenticate("PLAIN", "\x00"+user+"\x00"+password, "")
	}
	if c.caps["LOGINDISABLED"] {
		return &Refusal{Command: "LOGIN", Status: Status{Kind: "NO", Code: "PRIVACYREQUIRED"}}
	}
	tag := c.send("LOGIN ")
	if err := c.string(tag, "LOGIN", user); err != nil {
		return err
	}
	c.write(" ")
	if err := c.string(tag, "LOGIN", password); err != nil {
		return err
	}
	c.write("\r\n")
	return c.signedIn(tag, "LOGIN")
}

// Token signs in with an access token: OAUTHBEARER (RFC 7628) where it is offered,
// XOAUTH2 (https://developers.google.com/workspace/gmail/imap/xoauth2-protocol)
// otherwise.
func (c *Conn) Token(user, token, host string, port int) error {
	bearer, err := c.Has("AUTH=OAUTHBEARER")
	if err != nil {
		return err
	}
	if bearer {
		return c.authenticate("OAUTHBEARER", fmt.Sprintf("n,a=%s,\x01host=%s\x01port=%d\x01auth=Bearer %s\x01\x01", saslName(user), host, port, token), "AQ==")
	}
	return c.authenticate("XOAUTH2", "user="+user+"\x01auth=Bearer "+token+"\x01\x01", "")
}

// saslName writes a name into a GS2 header (RFC 5801).
func saslName(s string) string { return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(s) }

// authenticate sends a mechanism with its one message. What the server asks after
// that is why it refuses, and is answered by ack.
func (c *Conn) authenticate(mechanism, initial, ack string) error {
	coded := base64.StdEncoding.EncodeToString([]byte(initial))
	command := "AUTHENTICATE " + mechanism
	if c.caps["SASL-IR"] {
		command += " " + coded
	}
	tag := c.send(command + "\r\n")
	c.flush()
	sent := c.caps["SASL-IR"]
	for {
		var asked bool
		s, err := c.wait(tag, "AUTHENTICATE", &events{goesOn: true, wentOn: &asked})
		switch {
		case err != nil:
			return err
		case !asked:
			return c.known(s)
		case sent:
			c.write(ack + "\r\n")
		default:
			c.write(coded + "\r\n")
			sent = true
		}
		c.flush()
	}
}

func (c *Conn) signedIn(tag, command string) error {
	c.flush()
	s, err := c.wait(tag, command, nil)
	if err != nil {
		return err
	}
	return c.known(s)
}

// known asks what the server can do for who signed in, unless it said so itself.
func (c *Conn) known(s Status) error {
	if s.Code == "CAPABILITY" {
		return nil
	}
	_, err := c.do("CAPABILITY", nil)
	return err
}

// List yields the folders, with what else of them the server tells in one go.
func (c *Conn) List(sizes bool) ([]Folder, error) {
	var out []Folder
	at := map[string]int{}
	ev := &events{folder: func(f Folder) {
		if _, twice := at[f.Name]; !twice {
			at[f.Name] = len(out)
			out = append(out, f)
		}
	}, status: func(s Folder) {
		if i, ok := at[s.Name]; ok {
			out[i].ID, out[i].Messages, out[i].Bytes, out[i].State = s.ID, s.Messages, s.Bytes, s.State
		}
	}}
	command := `LIST "" "*"`
	var returns []string
	if c.caps["LIST-EXTENDED"] || c.caps["IMAP4REV2"] {
		returns = append(returns, "SUBSCRIBED")
		if c.caps["SPECIAL-USE"] || c.caps["IMAP4REV2"] {
			returns = append(returns, "SPECIAL-USE")
		}
	}
	if c.caps["LIST-STATUS"] || c.caps["IMAP4REV2"] {
		if items := c.statusItems(sizes); items != "" {
			returns = append(returns, "STATUS ("+items+")")
		}
	}
	if len(returns) > 0 {
		command += " RETURN (" + strings.Join(returns, " ") + ")"
	}
	if _, err := c.do(command, ev); err != nil {
		return nil, err
	}
	if len(returns) > 0 && returns[0] == "SUBSCRIBED" {
		return out, nil
	}
	ev = &events{lsub: func(f Folder) {
		if i, ok := at[f.Name]; ok {
			out[i].Attrs = append(out[i].Attrs, `\Subscribed`)
		}
	}}
	if _, err := c.do(`LSUB "" "*"`, ev); err != nil {
		return nil, err
	}
	return out, nil
}

func (c *Conn) statusItems(sizes bool) string {
	var items []string
	if c.caps["OBJECTID"] {
		items = append(items, "MAILBOXID")
	}
	if sizes {
		items = append(items, "MESSAGES")
		if c.caps["STATUS=SIZE"] || c.caps["IMAP4REV2"] {
			items = append(items, "SIZE")
		}
		if c.KeepsChanges() {
			items = append(items, "UIDVALIDITY", "UIDNEXT", "HIGHESTMODSEQ")
		}
	}
	return strings.Join(items, " ")
}

// Status asks for a folder's MAILBOXID and numbers, where they did not come with
// the listing.
func (c *Conn) Status(name string, sizes bool) (out Folder, err error) {
	items := c.statusItems(sizes)
	if items == "" {
		items = "MESSAGES"
	}
	_, err = c.named("STATUS", name, " ("+items+")", &events{status: func(f Folder) { out = f }})
	return out, err
}

// Select opens a folder, for reading only if it is asked so. What is open already is
// not opened again.
func (c *Conn) Select(name string, readOnly bool) error {
	if c.opening == nil && c.box.Name == name && c.box.ReadOnly == readOnly {
		return nil
	}
	if o := c.opening; o != nil {
		c.opening = nil
		if _, err := c.wait(o.tag, "SELECT", nil); err == nil {
			c.box.Name, c.box.ReadOnly = o.name, o.readOnly
		} else if c.Broken() {
			return err
		}
		return c.Select(name, readOnly)
	}
	return c.open(name, readOnly, "", nil)
}

func (c *Conn) open(name string, readOnly bool, with string, ev *events) error {
	turn := c.box.Turn + 1
	c.box = Selected{Turn: turn}
	command := "SELECT"
	if readOnly {
		command = "EXAMINE"
	}
	_, err := c.named(command, name, with, ev)
	if err != nil {
		c.box = Selected{Turn: turn}
		return err
	}
	c.box.Name, c.box.ReadOnly = name, readOnly
	return nil
}

// SelectLater asks for a folder with the next command, for a Select that follows, or
// at once where its name does not stand in a line. What the server says of the folder
// is known before what it says to that command.
func (c *Conn) SelectLater(name string, readOnly bool) error {
	q, ok := quoted(name)
	if !ok || c.opening != nil || c.box.Name == name {
		return c.Select(name, readOnly)
	}
	command := "SELECT "
	if readOnly {
		command = "EXAMINE "
	}
	c.box = Selected{Turn: c.box.Turn + 1}
	c.opening = &opening{name, c.later(command + q), readOnly}
	return nil
}

// Unselect forgets the open folder, so that the next Select asks for it anew.
func (c *Conn) Unselect() { c.box.Name = "" }

// Noop lets the server tell what is new.
func (c *Conn) Noop() error {
	_, err := c.do("NOOP", nil)
	return err
}

// Fetch asks for items of the messages of a set, by UID or by number. body takes
// BODY[] where that is among them.
func (c *Conn) Fetch(byUID bool, set, items string, message func(Message) error, body Body) error {
	command := "FETCH "
	if byUID {
		command = "UID FETCH "
	}
	_, err := c.do(command+set+" ("+items+")", &events{message: message, body: body})
	return err
}

// Resyncs asks for QRESYNC where it is offered, with the next command: what is removed
// is then told by UID. It is for a connection that has opened no folder (RFC 5161, 3.1).
func (c *Conn) Resyncs() {
	if c.caps["QRESYNC"] && c.caps["ENABLE"] {
		c.later("ENABLE QRESYNC")
		c.resyncs = true
	}
}

// KeepsChanges reports whether the server tells what changed (CONDSTORE, RFC 7162).
func (c *Conn) KeepsChanges() bool { return c.caps["CONDSTORE"] || c.caps["QRESYNC"] }

// Changes opens a folder for reading and tells the flags of messages that are new or
// changed since it was in a state. With QRESYNC (Resyncs) vanished is told what was
// removed since, not ok for what is more than can be told, and whole is true.
func (c *Conn) Changes(name string, since State, message func(Message) error, vanished func(uids []uint32, ok bool)) (whole bool, err error) {
	ev := &events{message: message, vanished: vanished}
	if c.resyncs {
		return true, c.open(name, true, fmt.Sprintf(" (QRESYNC (%d %d))", since.Validity, since.ModSeq), ev)
	}
	if err := c.open(name, true, "", nil); err != nil || c.box.Validity != since.Validity {
		return false, err
	}
	_, err = c.do(fmt.Sprintf("UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE %d)", since.ModSeq), ev)
	return false, err
}

// Count tells how many messages have a UID up to this one.
func (c *Conn) Count(last uint32) (n uint32, err error) {
	if last == 0 {
		return 0, nil
	}
	if c.caps["ESEARCH"] || c.caps["IMAP4REV2"] {
		_, err = c.do(fmt.Sprintf("UID SEARCH RETURN (COUNT) UID 1:%d", last), &events{count: func(k uint32) { n = k }})
		return n, err
	}
	_, err = c.do(fmt.Sprintf("UID SEARCH UID 1:%d", last), &events{uids: func(uids []uint32) {
		for _, u := range uids {
			if u <= last {
				n++
			}
		}
	}})
	return n, err
}

// Store changes the flags of messages: how is "+FLAGS.SILENT", "-FLAGS.SILENT" or
// "FLAGS.SILENT".
func (c *Conn) Store(set, how string, flags []string) error { return c.StoreLater(set, how, flags)() }

// StoreLater is Store, sent with the next command; answer waits for its answer.
func (c *Conn) StoreLater(set, how string, flags []string) (answer func() error) {
	tag := c.later("UID STORE " + set + " " + how + " (" + strings.Join(flags, " ") + ")")
	return func() error {
		c.flush()
		_, err := c.wait(tag, "UID", nil)
		return err
	}
}

// StoreUnchanged changes the flags of one message if nothing of it changed since a
// MODSEQ (RFC 7162): done is false otherwise. A MODSEQ of 0 asks for nothing.
func (c *Conn) StoreUnchanged(uid uint32, modseq uint64, how string, flags []string) (done bool, err error) {
	unless := ""
	if modseq > 0 {
		unless = fmt.Sprintf("(UNCHANGEDSINCE %d) ", modseq)
	}
	s, err := c.do(fmt.Sprintf("UID STORE %d %s%s (%s)", uid, unless, how, strings.Join(flags, " ")), nil)
	return err == nil && s.Code != "MODIFIED", err
}

// Expunge removes messages that are marked as deleted: these, where the server has
// UIDPLUS (RFC 4315), which the caller makes sure of.
func (c *Conn) Expunge(set string) error {
	_, err := c.do("UID EXPUNGE "+set, nil)
	return err
}

// Create makes a folder; use is its special use, "" for none.
func (c *Conn) Create(name, use string) error {
	after := ""
	if use != "" {
		after = ` (USE (\` + use + `))`
	}
	_, err := c.named("CREATE", name, after, nil)
	return err
}

// Delete removes a folder, whatever is in it.
func (c *Conn) Delete(name string) error {
	_, err := c.named("DELETE", name, "", nil)
	return err
}

// Rename gives a folder another name; what lies in it comes along.
func (c *Conn) Rename(from, to string) error {
	tag := c.send("RENAME ")
	if err := c.string(tag, "RENAME", from); err != nil {
		return err
	}
	c.write(" ")
	if err := c.string(tag, "RENAME", to); err != nil {
		return err
	}
	c.write("\r\n")
	c.flush()
	_, err := c.wait(tag, "RENAME", nil)
	return err
}

// Subscribe shows a folder in people's lists, or does not.
func (c *Conn) Subscribe(name string, shown bool) error {
	command := "SUBSCRIBE"
	if !shown {
		command = "UNSUBSCRIBE"
	}
	_, err := c.named(command, name, "", nil)
	return err
}
