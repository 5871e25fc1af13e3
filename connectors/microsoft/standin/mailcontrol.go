package standin

import (
	"encoding/json"
	"slices"
	"strings"
)

func decode(raw json.RawMessage, into any) bool { return json.Unmarshal(raw, into) == nil }

// A Letter is a message as it stands in a mailbox.
type Letter struct {
	ID, Folder, MessageID string // Folder is the path of names
	Received              string // RFC 3339
	Read, Draft, Flagged  bool
	Categories            []string
}

// Letters lists what lies in a person's mailbox, by folder and Message-ID.
func (s *Server) Letters(user string) []Letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.mailboxOf(s.findUser(user).id)
	var out []Letter
	for _, m := range b.messages {
		out = append(out, Letter{ID: m.id, Folder: b.path(m.folder), MessageID: m.messageID, Received: stampSeconds(m.received), Read: m.read, Draft: m.draft,
			Flagged: m.flag == "flagged", Categories: m.categories})
	}
	slices.SortFunc(out, func(x, y Letter) int { return strings.Compare(x.Folder+x.MessageID+x.ID, y.Folder+y.MessageID+y.ID) })
	return out
}

func (b *mailbox) path(id string) string {
	f := b.folders[id]
	if f == nil {
		return ""
	}
	return b.path(f.parent) + "/" + f.name
}

// Folders lists the paths of a person's folders, hidden ones too.
func (s *Server) Folders(user string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.mailboxOf(s.findUser(user).id)
	var out []string
	for id := range b.folders {
		out = append(out, b.path(id))
	}
	slices.Sort(out)
	return out
}
