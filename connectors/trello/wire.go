package trello

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The types in this file are Trello's JSON as the contract
// (developer.atlassian.com/cloud/trello, OpenAPI "trello-swagger.v3.json"), the
// board export and recorded answers of api.trello.com show it.

// board is a board with what is nested in it: an answer of GET /boards/{id}
// and an export alike.
type board struct {
	ID           text              `json:"id"`
	Name         text              `json:"name"`
	Desc         text              `json:"desc"`
	Closed       flag              `json:"closed"`
	Organization text              `json:"idOrganization"`
	Active       moment            `json:"dateLastActivity"`
	Prefs        object[boardPref] `json:"prefs"`
	URL          text              `json:"url"`
	ShortURL     text              `json:"shortUrl"`
	ShortLink    text              `json:"shortLink"`
	LabelNames   object[colorName] `json:"labelNames"`
	Lists        list[column]      `json:"lists"`
	Labels       list[label]       `json:"labels"`
	Members      list[member]      `json:"members"`
	Memberships  list[membership]  `json:"memberships"`
	Checklists   list[checklist]   `json:"checklists"`
	CustomFields list[customField] `json:"customFields"`
	Cards        list[card]        `json:"cards"`
	Actions      list[action]      `json:"actions"`

	strays []string
}

type colorName map[string]text

type boardPref struct {
	Level text `json:"permissionLevel"`
}

func (b *board) UnmarshalJSON(raw []byte) error {
	type plain board
	if err := lenient(raw, (*plain)(b)); err != nil {
		return err
	}
	b.strays = strays(raw, knownOfBoard)
	f, _ := face{b.Name, b.Desc, b.Closed}.bare() // the note of a cut-over is none of what people have in a board
	b.Name, b.Desc, b.Closed = f.Name, f.Desc, f.Closed
	return nil
}

// knownOfBoard names the keys of a board that are carried, follow from what is
// carried, or are the reader's own state (pinned, starred, subscribed, the last
// view).
func knownOfBoard(k string) bool {
	switch k {
	case "id", "name", "desc", "closed", "url", "shortUrl", "shortLink", "labelNames", "lists", "labels", "members",
		"checklists", "customFields", "cards", "actions":
		return true
	case "idOrganization", "idEnterprise", "enterpriseOwned", "organization", "idMemberCreator", "nodeId", "descData", "limits",
		"dateLastActivity", "dateClosed", "creationMethod", "ixUpdate", "datePluginDisable", "idBoardSource", "premiumFeatures", "type",
		"memberships", "invited", "pinned", "starred", "subscribed", "dateLastView", "myPrefs", "boardStars":
		return true
	}
	return false
}

type column struct {
	ID     text   `json:"id"`
	Name   text   `json:"name"`
	Closed flag   `json:"closed"`
	Board  text   `json:"idBoard"`
	Pos    number `json:"pos"`

	strays []string
}

func (c *column) UnmarshalJSON(raw []byte) error {
	type plain column
	if err := lenient(raw, (*plain)(c)); err != nil {
		return err
	}
	c.strays = strays(raw, func(k string) bool {
		switch k {
		case "id", "name", "closed", "idBoard", "pos", "limits", "creationMethod", "subscribed", "cards", "idOrganization", "nodeId":
			return true
		}
		return false
	})
	return nil
}

type label struct {
	ID    text `json:"id"`
	Board text `json:"idBoard"`
	Name  text `json:"name"`
	Color text `json:"color"`
}

type member struct {
	ID       text `json:"id"`
	FullName text `json:"fullName"`
	UserName text `json:"username"`
	Email    text `json:"email"`
	Type     text `json:"memberType"` // normal or ghost, where it is told
}

type membership struct {
	Member      text `json:"idMember"`
	Type        text `json:"memberType"`
	Deactivated flag `json:"deactivated"`
	Unconfirmed flag `json:"unconfirmed"`
}

// card is a card with what may be nested in it.
type card struct {
	ID            text                  `json:"id"`
	Name          text                  `json:"name"`
	Desc          text                  `json:"desc"`
	Closed        flag                  `json:"closed"`
	Board         text                  `json:"idBoard"`
	List          text                  `json:"idList"`
	Pos           number                `json:"pos"`
	Start         moment                `json:"start"`
	Due           moment                `json:"due"`
	DueComplete   flag                  `json:"dueComplete"`
	DueReminder   text                  `json:"dueReminder"`
	Active        moment                `json:"dateLastActivity"`
	LabelIDs      list[text]            `json:"idLabels"`
	Labels        list[label]           `json:"labels"`
	MemberIDs     list[text]            `json:"idMembers"`
	Voters        list[text]            `json:"idMembersVoted"`
	Creator       text                  `json:"idMemberCreator"`
	Cover         object[cover]         `json:"cover"`
	CoverID       text                  `json:"idAttachmentCover"`
	Address       text                  `json:"address"`
	LocationName  text                  `json:"locationName"`
	Coordinates   place                 `json:"coordinates"`
	Badges        object[badges]        `json:"badges"`
	ShortLink     text                  `json:"shortLink"`
	ShortURL      text                  `json:"shortUrl"`
	URL           text                  `json:"url"`
	Attachments   list[attachment]      `json:"attachments"`
	Checklists    list[checklist]       `json:"checklists"`
	FieldItems    list[customFieldItem] `json:"customFieldItems"`
	Stickers      list[sticker]         `json:"stickers"`
	PluginData    list[pluginDatum]     `json:"pluginData"`
	Actions       list[action]          `json:"actions"`
	strays        []string
	repeatedNotes []string
}

