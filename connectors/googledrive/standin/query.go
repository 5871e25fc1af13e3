package standin

import (
	"strings"
	"time"
)

// A query is what files.list looks for
// (https://developers.google.com/workspace/drive/api/guides/search-files), in the terms
// that migrations use, joined by "and".
type query struct {
	parent          string
	mine            *bool
	mime, notMime   string
	name            string
	trashed         *bool
	since           time.Time
	property, value string
}

// parseQuery reads a query; ok is false for one with a term that is not known.
func parseQuery(text string) (q query, ok bool) {
	words, ok := wordsOf(text)
	if !ok {
		return q, false
	}
	for len(words) > 0 {
		// appProperties has { key='K' and value='V' }
		if len(words) >= 7 && words[0] == "appProperties" && words[1] == "has" && words[2] == "{" && words[3] == "key=" && words[5] == "and" && words[6] == "value=" {
			if len(words) < 9 || words[8] != "}" {
				return q, false
			}
			q.property, q.value = strings.TrimPrefix(words[4], "'"), strings.TrimPrefix(words[7], "'")
			if words = words[9:]; len(words) > 0 {
				if words[0] != "and" {
					return q, false
				}
				words = words[1:]
			}
			continue
		}
		not := words[0] == "not"
		if not {
			words = words[1:]
		}
		if len(words) < 3 {
			return q, false
		}
		a, op, b := words[0], words[1], words[2]
		words = words[3:]
		value, quoted := strings.CutPrefix(b, "'")
		left, isText := strings.CutPrefix(a, "'")
		switch {
		case isText && op == "in" && b == "parents" && !not:
			q.parent = left
		case isText && op == "in" && b == "owners" && left == "me":
			yes := !not
			q.mine = &yes
		case not:
			return q, false
		case a == "mimeType" && op == "=" && quoted:
			q.mime = value
		case a == "mimeType" && op == "!=" && quoted:
			q.notMime = value
		case a == "name" && op == "=" && quoted:
			q.name = value
		case a == "trashed" && op == "=" && (b == "true" || b == "false"):
			yes := b == "true"
			q.trashed = &yes
		case a == "createdTime" && op == ">=" && quoted:
			at, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return q, false
			}
			q.since = at
		default:
			return q, false
		}
		if len(words) > 0 {
			if words[0] != "and" {
				return q, false
			}
			words = words[1:]
		}
	}
	return q, true
}

// wordsOf cuts a query; a text keeps its first quote.
func wordsOf(text string) (out []string, ok bool) {
	for text != "" {
		switch {
		case text[0] == ' ':
			text = text[1:]
		case text[0] == '\'':
			var b strings.Builder
			b.WriteByte('\'')
			i := 1
			for ; i < len(text) && text[i] != '\''; i++ {
				if text[i] == '\\' && i+1 < len(text) {
					i++
				}
				b.WriteByte(text[i])
			}
			if i == len(text) {
				return nil, false
			}
			out, text = append(out, b.String()), text[i+1:]
		default:
			i := strings.IndexAny(text, " '")
			if i < 0 {
				i = len(text)
			}
			out, text = append(out, text[:i]), text[i:]
		}
	}
	return out, true
}

// finds reports whether a query finds a node. Names are compared without regard to case.
func (q query) finds(c *call, n *node) bool {
	parent := q.parent
	if parent == "root" {
		parent = c.who.root.id
	}
	switch {
	case parent != "" && (n.parent == nil || n.parent.id != parent),
		q.mine != nil && (n.owner == c.who) != *q.mine,
		q.mime != "" && n.mime != q.mime,
		q.notMime != "" && n.mime == q.notMime,
		q.name != "" && !strings.EqualFold(n.name, q.name),
		q.property != "" && n.private[q.property] != q.value,
		q.trashed != nil && n.binned() != *q.trashed,
		!q.since.IsZero() && n.created.Before(q.since):
		return false
	}
	return true
}
