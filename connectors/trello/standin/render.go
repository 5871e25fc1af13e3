package standin

import (
	"maps"
	"net/url"
	"strconv"
	"time"
)

// What the API shows of an object when nobody says which fields.
var (
	boardFields  = []string{"name", "desc", "descData", "closed", "idOrganization", "idEnterprise", "pinned", "url", "shortUrl", "prefs", "labelNames"}
	listFields   = []string{"name", "closed", "pos", "idBoard", "subscribed", "softLimit", "color", "type", "datasource"}
	memberFields = []string{"activityBlocked", "avatarHash", "avatarUrl", "fullName", "idMemberReferrer", "initials", "nonPublic", "nonPublicAvailable", "username"}
	orgFields    = []string{"name", "displayName", "descData", "website", "teamType", "desc", "url", "logoHash", "logoUrl", "products", "powerUps", "offering"}
)

// over returns the known fields laid over those that were loaded.
func over(extra, known map[string]any) map[string]any {
	if len(extra) == 0 {
		return known
	}
	out := maps.Clone(extra)
	maps.Copy(out, known)
	return out
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func idOf(m *member) any {
	if m == nil {
		return nil
	}
	return m.id
}

// textData is what Trello adds to a text: the custom emoji in it.
func textData(s string) any {
	if s == "" {
		return nil
	}
	return map[string]any{"emoji": map[string]any{}}
}

// colors are a label's colors; each also exists as _dark and _light.
var colors = []string{"green", "yellow", "orange", "red", "purple", "blue", "sky", "lime", "pink", "black"}

func (s *Server) showBoard(b *board) map[string]any {
	names := map[string]string{}
	for _, c := range colors {
		for _, shade := range []string{"", "_dark", "_light"} {
			names[c+shade] = b.labelNames[c+shade]
		}
	}
	for _, l := range b.labels {
		if _, known := names[l.color]; known && names[l.color] == "" {
			names[l.color] = l.name
		}
	}
	var idOrg any
	if b.org != nil {
		idOrg = b.org.id
	}
	m := map[string]any{
		"id": b.id, "name": b.name, "desc": b.desc, "descData": textData(b.desc), "closed": b.closed,
		"idOrganization": idOrg, "idMemberCreator": idOf(b.creator), "shortLink": b.link, "shortUrl": "https://trello.com/b/" + b.link,
		"url": "https://trello.com/b/" + b.link + "/" + slug(b.name), "starred": b.starred, "subscribed": b.subscribed,
		"prefs": b.prefs, "labelNames": names, "memberships": showMemberships(b.memberships), "dateLastActivity": when(b.active),
		"limits": s.boardLimits(b),
	}
	return over(over(map[string]any{"pinned": false, "idEnterprise": nil, "dateClosed": nil, "dateLastView": when(b.active), "idTags": []any{},
		"powerUps": []any{}, "datePluginDisable": nil, "creationMethod": nil, "idBoardSource": nil, "ixUpdate": "1", "enterpriseOwned": false,
		"premiumFeatures": []any{}, "templateGallery": nil, "nodeId": "ari:cloud:trello::board/workspace/" + b.id}, b.extra), m)
}

func showMemberships(all []*membership) []any {
	out := make([]any, len(all))
	for i, ms := range all {
		out[i] = over(over(map[string]any{"unconfirmed": ms.member.unconfirmed, "deactivated": ms.member.deactivated}, ms.extra),
			map[string]any{"id": ms.id, "idMember": ms.member.id, "memberType": ms.role})
	}
	return out
}

func (s *Server) showList(l *list) map[string]any {
	return over(over(map[string]any{"softLimit": nil, "creationMethod": nil, "color": nil, "type": nil, "datasource": map[string]any{"filter": false}}, l.extra),
		map[string]any{"id": l.id, "name": l.name, "closed": l.closed, "pos": l.pos, "idBoard": l.board.id,
			"subscribed": l.subscribed, "limits": s.listLimits(l)})
}

func showLabel(l *label) map[string]any {
	return over(l.extra, map[string]any{"id": l.id, "idBoard": l.board.id, "name": l.name, "color": nullable(l.color)})
}

func labelUses(l *label) (n int) {
	for _, c := range l.board.cards {
		if c.has(l) {
			n++
		}
	}
	return n
}

func (s *Server) showCard(q *call, c *card) map[string]any {
	labels, idLabels := make([]any, len(c.labels)), make([]string, len(c.labels))
	for i, l := range c.labels {
		labels[i], idLabels[i] = showLabel(l), l.id
	}
	checklists := make([]string, len(c.checklists))
	for i, l := range c.checklists {
		checklists[i] = l.id
	}
	short := "https://trello.com/c/" + c.link
	return over(over(map[string]any{"address": nil, "coordinates": nil, "creationMethod": nil, "locationName": nil, "staticMapUrl": nil,
		"cardRole": nil, "email": nil, "pinned": false, "mirrorSourceId": nil}, c.extra), map[string]any{
		"id": c.id, "name": c.name, "desc": c.desc, "descData": textData(c.desc), "closed": c.closed, "pos": c.pos,
		"idBoard": c.board.id, "idList": c.list.id, "idShort": c.short, "shortLink": c.link, "shortUrl": short,
		"url": short + "/" + strconv.Itoa(c.short) + "-" + slug(c.name), "due": when(c.due), "start": when(c.start),
		"dueComplete": c.complete, "dueReminder": c.reminder, "dateLastActivity": when(c.active), "subscribed": c.subscribed,
		"isTemplate": c.template, "labels": labels, "idLabels": idLabels, "idMembers": memberIDs(c.members),
		"idMembersVoted": memberIDs(c.voters), "idChecklists": checklists, "idAttachmentCover": nullable(c.cover.attachment),
		"manualCoverAttachment": c.manualCover, "cover": showCover(c), "badges": s.badges(q, c), "checkItemStates": itemStates(c),
		"limits": s.cardLimits(c),
	})
}

func memberIDs(all []*member) []string {
	out := make([]string, len(all))
	for i, m := range all {
		out[i] = m.id
	}
	return out
}

func showCover(c *card) map[string]any {
	m := over(c.cover.extra, map[string]any{"idAttachment": nullable(c.cover.attachment), "color": nullable(c.cover.color),
		"idUploadedBackground": nullable(c.cover.background), "size": "normal", "brightness": "dark", "idPlugin": nullable(c.cover.plugin)})
	if c.cover.size != "" {
		m["size"] = c.cover.size
	}
	if c.cover.brightness != "" {
		m["brightness"] = c.cover.brightness
	}
	if a := c.attachment(c.cover.attachment); a != nil {
		m["edgeColor"], m["scaled"] = a.edge, a.previews
	}
	return m
}

func (c *card) attachment(id string) *attachment {
	for _, a := range c.attachments {
		if a.id == id {
			return a
		}
	}
	return nil
}

func itemStates(c *card) []any {
	out := []any{}
	for _, l := range c.checklists {
		for _, i := range l.items {
			if i.done {
				out = append(out, map[string]any{"id": i.id, "idCheckItem": i.id, "state": "complete"})
			}
		}
	}
	return out
}

// badges are the counters on a card's front.
func (s *Server) badges(_ *call, c *card) map[string]any {
	items, checked, boards, cards := 0, 0, 0, 0
	var earliest time.Time
	for _, l := range c.checklists {
		for _, i := range l.items {
			items++
			if i.done {
				checked++
			} else if !i.due.IsZero() && (earliest.IsZero() || i.due.Before(earliest)) {
				earliest = i.due
			}
		}
	}
	for _, a := range c.attachments {
		switch kind, _ := s.linked(a.url); {
		case a.upload:
		case kind == "b":
			boards++
		case kind == "c":
			cards++
		}
	}
	voted := false
	for _, m := range c.voters {
		voted = voted || m == s.me
	}
	return map[string]any{
		"attachmentsByType": map[string]any{"trello": map[string]any{"board": boards, "card": cards}},
		"externalSource":    nil, "location": false, "votes": len(c.voters), "viewingMemberVoted": voted, "subscribed": c.subscribed,
		"fogbugz": "", "checkItems": items, "checkItemsChecked": checked, "checkItemsEarliestDue": when(earliest),
		"comments": c.comments, "attachments": len(c.attachments), "description": c.desc != "", "due": when(c.due),
		"dueComplete": c.complete, "start": when(c.start), "lastUpdatedByAi": false, "maliciousAttachments": 0,
	}
}

// linked tells whether an address names a board ("b") or card ("c") of Trello.
func (s *Server) linked(address string) (kind, link string) {
	u, err := url.Parse(address)
	if err != nil || u.Host != "trello.com" || len(u.Path) < 11 || u.Path[0] != '/' || u.Path[2] != '/' {
		return "", ""
	}
	return u.Path[1:2], u.Path[3:11]
}

func (s *Server) showAttachment(q *call, c *card, a *attachment) map[string]any {
	address, file := a.url, any(nil)
	if a.upload {
		address = q.base() + "/1/cards/" + c.id + "/attachments/" + a.id + "/download/" + url.PathEscape(a.file)
		file = a.file
	}
	var size any
	if a.bytes >= 0 {
		size = a.bytes
	}
	previews := a.previews
	if previews == nil {
		previews = []any{}
	}
	m := map[string]any{"id": a.id, "bytes": size, "date": when(a.date), "edgeColor": a.edge, "idMember": idOf(a.member), "isMalicious": false,
		"isUpload": a.upload, "mimeType": a.mime, "name": a.name, "previews": previews, "url": address, "pos": a.pos}
	if a.upload {
		m["fileName"] = file
	}
	return m
}

// base is the address under which this request reached the server.
func (q *call) base() string {
	scheme := "http"
	if q.r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + q.r.Host
}

func (q *call) showChecklist(l *checklist, items, itemFields string) map[string]any {
	m := over(over(map[string]any{"creationMethod": nil}, l.extra), map[string]any{"id": l.id, "name": l.name, "idCard": l.card.id, "idBoard": l.card.board.id, "pos": l.pos,
		"limits": map[string]any{"checkItems": map[string]any{"perChecklist": told(q.s.limits.CheckItemsPerChecklist, len(l.items))}}})
	m = q.fields(items, m, nil)
	if v := q.str("checkItems"); v != "none" {
		all := make([]any, 0, len(l.items))
		for _, i := range l.sorted() {
			all = append(all, q.fields(itemFields, showItem(l, i), nil))
		}
		m["checkItems"] = all
	}
	return m
}

func showItem(l *checklist, i *checkItem) map[string]any {
	state := "incomplete"
	if i.done {
		state = "complete"
	}
	return over(over(map[string]any{"nameData": nil, "type": nil, "creationMethod": nil}, i.extra), map[string]any{"id": i.id, "idChecklist": l.id,
		"name": i.name, "state": state, "pos": i.pos, "due": when(i.due), "dueReminder": i.reminder, "idMember": idOf(i.member)})
}

func showSticker(k *sticker) map[string]any {
	return over(over(map[string]any{"imageUrl": "https://trello.com/images/stickers/" + k.image + ".png", "imageScaled": []any{}}, k.extra),
		map[string]any{"id": k.id, "image": k.image, "top": k.top, "left": k.left, "zIndex": k.z, "rotate": k.rotate})
}

func (s *Server) showField(f *field) map[string]any {
	m := map[string]any{"id": f.id, "idModel": f.board.id, "modelType": "board", "fieldGroup": f.group, "name": f.name, "pos": f.pos, "type": f.typ,
		"display": map[string]any{"cardFront": f.front}, "isSuggestedField": false,
		"limits": map[string]any{"customFieldOptions": map[string]any{"perField": told(s.limits.OptionsPerCustomField, len(f.options))}}}
	if f.typ == "list" {
		all := make([]any, len(f.options))
		for i, o := range f.options {
			all[i] = showOption(f, o)
		}
		m["options"] = all
	}
	return m
}

func showOption(f *field, o *option) map[string]any {
	return map[string]any{"id": o.id, "_id": o.id, "idCustomField": f.id, "value": map[string]any{"text": o.text}, "color": o.color, "pos": o.pos}
}

func showValue(c *card, v *value) map[string]any {
	m := map[string]any{"id": v.id, "idCustomField": v.field.id, "idModel": c.id, "modelType": "card", "value": nil, "idValue": nil}
	if v.option != nil {
		m["idValue"] = v.option.id
		return m
	}
	m["value"] = v.value
	delete(m, "idValue")
	return m
}

func (s *Server) showMember(m *member) map[string]any {
	out := over(over(map[string]any{"aaBlockSyncUntil": nil, "activityBlocked": false, "bioData": map[string]any{"emoji": map[string]any{}}, "idEnterprise": nil,
		"idEnterprisesDeactivated": []any{}, "idMemberReferrer": nil, "idPremOrgsAdmin": []any{}, "memberType": "normal", "nonPublic": map[string]any{},
		"nonPublicAvailable": true, "products": []any{}, "status": "disconnected"}, m.extra), map[string]any{
		"id": m.id, "username": m.username, "fullName": m.fullName, "initials": m.initials, "bio": m.bio, "confirmed": !m.unconfirmed,
		"avatarHash": nullable(m.avatarHash), "avatarUrl": nullable(m.avatarURL), "url": "https://trello.com/" + m.username, "email": nil})
	if m != s.me {
		return out // other people's addresses are not told
	}
	out["email"] = nullable(m.email)
	out["loginTypes"], out["prefs"], out["trophies"], out["uploadedAvatarHash"], out["uploadedAvatarUrl"] = []any{"password"}, map[string]any{"locale": "en-US", "colorBlind": false,
		"sendSummaries": false, "minutesBetweenSummaries": -1, "minutesBeforeDeadlineToNotify": 1440,
		"privacy": map[string]any{"fullName": "public", "avatar": "public"}}, []any{}, nil, nil
	out["premiumFeatures"], out["isAaMastered"], out["oneTimeMessagesDismissed"], out["avatarSource"] = []any{}, false, []any{}, "none"
	out["gravatarHash"], out["marketingOptIn"], out["messagesDismissed"], out["limits"] = "00000000000000000000000000000000", map[string]any{"optedIn": false, "date": when(idTime(m.id))}, []any{}, map[string]any{}
	boards, orgs := []string{}, []string{}
	for _, b := range s.boards {
		if b.membership(m) != nil {
			boards = append(boards, b.id)
		}
	}
	for _, o := range s.orgs {
		if membershipOf(o.memberships, m) != nil {
			orgs = append(orgs, o.id)
		}
	}
	out["idBoards"], out["idOrganizations"] = boards, orgs
	return out
}

func (s *Server) showOrg(o *org) map[string]any {
	boards := []string{}
	for _, b := range s.boards {
		if b.org == o {
			boards = append(boards, b.id)
		}
	}
	return over(over(map[string]any{"logoHash": nil, "logoUrl": nil, "products": []any{}, "powerUps": []any{}, "offering": "trello.standard",
		"idEnterprise": nil, "premiumFeatures": []any{}, "prefs": map[string]any{"permissionLevel": "private"}, "limits": map[string]any{}}, o.extra), map[string]any{
		"id": o.id, "name": o.name, "displayName": o.displayName, "desc": o.desc, "descData": textData(o.desc), "website": nullable(o.website),
		"teamType": o.teamType, "url": "https://trello.com/w/" + o.name, "idBoards": boards, "memberships": showMemberships(o.memberships),
		"idMemberCreator": idOf(o.creator),
	})
}

func (s *Server) showAction(q *call, a *action, nested string) map[string]any {
	data := maps.Clone(a.details())
	if a.board != nil && data["board"] == nil {
		data["board"] = briefBoard(a.board)
	}
	m := over(over(map[string]any{"appCreator": nil, "limits": map[string]any{}}, a.extra), map[string]any{"id": a.id, "idMemberCreator": idOf(a.creator),
		"type": a.typ, "date": when(a.date), "data": data})
	if a.typ == "commentCard" {
		m["limits"] = map[string]any{"reactions": map[string]any{"perAction": told(1000, len(a.reacts)), "uniquePerAction": told(s.limits.UniqueReactionsPerThing, 0)}}
	}
	m = q.fields(nested+"fields", m, nil)
	if a.creator != nil && q.str(nested+"memberCreator") != "false" {
		m["memberCreator"] = q.fields(nested+"memberCreator_fields", s.showMember(a.creator), memberFields)
	}
	if a.subject != nil && q.str(nested+"member") != "false" {
		m["member"] = q.fields(nested+"member_fields", s.showMember(a.subject), memberFields)
	}
	return m
}

func briefBoard(b *board) map[string]any {
	return map[string]any{"id": b.id, "name": b.name, "shortLink": b.link}
}

func briefCard(c *card) map[string]any {
	return map[string]any{"id": c.id, "name": c.name, "idShort": c.short, "shortLink": c.link}
}

func briefList(l *list) map[string]any { return map[string]any{"id": l.id, "name": l.name} }
