package richtext

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// plainToHTML escapes a text and keeps its lines.
func plainToHTML(s string) string {
	return strings.ReplaceAll(html.EscapeString(unix(s)), "\n", "<br>\n")
}

// markdownToHTML writes Markdown as HTML. What looks like HTML in the text is
// text; addresses become links if they are of the web or of mail.
func markdownToHTML(s string) string {
	w := htmlWriter{src: []byte(unix(s))}
	var tree ast.Node
	tree, w.urls = parse(w.src)
	w.children(tree)
	return strings.TrimRight(w.out.String(), "\n")
}

type htmlWriter struct {
	src  []byte
	urls [][2]int // where addresses stand in src
	out  strings.Builder
}

func (w *htmlWriter) children(n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.node(c)
	}
}

func (w *htmlWriter) wrap(open, closing string, n ast.Node) {
	w.out.WriteString(open)
	w.children(n)
	w.out.WriteString(closing)
}

func (w *htmlWriter) text(s string) { w.out.WriteString(html.EscapeString(s)) }

func (w *htmlWriter) node(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		w.wrap(fmt.Sprintf("<h%d>", n.Level), fmt.Sprintf("</h%d>\n", n.Level), n)
	case *ast.Paragraph:
		w.wrap("<p>", "</p>\n", n)
	case *ast.Blockquote:
		w.wrap("<blockquote>\n", "</blockquote>\n", n)
	case *ast.List:
		switch {
		case !n.IsOrdered():
			w.wrap("<ul>\n", "</ul>\n", n)
		case n.Start == 1:
			w.wrap("<ol>\n", "</ol>\n", n)
		default:
			w.wrap(fmt.Sprintf("<ol start=\"%d\">\n", n.Start), "</ol>\n", n)
		}
	case *ast.ListItem:
		w.wrap("<li>", "</li>\n", n)
	case *ast.ThematicBreak:
		w.out.WriteString("<hr>\n")
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		w.out.WriteString("<pre><code>")
		if words := fenceWords(n, w.src); words != "" {
			w.text(words + "\n")
		}
		w.text(string(n.Lines().Value(w.src)))
		w.out.WriteString("</code></pre>\n")
	case *east.Table:
		w.wrap("<table>\n", "</table>\n", n)
	case *east.TableHeader, *east.TableRow:
		w.wrap("<tr>", "</tr>\n", n)
	case *east.TableCell:
		cell := "td"
		if n.Parent().Kind() == east.KindTableHeader {
			cell = "th"
		}
		w.wrap("<"+cell+">", "</"+cell+">", n)
	case *east.TaskCheckBox:
		if n.IsChecked {
			w.text("☑ ")
		} else {
			w.text("☐ ")
		}
	case *east.Strikethrough:
		w.wrap("<s>", "</s>", n)
	case *ast.Emphasis:
		if n.Level == 2 {
			w.wrap("<strong>", "</strong>", n)
		} else {
			w.wrap("<em>", "</em>", n)
		}
	case *ast.CodeSpan:
		w.out.WriteString("<code>")
		for c := n.FirstChild(); c != nil; c = c.NextSibling() {
			if t, ok := c.(*ast.Text); ok {
				w.text(strings.ReplaceAll(string(t.Value(w.src)), "\n", " "))
			}
		}
		w.out.WriteString("</code>")
	case *ast.AutoLink:
		url := string(n.URL(w.src))
		if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(url, "mailto:") {
			url = "mailto:" + url
		}
		w.anchor(url, func() { w.text(string(n.Label(w.src))) })
	case *ast.Link:
		w.anchor(literal(string(n.Destination)), func() { w.children(n) })
	case *ast.Image:
		url := literal(string(n.Destination))
		w.anchor(url, func() {
			if n.HasChildren() {
				w.children(n)
			} else {
				w.text(url)
			}
		})
	case *ast.Text:
		w.run(n)
	case *ast.String:
		w.text(string(n.Value))
	default:
		w.children(n)
	}
}

func (w *htmlWriter) run(n *ast.Text) {
	for at, url := range pieces(w.urls, n.Segment.Start, n.Segment.Stop) {
		s := string(w.src[at[0]:at[1]])
		switch {
		case url == nil:
			w.text(literal(s))
		case inLink(n):
			w.text(s)
		case at[0] == url[0]: // the parts that follow belong to the same link
			s = string(w.src[url[0]:url[1]])
			w.anchor(s, func() { w.text(s) })
		}
	}
	if n.HardLineBreak() || n.SoftLineBreak() { // Trello shows each line end
		w.out.WriteString("<br>\n")
	}
}

// anchor writes a link around what inside writes; an address that could do
// anything but lead somewhere ("javascript:") is left away.
func (w *htmlWriter) anchor(url string, inside func()) {
	scheme, _, ok := strings.Cut(strings.ToLower(url), ":")
	safe := ok && (scheme == "http" || scheme == "https" || scheme == "mailto" || scheme == "tel" || scheme == "ftp")
	if safe {
		w.out.WriteString(`<a href="` + html.EscapeString(url) + `">`)
	}
	inside()
	if safe {
		w.out.WriteString("</a>")
	}
}

func inLink(n ast.Node) bool {
	for p := n.Parent(); p != nil; p = p.Parent() {
		if p.Kind() == ast.KindLink || p.Kind() == ast.KindImage {
			return true
		}
	}
	return false
}

