package richtext

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
)

// A style writes one format's marks. Every function gets what lies inside,
// already written in the format; a result of "" leaves the block away.
type style struct {
	text    func(s string, mid bool) string // literal text; mid: it follows a letter or digit
	heading func(level int, s string) string
	strong  func(s string) string
	em      func(s string) string
	strike  func(s string) string
	code    func(s string) string
	block   func(lang, s string) string // code, without a last line end
	link    func(name, url, title string) string
	image   func(name, url, title string) string
	quote   func(s string) string
	rule    string
	// item writes a list's entry; path holds a mark for each level of the list,
	// outermost first: "-", or a number with its delimiter ("3.").
	item func(path []string, s string) string
	// nested says whether item indents what it is given: then an inner list is
	// part of the entry's text, else it follows as lines of its own.
	nested bool
	table  func(rows [][]string) string // the first row is the head
	// apart says that a block of this kind needs a blank line around it for the
	// format to see it.
	apart func(n ast.Node) bool
}

// render writes a Markdown text in a style. A text that holds no markup comes
// back as it is.
func render(s string, st style) string {
	src := unix(s)
	w := writer{src: []byte(src), style: st}
	var tree ast.Node
	tree, w.urls = parse(w.src)
	out := w.blocks(tree, nil)
	if !w.marked {
		return s
	}
	return out
}

type writer struct {
	style
	src  []byte
	urls [][2]int // where addresses stand in src
	// marked is set by the first thing that does not read the same in the style.
	marked bool
}

// blocks writes the blocks of a container, with the blank lines that the source
// has between them.
func (w *writer) blocks(parent ast.Node, path []string) string {
	var b strings.Builder
	var last ast.Node
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		s := w.blockOf(n, path)
		if s == "" {
			continue
		}
		switch {
		case last == nil:
		case n.HasBlankPreviousLines(), w.apart(n), w.apart(last):
			b.WriteString("\n\n")
		default:
			b.WriteString("\n")
		}
		b.WriteString(s)
		last = n
	}
	return b.String()
}

func (w *writer) blockOf(n ast.Node, path []string) string {
	switch n := n.(type) {
	case *ast.Heading:
		w.marked = true
		return w.heading(n.Level, strings.TrimSpace(w.inline(n)))
	case *ast.Blockquote:
		return w.quote(w.blocks(n, nil))
	case *ast.List:
		return w.list(n, path)
	case *ast.ThematicBreak:
		return w.rule
	case *ast.CodeBlock:
		return w.codeBlock("", "", n)
	case *ast.FencedCodeBlock:
		w.marked = true
		if words := fenceWords(n, w.src); words != "" {
			return w.codeBlock("", words+"\n", n)
		}
		return w.codeBlock(string(n.Language(w.src)), "", n)
	case *east.Table:
		w.marked = true
		return w.tableOf(n)
	}
	return w.inline(n)
}

// fenceWords returns what follows the marks that open a block of code, if it is
// more than the name of a language: text that somebody meant to be seen.
func fenceWords(n ast.Node, src []byte) string {
	f, ok := n.(*ast.FencedCodeBlock)
	if !ok || f.Info == nil {
		return ""
	}
	if s := strings.TrimSpace(string(f.Info.Segment.Value(src))); strings.ContainsAny(s, " \t") {
		return s
	}
	return ""
}

func (w *writer) codeBlock(lang, head string, n ast.Node) string {
	s := strings.TrimRight(head+string(n.Lines().Value(w.src)), "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return w.block(lang, s)
}

func (w *writer) list(n *ast.List, path []string) string {
	if !n.IsOrdered() && n.Marker != '-' {
		w.marked = true
	}
	var b strings.Builder
	number := n.Start
	for it := n.FirstChild(); it != nil; it = it.NextSibling() {
		mark := "-"
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d%c", number, n.Marker)
			number++
		}
		here := slices.Concat(path, []string{mark})
		if it.PreviousSibling() != nil {
			b.WriteString("\n")
			if w.nested && it.HasBlankPreviousLines() {
				b.WriteString("\n")
			}
		}
		b.WriteString(w.item(here, w.blocks(it, here)))
	}
	return b.String()
}

