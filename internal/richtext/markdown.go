package richtext

import (
	"html"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/rialto-migrate/rialto/connector"
)

// newParser reads Markdown as Trello shows it: CommonMark with GitHub's
// strikethrough, tables and task lists; HTML is text; reference definitions
// ("[1]: http://…") stay where they stand, which reads well anywhere.
// It holds nothing of a text, so that one serves all.
func newParser() parser.Parser {
	p := parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(fence{parser.NewFencedCodeBlockParser()}, 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(guard{}, 50),
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
	)
	// The extensions ask for a whole Markdown; its renderer is never used.
	goldmark.New(goldmark.WithParser(p), goldmark.WithRenderer(renderer.NewRenderer()),
		goldmark.WithExtensions(extension.Strikethrough, extension.Table, extension.TaskList))
	return p
}

// markdown is the parser, made once: making it costs more than a short text.
var markdown = sync.OnceValue(newParser)

// addresses is where a parser's context holds the spots of a text's addresses.
var addresses = parser.NewContextKey()

// parse returns the tree of a Markdown text whose line ends are "\n", and where
// its addresses stand: their underscores and stars are their own, not markup.
func parse(src []byte) (tree ast.Node, urls [][2]int) {
	urls = Links(string(src), connector.Markdown)
	pc := parser.NewContext()
	pc.Set(addresses, urls)
	return markdown().Parse(text.NewReader(src), parser.WithContext(pc)), urls
}

// fence opens a block of code, but not at a line that ends its marks itself:
// people write "~~~done~~~" to strike a line out, and what follows is no code.
type fence struct{ parser.BlockParser }

func (f fence) Open(parent ast.Node, r text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, _ := r.PeekLine()
	if s := strings.TrimSpace(string(line)); strings.HasPrefix(s, "~~~") && strings.Contains(strings.TrimLeft(s, "~"), "~~") {
		return nil, parser.NoChildren
	}
	return f.BlockParser.Open(parent, r, pc)
}

// guard keeps the rest of an address from being read as markup.
type guard struct{}

func (guard) Trigger() []byte { return []byte("*_~[]!`<") }

func (guard) Parse(_ ast.Node, block text.Reader, pc parser.Context) ast.Node {
	urls, _ := pc.Get(addresses).([][2]int)
	_, seg := block.PeekLine()
	url, ok := spotAt(urls, seg.Start)
	if !ok || url[1] > seg.Stop {
		return nil
	}
	block.Advance(url[1] - seg.Start)
	return ast.NewTextSegment(seg.WithStop(url[1]))
}

// spotAt returns the one of the sorted, disjoint spots that holds offset i.
func spotAt(spots [][2]int, i int) (spot [2]int, ok bool) {
	n, found := slices.BinarySearchFunc(spots, i, func(s [2]int, i int) int {
		switch {
		case s[1] <= i:
			return -1
		case s[0] > i:
			return 1
		}
		return 0
	})
	if !found {
		return spot, false
	}
	return spots[n], true
}

// pieces yields the parts of a stretch of the source, cut at the ends of its
// addresses; url is where the address stands that the part belongs to.
func pieces(urls [][2]int, start, stop int) iter.Seq2[[2]int, *[2]int] {
	return func(yield func([2]int, *[2]int) bool) {
		for start < stop {
			i, _ := slices.BinarySearchFunc(urls, start, func(s [2]int, i int) int {
				if s[1] <= i {
					return -1
				}
				return 1
			})
			end, url := stop, (*[2]int)(nil)
			switch {
			case i == len(urls) || urls[i][0] >= stop:
			case urls[i][0] > start:
				end = urls[i][0]
			default:
				end, url = min(stop, urls[i][1]), &urls[i]
			}
			if !yield([2]int{start, end}, url) {
				return
			}
			start = end
		}
	}
}

// literal resolves backslash escapes and character references, as Markdown does
// outside code.
func literal(s string) string {
	if !strings.ContainsAny(s, `\&`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch {
		case s[i] == '\\' && i+1 < len(s) && util.IsPunct(s[i+1]):
			b.WriteByte(s[i+1])
			i += 2
		case s[i] == '&':
			n := reference(s[i:])
			if n == 0 {
				n = 1
			}
			b.WriteString(html.UnescapeString(s[i : i+n]))
			i += n
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return b.String()
}

// reference returns the length of a character reference ("&amp;", "&#33;") that
// s begins with, 0 if it begins with none. The semicolon is demanded: "&copy=1"
// in an address is none.
func reference(s string) int {
	end := strings.IndexByte(s, ';')
	if end < 2 || end > 32 {
		return 0
	}
	name := s[1:end]
	if name[0] == '#' {
		name = name[1:]
	}
	if name == "" {
		return 0
	}
	for i := range len(name) {
		if !util.IsAlphaNumeric(name[i]) {
			return 0
		}
	}
	return end + 1
}
