package trello

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

// publicURL is where Trello itself answers; the contract's only server.
const publicURL = "https://api.trello.com/1"

// publicWeb is where people read boards and cards.
const publicWeb = "https://trello.com"

// classMembers is the class of calls under /members, which have a quota of
// their own: 100 in 900 seconds
// (developer.atlassian.com/cloud/trello/guides/rest-api/rate-limits, Jan 2026).
const classMembers = "members"

// pageLimit is the most that one answer holds of cards, labels or actions
// (contract, GET /boards/{boardId}/actions: "between 0 and 1000").
const pageLimit = 1000

// tooManyCards is the code with which Trello refuses to nest more cards than it
// likes; they are then asked for in pages.
const tooManyCards = "API_TOO_MANY_CARDS_REQUESTED"

// An api makes the calls. Content goes in bodies, never in an address; the key
// and the token go in a header.
type api struct {
	http *connector.Client
	base string // ends in "/1"
	web  string // where people read boards
}

// newAPI reads the url setting and gives the client Trello's dialect.
func newAPI(client *connector.Client, s connector.Settings) (*api, error) {
	base, web, err := addresses(s[connector.SettingURL])
	if err != nil {
		return nil, err
	}
	if s["key"] == "" || s["token"] == "" {
		return nil, connector.Errorf(connector.Auth, "the key or the token is missing").
			WithHint("give both: a key from trello.com/power-ups/admin and the token that this key's page grants")
	}
	sign := fmt.Sprintf(`OAuth oauth_consumer_key=%q, oauth_token=%q`, s["key"], s["token"])
	return &api{base: base, web: web, http: client.With(connector.Dialect{
		Sign: func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", sign)
			return nil
		},
		Limits: limits,
		Refuse: refuse,
	})}, nil
}

// addresses returns where the API answers and where people read boards.
func addresses(setting string) (base, web string, err error) {
	base = strings.TrimRight(cmp.Or(setting, publicURL), "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return "", "", connector.Errorf(connector.Permanent, "the url setting is not the address of a server").
			WithHint("leave it away, or give an address such as " + publicURL)
	}
	if !strings.HasSuffix(u.Path, "/1") {
		u.Path += "/1"
	}
	base = u.String()
	web = publicWeb
	if base != publicURL {
		web = strings.TrimSuffix(base, "/1")
	}
	return base, web, nil
}

// limits reads the counters that Trello sends with each answer, such as
// X-Rate-Limit-Api-Token-Remaining. It does not send when a window ends.
func limits(_ string, _ int, h http.Header) []connector.Sample {
	var out []connector.Sample
	for _, q := range []string{"Api-Token", "Api-Key", "Member", "Db-Query-Time", "Action"} {
		limit, err := strconv.Atoi(h.Get("X-Rate-Limit-" + q + "-Max"))
		if err != nil {
			continue
		}
		remaining, err := strconv.Atoi(h.Get("X-Rate-Limit-" + q + "-Remaining"))
		if err != nil {
			remaining = -1
		}
		ms, _ := strconv.Atoi(h.Get("X-Rate-Limit-" + q + "-Interval-Ms"))
		name := strings.ToLower(strings.TrimPrefix(q, "Api-"))
		out = append(out, connector.Sample{Quota: name, Limit: limit, Remaining: remaining, Window: time.Duration(ms) * time.Millisecond})
	}
	return out
}

// refuse gives an answer that is not 2xx its class. Trello answers in plain
// text ("invalid token"), or in JSON with a code. Only codes and the fixed texts
// are repeated: others may quote what was sent.
func refuse(status int, _ http.Header, body []byte) *connector.Error {
	var told struct {
		Error text `json:"error"`
		Code  text `json:"code"`
	}
	_ = lenient(body, &told)
	code := symbol(string(cmp.Or(told.Error, told.Code)))
	said := fixedText(string(body))
	reason := strings.TrimSpace(fmt.Sprintf("%d %s", status, cmp.Or(code, said)))
	fail := func(c connector.Class, hint string) *connector.Error {
		return connector.Errorf(c, "%s", reason).WithHint(hint)
	}
	switch {
	case status == http.StatusTooManyRequests:
		return fail(connector.Throttled, "")
	case code == tooManyCards:
		return fail(connector.Permanent, "")
	case strings.HasSuffix(code, "_LIMIT_EXCEEDED") || strings.Contains(code, "TOO_MANY_"):
		return fail(connector.Full, "the board or card holds no more of this kind; archive or delete some, or split the migration")
	case status == http.StatusUnauthorized && strings.HasPrefix(said, "unauthorized"):
		return fail(connector.Forbidden, "ask an admin of the board to add the member whose token this is")
	case status == http.StatusUnauthorized:
		return fail(connector.Auth, "the key or token is wrong, expired or revoked: connect again with a new token")
	case status == http.StatusForbidden:
		return fail(connector.Forbidden, "the token or its member may not do this: ask an admin of the board or workspace")
	case status == http.StatusNotFound || status == http.StatusGone:
		return fail(connector.Gone, "")
	case status == http.StatusConflict || status == http.StatusPreconditionFailed:
		return fail(connector.Conflict, "")
	case status == http.StatusRequestEntityTooLarge:
		return fail(connector.Permanent, "the file is larger than the workspace's plan allows")
	case status == http.StatusRequestTimeout || status >= 500:
		return fail(connector.Transient, "")
	}
	return fail(connector.Permanent, "Trello takes no such value: change it at the source (a shorter text, another name), then run again")
}

