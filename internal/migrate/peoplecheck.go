package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A peopleCheck looks for what is wrong with the decisions made by hand, over
// all places that the migration writes to.
type peopleCheck struct {
	spec People
	maps []*peopleMap
	by   map[int][]string // the members that a line is about
	out  map[int]string   // what is wrong, by line
}

func (e *Engine) checkPeople() *peopleCheck {
	c := &peopleCheck{spec: e.Spec.People, by: map[int][]string{}, out: map[int]string{}}
	for _, there := range e.entered() {
		c.maps = append(c.maps, there.people)
	}
	for _, p := range c.maps {
		p.mu.RLock()
		for _, m := range p.source {
			if r, ok := p.row(m); ok && !slices.Contains(c.by[r.Line], m.ID) {
				c.by[r.Line] = append(c.by[r.Line], m.ID)
			}
		}
		p.mu.RUnlock()
	}
	return c
}

// idle returns the lines that are about nobody who was met.
func (c *peopleCheck) idle() []int {
	var out []int
	for _, r := range c.spec.Rows {
		if len(c.by[r.Line]) == 0 {
			out = append(out, r.Line)
		}
	}
	return out
}

// wrong returns what is wrong, in the order of the lines. What is wrong with the
// sources of the lines shows for people who were met.
func (c *peopleCheck) wrong() []error {
	for _, p := range c.maps {
		c.sources(p)
	}
	for _, r := range c.spec.Rows {
		if ids := c.by[r.Line]; len(ids) > 1 {
			slices.Sort(ids)
			c.fail(r, "%d people at the source are called %q; give each a line with the id: %s", len(ids), r.Source, strings.Join(ids, ", "))
		}
		switch there, many := c.named(r.Target); {
		case r.Target == Nobody, len(there) > 0:
		case many:
			c.fail(r, "several people at the target are called %q; give the e-mail or the id", r.Target)
		default:
			c.fail(r, "nobody at the target is %q; give an e-mail, a user name or an id that is there, %s for nobody, or nothing to decide later", r.Target, Nobody)
		}
	}
	var out []error
	for _, line := range sortedLines(c.out) {
		out = append(out, fmt.Errorf("%s:%d: %s", c.spec.File, line, c.out[line]))
	}
	return out
}

// sources looks for people who have two lines.
func (c *peopleCheck) sources(p *peopleMap) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, id := range sortedKeys(p.source) {
		m := p.source[id]
		r, ok := p.row(m)
		if !ok {
			continue
		}
		for _, s := range []string{item.Email.Get(m), item.UserName.Get(m), item.Name.Get(m)} {
			other, also := p.rows[fold(s)]
			if s == "" || !also || other.Line == r.Line || len(c.by[other.Line]) > 0 { // of somebody else who is called so
				continue
			}
			first, second := r, other
			if first.Line > second.Line {
				first, second = second, first
			}
			a, _ := c.named(first.Target)
			b, _ := c.named(second.Target)
			if slices.Equal(a, b) {
				c.fail(second, "%q is the person of line %d; keep one of the two lines", second.Source, first.Line)
			} else {
				c.fail(second, "%q is the person of line %d, who is mapped to another target there; keep one of the two lines", second.Source, first.Line)
			}
			break
		}
	}
}

// named finds whom a target of a line names, in any place; many says that there
// are several of that name.
func (c *peopleCheck) named(text string) (ids []string, many bool) {
	for _, p := range c.maps {
		id, several := p.named(text)
		many = many || several
		if id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, many
}

func (c *peopleCheck) fail(r PersonRow, format string, args ...any) {
	if c.out[r.Line] == "" {
		c.out[r.Line] = fmt.Sprintf(format, args...)
	}
}

func sortedLines(m map[int]string) []int {
	lines := make([]int, 0, len(m))
	for n := range m {
		lines = append(lines, n)
	}
	slices.Sort(lines)
	return lines
}

// mostWrong is how many mistakes of a people file are told at once.
const mostWrong = 10

// refusal makes one error of what is wrong in a people file; nil of nothing.
func refusal(wrong []error) error {
	if len(wrong) == 0 {
		return nil
	}
	var lines []string
	for i, err := range wrong {
		if i == mostWrong {
			lines = append(lines, fmt.Sprintf("and %d more", len(wrong)-i))
			break
		}
		lines = append(lines, err.Error())
	}
	return connector.Errorf(connector.Permanent, "%s", strings.Join(lines, "\n"))
}
