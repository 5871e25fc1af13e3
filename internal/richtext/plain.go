package richtext

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/text/width"
)

// plainStyle is Markdown as one would type it where nothing is rendered: the
// marks that only shape letters go, those that carry sense stay.
var plainStyle = style{
	text:    func(s string, _ bool) string { return s },
	heading: func(_ int, s string) string { return s },
	strong:  func(s string) string { return s },
	em:      func(s string) string { return s },
	strike:  func(s string) string { return "~~" + s + "~~" },
	code:    func(s string) string { return s },
	block:   func(_, s string) string { return "    " + indent(s, "    ") },
	link:    plainLink,
	image:   plainLink,
	quote:   plainQuote,
	rule:    "---",
	item: func(path []string, s string) string {
		mark := path[len(path)-1] + " "
		return mark + indent(s, strings.Repeat(" ", len(mark)))
	},
	nested: true,
	table:  plainTable,
	apart: func(n ast.Node) bool {
		switch n.Kind() {
		case ast.KindCodeBlock, ast.KindFencedCodeBlock, ast.KindThematicBreak:
			return true
		}
		return false
	},
}

func plainLink(name, url, title string) string {
	if title != "" {
		title = ` "` + title + `"`
	}
	switch {
	case url == "":
		return name
	case sameAddress(name, url) && strings.HasPrefix(url, "mailto:"):
		return strings.TrimPrefix(url, "mailto:")
	case sameAddress(name, url) && title == "":
		return url
	case name == "":
		return url + title
	}
	return name + " (" + url + title + ")"
}

func plainQuote(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight("> "+l, " ")
	}
	return strings.Join(lines, "\n")
}

// plainTable aligns the columns, as a terminal or a fixed font shows them.
func plainTable(rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	wide := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, c := range row[:min(len(row), len(wide))] {
			wide[i] = max(wide[i], cells(c), 3)
		}
	}
	var b strings.Builder
	for i, row := range rows {
		b.WriteString("|")
		for j, w := range wide {
			c := ""
			if j < len(row) {
				c = row[j]
			}
			b.WriteString(" " + c + strings.Repeat(" ", w-cells(c)) + " |")
		}
		if i == 0 {
			b.WriteString("\n|")
			for _, w := range wide {
				b.WriteString(strings.Repeat("-", w+2) + "|")
			}
		}
		if i < len(rows)-1 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// cells is the width of a text in a fixed font: wide letters of East Asia take
// two cells, combining ones none.
func cells(s string) int {
	n := 0
	for _, r := range s {
		switch k := width.LookupRune(r).Kind(); {
		case extends(r):
		case k == width.EastAsianWide, k == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
