package richtext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean makes a text fit for one line: line ends and tabs become a space each
// run, control characters and the marks that override the direction of writing
// go. The marks that a right-to-left text needs (U+200E, U+200F) and the joiners
// of emoji and Indic scripts stay.
func Clean(s string) (out string, changed bool) {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case r == '\n' || r == '\r' || r == '\t' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
			space = true
			continue
		case unicode.IsControl(r), bidiOverride(r), r == 0xfeff:
			continue
		}
		if space && b.Len() > 0 && !strings.HasSuffix(b.String(), " ") && r != ' ' {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r) // an invalid byte becomes U+FFFD
	}
	out = b.String()
	return out, out != s
}

// bidiOverride reports the embedding, override and isolate controls of Unicode's
// UAX #9, with which a name can show other letters than it holds.
func bidiOverride(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// Cut splits a text so that head is at most max UTF-16 units long; head + rest
// is the text. It never splits what is seen as one character, and prefers the
// end of a word if one is near.
func Cut(s string, max int) (head, rest string) {
	units, end, word := 0, 0, 0
	var prev rune
	for i, r := range s {
		n := 1
		if r > 0xffff {
			n = 2
		}
		if i > 0 && splits(s[:i], prev, r) {
			end = i
			if unicode.IsSpace(r) && !unicode.IsSpace(prev) {
				word = i
			}
		}
		if units+n > max {
			if units+n > max && end == 0 && max > 0 {
				return s[:i], s[i:] // one character longer than the limit
			}
			if unicode.IsSpace(r) && end == i {
				word = i
			}
			if word > 0 && utf8.RuneCountInString(s[word:end]) <= max/4 {
				end = word
			}
			return s[:end], s[end:]
		}
		units += n
		prev = r
	}
	return s, ""
}

// splits reports whether a text may be divided before next; before is what
// stands before it and ends in prev. It follows UAX #29 where it matters:
// combining marks, joined emoji, flags, Hangul letters, line ends.
func splits(before string, prev, next rune) bool {
	const joiner = 0x200d
	switch {
	case prev == '\r' && next == '\n', prev == joiner && next > 0xff, extends(next):
		return false
	case flag(prev) && flag(next):
		n := 0
		for before != "" {
			r, size := utf8.DecodeLastRuneInString(before)
			if !flag(r) {
				break
			}
			n++
			before = before[:len(before)-size]
		}
		return n%2 == 0
	case hangul(prev) && (next >= 0x1160 && next <= 0x11ff):
		return false
	case prev >= 0x1100 && prev <= 0x115f && hangul(next):
		return false
	}
	return true
}

// extends reports whether a rune belongs to the one before it.
func extends(r rune) bool {
	return r == 0x200d || r == 0x200c || r >= 0x1f3fb && r <= 0x1f3ff || r >= 0xe0020 && r <= 0xe007f || unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc)
}

func flag(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

func hangul(r rune) bool {
	return r >= 0x1100 && r <= 0x11ff || r >= 0xac00 && r <= 0xd7a3
}

func endsInWord(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && wordRune(r)
}
