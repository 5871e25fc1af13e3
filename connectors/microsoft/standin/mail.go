package standin

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Mailboxes of Exchange Online as Graph shows them: folders and messages. A message
// is imported as MIME, and changed afterwards by its properties and by extended ones
// (docs: user-post-messages, message-update, singlevaluelegacyextendedproperty).

// Mail are the requests of mailboxes (docs: throttling-limits, Outlook service limits).
const Mail Class = "mail"

type mailbox struct {
	folders  map[string]*mailFolder
	messages map[string]*mailMessage
	last     int // of what was made
}

type mailFolder struct {
	id, name, parent, known string // parent "" is the root
	hidden                  bool
	props                   map[string]string
}

type mailMessage struct {
	id, folder, messageID, subject string
	n, version                     int
	mime                           []byte
	received, sent, made, changed  time.Time
	read, draft                    bool
	flag                           string
	categories                     []string
	props                          map[string]string // by Graph's id of an extended property
}

// Extended properties that are a message's own fields.
const (
	flagsProperty    = "Integer 0xE07"
	deliveryProperty = "SystemTime 0xE06"
	submitProperty   = "SystemTime 0x39"
	unsent           = 8
)

// mailRoutes are the operations on mailboxes.
func (s *Server) mailRoutes(on func(method, path string, h func(*call) (answer, error))) {
	for _, of := range []string{"me", "users/{user}"} {
		on("GET", of+"/mailFolders", s.inMailbox((*mailbox).listFolders))
		on("POST", of+"/mailFolders", s.inMailbox((*mailbox).createFolder))
		on("GET", of+"/mailFolders/{folder}", s.inMailbox((*mailbox).getFolder))
		on("PATCH", of+"/mailFolders/{folder}", s.inMailbox((*mailbox).patchFolder))
		on("POST", of+"/mailFolders/{folder}/permanentDelete", s.inMailbox((*mailbox).deleteFolder))
		on("GET", of+"/mailFolders/{folder}/childFolders", s.inMailbox((*mailbox).listFolders))
		on("POST", of+"/mailFolders/{folder}/childFolders", s.inMailbox((*mailbox).createFolder))
		on("GET", of+"/mailFolders/{folder}/messages", s.inMailbox((*mailbox).listMessages))
		on("POST", of+"/mailFolders/{folder}/messages", s.inMailbox((*mailbox).importMessage))
		on("GET", of+"/messages/{message}", s.inMailbox((*mailbox).getMessage))
		on("PATCH", of+"/messages/{message}", s.inMailbox((*mailbox).patchMessage))
		on("GET", of+"/messages/{message}/$value", s.inMailbox((*mailbox).messageValue))
		on("POST", of+"/messages/{message}/permanentDelete", s.inMailbox((*mailbox).deleteMessage))
	}
}

// inMailbox finds whose mailbox a call is for. The caller holds mu.
func (s *Server) inMailbox(h func(*mailbox, *Server, *call) (answer, error)) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		who := c.vars["user"]
		if who == "" {
			if who = c.who.user; who == "" {
				return answer{}, refuse(http.StatusBadRequest, "BadRequest", "/me request is only valid with delegated authentication flow.")
			}
		}
		u := s.findUser(who)
		if u == nil {
			return answer{}, refuse(http.StatusNotFound, "ErrorInvalidUser", "The requested user is invalid.")
		}
		if c.who.delegated() && c.who.user != u.id {
			return answer{}, refuse(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
		}
		return h(s.mailboxOf(u.id), s, c)
	}
}

// mailboxOf is a person's mailbox, with the folders that every one has.
func (s *Server) mailboxOf(user string) *mailbox {
	if s.mail == nil {
		s.mail = map[string]*mailbox{}
	}
	b := s.mail[user]
	if b == nil {
		b = &mailbox{folders: map[string]*mailFolder{}, messages: map[string]*mailMessage{}}
		for _, f := range [][2]string{{"inbox", "Inbox"}, {"drafts", "Drafts"}, {"sentitems", "Sent Items"}, {"deleteditems", "Deleted Items"},
			{"junkemail", "Junk Email"}, {"archive", "Archive"}, {"outbox", "Outbox"}, {"conversationhistory", "Conversation History"}} {
			id := s.mailID()
			b.folders[id] = &mailFolder{id: id, name: f[1], known: f[0], hidden: f[0] == "conversationhistory"}
		}
		s.mail[user] = b
	}
	return b
}

