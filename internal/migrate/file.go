package migrate

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A File is a migration as its YAML file says it.
type File struct {
	Spec
	From, To string // the connections' names
	// PeopleFile is the people file that the YAML names; "" for none.
	PeopleFile string
	Decided    Decided
}

// A fileError says where in the file something is wrong.
type fileError struct {
	path      string
	line, col int
	msg       string
}

func (e *fileError) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.path, e.line, e.col, e.msg) }

// ReadFile reads a migration file and the people file it names, which lies
// beside it. Errors name the line and column and say what to write instead.
func ReadFile(path string) (*File, error) {
	return readFile(path, ReadPeople)
}

func readFile(path string, readPeople func(string) (*PeopleTable, error)) (*File, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the migration file cannot be read: %w", err)
	}
	f, beside, err := parse(path, data)
	if err != nil {
		return nil, err
	}
	if beside.people != "" {
		f.PeopleFile = besideOf(path, beside.people)
		table, err := readPeople(f.PeopleFile)
		if err != nil {
			return nil, err
		}
		f.People.File, f.People.Rows = f.PeopleFile, table.Decisions()
		f.Decided.People = table.deciders()
	}
	if beside.containers != "" {
		if f.Map, err = ReadMap(besideOf(path, beside.containers)); err != nil {
			return nil, err
		}
		if len(f.Scope) == 0 {
			f.Scope = []string{"*"}
		}
	}
	if err := cmp.Or(f.Validate(), f.refuseDecided()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// besideOf is the path of a file that a migration file names: beside it, unless
// it is given whole.
func besideOf(path, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(path), name)
}

// tables are the files that a migration file names, "" for none.
type tables struct{ people, containers string }

// parse reads the YAML text.
func parse(path string, data []byte) (f *File, beside tables, err error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, beside, fmt.Errorf("%s: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, beside, fmt.Errorf("%s: the file is empty; see the README for an example", path)
	}
	r := &reader{path: path}
	f = &File{}
	var from, pace *yaml.Node
	r.mapping(doc.Content[0], map[string]func(*yaml.Node){
		"name": func(n *yaml.Node) { f.Name = r.text(n) },
		"conflict": func(n *yaml.Node) {
			if err := f.Policies.Set("conflict", r.text(n)); err != nil {
				r.fail(n, "%v", err)
			}
		},
		"notify": func(n *yaml.Node) {
			if err := f.Policies.Set("notify", r.text(n)); err != nil {
				r.fail(n, "%v", err)
			}
		},
		"map":      func(n *yaml.Node) { beside.containers = r.text(n) },
		"timezone": func(n *yaml.Node) { f.Timezone = r.text(n) },
		"from": func(n *yaml.Node) {
			from = n
			r.mapping(n, map[string]func(*yaml.Node){
				"connection": func(n *yaml.Node) { f.From = r.text(n) },
				"scope":      func(n *yaml.Node) { f.Scope = r.texts(n) },
			}, "connection")
		},
		"to": func(n *yaml.Node) {
			r.mapping(n, map[string]func(*yaml.Node){
				"connection": func(n *yaml.Node) { f.To = r.text(n) },
				"place":      func(n *yaml.Node) { f.Place = r.text(n) },
			}, "connection")
		},
		"people": func(n *yaml.Node) {
			r.mapping(n, map[string]func(*yaml.Node){
				"match":  func(n *yaml.Node) { f.People.Match = r.texts(n) },
				"file":   func(n *yaml.Node) { beside.people = r.text(n) },
				"others": func(n *yaml.Node) { f.People.Others = r.text(n) },
				"left":   func(n *yaml.Node) { f.People.Left = r.text(n) },
				"domains": func(n *yaml.Node) {
					f.People.Domains = r.pairs(n, "the old domain and the new one, such as old.com: new.com")
				},
			})
		},
		"policies": func(n *yaml.Node) { r.policies(n, &f.Policies) },
		"pace":     func(n *yaml.Node) { pace = n },
		"accept":   func(n *yaml.Node) { f.Accept = r.accept(n) },
		"decided":  func(n *yaml.Node) { f.Decided.By = r.decided(n) },
	}, "name", "from", "to")
	if r.err == nil && len(f.Scope) == 0 && beside.containers == "" {
		r.fail(from, "the key \"scope\" is missing; say [\"*\"] to move everything, or name a map of what moves: map: boards.csv")
	}
	if pace != nil {
		f.Pace = r.pace(pace, f.Timezone)
	}
	return f, beside, r.err
}

// A reader reads nodes and keeps the first error.
type reader struct {
	path string
	err  error
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	if r.err == nil {
		r.err = &fileError{r.path, n.Line, n.Column, fmt.Sprintf(format, args...)}
	}
}

// mapping reads a mapping with these keys; the required ones must be there.
func (r *reader) mapping(n *yaml.Node, keys map[string]func(*yaml.Node), required ...string) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "expected keys with values here, such as %s", strings.Join(sortedKeys(keys), ", "))
		return
	}
	met := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read, ok := keys[k.Value]
		switch {
		case !ok:
			r.fail(k, "unknown key %q; the keys here are %s", k.Value, strings.Join(sortedKeys(keys), ", "))
		case met[k.Value]:
			r.fail(k, "the key %q stands here twice", k.Value)
		default:
			met[k.Value] = true
			read(v)
		}
	}
	for _, k := range required {
		if !met[k] {
			r.fail(n, "the key %q is missing", k)
		}
	}
}

func (r *reader) policies(n *yaml.Node, p *Policies) {
	keys := map[string]func(*yaml.Node){}
	for _, name := range PolicyNames() {
		keys[name] = func(v *yaml.Node) {
			if err := p.Set(name, r.text(v)); err != nil {
				r.fail(v, "%v", err)
			}
		}
	}
	r.mapping(n, keys)
}

func (r *reader) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		r.fail(n, "expected one text here")
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *yaml.Node) []string {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "expected a list of texts here, such as [\"*\"]")
		return nil
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, r.text(c))
	}
	return out
}

// pairs reads a mapping of texts to texts.
func (r *reader) pairs(n *yaml.Node, what string) map[string]string {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "expected %s", what)
		return nil
	}
	out := map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if _, twice := out[k.Value]; twice {
			r.fail(k, "the key %q stands here twice", k.Value)
		}
		out[k.Value] = r.text(v)
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
