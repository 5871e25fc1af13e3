package mail

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNames(t *testing.T) {
	for _, c := range []struct{ coded, plain string }{
		{"INBOX", "INBOX"},
		{"&AMQ-rger &- S&APY-hne", "Ärger & Söhne"},
		{"&ZeVnLIqe-", "日本語"},
		{"&2D3eAA-", "😀"},
		{"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"}, // RFC 3501, 5.1.3
	} {
		if got := DecodeName(c.coded); got != c.plain {
			t.Errorf("%q is read as %q, want %q", c.coded, got, c.plain)
		}
		if got := EncodeName(c.plain); got != c.coded {
			t.Errorf("%q is written as %q, want %q", c.plain, got, c.coded)
		}
	}
	for _, bad := range []string{"&", "&A", "&AA-", "&AMQ", "a&!-", "&AGE-", "&2D0-", "caf\xe9"} {
		if got := DecodeName(bad); got != bad {
			t.Errorf("%q, which is not well formed, is read as %q", bad, got)
		}
	}
}

// FuzzName: what is read of a name is written back as it was.
func FuzzName(f *testing.F) {
	f.Add("&AMQ-rger &- S&APY-hne")
	f.Fuzz(func(t *testing.T, s string) {
		if plain := DecodeName(s); plain != s && EncodeName(plain) != s {
			t.Errorf("%q is read as %q, which is written %q", s, plain, EncodeName(plain))
		}
		if utf8.ValidString(s) {
			if got := DecodeName(EncodeName(s)); got != s {
				t.Errorf("%q comes back as %q", s, got)
			}
		}
	})
}

// FuzzMark: a mark is a URL of printable ASCII whatever the header is, and fields
// are found without reading past it.
func FuzzMark(f *testing.F) {
	f.Add([]byte("Message-ID: <a@b>\r\nX: y\r\n\r\n"))
	f.Add([]byte("message-id :\n <a b@\xff>\n"))
	f.Fuzz(func(t *testing.T, header []byte) {
		for _, mark := range []string{Mark(header), HashMark(header)} {
			if mark == "" {
				continue
			}
			if !strings.HasPrefix(mark, "mid:") || len(mark) > 4+3*900 || strings.ContainsFunc(mark, func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("%q has the mark %q", header, mark)
			}
		}
		n := 0
		for rest := header; len(rest) > 0; {
			var field []byte
			field, rest = CutField(rest)
			n += len(field)
		}
		if n != len(header) {
			t.Errorf("the fields are %d bytes of %d", n, len(header))
		}
	})
}
