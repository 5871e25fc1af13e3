package redmine

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// maxIdentifier is IDENTIFIER_MAX_LENGTH of app/models/project.rb, less what
// makes one unique.
const maxIdentifier = 100 - 9

// identifier makes a project's identifier from a name: lower-case letters,
// digits and dashes, not digits alone (app/models/project.rb). A name that
// leaves too little of itself is replaced by a hash of its mark.
func identifier(name, mark string) string {
	var b strings.Builder
	letters, lost := 0, 0
	dash := false
	for _, r := range norm.NFKD.String(strings.ToLower(name)) {
		s, ok := latin(r)
		switch {
		case s != "":
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteString(s)
			if s[0] >= 'a' {
				letters++
			}
		case ok:
		case unicode.IsLetter(r):
			lost++
			dash = true
		default:
			dash = true
		}
	}
	id := b.String()
	if len(id) > maxIdentifier {
		id = strings.TrimRight(id[:maxIdentifier], "-")
	}
	if letters == 0 || lost > letters || id == "new" {
		return "board-" + short(mark)[:8]
	}
	return id
}

// otherIdentifier is for one that is taken.
func otherIdentifier(id, mark string) string { return id + "-" + short("other " + mark)[:8] }

// latin writes a letter in a to z and digits; ok is true with "" for a mark
// upon a letter, which is left away.
func latin(r rune) (s string, ok bool) {
	switch {
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
		return string(r), true
	case unicode.Is(unicode.Mn, r):
		return "", true
	}
	switch r {
	case 'ß':
		return "ss", true
	case 'æ', 'ǽ':
		return "ae", true
	case 'œ':
		return "oe", true
	case 'ø':
		return "o", true
	case 'đ', 'ð':
		return "d", true
	case 'ł':
		return "l", true
	case 'þ':
		return "th", true
	case 'ı':
		return "i", true
	case 'ħ':
		return "h", true
	}
	return "", false
}
