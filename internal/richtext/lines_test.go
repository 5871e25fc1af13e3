package richtext

import "testing"

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "",
		"a title":                    "a title",
		"  kept  spaces ":            "  kept  spaces ",
		"two\nlines\r\nthree\n":      "two lines three",
		"tab\tand \n both":           "tab and  both",
		"bell\a nul\x00 esc\x1b[31m": "bell nul esc[31m",
		"invoice\u202egpj.exe":       "invoicegpj.exe",
		"\u2066isolated\u2069":       "isolated",
		"\ufeffbom":                  "bom",
		"שלום\u200f!":                "שלום\u200f!",
		"👩\u200d💻 ok":                "👩\u200d💻 ok",
		"bad\xff":                    "bad\ufffd",
		"line\u2028sep":              "line sep",
	} {
		got, changed := Clean(in)
		if got != want || changed != (in != want) {
			t.Errorf("%q: got %q, %v, want %q", in, got, changed, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		in         string
		max        int
		head, rest string
	}{
		{"short", 10, "short", ""},
		{"exact", 5, "exact", ""},
		{"", 5, "", ""},
		{"abc", 0, "", "abc"},
		{"abc", -1, "", "abc"},
		{"several words here", 15, "several words", " here"},
		{"several words here", 13, "several words", " here"},
		{"a verylongwordthatgoeson", 10, "a verylong", "wordthatgoeson"},
		{"日本語の長い題名", 4, "日本語の", "長い題名"},
		{"ab😀cd", 3, "ab", "😀cd"},
		{"ab😀cd", 4, "ab😀", "cd"},
		{"😀", 1, "", "😀"},
		{"e\u0301e\u0301", 3, "e\u0301", "e\u0301"},
		{"a👩\u200d👩\u200d👧b", 6, "a", "👩\u200d👩\u200d👧b"},
		{"🇳🇴🇸🇪", 6, "🇳🇴", "🇸🇪"},
		{"👍🏽👍", 5, "👍🏽", "👍"},
		{"각각", 1, "각", "각"},
		{"ab\r\ncd", 3, "ab", "\r\ncd"},
	} {
		head, rest := Cut(c.in, c.max)
		if head != c.head || rest != c.rest {
			t.Errorf("Cut(%q, %d): got %q, %q, want %q, %q", c.in, c.max, head, rest, c.head, c.rest)
		}
	}
}
