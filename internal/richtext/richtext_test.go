package richtext

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

func TestMarkdownToPlain(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing to do", "A line.\n\n\nAnother,  with   spaces\t and a tab.  \n\n", "A line.\n\n\nAnother,  with   spaces\t and a tab.  \n\n"},
		{"windows lines without markup", "a\r\nb\r\n", "a\r\nb\r\n"},
		{"dashes are plain", "Questions:\n- one\n- two\n", "Questions:\n- one\n- two\n"},
		{"headings", "# One\ntext\n\n## Two ##\n\nThree\n=====\nmore", "One\ntext\n\nTwo\n\nThree\nmore"},
		{"shaped letters", "the _easy_ part is **not** ***just*** this, snake_case_name stays", "the easy part is not just this, snake_case_name stays"},
		{"struck text keeps its marks", "~~What if~~ **no**", "~~What if~~ no"},
		{"stars become dashes", "* one\n* two\n    * inner\n    * inner 2\n* three", "- one\n- two\n  - inner\n  - inner 2\n- three"},
		{"numbers", "3. **c**\n3. d\n   - e\n\n     more of e", "3. c\n4. d\n   - e\n\n     more of e"},
		{"other delimiter", "1) *a*\n2) b", "1) a\n2) b"},
		{"tasks", "- [ ] *open*\n- [x] done", "- [ ] open\n- [x] done"},
		{"link", "see [the page](https://a.example/x_y_z?q=1&copy=2) now", "see the page (https://a.example/x_y_z?q=1&copy=2) now"},
		{"link named by itself", `[https://a.example/x](https://a.example/x "smartCard-inline")`, "https://a.example/x"},
		{"trailing slash", "[a.example](https://a.example/)", "https://a.example/"},
		{"smart card with a name", `[Card](https://trello.com/c/abc "smartCard-block")`, "Card (https://trello.com/c/abc)"},
		{"hover text", `[n](https://a.example "what it is")`, `n (https://a.example "what it is")`},
		{"mail", "<me@a.example> and [you@b.example](mailto:you@b.example)", "me@a.example and you@b.example"},
		{"angle address", "<https://a.example/_x_>", "https://a.example/_x_"},
		{"bare addresses are no markup", "http://localhost:8080/*a*/_b_/c_d_ *x*", "http://localhost:8080/*a*/_b_/c_d_ x"},
		{"address in a label", "[see http://a.example/_a_ there](http://b.example)", "see http://a.example/_a_ there (http://b.example)"},
		{"image", "![diagram](https://a.example/d.png)\n\n![](https://a.example/e.png)", "diagram (https://a.example/d.png)\n\nhttps://a.example/e.png"},
		{"code", "use `*.gocd.yaml` here", "use *.gocd.yaml here"},
		{"fenced code", "Try:\n```go\nif a < b {\n\treturn *p\n}\n```\nthen", "Try:\n\n    if a < b {\n    \treturn *p\n    }\n\nthen"},
		{"struck out, no fence", "~~~done, see https://a.example/x~~~\n\n*b*", "~~~done, see https://a.example/x~~~\n\nb"},
		{"words after a fence", "```two words\nx\n```", "    two words\n    x"},
		{"code in a list", "1. a\n\n   ```\n   x *y*\n   ```\n2. b", "1. a\n\n       x *y*\n2. b"},
		{"quote", "> **so** it\n> goes\n\nno", "> so it\n> goes\n\nno"},
		{"nested quote", "> a\n>\n> > *b*", "> a\n>\n> > b"},
		{"table", "| Name | *Age* |\n|---|--:|\n| Ann | 3 |\n| 日本 | 14 |", "| Name | Age |\n|------|-----|\n| Ann  | 3   |\n| 日本 | 14  |"},
		{"escapes", `\*no\* 3 \< 4 &amp; &#33; &nosuch; a\b`, `*no* 3 < 4 & ! &nosuch; a\b`},
		{"html is text", "<b>bold</b> *x* <!-- c -->", "<b>bold</b> x <!-- c -->"},
		{"emoji codes", ":thinking_face: **:+1:**", ":thinking_face: :+1:"},
		{"rule", "*a*\n\n***\n\nb", "a\n\n---\n\nb"},
		{"definitions stay", "see [a][1] *x*\n\n[1]: http://a.example/x", "see [a][1] x\n\n[1]: http://a.example/x"},
		{"hard breaks", "a\\\nb  \n*c*", "a\nb\nc"},
		{"japanese", "**重要**：https://trello.com/c/abc。次", "重要：https://trello.com/c/abc。次"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, changed := Convert(c.in, connector.Markdown, connector.Plain)
			if got != c.want {
				t.Errorf("got\n%q, want\n%q", got, c.want)
			}
			if changed != (c.in != c.want) {
				t.Errorf("changed is %v", changed)
			}
		})
	}
}
