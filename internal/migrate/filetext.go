package migrate

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/internal/pace"
)

// A TextError says where in a text something is wrong; Column is 0 where only the
// line is known.
type TextError struct {
	Line, Column int
	Reason       string
}

func (e *TextError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// ParseText reads a migration whose tables of people and containers stand beside
// the text and not in files that it names: it refuses such names. The tables are
// taken from beside, which may be nil. Errors are a *TextError where they have a
// place.
func ParseText(text string, beside *File) (*File, error) {
	f, named, err := parse("text", []byte(text))
	if err != nil {
		return nil, placed(err)
	}
	for key, name := range map[string]string{"map": named.containers, "file": named.people} {
		if name != "" {
			return nil, &TextError{lineOfKey(text, key), 0, fmt.Sprintf("%s names a file, and there are none here; leave it out and bring the table on its own page", key)}
		}
	}
	if beside != nil {
		f.Map, f.People.Rows, f.People.File = beside.Map, beside.People.Rows, beside.People.File
		f.Decided.People = beside.Decided.People
	}
	if err := errors.Join(f.Validate(), f.refuseDecided()); err != nil {
		return nil, err
	}
	return f, nil
}

// lineOfKey is the line in which a key stands first.
func lineOfKey(text, key string) int {
	for i, line := range strings.Split(text, "\n") {
		if strings.Contains(line, key+":") {
			return i + 1
		}
	}
	return 1
}

var yamlLine = regexp.MustCompile(`line ([0-9]+): ?`)

// placed gives an error of a text its place.
func placed(err error) error {
	if at, ok := errors.AsType[*fileError](err); ok {
		return &TextError{at.line, at.col, at.msg}
	}
	if m := yamlLine.FindStringSubmatchIndex(err.Error()); m != nil {
		line, _ := strconv.Atoi(err.Error()[m[2]:m[3]])
		return &TextError{line, 0, err.Error()[m[1]:]}
	}
	return &TextError{1, 0, strings.TrimPrefix(err.Error(), "text: ")}
}

// Text is the migration as YAML, without its tables: ParseText reads it back.
func (f *File) Text() (string, error) {
	type end struct {
		Connection string
		Scope      []string `yaml:",omitempty"`
		Place      string   `yaml:",omitempty"`
	}
	type people struct {
		Match        []string          `yaml:",flow,omitempty"`
		Domains      map[string]string `yaml:",omitempty"`
		Others, Left string            `yaml:",omitempty"`
	}
	doc := struct {
		Name     string
		From, To end
		Timezone string            `yaml:",omitempty"`
		People   people            `yaml:",omitempty"`
		Policies map[string]string `yaml:",omitempty"`
		Pace     *yaml.Node        `yaml:",omitempty"`
		Accept   any               `yaml:",omitempty"`
		Decided  map[string]string `yaml:",omitempty"`
	}{Name: f.Name, From: end{Connection: f.From, Scope: f.Scope}, To: end{Connection: f.To, Place: f.Place}, Timezone: f.Timezone,
		People:   people{f.People.Match, f.People.Domains, f.People.Others, f.People.Left},
		Policies: map[string]string{}, Pace: paceNode(f.Pace), Decided: f.Decided.By}
	for _, name := range PolicyNames() {
		doc.Policies[name] = f.Policies.Get(name)
	}
	switch {
	case f.Accept.Widening:
		doc.Accept = acceptWidening
	case len(f.Accept.Widen) > 0:
		doc.Accept = map[string][]string{acceptWidening: f.Accept.Widen}
	}
	var b strings.Builder
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(doc); err != nil {
		return "", err
	}
	return b.String(), e.Close()
}

func paceNode(p *pace.Plan) *yaml.Node {
	if p == nil {
		return nil
	}
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key, value string) {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Value: value})
	}
	t := TextOfPace(p)
	for _, w := range t.Windows {
		add(w[0], w[1])
	}
	add("else", t.Else)
	if t.Requests != "" {
		add("requests", t.Requests)
	}
	if t.Bytes != "" {
		add("bytes", t.Bytes)
	}
	return n
}

// A PaceText is a pace in words, as a file has them.
type PaceText struct {
	Windows               [][2]string // "Mon-Fri 08:00-18:00", "30%"
	Else, Requests, Bytes string      // "" for what is not limited
}

// TextOfPace is a pace in words; that of nil limits nothing.
func TextOfPace(p *pace.Plan) (t PaceText) {
	short := func(n float64) string { return strconv.FormatFloat(n, 'g', 9, 64) }
	t.Else = "100%"
	if p == nil {
		return t
	}
	for _, w := range p.Windows {
		t.Windows = append(t.Windows, [2]string{w.Text, short(w.Share*100) + "%"})
	}
	t.Else = short(p.Else*100) + "%"
	if r := p.Requests; r > 0 {
		t.Requests = short(r*3600) + "/h"
		for _, u := range []struct {
			per  float64
			name string
		}{{60, "/min"}, {1, "/s"}} {
			if n := short(r * u.per); !strings.Contains(n, ".") {
				t.Requests = n + u.name
			}
		}
	}
	if p.Bytes > 0 {
		t.Bytes = short(p.Bytes/1e3) + "kB/s"
	}
	return t
}

// Pace reads a pace in words; zone is the migration's. nil limits nothing.
func (t PaceText) Pace(zone string) (*pace.Plan, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	add := func(key, value string) {
		if value != "" {
			n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, &yaml.Node{Kind: yaml.ScalarNode, Value: value})
		}
	}
	for _, w := range t.Windows {
		add(w[0], w[1])
	}
	if len(n.Content) == 0 && t.Requests+t.Bytes == "" && (t.Else == "" || t.Else == "100%") {
		return nil, nil
	}
	add("else", t.Else)
	add("requests", t.Requests)
	add("bytes", t.Bytes)
	r := &reader{path: "pace"}
	p := r.pace(n, zone)
	if at, ok := errors.AsType[*fileError](r.err); ok {
		return nil, errors.New(at.msg)
	}
	return p, p.Ready()
}
