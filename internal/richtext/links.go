package richtext

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
)

// Links returns where in a text each http or https address stands, as byte
// offsets [start, end): bare, as a link's target, in parentheses or quotes.
// Punctuation that belongs to the sentence is left out, as GitHub's Markdown
// does (https://github.github.com/gfm/#autolinks-extension-); a bracket belongs
// to the address if its partner does. In HTML, an entity that stands for a
// quote, an angle bracket or a space ends an address.
func Links(text string, f connector.Format) [][2]int {
	var found [][2]int
	for i := 0; i < len(text); {
		j := strings.IndexAny(text[i:], "hH")
		if j < 0 {
			break
		}
		i += j
		// A letter before it makes it part of a word; letters of scripts that put
		// no spaces do not.
		if i > 0 && wordByte(text[i-1]) && text[i-1] < utf8.RuneSelf && text[i-1] != '_' {
			i++
			continue
		}
		n := urlLen(text[i:])
		if f == connector.HTML && n > 0 {
			n = urlLen(beforeEntity(text[i:min(i+n+longestEntity, len(text))]))
		}
		if n == 0 {
			i++
			continue
		}
		found = append(found, [2]int{i, i + n})
		i += n
	}
	return found
}

// ReplaceLinks gives every http or https address of a text to replace and puts
// what it returns in its place. A text without addresses comes back as it is.
func ReplaceLinks(text string, replace func(url string) string) string {
	spots := Links(text, connector.Markdown)
	if len(spots) == 0 {
		return text
	}
	var b strings.Builder
	at := 0
	for _, s := range spots {
		b.WriteString(text[at:s[0]])
		b.WriteString(replace(text[s[0]:s[1]]))
		at = s[1]
	}
	b.WriteString(text[at:])
	return b.String()
}

// urlLen returns the length of the http or https address that s begins with, 0
// if it begins with none.
func urlLen(s string) int {
	start := 0
	for _, scheme := range []string{"https://", "http://"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			start = len(scheme)
			break
		}
	}
	if start == 0 {
		return 0
	}
	end := start
	round, square := 0, 0
scan:
	for end < len(s) {
		r, n := utf8.DecodeRuneInString(s[end:])
		switch r {
		case '(':
			round++
		case '[':
			square++
		case ')':
			if round--; round < 0 {
				break scan
			}
		case ']':
			if square--; square < 0 {
				break scan
			}
		case '<', '>', '"', '`', '|', '\\', '{', '}':
			break scan
		default:
			if !urlRune(r, n) {
				break scan
			}
		}
		end += n
	}
	for end > start {
		r, n := utf8.DecodeLastRuneInString(s[:end])
		if !strings.ContainsRune(".,;:!?'*_~([’”“‘…", r) {
			break
		}
		end -= n
	}
	if end == start {
		return 0
	}
	return end
}

// urlRune reports whether a rune of n bytes may stand in an address. Letters of
// all scripts may, as people paste them; the wide punctuation of Chinese and
// Japanese ends an address, for there is no space before it.
func urlRune(r rune, n int) bool {
	switch {
	case r == utf8.RuneError && n == 1, r <= ' ', r == 0x7f:
		return false
	case r < utf8.RuneSelf:
		return true
	case unicode.IsSpace(r), unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return false
	case r >= 0x3000 && r <= 0x303f, r >= 0xff00 && r <= 0xff0f, r >= 0xff1a && r <= 0xff20, r >= 0xff3b && r <= 0xff40, r >= 0xff5b && r <= 0xff65:
		return false
	}
	return true
}

const longestEntity = len("&quot;")

// beforeEntity cuts a piece of HTML at the first entity that cannot be part of
// an address.
func beforeEntity(s string) string {
	for _, e := range []string{"&quot;", "&#34;", "&#39;", "&apos;", "&lt;", "&gt;", "&nbsp;"} {
		if i := strings.Index(s, e); i >= 0 {
			s = s[:i]
		}
	}
	return s
}

func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}
