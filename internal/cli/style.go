package cli

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns is how wide lines for people are at most.
const columns = 100

// The colours that text for people has at a terminal.
const (
	bold  = "1"
	dim   = "2"
	good  = "32"
	warn  = "33"
	bad   = "31"
	title = "1;36"
)

// coloured reports whether the output may hold colours: at a terminal, unless
// the user wants none (https://no-color.org).
func (s *shell) coloured() bool {
	return s.terminal() && !s.json && s.Getenv("NO_COLOR") == "" && s.Getenv("TERM") != "dumb"
}

// paint colours a text, at a terminal.
func (s *shell) paint(color, text string) string {
	if text == "" || !s.coloured() {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// heading begins a part of the output.
func (s *shell) heading(format string, args ...any) {
	s.say("\n%s\n", s.paint(bold, fmt.Sprintf(format, args...)))
}

// table prints rows whose first column is a word and whose others are numbers.
// The first row is the head. A column after the second whose numbers are all
// nothing is left out.
func (s *shell) table(rows [][]string) {
	var show []int
	for c := range rows[0] {
		empty := c > 1
		for _, r := range rows[1:] {
			empty = empty && r[c] == nothing
		}
		if !empty {
			show = append(show, c)
		}
	}
	for i, r := range rows {
		var b strings.Builder
		for _, c := range show {
			wide := 0
			for _, r := range rows {
				wide = max(wide, cells(r[c]))
			}
			gap := strings.Repeat(" ", wide-cells(r[c]))
			text := r[c]
			if i == 0 || text == nothing {
				text = s.paint(dim, text)
			}
			if c == 0 {
				b.WriteString("  " + text + gap)
			} else {
				b.WriteString("   " + gap + text)
			}
		}
		s.say("%s", b.String())
	}
}

// nothing stands for zero in tables.
const nothing = "·"

func num(n int) string {
	if n == 0 {
		return nothing
	}
	return fmt.Sprint(n)
}

// cells is how many columns a text takes at a terminal.
func cells(text string) (n int) {
	for _, r := range text {
		n += cellsOf(r)
	}
	return n
}

func cellsOf(r rune) int {
	switch k := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case k == width.EastAsianWide, k == width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut shortens a text to so many columns, at a space if there is one near.
func cut(text string, most int) string {
	if cells(text) <= most {
		return text
	}
	room, end, space := most-1, 0, -1
	for i, r := range text {
		if room -= cellsOf(r); room < 0 {
			break
		}
		if r == ' ' {
			space = i
		}
		end = i + len(string(r))
	}
	if space > end*2/3 {
		end = space
	}
	return strings.TrimRight(text[:end], " ,;:(") + "…"
}

// pad fills a text with spaces up to so many columns.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(to-cells(text), 0))
}

// wrap breaks a text into lines of at most columns, each after the first
// indented.
func wrap(text, indent string) string {
	var b strings.Builder
	at := 0
	for i, word := range strings.Split(text, " ") {
		switch n := cells(word); {
		case i == 0:
			at = n
		case at+1+n > columns:
			b.WriteString("\n" + indent)
			at = cells(indent) + n
		default:
			b.WriteString(" ")
			at += 1 + n
		}
		b.WriteString(word)
	}
	return b.String()
}
