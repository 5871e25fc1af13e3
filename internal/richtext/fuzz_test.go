package richtext

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/connectortest"
)

func FuzzConvert(f *testing.F) {
	for _, s := range []string{
		"", "# a\n- b\n  1. c\n\n> q **x** _y_ ~~z~~ `c` [n](http://a.example/x_(y) \"t\") ![i](http://b.example)",
		"|a|b|\n|-|:-:|\n|c|", "```\nx\n", "    code\n\ttab", "- [x] a\n* * b\n\n\n  c", "a\\\nb  \n&amp;&#33;\\*",
		"<http://a.example/_> <p>x</p> &quot;", "http://a.example/*x*_y_", "\r\n\r", "1) a\n1) b", "***a** b*", "[a]: http://x\n\n[a]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, to := range []connector.Format{connector.Plain, connector.Textile, connector.HTML} {
			out, changed := Convert(s, connector.Markdown, to)
			again, _ := Convert(s, connector.Markdown, to)
			if out != again {
				t.Fatalf("%s: two conversions differ", to)
			}
			if changed != (out != s) {
				t.Fatalf("%s: changed is %v", to, changed)
			}
			if utf8.ValidString(s) && !utf8.ValidString(out) {
				t.Fatalf("%s: not UTF-8: %q", to, out)
			}
		}
		out, _ := Convert(s, connector.HTML, connector.Plain)
		if utf8.ValidString(s) && !utf8.ValidString(out) {
			t.Fatalf("html: not UTF-8: %q", out)
		}
	})
}

// FuzzURLs: an address that stands by itself between words comes through every
// format as it was.
func FuzzURLs(f *testing.F) {
	f.Add("https://a.example/x_y_z", "**b** _c_", "`d`")
	f.Add("http://a.example/*x*?a[]=1&copy=2#~~y~~", "- ", "[z](q)")
	f.Fuzz(func(t *testing.T, url, before, after string) {
		if strings.ContainsAny(before+after, "`<\n\r|") || !utf8.ValidString(before+url+after) || strings.Count(before, "[") > 0 {
			t.Skip("what stands beside the address makes another text of it")
		}
		if spots := Links(url, connector.Markdown); len(spots) != 1 || spots[0] != [2]int{0, len(url)} {
			t.Skip("no address that stands by itself")
		}
		text := "x " + before + " " + url + " " + after
		for _, to := range []connector.Format{connector.Plain, connector.Textile} {
			if out, _ := Convert(text, connector.Markdown, to); !strings.Contains(out, url) {
				t.Errorf("%s: %q lost %q: %q", to, text, url, out)
			}
		}
	})
}

func FuzzReplaceLinks(f *testing.F) {
	f.Add("a https://a.example/x, [b](http://b.example)")
	f.Fuzz(func(t *testing.T, s string) {
		var n int
		if got := ReplaceLinks(s, func(u string) string { n++; return u }); got != s {
			t.Fatalf("the identity changed %q to %q", s, got)
		}
		last := 0
		for _, fm := range []connector.Format{connector.Plain, connector.Markdown, connector.HTML} {
			last = 0
			for _, spot := range Links(s, fm) {
				if spot[0] < last || spot[1] <= spot[0] || spot[1] > len(s) {
					t.Fatalf("%s: spot %v of %q", fm, spot, s)
				}
				last = spot[1]
			}
		}
	})
}

func FuzzMentions(f *testing.F) {
	f.Add("@a @b.c `@d` e@f http://g/@h")
	f.Fuzz(func(t *testing.T, s string) {
		if got := Mentions(s, "@", func(string) (string, bool) { return "", false }); got != s {
			t.Fatalf("nobody was known, and %q became %q", s, got)
		}
		Mentions(s, "@", func(u string) (string, bool) { return "N", true })
	})
}

func FuzzCut(f *testing.F) {
	f.Add("several words 👩\u200d💻 🇳🇴", 12)
	f.Fuzz(func(t *testing.T, s string, max int) {
		head, rest := Cut(s, max)
		if head+rest != s {
			t.Fatalf("%q + %q is not %q", head, rest, s)
		}
		if !utf8.ValidString(s) {
			return
		}
		if n := len(utf16.Encode([]rune(head))); n > 0 && n > max {
			t.Fatalf("%q has %d units, more than %d", head, n, max)
		}
		if !utf8.ValidString(head) {
			t.Fatalf("%q was cut within a letter", s)
		}
		if max > 1 && s != "" && head == "" {
			t.Fatalf("nothing of %q fits %d", s, max)
		}
		one, _ := Clean(s)
		if two, changed := Clean(one); changed {
			t.Fatalf("Clean is not stable: %q, %q", one, two)
		}
	})
}

// TestStable: plain text that came out of a conversion goes in again as it is,
// unless it holds marks that were escaped or code before.
func TestStable(t *testing.T) {
	for _, s := range []string{
		"# Head\ntext", "* a\n* b\n   * c\n\n* d", "> **q**\n>\n> - a\n\nb", "|a|*b*|\n|-|-:|\n|c|日本|", "```\ncode\n  more\n```\nb *x*",
		"1. **a**\n\n   b\n2. c", "- [ ] *a*\n- [x] b", "[n](https://a.example/_x_ \"h\") ~~gone~~ ![i](https://a.example/i.png)", "Setext\n---\n*a*\n\n---\n\nb",
	} {
		once, changed := Convert(s, connector.Markdown, connector.Plain)
		if !changed {
			t.Errorf("%q should change", s)
		}
		if twice, _ := Convert(once, connector.Markdown, connector.Plain); twice != once {
			t.Errorf("%q became\n%q, then\n%q", s, once, twice)
		}
	}
}

// TestRealBoards converts every text of real exports: no address is lost, and
// what comes out is stable.
func TestRealBoards(t *testing.T) {
	dir := connectortest.Shared(t, "data", "trello")
	files, _ := filepath.Glob(filepath.Join(dir, "*.json"))
	if len(files) == 0 {
		t.Skip("no board exports in shared/data/trello")
	}
	texts, changedTexts, unstable := 0, 0, 0
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if json.Unmarshal(data, &v) != nil {
			continue
		}
		strs(v, func(s string) {
			texts++
			out, changed := Convert(s, connector.Markdown, connector.Plain)
			if changed {
				changedTexts++
			}
			for _, spot := range Links(s, connector.Markdown) {
				if url := s[spot[0]:spot[1]]; !strings.Contains(out, strings.TrimSuffix(url, "/")) && !strings.Contains(url, "&amp;") {
					t.Errorf("an address of %s is lost:\n%q\n%q", filepath.Base(name), s, out)
				}
			}
			if twice, _ := Convert(out, connector.Markdown, connector.Plain); twice != out {
				unstable++
			}
		})
	}
	t.Logf("%d texts, %d changed, %d not stable (escaped marks or code)", texts, changedTexts, unstable)
	if changedTexts == 0 {
		t.Error("no text had markup")
	}
}

// strs visits the texts of an export: descriptions and comments.
func strs(v any, f func(string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			strs(e, f)
		}
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && (k == "desc" || k == "text") {
				f(s)
			} else {
				strs(e, f)
			}
		}
	}
}
