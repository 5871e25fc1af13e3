package standin

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A thread is a group conversation with its one thread; posts are in the order
// in which they came.
type thread struct {
	id, conversation, topic string
	posts                   []*post
	to                      []object
}

type post struct {
	id, content, contentType, changeKey string
	from                                caller
	fromName, fromAddress               string
	at, visible                         time.Time
	categories                          []string
}

// delegatedOnly is what an app on its own gets where Microsoft's page says
// "Application: Not supported" (docs: group-post-threads,
// conversationthread-reply, group-delete-thread). The body is the one that
// microsoft-graph-docs#3606 reports.
func delegatedOnly(c *call) error {
	if c.who.delegated() {
		return nil
	}
	return refuse(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
}

func mailNotFound() *refusal {
	return refuse(http.StatusNotFound, "ErrorItemNotFound", "The specified object was not found in the store.")
}

func (s *Server) thread(c *call) (*group, *thread, error) {
	g, err := s.group(c)
	if err != nil {
		return nil, nil, err
	}
	t := g.threads[c.vars["thread"]]
	if t == nil || c.vars["conversation"] != "" && t.conversation != c.vars["conversation"] {
		return nil, nil, mailNotFound()
	}
	return g, t, nil
}

// mayPost: only members of the group take part in its conversations.
func (s *Server) mayPost(c *call, g *group) error {
	if err := delegatedOnly(c); err != nil {
		return err
	}
	if !g.has(c.who.user) && !slices.Contains(g.owners, c.who.user) {
		return refuse(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	}
	return nil
}

func (s *Server) readPost(p *patch) *post {
	n := &post{contentType: "html", id: s.mailID(), changeKey: s.random(24), at: s.now().UTC().Truncate(time.Second), categories: []string{}}
	if p == nil {
		return n
	}
	if b := p.nested("body", "microsoft.graph.itemBody"); b != nil {
		b.text("content", &n.content)
		var kind string
		if b.text("contentType", &kind) && kind != "" { // docs: conversationthread-reply shows an empty one
			if !slices.Contains([]string{"html", "text"}, strings.ToLower(kind)) {
				b.wrong("contentType", "microsoft.graph.bodyType")
			}
			n.contentType = strings.ToLower(kind)
		}
		if err := b.end(); err != nil && p.err == nil {
			p.err = err
		}
	} else {
		p.fail("The property 'body' is required on type 'microsoft.graph.post'.")
	}
	p.take("newParticipants")
	if v, ok := p.take("categories"); ok && json.Unmarshal(v, &n.categories) != nil {
		p.wrong("categories", "Collection(Edm.String)")
	}
	p.readOnly("id", "createdDateTime", "receivedDateTime", "from", "sender", "conversationId", "conversationThreadId", "changeKey", "lastModifiedDateTime")
	if err := p.end(); err != nil {
		return n
	}
	if n.contentType == "text" {
		// Exchange keeps posts of a group as HTML.
		n.content, n.contentType = "<html><body>"+strings.ReplaceAll(html.EscapeString(n.content), "\n", "<br>\n")+"</body></html>", "html"
	}
	return n
}

// asMail puts what is wrong with a body into Exchange's words.
func asMail(err error) error {
	if r, ok := errors.AsType[*refusal](err); ok && r.code == "" {
		r.code = "RequestBodyRead"
		r.message = strings.TrimPrefix(r.message, "The request is invalid:\r\n")
	}
	return err
}

func (s *Server) sign(c *call, p *post) {
	p.from = c.who
	if u := s.users[c.who.user]; u != nil {
		p.fromName, p.fromAddress = u.name, u.mail
		if p.fromAddress == "" {
			p.fromAddress = u.upn
		}
	}
}

func (s *Server) createThread(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayPost(c, g); err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.conversationThread")
	t := &thread{id: s.mailID(), conversation: s.mailID(), to: []object{recipient(g.name, g.mail)}}
	p.text("topic", &t.topic)
	var raw []json.RawMessage
	if v, ok := p.take("posts"); ok && json.Unmarshal(v, &raw) != nil {
		p.wrong("posts", "Collection(microsoft.graph.post)")
	}
	if err := p.end(); err != nil {
		return answer{}, asMail(err)
	}
	if len(raw) != 1 {
		return answer{}, refuse(http.StatusBadRequest, "ErrorInvalidRequest", "A thread is created with exactly one post.")
	}
	in := &patch{typ: "microsoft.graph.post", used: map[string]bool{}}
	if in.props, err = fields(raw[0]); err != nil {
		return answer{}, refuse(http.StatusBadRequest, "RequestBodyRead", "The post cannot be read.")
	}
	first := s.readPost(in)
	if in.err != nil {
		return answer{}, asMail(in.err)
	}
	s.sign(c, first)
	t.posts = []*post{first}
	g.threads[t.id] = t
	s.tellPost(c, g, t)
	return s.entity(c, http.StatusCreated, "groups('"+g.id+"')/threads", t.object())
}

// reply answers 202 without a body, so that nobody learns the post's id
// (docs: conversationthread-reply).
func (s *Server) reply(c *call) (answer, error) {
	g, t, err := s.thread(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayPost(c, g); err != nil {
		return answer{}, err
	}
	p := parse(c, "microsoft.graph.conversationThread")
	name := "post"
	if p.has("Post") { // the contract's own spelling: parameters of actions are not case-sensitive
		name = "Post"
	}
	in := p.nested(name, "microsoft.graph.post")
	if in == nil {
		p.fail("The parameter 'Post' is required.")
	}
	if err := p.end(); err != nil {
		return answer{}, asMail(err)
	}
	n := s.readPost(in)
	if in.err != nil {
		return answer{}, asMail(in.err)
	}
	s.sign(c, n)
	n.visible = s.now().Add(s.opts.ReplyDelay)
	t.posts = append(t.posts, n)
	s.tellPost(c, g, t)
	return answer{status: http.StatusAccepted}, nil
}

func (s *Server) listThreads(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	var all []object
	for _, id := range sortedIDs(g.threads) {
		t := g.threads[id]
		if conv := c.vars["conversation"]; conv == "" || conv == t.conversation {
			all = append(all, t.object())
		}
	}
	return s.mailListing(c, "groups('"+g.id+"')/threads", all)
}

func (s *Server) mailListing(c *call, context string, all []object) (answer, error) {
	page, err := top(c, s.limits.ConversationPage, 1000)
	if err != nil {
		return answer{}, err
	}
	return s.listing(c, context, all, page)
}

func (s *Server) listConversations(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	var all []object
	for _, id := range sortedIDs(g.threads) {
		all = append(all, g.threads[id].conversationObject())
	}
	slices.SortFunc(all, func(a, b object) int { return strings.Compare(key(a), key(b)) })
	return s.mailListing(c, "groups('"+g.id+"')/conversations", all)
}

func (s *Server) getConversation(c *call) (answer, error) {
	g, err := s.group(c)
	if err != nil {
		return answer{}, err
	}
	for _, t := range g.threads {
		if t.conversation == c.vars["conversation"] {
			return s.entity(c, http.StatusOK, "groups('"+g.id+"')/conversations", t.conversationObject())
		}
	}
	return answer{}, mailNotFound()
}

func (s *Server) getThread(c *call) (answer, error) {
	g, t, err := s.thread(c)
	if err != nil {
		return answer{}, err
	}
	return s.entity(c, http.StatusOK, "groups('"+g.id+"')/threads", t.object())
}

func (s *Server) deleteThread(c *call) (answer, error) {
	g, t, err := s.thread(c)
	if err != nil {
		return answer{}, err
	}
	if err := s.mayPost(c, g); err != nil {
		return answer{}, err
	}
	delete(g.threads, t.id)
	return noContent()
}

// posts are those of a thread that have arrived.
func (s *Server) posts(t *thread) []*post {
	for i, p := range t.posts {
		if s.now().Before(p.visible) {
			return t.posts[:i]
		}
	}
	return t.posts
}

// listPosts lists the oldest first, a page at a time.
func (s *Server) listPosts(c *call) (answer, error) {
	g, t, err := s.thread(c)
	if err != nil {
		return answer{}, err
	}
	var all []object
	for i, p := range s.posts(t) {
		o := p.object(t)
		o[sortKey] = fmt.Sprintf("%08d", i)
		all = append(all, o)
	}
	return s.mailListing(c, "groups('"+g.id+"')/threads('"+t.id+"')/posts", all)
}

func (s *Server) getPost(c *call) (answer, error) {
	g, t, err := s.thread(c)
	if err != nil {
		return answer{}, err
	}
	for _, p := range s.posts(t) {
		if p.id == c.vars["post"] {
			return s.entity(c, http.StatusOK, "groups('"+g.id+"')/threads('"+t.id+"')/posts", p.object(t))
		}
	}
	return answer{}, mailNotFound()
}

func recipient(name, address string) object {
	return object{"emailAddress": object{"name": name, "address": address}}
}

func (p *post) object(t *thread) object {
	from := recipient(p.fromName, p.fromAddress)
	return object{
		"@odata.etag": `W/"` + p.changeKey + `"`, "id": p.id, "createdDateTime": stampSeconds(p.at), "lastModifiedDateTime": stampSeconds(p.at),
		"changeKey": p.changeKey, "categories": p.categories, "receivedDateTime": stampSeconds(p.at), "hasAttachments": false,
		"body": object{"contentType": p.contentType, "content": p.content}, "from": from, "sender": from,
		onSelect:         []string{"conversationId", "conversationThreadId", "newParticipants"},
		"conversationId": t.conversation, "conversationThreadId": t.id, "newParticipants": []any{},
	}
}

func (t *thread) common() object {
	last := t.posts[len(t.posts)-1]
	senders := []string{}
	for _, p := range t.posts {
		if !slices.Contains(senders, p.fromName) {
			senders = append(senders, p.fromName)
		}
	}
	return object{"topic": t.topic, "hasAttachments": false, "lastDeliveredDateTime": stampSeconds(last.at), "uniqueSenders": senders, "preview": preview(last.content)}
}

// object hides what Graph shows on $select alone (docs: conversationThread).
func (t *thread) object() object {
	o := t.common()
	o["id"], o["isLocked"] = t.id, false
	o["toRecipients"], o["ccRecipients"] = t.to, []any{}
	o[onSelect] = []string{"toRecipients", "ccRecipients"}
	return o
}

func (t *thread) conversationObject() object {
	o := t.common()
	o["id"] = t.conversation
	return o
}

var tags = regexp.MustCompile(`<[^>]*>`)

// textOf is what is left of HTML for people.
func textOf(content string) string {
	return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(content, "")))
}

func preview(content string) string {
	r := []rune(strings.Join(strings.Fields(textOf(content)), " "))
	return string(r[:min(len(r), 255)])
}
