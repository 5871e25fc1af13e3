package standin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A patch is a request's JSON object, read property by property: what was not
// named stays as it is, and what is not known is refused. The first thing that
// is wrong is kept, so that handlers ask once at the end.
type patch struct {
	typ   string // "microsoft.graph.plannerTask"
	props map[string]json.RawMessage
	used  map[string]bool
	err   error
}

// parse reads a body that must be a JSON object.
func parse(c *call, typ string) *patch {
	p := &patch{typ: typ, used: map[string]bool{}}
	if len(bytes.TrimSpace(c.body)) == 0 {
		p.fail("Write request must have a body: the entity is missing.")
		return p
	}
	p.props, p.err = fields(c.body)
	if p.err != nil {
		p.err = refuse(http.StatusBadRequest, "BadRequest", "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return p
}

// fields splits a JSON object; a name that comes twice is an error.
func fields(raw []byte) (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('{') {
		return nil, fmt.Errorf("not an object")
	}
	out := map[string]json.RawMessage{}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var v json.RawMessage
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		if _, twice := out[name.(string)]; twice {
			return nil, fmt.Errorf("a name twice")
		}
		out[name.(string)] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return out, nil
}

func (p *patch) fail(format string, args ...any) {
	if p.err == nil {
		p.err = plannerRefuse(http.StatusBadRequest, "The request is invalid:\r\n"+format, args...)
	}
}

// has reports whether a property is named; null counts.
func (p *patch) has(name string) bool { _, ok := p.props[name]; return ok }

func (p *patch) take(name string) (json.RawMessage, bool) {
	p.used[name] = true
	v, ok := p.props[name]
	return v, ok
}

func (p *patch) wrong(name, want string) {
	p.fail("Cannot convert the value of property '%s' of type '%s' to the expected type '%s'.", name, p.typ, want)
}

func isNull(raw json.RawMessage) bool { return string(raw) == "null" }

// text sets a string if it is named. Null makes it "".
func (p *patch) text(name string, into *string) bool {
	v, ok := p.take(name)
	if !ok {
		return false
	}
	if isNull(v) {
		*into = ""
		return true
	}
	if json.Unmarshal(v, into) != nil {
		p.wrong(name, "Edm.String")
	}
	return true
}

// must is text for a property that is not nullable, with a longest length.
func (p *patch) must(entity, name string, limit int, into *string) bool {
	if !p.text(name, into) {
		return false
	}
	upper := strings.ToUpper(name[:1]) + name[1:]
	switch {
	case *into == "":
		p.invalid(entity, upper, "A non-null value must be specified for this field.")
	case limit > 0 && chars(*into) > limit:
		p.invalid(entity, upper, fmt.Sprintf("The length of the value is more than the maximum of %d.", limit))
	}
	return true
}

// invalid is Planner's own form of a field that is wrong
// (microsoft-graph-docs#12264).
func (p *patch) invalid(entity, field, why string) {
	if p.err == nil {
		p.err = plannerRefuse(http.StatusBadRequest, "Schema validation has failed. Validation for field '%s', on entity '%s' has failed: %s", field, entity, why)
	}
}

func (p *patch) number(name string, low, high int, into *int) bool {
	v, ok := p.take(name)
	if !ok {
		return false
	}
	n, err := strconv.Atoi(string(v))
	if err != nil {
		p.wrong(name, "Edm.Int32")
		return true
	}
	if n < low || n > high {
		p.invalid("Task", strings.ToUpper(name[:1])+name[1:], fmt.Sprintf("The value must be between %d and %d.", low, high))
		return true
	}
	*into = n
	return true
}

func (p *patch) boolean(name string, into *bool) bool {
	v, ok := p.take(name)
	if !ok {
		return false
	}
	if json.Unmarshal(v, into) != nil || isNull(v) {
		p.wrong(name, "Edm.Boolean")
	}
	return true
}

// when sets a time; null makes it zero.
func (p *patch) when(name string, into *time.Time) bool {
	v, ok := p.take(name)
	if !ok {
		return false
	}
	if isNull(v) {
		*into = time.Time{}
		return true
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		p.wrong(name, "Edm.DateTimeOffset")
		return true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		p.wrong(name, "Edm.DateTimeOffset")
		return true
	}
	*into = ticks(t)
	return true
}

func (p *patch) choice(name string, values []string, into *string) bool {
	var s string
	if !p.text(name, &s) {
		return false
	}
	if !slices.Contains(values, s) {
		p.wrong(name, "enumeration")
		return true
	}
	*into = s
	return true
}

// nested reads a property that is an object; nil if it is not named or null.
func (p *patch) nested(name, typ string) *patch {
	v, ok := p.take(name)
	if !ok || isNull(v) {
		return nil
	}
	n := &patch{typ: typ, used: map[string]bool{}}
	var err error
	if n.props, err = fields(v); err != nil {
		p.wrong(name, typ)
		return nil
	}
	return n
}

// keys are the names of an open type's dynamic properties, in order.
func (p *patch) keys() []string {
	var out []string
	for k := range p.props {
		if !strings.HasPrefix(k, "@") {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// typed reads an open type's dynamic property whose value must say its type
// (docs: planner-overview, "400 Bad request"); nil for null.
func (p *patch) typed(name, typ string) *patch {
	n := p.nested(name, typ)
	if n == nil {
		return nil
	}
	var told string
	n.text("@odata.type", &told)
	// docs: plannerexternalreferences writes the type without "planner".
	short := strings.Replace(typ, ".plannerE", ".e", 1)
	if t := strings.TrimPrefix(told, "#"); t != typ && t != short {
		p.fail("An untyped value was found for property '%s' of the open type '%s': the value must have an '@odata.type' of '#%s'.", name, p.typ, typ)
		return nil
	}
	return n
}

// readOnly refuses properties that a client cannot write.
func (p *patch) readOnly(names ...string) {
	for _, name := range names {
		if p.has(name) {
			p.used[name] = true
			p.fail("The property '%s' on type '%s' is read-only and cannot be set.", name, p.typ)
		}
	}
}

// end returns what was wrong, if only that a property is not known.
func (p *patch) end() error {
	if p.err != nil {
		return p.err
	}
	for _, name := range p.keys() {
		if !p.used[name] && !strings.Contains(name, "@odata.") {
			p.fail("The property '%s' does not exist on type '%s'. Make sure to only use property names that are defined by the type.", name, p.typ)
			return p.err
		}
	}
	return nil
}

// chars counts as the clouds do: in UTF-16 units.
func chars(s string) int { return len(utf16.Encode([]rune(s))) }
