// Package richtext carries long texts from one cloud's format into another's,
// and finds what the engine must touch in them: links that point at items that
// moved, and mentions that must ping nobody.
//
// Everything here is pure and deterministic: the same text gives the same
// bytes, so that verify can convert the source again and compare. Offsets are
// in bytes; lengths are in UTF-16 units where a limit of a cloud is meant.
package richtext

import (
	"strings"

	"github.com/rialto-migrate/rialto/connector"
)

// Convert writes a text of one format in another. changed says whether any byte
// differs. A text without markup comes out byte for byte.
//
// Markdown becomes plain text, Textile or HTML; HTML becomes plain text for
// every other format; plain text is escaped for HTML and stays as it is for the
// others; so does Textile. Addresses come through untouched (HTML-escaped where
// the result is HTML). Mentions and links are rewritten before Convert, in the
// source's format: see Mentions and ReplaceLinks.
func Convert(text string, from, to connector.Format) (out string, changed bool) {
	switch {
	case from == to, text == "":
		out = text
	case from == connector.Markdown && to == connector.Plain:
		out = render(text, plainStyle)
	case from == connector.Markdown && to == connector.Textile:
		out = render(text, textileStyle)
	case from == connector.Markdown && to == connector.HTML:
		out = markdownToHTML(text)
	case from == connector.HTML:
		out = htmlToPlain(text)
	case from == connector.Plain && to == connector.HTML:
		out = plainToHTML(text)
	default:
		out = text
	}
	return out, out != text
}

// unix returns a text with "\n" as its only line end.
func unix(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