func noSuchMail() *refusal {
	return refuse(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
}

// find looks a folder up by its id or its well-known name.
func (b *mailbox) find(name string) *mailFolder {
	for _, f := range b.folders {
		if f.id == name || f.known != "" && f.known == name {
			return f
		}
	}
	return nil
}

func (b *mailbox) below(id string) (folders []*mailFolder, messages []*mailMessage) {
	for _, k := range slices.Sorted(maps.Keys(b.folders)) {
		if f := b.folders[k]; f.parent == id {
			folders = append(folders, f)
		}
	}
	for _, m := range b.messages {
		if m.folder == id {
			messages = append(messages, m)
		}
	}
	slices.SortFunc(messages, func(x, y *mailMessage) int { return cmp.Compare(x.n, y.n) })
	return folders, messages
}

func (b *mailbox) folderObject(f *mailFolder) object {
	folders, messages := b.below(f.id)
	unread := 0
	for _, m := range messages {
		if !m.read {
			unread++
		}
	}
	return object{"id": f.id, "displayName": f.name, "parentFolderId": cmp.Or(f.parent, "root"), "childFolderCount": len(folders),
		"totalItemCount": len(messages), "unreadItemCount": unread, "isHidden": f.hidden}
}

// shown is a folder as a call asks for it.
func (b *mailbox) shown(c *call, f *mailFolder) (object, error) {
	out, err := selected(c, b.folderObject(f))
	if props, ok := extended(c, f.props); ok && err == nil {
		out["singleValueExtendedProperties"] = props
	}
	return out, err
}

func (b *mailbox) listFolders(s *Server, c *call) (answer, error) {
	in, err := b.parent(c)
	if err != nil {
		return answer{}, err
	}
	n, err := top(c, 10, 1000)
	if err != nil {
		return answer{}, err
	}
	folders, _ := b.below(in)
	var out []object
	for _, f := range folders {
		if f.hidden && c.query.Get("includeHiddenFolders") != "true" {
			continue
		}
		o, err := b.shown(c, f)
		if err != nil {
			return answer{}, err
		}
		o[sortKey] = f.id
		out = append(out, o)
	}
	return s.cut(c, "users('x')/mailFolders", out, n)
}

// parent is the id of the folder that a call names, "" where it names none.
func (b *mailbox) parent(c *call) (string, error) {
	name, ok := c.vars["folder"]
	if !ok {
		return "", nil
	}
	f := b.find(name)
	if f == nil {
		return "", noSuchMail()
	}
	return f.id, nil
}

func (b *mailbox) getFolder(s *Server, c *call) (answer, error) {
	f := b.find(c.vars["folder"])
	if f == nil {
		return answer{}, noSuchMail()
	}
	return s.entity(c, http.StatusOK, "users('x')/mailFolders", b.folderObject(f))
}

// mayBe refuses a name for a folder.
func (b *mailbox) mayBe(name, in, id string) error {
	if name == "" || chars(name) > 255 || strings.TrimSpace(name) != name {
		return refuse(http.StatusBadRequest, "ErrorInvalidRequest", "The folder name is not valid.")
	}
	folders, _ := b.below(in)
	for _, f := range folders {
		if f.id != id && strings.EqualFold(f.name, name) {
			return refuse(http.StatusConflict, "ErrorFolderExists", "A folder with the specified name already exists.")
		}
	}
	return nil
}

func (b *mailbox) createFolder(s *Server, c *call) (answer, error) {
	in, err := b.parent(c)
	if err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.mailFolder")
	var name string
	p.text("displayName", &name)
	if err := cmp.Or(p.end(), b.mayBe(name, in, "")); err != nil {
		return answer{}, err
	}
	f := &mailFolder{id: s.mailID(), name: name, parent: in}
	b.folders[f.id] = f
	return s.entity(c, http.StatusCreated, "users('x')/mailFolders", b.folderObject(f))
}

func (b *mailbox) patchFolder(s *Server, c *call) (answer, error) {
	f := b.find(c.vars["folder"])
	if f == nil {
		return answer{}, noSuchMail()
	}
	p := parse(c, "microsoft.graph.mailFolder")
	name := f.name
	named := p.text("displayName", &name)
	var props []struct{ ID, Value string }
	if raw, ok := p.take("singleValueExtendedProperties"); ok && !decode(raw, &props) {
		p.wrong("singleValueExtendedProperties", "Collection(singleValueLegacyExtendedProperty)")
	}
	if err := p.end(); err != nil {
		return answer{}, err
	}
	if named {
		if f.known != "" {
			return answer{}, refuse(http.StatusForbidden, "ErrorAccessDenied", "A distinguished folder cannot be renamed.")
		}
		if err := b.mayBe(name, f.parent, f.id); err != nil {
			return answer{}, err
		}
		f.name = name
	}
	for _, x := range props {
		if f.props == nil {
			f.props = map[string]string{}
		}
		f.props[propertyID(x.ID)] = x.Value
	}
	return s.entity(c, http.StatusOK, "users('x')/mailFolders", b.folderObject(f))
}

// deleteFolder removes a folder and all that lies in it.
func (b *mailbox) deleteFolder(_ *Server, c *call) (answer, error) {
	f := b.find(c.vars["folder"])
	if f == nil {
		return answer{}, noSuchMail()
	}
	if f.known != "" {
		return answer{}, refuse(http.StatusForbidden, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be deleted.")
	}
	b.drop(f.id)
	return noContent()
}

func (b *mailbox) drop(id string) {
	folders, messages := b.below(id)
	for _, f := range folders {
		b.drop(f.id)
	}
	for _, m := range messages {
		delete(b.messages, m.id)
	}
	delete(b.folders, id)
}

// extended are the extended properties that $expand asks for:
// singleValueExtendedProperties($filter=id eq 'A' or id eq 'B').
func extended(c *call, props map[string]string) ([]object, bool) {
	inner, ok := strings.CutPrefix(c.query.Get("$expand"), "singleValueExtendedProperties($filter=")
	if !ok {
		return nil, false
	}
	out := []object{}
	for part := range strings.SplitSeq(strings.TrimSuffix(inner, ")"), " or ") {
		id := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(part), "id eq '"), "'")
		if v, there := props[propertyID(id)]; there {
			out = append(out, object{"id": propertyID(id), "value": v})
		}
	}
	return out, len(out) > 0
}

