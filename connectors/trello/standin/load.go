package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"
)

// An export is a board as Trello's "Print, export and share" writes it as
// JSON, or as nested reads of the API answer it. Fields that are not here stay
// in the objects' extra and are given back as they came.
type export struct {
	exportBoard
	Lists        []exportList      `json:"lists"`
	Labels       []exportLabel     `json:"labels"`
	Members      []exportMember    `json:"members"`
	Cards        []exportCard      `json:"cards"`
	Checklists   []exportChecklist `json:"checklists"`
	CustomFields []exportField     `json:"customFields"`
	Actions      []exportAction    `json:"actions"`
	PluginData   []any             `json:"pluginData"`
}

type exportBoard struct {
	ID               string             `json:"id"`
	Name             string             `json:"name"`
	Desc             string             `json:"desc"`
	ShortLink        string             `json:"shortLink"`
	ShortURL         string             `json:"shortUrl"`
	Closed           bool               `json:"closed"`
	Starred          bool               `json:"starred"`
	Subscribed       bool               `json:"subscribed"`
	IDOrganization   string             `json:"idOrganization"`
	IDMemberCreator  string             `json:"idMemberCreator"`
	Prefs            map[string]any     `json:"prefs"`
	LabelNames       map[string]string  `json:"labelNames"`
	DateLastActivity time.Time          `json:"dateLastActivity"`
	Memberships      []exportMembership `json:"memberships"`
	extra            map[string]any
}

type exportMembership struct {
	ID         string `json:"id"`
	IDMember   string `json:"idMember"`
	MemberType string `json:"memberType"`
	extra      map[string]any
}

type exportList struct {
	ID         string  `json:"id"`
	Name       string  `json:"name"`
	IDBoard    string  `json:"idBoard"`
	Closed     bool    `json:"closed"`
	Subscribed bool    `json:"subscribed"`
	Pos        float64 `json:"pos"`
	extra      map[string]any
}

type exportLabel struct {
	ID      string `json:"id"`
	IDBoard string `json:"idBoard"`
	Name    string `json:"name"`
	Color   string `json:"color"`
	extra   map[string]any
}

type exportMember struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	FullName   string `json:"fullName"`
	Initials   string `json:"initials"`
	Bio        string `json:"bio"`
	AvatarHash string `json:"avatarHash"`
	AvatarURL  string `json:"avatarUrl"`
	Confirmed  *bool  `json:"confirmed"`
	Email      string `json:"email"`
	extra      map[string]any
}

type exportCard struct {
	ID               string             `json:"id"`
	Name             string             `json:"name"`
	Desc             string             `json:"desc"`
	ShortLink        string             `json:"shortLink"`
	ShortURL         string             `json:"shortUrl"`
	IDShort          int                `json:"idShort"`
	IDBoard          string             `json:"idBoard"`
	IDList           string             `json:"idList"`
	Closed           bool               `json:"closed"`
	Subscribed       bool               `json:"subscribed"`
	DueComplete      bool               `json:"dueComplete"`
	IsTemplate       bool               `json:"isTemplate"`
	ManualCover      bool               `json:"manualCoverAttachment"`
	Pos              float64            `json:"pos"`
	Due              time.Time          `json:"due"`
	Start            time.Time          `json:"start"`
	DueReminder      any                `json:"dueReminder"`
	DateLastActivity time.Time          `json:"dateLastActivity"`
	IDLabels         []string           `json:"idLabels"`
	Labels           []exportLabel      `json:"labels"`
	IDMembers        []string           `json:"idMembers"`
	IDMembersVoted   []string           `json:"idMembersVoted"`
	IDCover          string             `json:"idAttachmentCover"`
	Cover            map[string]any     `json:"cover"`
	Attachments      []exportAttachment `json:"attachments"`
	Checklists       []exportChecklist  `json:"checklists"`
	Stickers         []exportSticker    `json:"stickers"`
	CustomFieldItems []exportValue      `json:"customFieldItems"`
	PluginData       []any              `json:"pluginData"`
	Badges           struct {
		Comments int `json:"comments"`
	} `json:"badges"`
	extra map[string]any
}

type exportAttachment struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	FileName  string    `json:"fileName"`
	URL       string    `json:"url"`
	MimeType  string    `json:"mimeType"`
	IDMember  string    `json:"idMember"`
	IsUpload  bool      `json:"isUpload"`
	Bytes     *int64    `json:"bytes"`
	Date      time.Time `json:"date"`
	Pos       float64   `json:"pos"`
	EdgeColor any       `json:"edgeColor"`
	Previews  []any     `json:"previews"`
}

