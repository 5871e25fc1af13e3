package standin

import (
	"net/http"
	"unicode/utf16"
)

// Limits are how many objects Trello holds and how long texts may be; 0 means
// no limit. They vary by account
// (https://developer.atlassian.com/cloud/trello/guides/rest-api/limits/).
type Limits struct {
	TextChars               int   // names, descriptions, comments, in UTF-16 units
	AttachmentNameChars     int   //
	UploadBytes             int64 // one file
	AttachmentsPerCard      int
	ChecklistsPerCard       int
	CheckItemsPerChecklist  int
	StickersPerCard         int
	OpenCardsPerBoard       int
	OpenCardsPerList        int
	OpenListsPerBoard       int
	LabelsPerBoard          int
	CustomFieldsPerBoard    int
	OptionsPerCustomField   int
	AttachmentsPerBoard     int
	BoardsPerWorkspace      int // of a free workspace: 10
	CardsPerRequest         int // in one answer, else API_TOO_MANY_CARDS_REQUESTED
	ActionsPerRequest       int
	UniqueReactionsPerThing int
}

// DocumentedLimits are those of the recorded boards, and of the contract for
// texts and names. How large a file may be depends on the plan: 10 MB, or 250 MB
// where it is paid for (Trello's help on attachments); this is the latter.
func DocumentedLimits() Limits {
	return Limits{TextChars: 16384, AttachmentNameChars: 256, UploadBytes: 250 << 20,
		AttachmentsPerCard: 1000, ChecklistsPerCard: 500, CheckItemsPerChecklist: 200, StickersPerCard: 70,
		OpenCardsPerBoard: 5000, OpenCardsPerList: 5000, OpenListsPerBoard: 500, LabelsPerBoard: 1000,
		CustomFieldsPerBoard: 50, OptionsPerCustomField: 50, AttachmentsPerBoard: 36000, ActionsPerRequest: 1000,
		UniqueReactionsPerThing: 17}
}

// check refuses the one that would be too many. Trello names the limit in an
// error of the form BOARD_TOO_MANY_LABELS; the documentation does not list them.
func check(limit, now int, code string) error {
	if limit > 0 && now >= limit {
		return &refusal{status: http.StatusForbidden, code: code, message: "This limit has been reached"}
	}
	return nil
}

func chars(s string) int { return len(utf16.Encode([]rune(s))) }

// told is a limit as the API shows it.
func told(limit, now int) map[string]any {
	if limit == 0 {
		limit = 1000000
	}
	warn := limit * 9 / 10
	status := "ok"
	switch {
	case now >= limit:
		status = "disabled"
	case now >= warn:
		status = "warn"
	}
	m := map[string]any{"status": status, "disableAt": limit, "warnAt": warn}
	if status != "ok" {
		m["count"] = now
	}
	return m
}

func (s *Server) cardLimits(c *card) map[string]any {
	return map[string]any{
		"attachments": map[string]any{"perCard": told(s.limits.AttachmentsPerCard, len(c.attachments))},
		"checklists":  map[string]any{"perCard": told(s.limits.ChecklistsPerCard, len(c.checklists))},
		"stickers":    map[string]any{"perCard": told(s.limits.StickersPerCard, len(c.stickers))},
	}
}

func (s *Server) listLimits(l *list) map[string]any {
	return map[string]any{"cards": map[string]any{
		"openPerList":  told(s.limits.OpenCardsPerList, l.open()),
		"totalPerList": told(1000000, 0),
	}}
}

func (s *Server) boardLimits(b *board) map[string]any {
	attachments := 0
	for _, c := range b.cards {
		attachments += len(c.attachments)
	}
	return map[string]any{
		"attachments": map[string]any{"perBoard": told(s.limits.AttachmentsPerBoard, attachments), "perCard": told(s.limits.AttachmentsPerCard, 0)},
		"boards":      map[string]any{"totalMembersPerBoard": told(1600, len(b.memberships)), "totalAccessRequestsPerBoard": told(4000, 0)},
		"cards": map[string]any{"openPerBoard": told(s.limits.OpenCardsPerBoard, b.open()), "openPerList": told(s.limits.OpenCardsPerList, 0),
			"totalPerBoard": told(2000000, len(b.cards)), "totalPerList": told(1000000, 0)},
		"checklists":         map[string]any{"perBoard": told(2000000, 0), "perCard": told(s.limits.ChecklistsPerCard, 0)},
		"checkItems":         map[string]any{"perChecklist": told(s.limits.CheckItemsPerChecklist, 0)},
		"customFields":       map[string]any{"perBoard": told(s.limits.CustomFieldsPerBoard, len(b.fields))},
		"customFieldOptions": map[string]any{"perField": told(s.limits.OptionsPerCustomField, 0)},
		"labels":             map[string]any{"perBoard": told(s.limits.LabelsPerBoard, len(b.labels))},
		"lists":              map[string]any{"openPerBoard": told(s.limits.OpenListsPerBoard, b.openLists()), "totalPerBoard": told(3000, len(b.lists))},
		"stickers":           map[string]any{"perCard": told(s.limits.StickersPerCard, 0)},
		"reactions":          map[string]any{"perAction": told(1000, 0), "uniquePerAction": told(s.limits.UniqueReactionsPerThing, 0)},
	}
}
