package outlook

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/item"
)

// Extended properties, as Graph names them
// (https://learn.microsoft.com/en-us/graph/api/resources/extended-properties-overview).
const (
	messageFlags = "Integer 0x0E07"    // PidTagMessageFlags: 1 read, 8 unsent
	deliveryTime = "SystemTime 0x0E06" // PidTagMessageDeliveryTime
	submitTime   = "SystemTime 0x0039" // PidTagClientSubmitTime
	lastVerb     = "Integer 0x1081"    // PidTagLastVerbExecuted: 102 answered (MS-OXOMSG, 2.2.1.21)
	lastIcon     = "Integer 0x1080"    // PidTagIconIndex: 261 answered (MS-OXOMSG, 2.2.1.10)
	ours         = "String {6b1c62a4-1f5b-4c1c-9a33-2f6f5a4f9d10} Name "
	markProperty = ours + "RialtoMark"  // where Exchange does not keep the Message-ID
	sentBytes    = ours + "RialtoBytes" // how many bytes its source had
	wasDraft     = ours + "RialtoDraft" // "1" for a message that was a draft, "0" for others
)

// A message as Graph tells of it.
type message struct {
	ID         string    `json:"id"`
	Etag       string    `json:"@odata.etag"`
	Folder     string    `json:"parentFolderId"`
	MessageID  string    `json:"internetMessageId"`
	Received   time.Time `json:"receivedDateTime"`
	Made       time.Time `json:"createdDateTime"`
	Read       bool      `json:"isRead"`
	Draft      bool      `json:"isDraft"`
	Categories []string  `json:"categories"`
	Flag       struct {
		Status string `json:"flagStatus"`
	} `json:"flag"`
	Properties []property `json:"singleValueExtendedProperties"`
}

type property struct {
	ID    string `json:"id"`
	Value string `json:"value"`
}

// told asks for what a message is made an item of.
func told() url.Values {
	var ids []string
	for _, id := range []string{lastVerb, markProperty, sentBytes, wasDraft} {
		ids = append(ids, "id eq '"+id+"'")
	}
	return url.Values{
		"$select": {"id,parentFolderId,internetMessageId,receivedDateTime,createdDateTime,isRead,isDraft,categories,flag"},
		"$expand": {"singleValueExtendedProperties($filter=" + strings.Join(ids, " or ") + ")"},
	}
}

func (m *message) property(id string) string {
	for _, p := range m.Properties {
		if strings.EqualFold(p.ID, id) {
			return p.Value
		}
	}
	return ""
}

// mark is what the message is found by.
func (m *message) mark() string {
	if p := m.property(markProperty); p != "" {
		return p
	}
	return mail.Mark([]byte("Message-ID: " + m.MessageID + "\r\n"))
}

// messageBundle is a message as an item. Where its bytes are says whose it is.
func (b *box) messageBundle(m *message) item.Bundle {
	in := item.Ref{Kind: item.Folder, ID: m.Folder}
	it := item.Item{Ref: item.Ref{Kind: item.Message, ID: m.ID}, Parent: in, URL: m.mark()}
	var flags []string
	if m.property(lastVerb) == "102" {
		flags = append(flags, `\Answered`)
	}
	if draft := m.property(wasDraft); draft == "1" || draft == "" && m.Draft {
		flags = append(flags, `\Draft`)
	}
	if m.Flag.Status == "flagged" {
		flags = append(flags, `\Flagged`)
	}
	if m.Read {
		flags = append(flags, `\Seen`)
	}
	for _, c := range m.Categories {
		if c != "" {
			flags = append(flags, c)
		}
	}
	if slices.Sort(flags); len(flags) > 0 {
		item.Flags.Set(&it, slices.Compact(flags))
	}
	if !m.Received.IsZero() {
		item.Received.Set(&it, m.Received.UTC())
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: in, URL: b.at(m.ID), Bytes: -1}
	return item.Bundle{Item: it, CheckItems: -1}
}

// change is the body of the second step: what flags say, in full, so that it is safe
// to repeat.
func change(flags []string) map[string]any {
	has := func(flag string) bool {
		return slices.ContainsFunc(flags, func(f string) bool { return strings.EqualFold(f, flag) })
	}
	status, verb, icon, draft, bits := "notFlagged", "0", "-1", "0", 0
	if has(`\Flagged`) {
		status = "flagged"
	}
	if has(`\Answered`) {
		verb, icon = "102", "261"
	}
	if has(`\Seen`) {
		bits |= 1
	}
	if has(`\Draft`) {
		draft = "1"
		bits |= 8
	}
	categories := []string{}
	for _, f := range flags {
		if !strings.HasPrefix(f, `\`) {
			categories = append(categories, f)
		}
	}
	return map[string]any{
		"isRead": has(`\Seen`), "flag": map[string]any{"flagStatus": status}, "categories": categories,
		"singleValueExtendedProperties": []property{{messageFlags, itoa(bits)}, {lastVerb, verb}, {lastIcon, icon}, {wasDraft, draft}},
	}
}