func (c *card) UnmarshalJSON(raw []byte) error {
	type plain card
	if err := lenient(raw, (*plain)(c)); err != nil {
		return err
	}
	c.strays = strays(raw, knownOfCard)
	return nil
}

// knownOfCard names the keys of a card that are carried, those that follow from
// what is carried, and those that must not be: subscribed is the reader's own
// state, and email is a capability to post on the card.
func knownOfCard(k string) bool {
	switch k {
	case "id", "name", "desc", "closed", "idBoard", "idList", "pos", "start", "due", "dueComplete", "dueReminder", "idLabels", "labels",
		"idMembers", "idMembersVoted", "idMemberCreator", "cover", "idAttachmentCover", "address", "locationName", "coordinates", "badges",
		"shortLink", "shortUrl", "url", "attachments", "checklists", "customFieldItems", "stickers", "pluginData", "actions":
		return true
	case "idChecklists", "checkItemStates", "idShort", "descData", "dateLastActivity", "limits", "creationMethod", "creationMethodError",
		"creationMethodLoadingStartedAt", "manualCoverAttachment", "members", "membersVoted", "list", "board", "nodeId", "idOrganization",
		"staticMapUrl", "dateClosed", "subscribed", "email":
		return true
	}
	return false
}

type badges struct {
	CheckItems  count `json:"checkItems"`
	Comments    count `json:"comments"`
	Attachments count `json:"attachments"`
	Votes       count `json:"votes"`
}

type cover struct {
	Attachment text `json:"idAttachment"`
	Color      text `json:"color"`
	Background text `json:"idUploadedBackground"`
	SourceURL  text `json:"sharedSourceUrl"`
}

// place is a card's coordinates: "lat,lon" in the contract, an object in newer
// answers.
type place string

func (p *place) UnmarshalJSON(b []byte) error {
	*p = ""
	var at object[struct {
		Lat text `json:"latitude"`
		Lon text `json:"longitude"`
	}]
	_ = at.UnmarshalJSON(b)
	s := string(at.v.Lat) + "," + string(at.v.Lon)
	if len(b) > 0 && b[0] == '"' {
		_ = json.Unmarshal(b, &s)
	}
	*p = place(coordinates(s))
	return nil
}

// coordinates returns "lat,lon" in one canonical form, or "" for anything else.
func coordinates(s string) string {
	a, b, ok := strings.Cut(s, ",")
	lat, errLat := strconv.ParseFloat(strings.TrimSpace(a), 64)
	lon, errLon := strconv.ParseFloat(strings.TrimSpace(b), 64)
	if !ok || errLat != nil || errLon != nil || !(lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180) {
		return ""
	}
	return strconv.FormatFloat(lat, 'f', -1, 64) + "," + strconv.FormatFloat(lon, 'f', -1, 64)
}

type attachment struct {
	ID       text   `json:"id"`
	Name     text   `json:"name"`
	URL      text   `json:"url"`
	Bytes    count  `json:"bytes"`
	Date     moment `json:"date"`
	Member   text   `json:"idMember"`
	IsUpload flag   `json:"isUpload"`
	MimeType text   `json:"mimeType"`
	Pos      number `json:"pos"`
}

// uploaded reports whether the bytes lie with Trello. Exports before 2018 do
// not say; a size and an address on Trello's bucket then tell.
func (a attachment) uploaded() bool {
	return bool(a.IsUpload) || a.Bytes.or(0) > 0 && strings.Contains(string(a.URL), "//trello-attachments.s3.amazonaws.com/")
}

type checklist struct {
	ID    text            `json:"id"`
	Name  text            `json:"name"`
	Board text            `json:"idBoard"`
	Card  text            `json:"idCard"`
	Pos   number          `json:"pos"`
	Items list[checkItem] `json:"checkItems"`
}

