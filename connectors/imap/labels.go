package imap

import (
	"strings"

	"github.com/rialto-migrate/rialto/connectors/mail"
)

// Gmail shows one message in the folder of each of its labels, and all of them in
// All Mail (https://developers.google.com/workspace/gmail/imap/imap-extensions). What
// the setting labels says decides where a message moves: to the folder of each label,
// to one folder with its labels as keywords, or both. What lies in All Mail alone was
// archived, and moves from there.

// gmailLabels are the folders behind Gmail's own labels, by special use.
func gmailLabels() map[string]string {
	return map[string]string{`\sent`: "sent", `\draft`: "drafts", `\drafts`: "drafts", `\junk`: "junk", `\spam`: "junk", `\trash`: "trash"}
}

// shows tells whether a folder moves.
func (c *cloud) shows(f *folder) bool {
	switch {
	case !f.view && !c.gmail():
		return true
	case f.view:
		return c.gmail() && f.all
	case f.name == "[Gmail]" || f.name == "[Google Mail]":
		return true
	}
	return c.cfg.labels != labelsKeyword || f.name == "INBOX" || f.use != ""
}

// lists tells whether messages are listed from a folder.
func (c *cloud) lists(f *folder) bool { return f.opens && c.shows(f) }

func (c *cloud) gmail() bool { return c.cfg.service == serviceGmail }

// labels are the keywords that a message of a folder gets from its labels; here is
// false for one that moves from another folder.
func (c *cloud) labels(f *folder, labels []string) (keywords []string, here bool) {
	if !c.gmail() {
		return nil, true
	}
	for _, l := range labels {
		if strings.HasPrefix(l, `\`) {
			if f.all && c.own(l) {
				return nil, false
			}
			continue
		}
		if c.cfg.labels != labelsKeyword && f.all {
			return nil, false
		}
		if c.cfg.labels != labelsFolder {
			keywords = append(keywords, keyword(l))
		}
	}
	return keywords, true
}

// own tells whether one of Gmail's own labels has a folder that moves.
func (c *cloud) own(label string) bool {
	low := strings.ToLower(label)
	_, ok := gmailLabels()[low]
	return ok || low == `\inbox`
}

// keyword writes a label as a keyword: a word of printable ASCII.
func keyword(label string) string {
	name := mail.EncodeName(mail.DecodeName(label))
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return '_'
		}
		return r
	}, name)
}