type exportChecklist struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	IDCard     string       `json:"idCard"`
	Pos        float64      `json:"pos"`
	CheckItems []exportItem `json:"checkItems"`
	extra      map[string]any
}

type exportItem struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	State    string    `json:"state"`
	Pos      float64   `json:"pos"`
	Due      time.Time `json:"due"`
	Reminder any       `json:"dueReminder"`
	IDMember string    `json:"idMember"`
	extra    map[string]any
}

type exportSticker struct {
	ID     string  `json:"id"`
	Image  string  `json:"image"`
	Top    float64 `json:"top"`
	Left   float64 `json:"left"`
	ZIndex float64 `json:"zIndex"`
	Rotate float64 `json:"rotate"`
	extra  map[string]any
}

type exportField struct {
	ID         string         `json:"id"`
	IDModel    string         `json:"idModel"`
	FieldGroup string         `json:"fieldGroup"`
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Pos        float64        `json:"pos"`
	Options    []exportOption `json:"options"`
	Display    struct {
		CardFront bool `json:"cardFront"`
	} `json:"display"`
}

type exportOption struct {
	ID    string `json:"id"`
	OldID string `json:"_id"`
	Value struct {
		Text string `json:"text"`
	} `json:"value"`
	Color string  `json:"color"`
	Pos   float64 `json:"pos"`
}

type exportValue struct {
	ID            string         `json:"id"`
	IDCustomField string         `json:"idCustomField"`
	IDValue       string         `json:"idValue"`
	Value         map[string]any `json:"value"`
}

type exportAction struct {
	ID              string         `json:"id"`
	Type            string         `json:"type"`
	IDMemberCreator string         `json:"idMemberCreator"`
	Date            time.Time      `json:"date"`
	Data            map[string]any `json:"data"`
	MemberCreator   *exportMember  `json:"memberCreator"`
	Member          *exportMember  `json:"member"`
	extra           map[string]any
}

// Load implements standin.Cloud: a board's JSON export, or a JSON array of
// actions (a dump of its comments) of a board that is loaded already. It keeps
// ids, short links, dates and people. Nothing is loaded if anything is wrong.
func (s *Server) Load(name string, r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("%s cannot be read: %w", name, err)
	}
	data = bytes.TrimPrefix(bytes.TrimSpace(data), []byte("\xef\xbb\xbf"))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case bytes.HasPrefix(data, []byte("{")):
		err = s.loadBoard(data)
	case bytes.HasPrefix(data, []byte("[")):
		err = s.loadActions(data)
	case len(data) == 0:
		err = errors.New("it is empty")
	default:
		err = errors.New("it is not JSON: export the board from Trello with Print, export and share, Export as JSON")
	}
	if err != nil {
		return fmt.Errorf("%s cannot be loaded: %w", name, err)
	}
	return nil
}

// decode reads JSON into v with an error that says where and what is wrong.
func decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		if syntax.Offset >= int64(len(data)) {
			return fmt.Errorf("it is cut off after %d bytes: export the board again", len(data))
		}
		return fmt.Errorf("it is not JSON at byte %d: export the board again", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Errorf("field %q is a %s where an export has a %s", typ.Field, typ.Value, typ.Type)
	}
	return err
}

func (s *Server) loadBoard(data []byte) error {
	var e export
	if err := decode(data, &e); err != nil {
		return err
	}
	if !isID(e.ID) || e.Lists == nil || e.Cards == nil {
		return errors.New("it is not an export of a board: it needs an id, lists and cards")
	}
	if err := e.check(s); err != nil {
		return err
	}
	b := s.putBoard(e.exportBoard)
	b.pluginData = e.PluginData
	for _, m := range e.Members {
		s.putMember(m)
	}
	s.putMemberships(b, e.Memberships)
	for _, l := range e.Labels {
		s.putLabel(b, l)
	}
	for _, f := range e.CustomFields {
		s.putField(b, f)
	}
	for _, l := range e.Lists {
		s.putList(b, l)
	}
	for _, c := range e.Cards {
		s.putCard(b, s.ids[c.IDList].(*list), c)
	}
	for _, l := range e.Checklists {
		if c, ok := s.ids[l.IDCard].(*card); ok {
			s.putChecklist(c, l)
		}
	}
	s.putActions(e.Actions)
	return nil
}

