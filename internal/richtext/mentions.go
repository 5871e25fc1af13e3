package richtext

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"

	"github.com/rialto-migrate/rialto/connector"
)

// Mentions replaces each mention, prefix and user name, with what name returns
// for the user name; where it returns false the mention stays. A mention stands
// at the beginning of a word: "@" within an e-mail address, an address or code
// is none. Use it on the source's text, before Convert.
func Mentions(text, prefix string, name func(user string) (name string, ok bool)) string {
	if prefix == "" || !strings.Contains(text, prefix) {
		return text
	}
	closed := closedTo(text)
	var b strings.Builder
	at := 0
	for i := 0; i < len(text); {
		j := strings.Index(text[i:], prefix)
		if j < 0 {
			break
		}
		i += j
		start := i + len(prefix)
		end := start + userLen(text[start:])
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		if end == start || within(closed, i) || i > 0 && (wordRune(before) || strings.ContainsRune("@/.-+\\", before)) {
			i = start
			continue
		}
		// A name may end in a dot or a dash; mostly the sentence does.
		for {
			user := text[start:end]
			if n, ok := name(user); ok {
				b.WriteString(text[at:i])
				b.WriteString(n)
				at = end
				break
			}
			short := strings.TrimRight(user, ".-_")
			if short == user || short == "" {
				break
			}
			end = start + len(short)
		}
		i = end
	}
	b.WriteString(text[at:])
	return b.String()
}

// userLen is the length of the user name that s begins with.
func userLen(s string) int {
	for i, r := range s {
		if !wordRune(r) && r != '-' && r != '.' {
			return i
		}
	}
	return len(s)
}

// closedTo returns the stretches of a text where no mention is read: addresses
// and code, sorted.
func closedTo(text string) [][2]int {
	spots := Links(text, connector.Markdown)
	if strings.ContainsAny(text, "`~") || strings.Contains(text, "    ") || strings.Contains(text, "\t") {
		src := []byte(text)
		tree, _ := parse(src)
		_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
			if !entering {
				return ast.WalkContinue, nil
			}
			switch n := n.(type) {
			case *ast.CodeSpan:
				for c := n.FirstChild(); c != nil; c = c.NextSibling() {
					if t, ok := c.(*ast.Text); ok {
						spots = append(spots, [2]int{t.Segment.Start, t.Segment.Stop})
					}
				}
			case *ast.CodeBlock, *ast.FencedCodeBlock:
				for i := range n.Lines().Len() {
					seg := n.Lines().At(i)
					spots = append(spots, [2]int{seg.Start, seg.Stop})
				}
			}
			return ast.WalkContinue, nil
		})
	}
	slices.SortFunc(spots, func(a, b [2]int) int { return a[0] - b[0] })
	return spots
}

func within(spots [][2]int, i int) bool {
	for _, s := range spots {
		if s[0] > i {
			return false
		}
		if i < s[1] {
			return true
		}
	}
	return false
}
