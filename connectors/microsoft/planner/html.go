package planner

import (
	"html"
	"strings"
)

// postHTML writes a plain text as the body of a post. Posts are HTML: Exchange
// turns others into it.
func postHTML(text string) string {
	var out strings.Builder
	out.WriteString("<div>")
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			out.WriteString("<br>")
		}
		blank := true // a space at the edge of a line or after another would be dropped
		for _, r := range line {
			switch {
			case r == ' ' && blank:
				out.WriteString("&nbsp;")
				continue
			case r == ' ':
				blank = true
			default:
				blank = false
			}
			out.WriteString(html.EscapeString(string(r)))
		}
	}
	out.WriteString("</div>")
	return out.String()
}

// postText reads a body as plain text: breaks and blocks end lines, anything
// else of the markup goes.
func postText(b postBody) string {
	if !strings.EqualFold(b.Type, "html") {
		return strings.Trim(strings.ReplaceAll(b.Content, "\r\n", "\n"), "\n")
	}
	s := b.Content
	if i := strings.Index(strings.ToLower(s), "<body"); i >= 0 {
		s = s[i:]
	}
	var out strings.Builder
	hidden := "" // inside a <style> or <script>
	for s != "" {
		if s[0] == '<' {
			if strings.HasPrefix(s, "<!--") {
				_, s, _ = strings.Cut(s, "-->")
				continue
			}
			if end := strings.IndexByte(s, '>'); end > 0 && len(s) > 1 && (s[1] == '/' || s[1] == '!' || isLetter(s[1])) {
				name, closing := tagName(s[1:end])
				s = s[end+1:]
				switch {
				case hidden != "":
					if closing && name == hidden {
						hidden = ""
					}
				case name == "style" || name == "script" || name == "head":
					if !closing {
						hidden = name
					}
				case name == "br":
					out.WriteByte('\n')
				case isBlock(name):
					endLine(&out)
				}
				continue
			}
		}
		next := strings.IndexByte(s[1:], '<')
		run := s
		if next >= 0 {
			run = s[:next+1]
		}
		s = s[len(run):]
		if hidden == "" {
			writeRun(&out, run)
		}
	}
	return strings.Trim(out.String(), "\n")
}

// writeRun appends text between tags: white space of the source is one space,
// and none at the beginning of a line.
func writeRun(out *strings.Builder, run string) {
	space := false
	var text strings.Builder
	for _, r := range run {
		if r == ' ' || r == '\n' || r == '\r' || r == '\t' {
			space = true
			continue
		}
		if space && (text.Len() > 0 || !lineStart(out)) {
			text.WriteByte(' ')
		}
		space = false
		text.WriteRune(r)
	}
	if space && (text.Len() > 0 || !lineStart(out)) {
		text.WriteByte(' ')
	}
	out.WriteString(strings.ReplaceAll(html.UnescapeString(text.String()), "\u00a0", " "))
}

func lineStart(out *strings.Builder) bool {
	return out.Len() == 0 || strings.HasSuffix(out.String(), "\n")
}

func endLine(out *strings.Builder) {
	if !lineStart(out) {
		out.WriteByte('\n')
	}
}

func tagName(tag string) (name string, closing bool) {
	closing = strings.HasPrefix(tag, "/")
	tag = strings.TrimPrefix(tag, "/")
	if i := strings.IndexFunc(tag, func(r rune) bool { return r > 127 || !isLetter(byte(r)) && (r < '0' || r > '9') }); i >= 0 {
		tag = tag[:i]
	}
	return strings.ToLower(tag), closing
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func isBlock(name string) bool {
	switch name {
	case "div", "p", "tr", "li", "ul", "ol", "table", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr":
		return true
	}
	return false
}
