package richtext

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// textileStyle is Textile as Redmine reads it
// (https://www.redmine.org/projects/redmine/wiki/RedmineTextFormattingTextile).
var textileStyle = style{
	text:    textileText,
	heading: func(level int, s string) string { return fmt.Sprintf("h%d. %s", level, s) },
	strong:  func(s string) string { return around("*", s) },
	em:      func(s string) string { return around("_", s) },
	strike:  func(s string) string { return around("-", s) },
	code:    textileCode,
	block: func(lang, s string) string {
		s = strings.ReplaceAll(s, "</pre", "&lt;/pre")
		if lang != "" && plainWord.MatchString(lang) {
			return `<pre><code class="` + lang + "\">\n" + s + "\n</code></pre>"
		}
		return "<pre>\n" + s + "\n</pre>"
	},
	link: func(name, url, title string) string {
		if title != "" {
			title = "(" + strings.NewReplacer("(", "[", ")", "]", `"`, "'").Replace(title) + ")"
		}
		switch {
		case url == "":
			return name
		case sameAddress(name, url) && title == "":
			return strings.TrimPrefix(url, "mailto:")
		case name == "":
			name = url
		}
		return `"` + strings.ReplaceAll(name, `"`, "'") + title + `":` + url
	},
	image: func(name, url, _ string) string {
		if name != "" && !sameAddress(name, url) {
			name = "(" + strings.NewReplacer("(", "[", ")", "]").Replace(name) + ")"
		} else {
			name = ""
		}
		return "!" + url + name + "!"
	},
	quote: plainQuote,
	rule:  "---",
	item: func(path []string, s string) string {
		var mark strings.Builder
		for _, p := range path {
			if p == "-" {
				mark.WriteByte('*')
			} else {
				mark.WriteByte('#')
			}
		}
		// What follows an entry on lines of its own would end the list.
		return mark.String() + " " + strings.ReplaceAll(s, "\n\n", "\n")
	},
	table: func(rows [][]string) string {
		var lines []string
		for i, row := range rows {
			sep := "|"
			if i == 0 {
				sep = "|_. "
			}
			var b strings.Builder
			for _, c := range row {
				b.WriteString(sep + strings.ReplaceAll(c, "|", "&#124;"))
			}
			lines = append(lines, b.String()+"|")
		}
		return strings.Join(lines, "\n")
	},
	// A block of Textile ends at a blank line; entries and their inner lists do
	// not need one.
	apart: func(n ast.Node) bool {
		return n.Parent() == nil || n.Parent().Kind() == ast.KindDocument || n.Parent().Kind() == ast.KindBlockquote
	},
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_+-]+$`)
	issueLink = regexp.MustCompile(`(^|[^\pL\pN&!])(#\d)`)
)

// around puts a mark at both ends of the letters, and leaves the spaces outside.
func around(mark, s string) string {
	inner := strings.TrimSpace(s)
	if inner == "" {
		return s
	}
	lead, rest, _ := strings.Cut(s, inner)
	return lead + mark + inner + mark + rest
}

func textileCode(s string) string {
	if strings.Contains(s, "@") {
		return "<code>" + strings.ReplaceAll(s, "</code", "&lt;/code") + "</code>"
	}
	return "@" + s + "@"
}

// textileText keeps letters that Textile would read as marks, by character
// references, and "#12" from becoming a link to an issue of the target.
func textileText(s string, mid bool) string {
	s = issueLink.ReplaceAllString(s, "${1}!${2}")
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c == '&' && reference(s[i:]) > 0 {
			b.WriteString("&amp;")
			continue
		}
		open := i == 0 && !mid || i > 0 && !wordByte(s[i-1])
		if strings.IndexByte("*_+^~@%-", c) >= 0 && open && i+1 < len(s) && s[i+1] > ' ' && s[i+1] != c && strings.IndexByte(s[i+1:], c) > 0 {
			fmt.Fprintf(&b, "&#%d;", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func wordByte(c byte) bool {
	return c >= 0x80 || c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
