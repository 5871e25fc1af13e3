package richtext

import (
	"reflect"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
)

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		name, in string
		f        connector.Format
		want     []string
	}{
		{"none", "no address, http:// and https:// alone, shttp://x", connector.Plain, nil},
		{"bare", "see https://a.example/x now", connector.Plain, []string{"https://a.example/x"}},
		{"sentence ends", "Is it https://a.example/x? No: http://b.example/y, or HTTPS://C.example.", connector.Plain, []string{"https://a.example/x", "http://b.example/y", "HTTPS://C.example"}},
		{"parentheses", "(https://a.example/x) (see https://en.example/wiki/A_(b))", connector.Plain, []string{"https://a.example/x", "https://en.example/wiki/A_(b)"}},
		{"markdown target", `[name](https://a.example/x "smartCard-inline"),[b](http://b.example)(c)`, connector.Markdown, []string{"https://a.example/x", "http://b.example"}},
		{"label and target", "[https://a.example/x](https://a.example/x)", connector.Markdown, []string{"https://a.example/x", "https://a.example/x"}},
		{"bold", "**https://a.example/x_y_**", connector.Markdown, []string{"https://a.example/x_y"}},
		{"angles and quotes", `<https://a.example/x> "https://b.example/y" 'https://c.example'`, connector.Plain, []string{"https://a.example/x", "https://b.example/y", "https://c.example"}},
		{"textile", `"name":https://a.example/x. !https://a.example/i.png!`, connector.Textile, []string{"https://a.example/x", "https://a.example/i.png"}},
		{"html", `<a href="https://a.example/?a=1&amp;b=2">https://b.example/x&nbsp;y</a>&quot;http://c.example&quot;`, connector.HTML, []string{"https://a.example/?a=1&amp;b=2", "https://b.example/x", "http://c.example"}},
		{"table", "|https://a.example/x|https://b.example|", connector.Markdown, []string{"https://a.example/x", "https://b.example"}},
		{"query with brackets", "http://a.example/?a[]=1&b=2#c", connector.Plain, []string{"http://a.example/?a[]=1&b=2#c"}},
		{"japanese", "詳細はhttps://trello.com/c/abc/1-日本、次（https://b.example/x）。", connector.Plain, []string{"https://trello.com/c/abc/1-日本", "https://b.example/x"}},
		{"no host of its own", "http://localhost:8080/x http://[::1]:80/y", connector.Plain, []string{"http://localhost:8080/x", "http://[::1]:80/y"}},
		{"bidi mark ends it", "http://a.example/x\u202ey", connector.Plain, []string{"http://a.example/x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, s := range Links(c.in, c.f) {
				got = append(got, c.in[s[0]:s[1]])
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReplaceLinks(t *testing.T) {
	move := func(url string) string {
		if id, ok := strings.CutPrefix(url, "https://trello.com/c/"); ok {
			return "https://tasks.example/" + id
		}
		return url
	}
	in := `a https://trello.com/c/abc, [b](https://trello.com/c/def "smartCard-inline") (https://other.example/x).`
	want := `a https://tasks.example/abc, [b](https://tasks.example/def "smartCard-inline") (https://other.example/x).`
	if got := ReplaceLinks(in, move); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if in := "nothing here"; ReplaceLinks(in, move) != in {
		t.Error("a text without addresses was changed")
	}
}

func TestMentions(t *testing.T) {
	people := map[string]string{"ann": "Ann Lee", "bob.b": "Bob", "c-d_e": "Cé", "日本": "Nihon"}
	name := func(user string) (string, bool) { n, ok := people[user]; return n, ok }
	for in, want := range map[string]string{
		"@ann please":                          "Ann Lee please",
		"cc @ann, @bob.b. And (@c-d_e)!":       "cc Ann Lee, Bob. And (Cé)!",
		"**@ann** @annabel @nobody @":          "**Ann Lee** @annabel @nobody @",
		"mail ann@ann.example, x/@ann":         "mail ann@ann.example, x/@ann",
		"https://medium.example/@ann/1 @ann":   "https://medium.example/@ann/1 Ann Lee",
		"`@ann` and\n\n```\n@ann\n```\n@ann":   "`@ann` and\n\n```\n@ann\n```\nAnn Lee",
		"``a ` @ann`` @ann `open @ann":         "``a ` @ann`` Ann Lee `open Ann Lee",
		"@@ann \\@ann":                         "@@ann \\@ann",
		"さん @日本 さん":                            "さん Nihon さん",
		"@ann @ann\n@ann":                      "Ann Lee Ann Lee\nAnn Lee",
		"text\n\n    @ann in code\n\nand @ann": "text\n\n    @ann in code\n\nand Ann Lee",
	} {
		if got := Mentions(in, "@", name); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Mentions("@ann", "", name); got != "@ann" {
		t.Errorf("without a prefix nothing is a mention, got %q", got)
	}
}
