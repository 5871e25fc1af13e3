package richtext

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

func TestOtherFormats(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to connector.Format
		in, want string
	}{
		{"markdown to textile", connector.Markdown, connector.Textile,
			"# Head\ntext **bold** _it_ ~~gone~~ `x` [n](https://a.example/x_y)\n- a\n  1. b\n- c\n\n> q\n\n```go\nx\n```",
			"h1. Head\n\ntext *bold* _it_ -gone- @x@ \"n\":https://a.example/x_y\n\n* a\n*# b\n* c\n\n> q\n\n<pre><code class=\"go\">\nx\n</code></pre>"},
		{"textile keeps literal marks", connector.Markdown, connector.Textile,
			`\*no\* 2 * 3 * 4 -x- #12 a@b.example &amp;amp; **b**`,
			"&#42;no* 2 * 3 * 4 &#45;x- !#12 a@b.example &amp;amp; *b*"},
		{"textile table", connector.Markdown, connector.Textile,
			"| a | b |\n|---|---|\n| 1 | x\\|y |", "|_. a|_. b|\n|1|x&#124;y|"},
		{"textile image", connector.Markdown, connector.Textile, "![d (1)](https://a.example/d.png)", "!https://a.example/d.png(d [1])!"},
		{"textile address untouched", connector.Markdown, connector.Textile, "https://a.example/-x-/_y_ *z*", "https://a.example/-x-/_y_ _z_"},
		{"markdown to html", connector.Markdown, connector.HTML,
			"# H & M\n<script>x</script> **b** https://a.example/_x_?a=1&b=2\n- [x] [n](https://b.example)\n\n[bad](javascript:alert)",
			"<h1>H &amp; M</h1>\n<p>&lt;script&gt;x&lt;/script&gt; <strong>b</strong> <a href=\"https://a.example/_x_?a=1&amp;b=2\">https://a.example/_x_?a=1&amp;b=2</a></p>\n" +
				"<ul>\n<li>☑ <a href=\"https://b.example\">n</a></li>\n</ul>\n<p>bad</p>"},
		{"html table and code", connector.Markdown, connector.HTML, "|a|\n|-|\n|`<`|", "<table>\n<tr><th>a</th></tr>\n<tr><td><code>&lt;</code></td></tr>\n</table>"},
		{"plain to html", connector.Plain, connector.HTML, "a < b\nc & d", "a &lt; b<br>\nc &amp; d"},
		{"html to plain", connector.HTML, connector.Plain,
			"<html><head><style>p{}</style></head><body><p>Hello&nbsp;<b>you</b>,</p>\r\n<p>see <a href=\"https://a.example/?a=1&amp;b=2\">here</a><br>bye</p><ul><li>a<ol><li>b</li><li>c</li></ol></li></ul><script>x</script></body></html>",
			"Hello you,\n\nsee here (https://a.example/?a=1&b=2)\nbye\n\n- a\n  1. b\n  2. c"},
		{"html link named by itself", connector.HTML, connector.Plain, `<a href="https://a.example/">https://a.example</a>`, "https://a.example"},
		{"html pre", connector.HTML, connector.Plain, "<div>a</div><pre>x\n  y &lt;</pre>z", "a\n\nx\n  y <\n\nz"},
		{"html to markdown is plain", connector.HTML, connector.Markdown, "<p>a</p>", "a"},
		{"text in html without tags", connector.HTML, connector.Plain, "a\nb", "a\nb"},
		{"plain to markdown", connector.Plain, connector.Markdown, "*a*", "*a*"},
		{"textile to plain", connector.Textile, connector.Plain, "h1. a", "h1. a"},
		{"the same", connector.Markdown, connector.Markdown, "**a**", "**a**"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changed := Convert(c.in, c.from, c.to)
			if got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
			if changed != (c.in != c.want) {
				t.Errorf("changed is %v", changed)
			}
		})
	}
}