// symbol returns s if it is a code such as API_TOKEN_LIMIT_EXCEEDED.
func symbol(s string) string {
	if regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,63}$`).MatchString(s) {
		return s
	}
	return ""
}

// fixedText returns the body if it is one of Trello's fixed texts.
func fixedText(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if regexp.MustCompile(`^(invalid (key|token|app token|id|objectid|value for [a-z_/]{1,40})|expired token|` +
		`unauthorized [a-z ]{0,20}permission requested|unauthorized|missing [a-z ]{1,30}|the requested resource was not found\.?|` +
		`[a-z]{1,20} not found)$`).MatchString(s) {
		return s
	}
	return ""
}

func class(path string) string {
	if strings.HasPrefix(path, "/members") {
		return classMembers
	}
	return ""
}

// get reads path into out. query may be nil.
func (a *api) get(ctx context.Context, path string, query url.Values, out any) error {
	u := a.base + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodGet, URL: u, Class: class(path)}, out)
	return err
}

// params are a write's parameters. Trello takes them as a JSON body in place of
// the query ("Query parameters may also be replaced with a JSON request body",
// developer.atlassian.com/cloud/trello/rest/api-group-cards).
type params map[string]any

// send writes. out may be nil.
func (a *api) send(ctx context.Context, method, path string, p params, out any) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: method, URL: a.base + path, JSON: p, Class: class(path)}, out)
	return err
}

// remove deletes; what is gone already counts as deleted.
func (a *api) remove(ctx context.Context, path string) error {
	_, err := a.http.JSON(ctx, connector.Request{Method: http.MethodDelete, URL: a.base + path, Class: class(path)}, nil)
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return nil
	}
	return err
}

// maybe turns "gone" into found == false.
func maybe(err error) (found bool, _ error) {
	if err != nil && connector.ClassOf(err) == connector.Gone {
		return false, nil
	}
	return err == nil, err
}

func (a *api) me(ctx context.Context) (m member, err error) {
	err = a.get(ctx, "/members/me", url.Values{"fields": {"id,username,fullName"}}, &m)
	if err == nil && m.ID == "" {
		err = connector.Errorf(connector.Malformed, "GET /members/me: the answer names nobody")
	}
	return m, err
}

// boardFields are what a listing of boards tells without another request; the
// recorded answers of /members/{id}/boards and /organizations/{id}/boards have
// all of them.
const boardFields = "name,desc,closed,idOrganization,url,shortUrl,shortLink,memberships,prefs,dateLastActivity"

// boards lists the boards that the token's member belongs to.
func (a *api) boards(ctx context.Context) (out list[board], err error) {
	err = a.get(ctx, "/members/me/boards", url.Values{"filter": {"all"}, "fields": {boardFields}}, &out)
	return out, err
}

// workspaceBoards lists the boards of a workspace that the token's member may
// see, whether they belong to them or not.
func (a *api) workspaceBoards(ctx context.Context, id string) (out list[board], err error) {
	err = a.get(ctx, "/organizations/"+url.PathEscape(id)+"/boards", url.Values{"filter": {"all"}, "fields": {boardFields}}, &out)
	return out, err
}

// workspaces lists the workspaces that the token's member belongs to, with who
// else does.
func (a *api) workspaces(ctx context.Context) (out list[organization], err error) {
	err = a.get(ctx, "/members/me/organizations", url.Values{"fields": {"name,displayName,offering,idEnterprise,idBoards,memberships"}}, &out)
	return out, err
}

func (a *api) organizations(ctx context.Context) (out list[organization], err error) {
	err = a.get(ctx, "/members/me/organizations", url.Values{"fields": {"name,displayName"}}, &out)
	return out, err
}

func (a *api) organizationMembers(ctx context.Context, id string) (out list[member], err error) {
	err = a.get(ctx, "/organizations/"+url.PathEscape(id)+"/members", nil, &out)
	return out, err
}

// organizationMemberships tells of the accounts of a workspace's members.
// https://developer.atlassian.com/cloud/trello/rest/api-group-organizations/#api-organizations-id-memberships-get
func (a *api) organizationMemberships(ctx context.Context, id string) (out list[membership], err error) {
	err = a.get(ctx, "/organizations/"+url.PathEscape(id)+"/memberships", nil, &out)
	if connector.ClassOf(err) == connector.Forbidden || connector.ClassOf(err) == connector.Gone {
		return nil, nil // not everybody may ask; who the members are is what counts
	}
	return out, err
}

// frame asks for a board and what frames its cards.
func frameQuery() url.Values {
	return url.Values{"fields": {"all"}, "actions": {"none"}, "lists": {"all"}, "list_fields": {"all"}, "labels": {"all"},
		"labels_limit": {strconv.Itoa(pageLimit)}, "members": {"all"}, "memberships": {"all"}, "customFields": {"true"}, "pluginData": {"true"}}
}

// boardWhole reads a board with all its cards in one request, or in pages of
// 1,000 cards where Trello nests no more.
func (a *api) boardWhole(ctx context.Context, id string) (b board, err error) {
	q := frameQuery()
	q.Set("cards", "all")
	q.Set("card_fields", "all")
	q.Set("card_attachments", "true")
	q.Set("card_customFieldItems", "true")
	q.Set("card_stickers", "true")
	q.Set("card_pluginData", "true")
	q.Set("checklists", "all")
	q.Set("checklist_fields", "all")
	path := "/boards/" + url.PathEscape(id)
	err = a.get(ctx, path, q, &b)
	if err != nil && strings.Contains(err.Error(), tooManyCards) {
		b = board{}
		if err = a.get(ctx, path, frameQuery(), &b); err == nil {
			err = a.cardPages(ctx, &b, "")
		}
	} else if err == nil && len(b.Cards) >= pageLimit {
		err = a.cardPages(ctx, &b, oldest(b.Cards))
	}
	if err == nil && b.ID == "" {
		err = connector.Errorf(connector.Malformed, "GET /boards/{}: the answer is not a board")
	}
	return b, err
}

// cardPages adds the cards made before one, newest first, until there are none.
func (a *api) cardPages(ctx context.Context, b *board, before text) error {
	seen := map[text]bool{}
	for _, c := range b.Cards {
		seen[c.ID] = true
	}
	for {
		q := cardQuery()
		q.Set("limit", strconv.Itoa(pageLimit))
		if before != "" {
			q.Set("before", string(before))
		}
		var page list[card]
		if err := a.get(ctx, "/boards/"+url.PathEscape(string(b.ID))+"/cards/all", q, &page); err != nil {
			return err
		}
		fresh := 0
		for _, c := range page {
			if !seen[c.ID] {
				seen[c.ID] = true
				b.Cards = append(b.Cards, c)
				fresh++
			}
		}
		if fresh == 0 {
			return nil
		}
		before = oldest(page)
	}
}

func oldest(cards []card) text {
	var out text
	for _, c := range cards {
		if out == "" || c.ID < out {
			out = c.ID
		}
	}
	return out
}

// cardQuery asks for a card with what lies in it.
func cardQuery() url.Values {
	return url.Values{"fields": {"all"}, "attachments": {"true"}, "customFieldItems": {"true"}, "stickers": {"true"},
		"checklists": {"all"}, "pluginData": {"true"}}
}

// historyTypes are the actions that are read: comments, and what tells who made
// a card. An attachment itself says who attached it and when.
const historyTypes = "commentCard,copyCommentCard,createCard,copyCard,convertToCardFromCheckItem,emailCard"

// history reads a board's actions since a time (zero: ever), newest first; of
// one card if idCard is not "".
func (a *api) history(ctx context.Context, boardID, idCard, before string, since time.Time) (out []action, err error) {
	for {
		q := url.Values{"filter": {historyTypes}, "limit": {strconv.Itoa(pageLimit)}, "reactions": {"true"}, "member": {"false"},
			"memberCreator_fields": {"fullName,username"}}
		if idCard != "" {
			q.Set("idModels", idCard)
		}
		if before != "" {
			q.Set("before", before)
		}
		if !since.IsZero() {
			q.Set("since", stamp(since))
		}
		var page list[action]
		if err := a.get(ctx, "/boards/"+url.PathEscape(boardID)+"/actions", q, &page); err != nil {
			return nil, err
		}
		out = append(out, page...)
		if len(page) < pageLimit || string(page[len(page)-1].ID) == before {
			return out, nil
		}
		before = string(page[len(page)-1].ID)
	}
}

// boardFrame reads a board without its cards.
func (a *api) boardFrame(ctx context.Context, id string) (b board, err error) {
	err = a.get(ctx, "/boards/"+url.PathEscape(id), frameQuery(), &b)
	return b, err
}

// cardWhole reads one card with all that lies in it, comments included.
func (a *api) cardWhole(ctx context.Context, id string) (c card, err error) {
	q := cardQuery()
	q.Set("actions", historyTypes)
	q.Set("actions_limit", strconv.Itoa(pageLimit))
	q.Set("action_reactions", "true")
	if err = a.get(ctx, "/cards/"+url.PathEscape(id), q, &c); err != nil {
		return c, err
	}
	if n := len(c.Actions); n >= pageLimit {
		more, err := a.history(ctx, string(c.Board), string(c.ID), string(c.Actions[n-1].ID), time.Time{})
		if err != nil {
			return c, err
		}
		c.Actions = append(c.Actions, more...)
	}
	return c, nil
}

// card reads one card without its comments and checklists.
func (a *api) card(ctx context.Context, id string) (c card, err error) {
	q := url.Values{"fields": {"all"}, "attachments": {"true"}, "customFieldItems": {"true"}, "stickers": {"true"}, "pluginData": {"true"}}
	err = a.get(ctx, "/cards/"+url.PathEscape(id), q, &c)
	return c, err
}

func (a *api) customFields(ctx context.Context, boardID string) (out list[customField], err error) {
	err = a.get(ctx, "/boards/"+url.PathEscape(boardID)+"/customFields", nil, &out)
	return out, err
}

func (a *api) one(ctx context.Context, path string, out any) error {
	return a.get(ctx, path, url.Values{"fields": {"all"}}, out)
}

func (a *api) comment(ctx context.Context, id string) (out action, err error) {
	err = a.get(ctx, "/actions/"+url.PathEscape(id), url.Values{"fields": {"all"}, "member": {"false"}}, &out)
	return out, err
}

func (a *api) checklist(ctx context.Context, id string) (out checklist, err error) {
	err = a.get(ctx, "/checklists/"+url.PathEscape(id), url.Values{"fields": {"all"}, "checkItems": {"all"}, "checkItem_fields": {"all"}}, &out)
	return out, err
}

// attachment reads one attachment. The contract says that the answer is a list;
// recorded answers are the attachment itself. Both are read.
func (a *api) attachment(ctx context.Context, cardID, id string) (out attachment, err error) {
	var raw json.RawMessage
	path := "/cards/" + url.PathEscape(cardID) + "/attachments/" + url.PathEscape(id)
	if err = a.get(ctx, path, nil, &raw); err != nil {
		return out, err
	}
	return oneAttachment(raw)
}

func oneAttachment(raw []byte) (out attachment, err error) {
	var many list[attachment]
	if err = json.Unmarshal(raw, &many); err == nil && len(many) > 0 {
		return many[0], nil
	}
	if err = lenient(raw, &out); err != nil || out.ID == "" {
		return out, connector.Errorf(connector.Malformed, "the answer is not an attachment")
	}
	return out, nil
}

// downloadURL is where the bytes of an upload are served to whoever signs the
// request in the header. It is made from the ids, so that the credentials go to
// this connection's server whatever host the attachment itself names.
func (a *api) downloadURL(cardID text, at attachment) string {
	name := string(at.Name)
	if u, err := url.Parse(string(at.URL)); err == nil {
		if i := strings.LastIndexByte(u.Path, '/'); i >= 0 && i+1 < len(u.Path) {
			name = u.Path[i+1:]
		}
	}
	return a.base + "/cards/" + url.PathEscape(string(cardID)) + "/attachments/" + url.PathEscape(string(at.ID)) + "/download/" + url.PathEscape(cmp.Or(name, "file"))
}

// boardHead reads a board with its memberships and nothing else.
func (a *api) boardHead(ctx context.Context, id string) (b board, err error) {
	q := url.Values{"fields": {"name,desc,closed,idOrganization,url,shortUrl,shortLink"}, "actions": {"none"}, "lists": {"none"}, "memberships": {"all"}}
	err = a.get(ctx, "/boards/"+url.PathEscape(id), q, &b)
	return b, err
}
