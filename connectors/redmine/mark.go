package redmine

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/rialto-migrate/rialto/item"
)

// Where no custom field carries the mark of an issue, a last line of its
// description does, a paragraph of its own.
const trailerWord = "rialto: "

var trailer = regexp.MustCompile(`(?:^|\n\n)` + trailerWord + `((?:https?://|rialto:)\S{1,300})$`)

// addTrailer puts a mark under a text.
func addTrailer(text, mark string) string {
	if text == "" {
		return trailerWord + mark
	}
	return text + "\n\n" + trailerWord + mark
}

// cutTrailer takes the mark off a text; mark is "" if there is none.
func cutTrailer(text string) (rest, mark string) {
	m := trailer.FindStringSubmatchIndex(text)
	if m == nil {
		return text, ""
	}
	return text[:m[0]], text[m[2]:m[3]]
}

// maxMark fits a project's homepage (app/models/project.rb) and a line.
const maxMark = 255

// carrier returns what Redmine carries as a mark: the mark itself, or where it
// is too long or no single word, a hash of it. Comments, attachments, lists and
// labels carry none.
func carrier(k item.Kind, mark string) string {
	if k != item.Board && k != item.Task || mark == "" {
		return ""
	}
	if len(mark) > maxMark || !strings.HasPrefix(mark, "http://") && !strings.HasPrefix(mark, "https://") && !strings.HasPrefix(mark, "rialto:") ||
		strings.ContainsFunc(mark, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "rialto:" + string(k) + ":" + short(mark)
	}
	return mark
}

// plainText gives a text Redmine's line ends back as ours: the server stores
// descriptions with carriage returns (app/models/issue.rb, description=).
func plainText(s string) string {
	return strings.ReplaceAll(s, "\r\n", "\n")
}