// htmlToPlain reads HTML as a person would: blocks as paragraphs, entries with
// marks, links as "text (address)". Scripts and styles are left away. A text
// without a tag or entity comes back as it is.
func htmlToPlain(s string) string {
	if !strings.ContainsAny(s, "<&") {
		return s
	}
	w := htmlReader{z: html.NewTokenizer(strings.NewReader(s))}
	for {
		switch w.z.Next() {
		case html.ErrorToken:
			if !errors.Is(w.z.Err(), io.EOF) {
				return s
			}
			return strings.TrimRight(w.out.String(), " \n")
		case html.TextToken:
			w.text(string(w.z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			w.open()
		case html.EndTagToken:
			w.close()
		}
	}
}

type htmlReader struct {
	z     *html.Tokenizer
	out   strings.Builder
	lines int    // line ends that stand before the next text
	space bool   // a space stands before the next text
	pre   int    // open <pre>
	mute  int    // open <script>, <style>…
	lists []int  // open lists: the next number, or 0 without numbers
	href  string // of the open link
	from  int    // where its text begins in out
}

func (w *htmlReader) text(s string) {
	if w.mute > 0 {
		return
	}
	s = html.UnescapeString(s)
	if w.pre > 0 {
		w.flush()
		w.out.WriteString(s)
		return
	}
	for s != "" {
		i := strings.IndexFunc(s, htmlSpace)
		switch {
		case i == 0:
			w.space = w.out.Len() > 0
			s = strings.TrimLeftFunc(s, htmlSpace)
			continue
		case i < 0:
			i = len(s)
		}
		w.flush()
		w.out.WriteString(strings.ReplaceAll(s[:i], "\u00a0", " "))
		s = s[i:]
	}
}

func htmlSpace(r rune) bool { return r != 0xa0 && r < 0x80 && unicode.IsSpace(r) }

// flush writes the line ends or the space that stand before text.
func (w *htmlReader) flush() {
	if w.out.Len() > 0 {
		if w.lines > 0 {
			w.out.WriteString(strings.Repeat("\n", w.lines))
		} else if w.space {
			w.out.WriteByte(' ')
		}
	}
	w.lines, w.space = 0, false
}

func (w *htmlReader) atLeast(lines int) { w.lines = max(w.lines, lines) }

func (w *htmlReader) open() {
	name, more := w.z.TagName()
	tag := atom.Lookup(name)
	attr := map[string]string{}
	for more {
		var k, v []byte
		k, v, more = w.z.TagAttr()
		attr[string(k)] = string(v)
	}
	switch tag {
	case atom.Script, atom.Style, atom.Head, atom.Template:
		w.mute++
	case atom.Br:
		w.lines++
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Table:
		w.atLeast(2)
	case atom.Pre:
		w.atLeast(2)
		w.pre++
	case atom.Div, atom.Tr, atom.Section, atom.Article:
		w.atLeast(1)
	case atom.Td, atom.Th:
		w.space = true
	case atom.Hr:
		w.atLeast(2)
		w.flush()
		w.out.WriteString("---")
		w.atLeast(2)
	case atom.Ul:
		w.atLeast(1)
		w.lists = append(w.lists, 0)
	case atom.Ol:
		w.atLeast(1)
		w.lists = append(w.lists, 1)
	case atom.Li:
		w.atLeast(1)
		w.flush()
		w.out.WriteString(strings.Repeat("  ", max(len(w.lists)-1, 0)))
		if i := len(w.lists) - 1; i >= 0 && w.lists[i] > 0 {
			fmt.Fprintf(&w.out, "%d. ", w.lists[i])
			w.lists[i]++
		} else {
			w.out.WriteString("- ")
		}
	case atom.A:
		w.flush()
		w.href, w.from = attr["href"], w.out.Len()
	case atom.Img:
		if w.mute == 0 && attr["src"] != "" && !strings.HasPrefix(attr["src"], "data:") {
			w.flush()
			w.out.WriteString(plainLink(strings.TrimSpace(attr["alt"]), attr["src"], ""))
		}
	}
}

func (w *htmlReader) close() {
	name, _ := w.z.TagName()
	switch atom.Lookup(name) {
	case atom.Script, atom.Style, atom.Head, atom.Template:
		w.mute = max(w.mute-1, 0)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Table:
		w.atLeast(2)
	case atom.Pre:
		w.pre = max(w.pre-1, 0)
		w.atLeast(2)
	case atom.Div, atom.Tr, atom.Li, atom.Section, atom.Article:
		w.atLeast(1)
	case atom.Ul, atom.Ol:
		if len(w.lists) > 0 {
			w.lists = w.lists[:len(w.lists)-1]
		}
		w.atLeast(1)
	case atom.A:
		if w.href != "" && w.mute == 0 {
			shown := strings.TrimSpace(w.out.String()[w.from:])
			switch {
			case strings.HasPrefix(w.href, "#") || strings.HasPrefix(strings.ToLower(w.href), "javascript:"):
			case shown == "":
				w.flush()
				w.out.WriteString(w.href)
			case !sameAddress(shown, w.href):
				w.out.WriteString(" (" + w.href + ")")
			}
		}
		w.href = ""
	}
}
