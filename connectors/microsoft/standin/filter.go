package standin

import (
	"net/http"
	"strings"
	"unicode"
)

// filter understands the part of OData's $filter that finds users and groups:
// "displayName eq 'x'", "startswith(mail,'x')", "groupTypes/any(c:c eq
// 'Unified')", "not", "and", "or" and parentheses. As in Graph, texts compare
// without case.
func filter(in string) (func(object) bool, error) {
	if in == "" {
		return func(object) bool { return true }, nil
	}
	p := &filterParser{rest: in}
	keep := p.or()
	p.space()
	if p.bad || p.rest != "" {
		return nil, refuse(http.StatusBadRequest, "BadRequest", "Invalid filter clause")
	}
	return keep, nil
}

type filterParser struct {
	rest string
	bad  bool
	deep int
}

type test = func(object) bool

func (p *filterParser) space() { p.rest = strings.TrimLeft(p.rest, " ") }

// word takes a keyword or symbol if it comes next.
func (p *filterParser) word(w string) bool {
	p.space()
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) {
		return false
	}
	after := p.rest[len(w):]
	if unicode.IsLetter(rune(w[len(w)-1])) && after != "" && (unicode.IsLetter(rune(after[0])) || unicode.IsDigit(rune(after[0]))) {
		return false
	}
	p.rest = after
	return true
}

func (p *filterParser) need(w string) {
	if !p.word(w) {
		p.bad = true
	}
}

func (p *filterParser) or() test {
	left := p.and()
	for !p.bad && p.word("or") {
		a, b := left, p.and()
		left = func(o object) bool { return a(o) || b(o) }
	}
	return left
}

func (p *filterParser) and() test {
	left := p.not()
	for !p.bad && p.word("and") {
		a, b := left, p.not()
		left = func(o object) bool { return a(o) && b(o) }
	}
	return left
}

func (p *filterParser) not() test {
	if p.deep++; p.deep > 100 {
		p.bad = true
	}
	defer func() { p.deep-- }()
	if p.bad {
		return nil
	}
	if p.word("not") {
		a := p.not()
		return func(o object) bool { return !a(o) }
	}
	if p.word("(") {
		a := p.or()
		p.need(")")
		return a
	}
	return p.comparison()
}

func (p *filterParser) comparison() test {
	if p.word("startswith") {
		p.need("(")
		name := p.name()
		p.need(",")
		value := p.literal()
		p.need(")")
		prefix, _ := value.(string)
		return func(o object) bool {
			s, ok := o[name].(string)
			return ok && len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
		}
	}
	name := p.name()
	if p.word("/any") {
		p.need("(")
		variable := p.name()
		p.need(":")
		if p.name() != variable {
			p.bad = true
		}
		p.need("eq")
		value := p.literal()
		p.need(")")
		return func(o object) bool {
			list, _ := o[name].([]string)
			for _, s := range list {
				if same(s, value) {
					return true
				}
			}
			return false
		}
	}
	equal := p.word("eq")
	if !equal {
		p.need("ne")
	}
	value := p.literal()
	return func(o object) bool { return same(o[name], value) == equal }
}

func same(a, b any) bool {
	x, isText := a.(string)
	y, alsoText := b.(string)
	if isText && alsoText {
		return strings.EqualFold(x, y)
	}
	return a == b
}

func (p *filterParser) name() string {
	p.space()
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' })
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		p.bad = true
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	return name
}

// literal is a text in single quotes, doubled inside, or true, false or null.
func (p *filterParser) literal() any {
	switch {
	case p.word("true"):
		return true
	case p.word("false"):
		return false
	case p.word("null"):
		return nil
	}
	p.space()
	if !strings.HasPrefix(p.rest, "'") {
		p.bad = true
		return nil
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		if p.rest[i] != '\'' {
			b.WriteByte(p.rest[i])
			continue
		}
		if i+1 < len(p.rest) && p.rest[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.rest = p.rest[i+1:]
		return b.String()
	}
	p.bad = true
	return nil
}
