package look

import (
	"fmt"
	"html/template"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A Name is what a person or a cloud called something. Anything may be in it.
type Name string

const (
	most      = 120 // characters of a name that are shown at once
	mostMarks = 4   // accents on one letter; more climb over the lines around
)

// Number writes a count with commas between thousands.
func Number(n int) string { return message.NewPrinter(language.English).Sprintf("%d", n) }

// html is a name where blocks may stand.
func (n Name) html() template.HTML { return phrase(n) + whole(n) }

// whole is all of a name that is too long to be shown at once, behind a disclosure;
// "" for another one.
func whole(of any) template.HTML {
	n, ok := of.(Name)
	s := string(n)
	if _, cut := head(s); !ok || !cut {
		return ""
	}
	return template.HTML(`<details class="long"><summary>All `+Number(utf8.RuneCountInString(s))+` characters</summary><p>`) + bdi(s) + `</p></details>`
}

// Words are what we say with names in it, as Words{Name(n), " is now an auditor."}:
// strings of ours and Names, one after the other.
type Words []any

// phrase is a name, or words, where only phrases may stand, in a heading, a link or a
// label. A name is isolated from the text around it, and cut visibly.
func phrase(of any) template.HTML {
	switch of := of.(type) {
	case nil:
		return ""
	case string:
		return template.HTML(template.HTMLEscapeString(of))
	case Words:
		var all template.HTML
		for _, w := range of {
			all += phrase(w)
		}
		return all
	}
	s := fmt.Sprint(of)
	if short, cut := head(s); cut {
		return bdi(short + "…")
	}
	return bdi(s)
}

// plain is a name, or words, where no markup may stand: titles, attributes, options.
func plain(of any) string {
	switch of := of.(type) {
	case nil:
		return ""
	case string:
		return of
	case Words:
		all := ""
		for _, w := range of {
			all += plain(w)
		}
		return all
	}
	s := fmt.Sprint(of)
	short, cut := head(s)
	var b strings.Builder
	eachRune(short, func(r rune, hidden bool) {
		if !hidden {
			b.WriteRune(r)
		}
	})
	switch {
	case cut:
		return b.String() + "…"
	case b.Len() == 0:
		return "(no visible name)"
	}
	return b.String()
}

// head is as much of s as is shown at once, never cut before an accent or a joiner.
func head(s string) (string, bool) {
	n, end := 0, 0
	for i, r := range s {
		if n >= most && !unicode.Is(unicode.M, r) && r != zwj {
			return s[:i], true
		}
		n++
		end = i
		if n > 2*most { // nothing but accents
			return s[:end], true
		}
	}
	return s, false
}

func bdi(s string) template.HTML {
	var b strings.Builder
	visible := false
	b.WriteString(`<bdi class="name">`)
	eachRune(s, func(r rune, hidden bool) {
		if hidden {
			fmt.Fprintf(&b, `<span class="odd" title="an invisible character">U+%04X</span>`, r)
			return
		}
		visible = visible || unicode.IsGraphic(r) && !unicode.IsSpace(r)
		template.HTMLEscape(&b, []byte(string(r)))
	})
	if !visible {
		b.WriteString(`<span class="soft">(no visible name)</span>`)
	}
	b.WriteString(`</bdi>`)
	return template.HTML(b.String())
}

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// eachRune walks over s and says of each character whether a reader would be
// misled by it: controls, what turns the direction of writing, what takes no room.
// Joiners stay where scripts and emoji need them, as do the accents of one letter.
func eachRune(s string, f func(r rune, hidden bool)) {
	var before rune
	marks := 0
	for _, r := range s {
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case marks > mostMarks:
			if marks == mostMarks+1 {
				f(r, true)
			}
		case r == '\n' || r == '\t' || r == '\r':
			f(' ', false)
		case r == zwj || r == zwnj:
			f(r, before == 0 || before < 0x300 || unicode.IsSpace(before))
		case unicode.Is(unicode.Variation_Selector, r):
			f(r, false)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Other_Default_Ignorable_Code_Point, unicode.Zl, unicode.Zp):
			f(r, !tag(r))
		default:
			f(r, false)
		}
		before = r
	}
}

// tag reports whether r spells the region of a flag.
func tag(r rune) bool { return r >= 0xE0020 && r <= 0xE007F }