// propertyID is an id as Exchange gives it back: tags without leading zeros.
func propertyID(id string) string {
	typ, tag, _ := strings.Cut(id, " ")
	if hex, ok := strings.CutPrefix(strings.ToLower(tag), "0x"); ok {
		if n, err := strconv.ParseUint(hex, 16, 32); err == nil {
			return fmt.Sprintf("%s 0x%X", typ, n)
		}
	}
	return id
}

func (s *Server) messageObject(c *call, m *mailMessage) (object, error) {
	etag := fmt.Sprintf(`W/"%s%d"`, m.id[:8], m.version)
	out, err := selected(c, object{
		"@odata.etag": etag, "id": m.id, "createdDateTime": stampSeconds(m.made), "lastModifiedDateTime": stampSeconds(m.changed),
		"changeKey": fmt.Sprint(m.version), "categories": append([]string{}, m.categories...), "receivedDateTime": stampSeconds(m.received),
		"sentDateTime": stampSeconds(m.sent), "hasAttachments": false, "internetMessageId": m.messageID, "subject": m.subject,
		"bodyPreview": "", "importance": "normal", "parentFolderId": m.folder, "isRead": m.read, "isDraft": m.draft,
		"flag": object{"flagStatus": m.flag},
	})
	if err != nil {
		return nil, err
	}
	if c.method == http.MethodGet {
		if props, ok := extended(c, m.props); ok {
			out["singleValueExtendedProperties"] = props
		}
	}
	return out, nil
}

// answerMessage answers one message.
func (s *Server) answerMessage(c *call, status int, m *mailMessage) (answer, error) {
	out, err := s.messageObject(c, m)
	if err != nil {
		return answer{}, err
	}
	out["@odata.context"] = c.base + "/v1.0/$metadata#users('x')/messages/$entity"
	return answer{status: status, body: out}, nil
}

func (b *mailbox) listMessages(s *Server, c *call) (answer, error) {
	in, err := b.parent(c)
	if err != nil {
		return answer{}, err
	}
	n, err := top(c, 10, 1000)
	if err != nil {
		return answer{}, err
	}
	_, messages := b.below(in)
	out := make([]object, len(messages))
	for i, m := range messages {
		if out[i], err = s.messageObject(c, m); err != nil {
			return answer{}, err
		}
		out[i][sortKey] = fmt.Sprintf("%09d", m.n)
	}
	return s.cut(c, "users('x')/messages", out, n)
}

// cut answers a collection of objects that show what the call selects already.
func (s *Server) cut(c *call, context string, out []object, n int) (answer, error) {
	look := *c
	look.query = maps.Clone(c.query)
	look.query.Del("$select")
	a, err := s.listing(&look, context, out, n)
	if body, isObject := a.body.(object); isObject && body["@odata.nextLink"] != nil {
		body["@odata.nextLink"] = body["@odata.nextLink"].(string) + "&$select=" + c.query.Get("$select")
	}
	return a, err
}