type checkItem struct {
	ID     text   `json:"id"`
	Name   text   `json:"name"`
	State  text   `json:"state"`
	Pos    number `json:"pos"`
	Due    moment `json:"due"`
	Member text   `json:"idMember"`
	// Reminder is in minutes before due; -1 for none.
	Reminder text `json:"dueReminder"`
}

type customField struct {
	ID      text                `json:"id"`
	Board   text                `json:"idModel"`
	Name    text                `json:"name"`
	Type    text                `json:"type"`
	Pos     number              `json:"pos"`
	Options list[option]        `json:"options"`
	Display object[displayForm] `json:"display"`
}

// displayForm is where the contract puts a field's name, position and options;
// the API itself sends them beside it.
type displayForm struct {
	Name    text         `json:"name"`
	Pos     number       `json:"pos"`
	Options list[option] `json:"options"`
}

func (f *customField) UnmarshalJSON(raw []byte) error {
	type plain customField
	if err := lenient(raw, (*plain)(f)); err != nil {
		return err
	}
	d := f.Display.v
	if f.Name == "" {
		f.Name = d.Name
	}
	if f.Pos == 0 {
		f.Pos = d.Pos
	}
	if len(f.Options) == 0 {
		f.Options = d.Options
	}
	slices.SortStableFunc(f.Options, func(a, b option) int { return byPos(a.Pos, b.Pos, a.ID, b.ID) })
	return nil
}

type option struct {
	ID    text               `json:"id"`
	Value object[fieldValue] `json:"value"`
	Pos   number             `json:"pos"`
}

// UnmarshalJSON reads the id where a list of options has it: under "_id".
func (o *option) UnmarshalJSON(raw []byte) error {
	type plain option
	var under struct {
		ID text `json:"_id"`
	}
	if err := lenient(raw, (*plain)(o)); err != nil {
		return err
	}
	if o.ID == "" && lenient(raw, &under) == nil {
		o.ID = under.ID
	}
	return nil
}

type customFieldItem struct {
	Field    text               `json:"idCustomField"`
	Value    object[fieldValue] `json:"value"`
	OptionID text               `json:"idValue"`
}

type fieldValue struct {
	Text    text `json:"text"`
	Number  text `json:"number"`
	Date    text `json:"date"`
	Checked text `json:"checked"`
}

type sticker struct {
	ID    text   `json:"id"`
	Image text   `json:"image"`
	Z     number `json:"zIndex"`
}

type pluginDatum struct {
	Plugin text `json:"idPlugin"`
	Scope  text `json:"scope"`
}

// action is one entry of a board's history: a comment is one of its types.
type action struct {
	ID      text               `json:"id"`
	Type    text               `json:"type"`
	Date    moment             `json:"date"`
	By      text               `json:"idMemberCreator"`
	Creator member             `json:"memberCreator"`
	Member  member             `json:"member"`
	Data    object[actionData] `json:"data"`

	Reactions list[json.RawMessage] `json:"reactions"`
}

type actionData struct {
	Text       text           `json:"text"`
	Edited     moment         `json:"dateLastEdited"`
	Card       object[named]  `json:"card"`
	Board      object[named]  `json:"board"`
	Attachment object[named]  `json:"attachment"`
	Original   text           `json:"idOriginalCommenter"`
	Commenter  object[member] `json:"originalCommenter"`
}

type named struct {
	ID text `json:"id"`
}

// by returns who did it: for a copied comment who had said it.
func (a action) by() string {
	if a.Data.v.Original != "" {
		return string(a.Data.v.Original)
	}
	if a.By != "" {
		return string(a.By)
	}
	return string(a.Creator.ID)
}

// comment reports whether the action is a comment.
func (a action) comment() bool { return a.Type == "commentCard" || a.Type == "copyCommentCard" }

// birth reports whether the action made the card it names.
func (a action) birth() bool {
	switch a.Type {
	case "createCard", "copyCard", "convertToCardFromCheckItem", "emailCard":
		return true
	}
	return false
}

type organization struct {
	ID          text             `json:"id"`
	Name        text             `json:"name"`
	DisplayName text             `json:"displayName"`
	Offering    text             `json:"offering"` // "trello.free" and others
	Enterprise  text             `json:"idEnterprise"`
	BoardIDs    list[text]       `json:"idBoards"`
	Memberships list[membership] `json:"memberships"`
}

// born tells when an object was made: the first eight hex digits of its id are
// seconds since 1970, as in every MongoDB object id.
func born(id string) time.Time {
	if len(id) != 24 {
		return time.Time{}
	}
	secs, err := strconv.ParseUint(id[:8], 16, 32)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(secs), 0).UTC()
}

// fullID reports whether s is a whole object id, not a short link.
func fullID(s string) bool {
	if len(s) != 24 {
		return false
	}
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= 'a' && r <= 'f') {
			return false
		}
	}
	return true
}