func (w *writer) tableOf(t *east.Table) string {
	var rows [][]string
	for r := t.FirstChild(); r != nil; r = r.NextSibling() {
		var row []string
		for c := r.FirstChild(); c != nil; c = c.NextSibling() {
			row = append(row, strings.TrimSpace(strings.ReplaceAll(w.inline(c), "\n", " ")))
		}
		rows = append(rows, row)
	}
	return w.table(rows)
}

// inline writes what stands within a block.
func (w *writer) inline(parent ast.Node) string {
	var b strings.Builder
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			b.WriteString(strings.Repeat(" ", n.Segment.Padding))
			for at, url := range pieces(w.urls, n.Segment.Start, n.Segment.Stop) {
				s := string(w.src[at[0]:at[1]])
				if url == nil {
					s = w.plain(s, endsInWord(b.String()))
				}
				b.WriteString(s)
			}
			if n.SoftLineBreak() || n.HardLineBreak() {
				if n.HardLineBreak() && n.Segment.Stop < len(w.src) && w.src[n.Segment.Stop] == '\\' {
					w.marked = true
				}
				b.WriteString("\n")
			}
		case *ast.String:
			b.Write(n.Value)
		case *east.TaskCheckBox:
			if n.IsChecked {
				b.WriteString("[x] ")
			} else {
				b.WriteString("[ ] ")
			}
		case *ast.CodeSpan:
			w.marked = true
			b.WriteString(w.code(w.verbatim(n)))
		case *ast.AutoLink:
			w.marked = true
			b.Write(n.Label(w.src))
		case *ast.Emphasis:
			w.marked = true
			if s := w.inline(n); n.Level == 2 {
				b.WriteString(w.strong(s))
			} else {
				b.WriteString(w.em(s))
			}
		case *east.Strikethrough:
			b.WriteString(w.strike(w.inline(n)))
		case *ast.Link:
			w.marked = true
			b.WriteString(w.reference(w.link, w.inline(n), n.Destination, n.Title))
		case *ast.Image:
			w.marked = true
			b.WriteString(w.reference(w.image, w.inline(n), n.Destination, n.Title))
		}
	}
	return b.String()
}

// plain writes literal text of the source.
func (w *writer) plain(raw string, mid bool) string {
	s := literal(raw)
	out := w.text(s, mid)
	if out != raw {
		w.marked = true
	}
	return out
}

// verbatim returns a code span's text: its line ends are spaces.
func (w *writer) verbatim(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(w.src))
		}
	}
	return strings.ReplaceAll(b.String(), "\n", " ")
}

// reference writes a link or an image. Trello notes in the title how it shows
// the link ("smartCard-inline"): that is no text.
func (w *writer) reference(write func(name, url, title string) string, name string, dest, title []byte) string {
	url, hover := literal(string(dest)), literal(string(title))
	if strings.HasPrefix(hover, "smartCard-") {
		hover = ""
	}
	return write(strings.TrimSpace(name), url, hover)
}

// sameAddress reports whether a link's name says nothing beyond its address.
func sameAddress(name, url string) bool {
	if name == "" || name == url || "mailto:"+name == url {
		return true
	}
	_, rest, ok := strings.Cut(url, "://")
	return ok && strings.TrimSuffix(rest, "/") == strings.TrimSuffix(name, "/") || strings.TrimSuffix(url, "/") == strings.TrimSuffix(name, "/")
}

// indent puts a prefix before each line but the first, and before no empty one.
func indent(s, prefix string) string {
	lines := strings.Split(s, "\n")
	for i := 1; i < len(lines); i++ {
		if lines[i] != "" {
			lines[i] = prefix + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}