// check refuses an export that does not hold together, or whose things are
// here already.
func (e *export) check(s *Server) error {
	seen := map[string]bool{}
	once := func(id string) error {
		if !isID(id) {
			return fmt.Errorf("%q is not an id of Trello", id)
		}
		if seen[id] {
			return fmt.Errorf("the id %s stands twice", id)
		}
		if s.ids[id] != nil {
			return fmt.Errorf("%s is loaded already", id)
		}
		seen[id] = true
		return nil
	}
	ids := []string{e.ID}
	for _, l := range e.Labels {
		ids = append(ids, l.ID)
	}
	for _, f := range e.CustomFields {
		ids = append(ids, f.ID)
	}
	lists := map[string]bool{}
	for _, l := range e.Lists {
		ids = append(ids, l.ID)
		lists[l.ID] = true
	}
	for _, c := range e.Cards {
		ids = append(ids, c.ID)
		if !lists[c.IDList] {
			return fmt.Errorf("card %s lies in list %s, which is not in the export", c.ID, c.IDList)
		}
		for _, l := range c.Checklists {
			ids = append(ids, l.ID)
		}
	}
	for _, l := range e.Checklists {
		ids = append(ids, l.ID)
	}
	for _, id := range ids {
		if err := once(id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) loadActions(data []byte) error {
	var all []exportAction
	if err := decode(data, &all); err != nil {
		return err
	}
	for _, a := range all {
		brief, _ := a.Data["board"].(map[string]any)
		id, _ := brief["id"].(string)
		if _, ok := s.ids[id].(*board); !ok {
			return fmt.Errorf("action %s is of board %s: load the export of that board first", a.ID, id)
		}
	}
	s.putActions(all)
	return nil
}

// rest is what an object holds beyond the fields that are known.
func rest(data []byte, known ...string) map[string]any {
	var m map[string]any
	if json.Unmarshal(data, &m) != nil {
		return nil // the caller decodes the same bytes and reports it
	}
	maps.DeleteFunc(m, func(k string, _ any) bool { return slices.Contains(known, k) })
	return m
}

// UnmarshalJSON keeps what is not known, as do those that follow.
func (e *exportBoard) UnmarshalJSON(data []byte) error {
	type plain exportBoard
	if err := json.Unmarshal(data, (*plain)(e)); err != nil {
		return err
	}
	e.extra = rest(data, "lists", "labels", "members", "cards", "checklists", "customFields", "actions", "pluginData", "url", "limits", "memberships", "descData")
	return nil
}

// UnmarshalJSON reads the board itself and what lies in it.
func (e *export) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &e.exportBoard); err != nil {
		return err
	}
	inner := struct {
		Lists        *[]exportList      `json:"lists"`
		Labels       *[]exportLabel     `json:"labels"`
		Members      *[]exportMember    `json:"members"`
		Cards        *[]exportCard      `json:"cards"`
		Checklists   *[]exportChecklist `json:"checklists"`
		CustomFields *[]exportField     `json:"customFields"`
		Actions      *[]exportAction    `json:"actions"`
		PluginData   *[]any             `json:"pluginData"`
	}{&e.Lists, &e.Labels, &e.Members, &e.Cards, &e.Checklists, &e.CustomFields, &e.Actions, &e.PluginData}
	return json.Unmarshal(data, &inner)
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportMembership) UnmarshalJSON(data []byte) error {
	type plain exportMembership
	e.extra = rest(data)
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportList) UnmarshalJSON(data []byte) error {
	type plain exportList
	e.extra = rest(data, "limits", "cards")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportLabel) UnmarshalJSON(data []byte) error {
	type plain exportLabel
	e.extra = rest(data, "uses", "limits")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportMember) UnmarshalJSON(data []byte) error {
	type plain exportMember
	e.extra = rest(data, "email")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportCard) UnmarshalJSON(data []byte) error {
	type plain exportCard
	e.extra = rest(data, "attachments", "checklists", "stickers", "customFieldItems", "pluginData", "badges", "labels", "limits", "url", "descData", "members", "actions", "idChecklists", "checkItemStates", "membersVoted")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportChecklist) UnmarshalJSON(data []byte) error {
	type plain exportChecklist
	e.extra = rest(data, "limits", "checkItems")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportItem) UnmarshalJSON(data []byte) error {
	type plain exportItem
	e.extra = rest(data, "limits")
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportSticker) UnmarshalJSON(data []byte) error {
	type plain exportSticker
	e.extra = rest(data)
	return json.Unmarshal(data, (*plain)(e))
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *exportAction) UnmarshalJSON(data []byte) error {
	type plain exportAction
	e.extra = rest(data, "memberCreator", "member", "limits", "display", "entities")
	return json.Unmarshal(data, (*plain)(e))
}