// importMessage takes MIME in base64. What it makes is a draft, read, of now.
func (b *mailbox) importMessage(s *Server, c *call) (answer, error) {
	f := b.find(c.vars["folder"])
	if f == nil {
		return answer{}, noSuchMail()
	}
	if !strings.HasPrefix(c.header.Get("Content-Type"), "text/plain") {
		return answer{}, refuse(http.StatusUnsupportedMediaType, "BadRequest", "This stand-in takes messages as MIME alone.")
	}
	mime, err := base64.StdEncoding.DecodeString(string(c.body))
	if err != nil || len(mime) == 0 {
		return answer{}, refuse(http.StatusBadRequest, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content.")
	}
	b.last++
	m := &mailMessage{id: s.mailID(), folder: f.id, n: b.last, version: 1, made: s.now(), changed: s.now(), received: s.now(), sent: s.now(),
		read: true, draft: true, flag: "notFlagged", props: map[string]string{}}
	m.messageID, m.subject = headField(mime, "Message-ID"), headField(mime, "Subject")
	if m.messageID == "" {
		m.messageID = "<" + s.random(20) + "@" + domain + ">"
	}
	// Exchange takes a message apart and puts it together anew when it is asked for.
	m.mime = append([]byte("X-MS-Exchange-Organization-Stand-In: 1\r\n"), bytes.ReplaceAll(bytes.ReplaceAll(mime, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))...)
	b.messages[m.id] = m
	return s.answerMessage(c, http.StatusCreated, m)
}

// headField is the first field of a name in a header, unfolded.
func headField(mime []byte, name string) string {
	msg, err := mail.ReadMessage(bytes.NewReader(append(bytes.Clone(mime), "\r\n\r\n"...)))
	if err != nil {
		for line := range strings.Lines(string(mime)) { // what cannot be read as a whole
			if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(k), name) {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	return strings.TrimSpace(msg.Header.Get(name))
}

func (b *mailbox) getMessage(s *Server, c *call) (answer, error) {
	m := b.messages[c.vars["message"]]
	if m == nil {
		return answer{}, noSuchMail()
	}
	return s.answerMessage(c, http.StatusOK, m)
}

// A mimeText is an answer that is no JSON.
type mimeText []byte

func (b *mailbox) messageValue(_ *Server, c *call) (answer, error) {
	m := b.messages[c.vars["message"]]
	if m == nil {
		return answer{}, noSuchMail()
	}
	return answer{status: http.StatusOK, body: mimeText(m.mime)}, nil
}

func (b *mailbox) deleteMessage(_ *Server, c *call) (answer, error) {
	m := b.messages[c.vars["message"]]
	if m == nil {
		return answer{}, noSuchMail()
	}
	delete(b.messages, m.id)
	return noContent()
}

func (b *mailbox) patchMessage(s *Server, c *call) (answer, error) {
	m := b.messages[c.vars["message"]]
	if m == nil {
		return answer{}, noSuchMail()
	}
	next := *m
	next.props = maps.Clone(m.props)
	p := parse(c, "microsoft.graph.message")
	p.readOnly("isDraft", "receivedDateTime", "sentDateTime", "createdDateTime", "parentFolderId")
	p.boolean("isRead", &next.read)
	if f := p.nested("flag", "microsoft.graph.followupFlag"); f != nil {
		f.choice("flagStatus", []string{"notFlagged", "complete", "flagged"}, &next.flag)
		if err := f.end(); err != nil {
			return answer{}, err
		}
	}
	if raw, ok := p.take("categories"); ok && !decode(raw, &next.categories) {
		p.wrong("categories", "Collection(Edm.String)")
	}
	var props []struct{ ID, Value string }
	if raw, ok := p.take("singleValueExtendedProperties"); ok && !decode(raw, &props) {
		p.wrong("singleValueExtendedProperties", "Collection(singleValueLegacyExtendedProperty)")
	}
	if err := p.end(); err != nil {
		return answer{}, err
	}
	for _, x := range props {
		if err := next.setProperty(propertyID(x.ID), x.Value, s.opts.ClearsDrafts); err != nil {
			return answer{}, err
		}
	}
	next.version++
	next.changed = s.now()
	*m = next
	return s.answerMessage(c, http.StatusOK, m)
}

// setProperty sets an extended property. Whether a message that was saved stays unsent
// is not settled: PidTagMessageFlags says so, and people report it
// (microsoft-graph-docs#14829); an update that tries it succeeds all the same.
func (m *mailMessage) setProperty(id, value string, clears bool) error {
	bad := refuse(http.StatusBadRequest, "ErrorInvalidExtendedPropertyValue", "The extended property value is not valid.")
	switch id {
	case flagsProperty:
		n, err := strconv.Atoi(value)
		if err != nil {
			return bad
		}
		if clears {
			m.draft = n&unsent != 0
		}
		return nil
	case deliveryProperty, submitProperty:
		at, err := time.Parse(time.RFC3339, value)
		if err != nil || at.Year() < 1601 {
			return bad
		}
		if id == deliveryProperty {
			m.received = at
		} else {
			m.sent = at
		}
		return nil
	}
	if typ, rest, ok := strings.Cut(id, " "); !ok || rest == "" || !slices.Contains([]string{"Integer", "String"}, typ) {
		return bad
	}
	m.props[id] = value
	return nil
}
