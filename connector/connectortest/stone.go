package connectortest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// A Stone is a contract in Dropbox's language for interfaces
// (https://github.com/dropbox/stone/blob/main/doc/lang_ref.rst): routes with what
// they take, answer and refuse with. What passes through its Transport is held
// against it.
type Stone struct {
	t      testing.TB
	types  map[string]*stoneType // by "files.Metadata"
	routes map[string]stoneRoute // by "files/list_folder"
	forms  sync.Map              // patterns, compiled
	mu     sync.Mutex
	seen   map[string]int
}

// A stoneType is a declared struct, union or alias.
type stoneType struct {
	kind    string // "struct", "union" or "alias"
	space   string // the namespace that its fields' types are looked up in
	parent  string // what it extends; "" for nothing
	closed  bool   // a union without a catch-all
	alias   string // what an alias stands for
	fields  []stoneField
	subs    map[string]string // of a struct with subtypes: its tags
	anySubs bool              // takes tags that it does not name
}

type stoneField struct {
	name, typ string // typ "" is a tag without a value
	optional  bool   // it may be left out
}

type stoneRoute struct{ space, arg, result, failure, style string }

// LoadStone reads the contract in a folder; what is not there skips the test.
func LoadStone(t testing.TB, dir string) *Stone {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.stone"))
	if err != nil || len(files) == 0 {
		t.Skipf("the contract %s is missing", dir)
	}
	s := &Stone{t: t, types: map[string]*stoneType{}, routes: map[string]stoneRoute{}, seen: map[string]int{}}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatalf("the contract cannot be read: %v", err)
		}
		if err := s.read(string(text)); err != nil {
			t.Fatalf("the contract %s: %v", filepath.Base(name), err)
		}
	}
	return s
}

var (
	stoneHead  = regexp.MustCompile(`^(struct|union|union_closed) (\w+)(?: extends ([\w.]+))?$`)
	stoneAlias = regexp.MustCompile(`^alias (\w+) = (.+)$`)
	stoneCall  = regexp.MustCompile(`^route ([\w/]+)(?::(\d+))? \((.+), (.+), (.+)\)`)
	stoneText  = regexp.MustCompile(`(?s)\n +"(?:[^"\\]|\\.)*"`)
)

// read takes in one file. Docs and examples are left away.
func (s *Stone) read(text string) error {
	text = stoneText.ReplaceAllString(text, "")
	space := ""
	var open *stoneType
	route := ""
	inSubs := false
	for line := range strings.SplitSeq(text, "\n") {
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		line = strings.TrimRight(line, " ")
		if line == "" || line[0] == '#' {
			continue
		}
		indent := len(line) - len(strings.TrimLeft(line, " "))
		word := strings.TrimSpace(line)
		switch {
		case indent == 0:
			open, route, inSubs = nil, "", false
			if name, ok := strings.CutPrefix(word, "namespace "); ok {
				space = name
			} else if m := stoneHead.FindStringSubmatch(word); m != nil {
				open = &stoneType{kind: "struct", space: space, parent: m[3], closed: m[1] == "union_closed"}
				if m[1] != "struct" {
					open.kind = "union"
				}
				s.types[space+"."+m[2]] = open
			} else if m := stoneAlias.FindStringSubmatch(word); m != nil {
				s.types[space+"."+m[1]] = &stoneType{kind: "alias", space: space, alias: m[2]}
			} else if m := stoneCall.FindStringSubmatch(word); m != nil {
				route = space + "/" + m[1]
				if m[2] != "" && m[2] != "1" {
					route += "_v" + m[2]
				}
				s.routes[route] = stoneRoute{space: space, arg: m[3], result: m[4], failure: m[5], style: "rpc"}
			}
		case route != "":
			if _, v, ok := strings.Cut(word, "style = "); ok {
				r := s.routes[route]
				r.style = strings.Trim(v, `"`)
				s.routes[route] = r
			}
		case open == nil:
		case indent == 4:
			inSubs = open.kind == "struct" && (word == "union" || word == "union_closed")
			skip := strings.HasPrefix(word, "example ") || word[0] == '@'
			switch {
			case inSubs:
				open.subs, open.anySubs = map[string]string{}, word == "union"
			case !skip:
				open.fields = append(open.fields, stoneFieldOf(word, open.kind == "union"))
			}
		case inSubs && indent == 8:
			tag, typ, _ := strings.Cut(word, " ")
			open.subs[tag] = typ
		}
	}
	if space == "" {
		return errors.New("it names no namespace")
	}
	return nil
}

// stoneFieldOf reads `name Type? = default`, or a tag of a union.
func stoneFieldOf(word string, tag bool) stoneField {
	name, typ, _ := strings.Cut(word, " ")
	typ, _, filled := cutDefault(typ)
	optional := filled
	if strings.HasSuffix(typ, "?") {
		typ, optional = strings.TrimSuffix(typ, "?"), true
	}
	return stoneField{name: name, typ: typ, optional: optional || tag}
}

// cutDefault parts a type from its default, which is no "=" within brackets.
func cutDefault(typ string) (before, after string, found bool) {
	depth, quoted := 0, false
	for i, r := range typ {
		switch {
		case r == '"' && (i == 0 || typ[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == '=' && depth == 0:
			return strings.TrimSpace(typ[:i]), strings.TrimSpace(typ[i+1:]), true
		}
	}
	return typ, "", false
}

// Transport holds what passes through another transport against the contract:
// calls whose path begins with "/2/".
func (s *Stone) Transport(next http.RoundTripper) http.RoundTripper {
	return stoneTransport{s, next}
}

type stoneTransport struct {
	s    *Stone
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t stoneTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	name, ok := strings.CutPrefix(r.URL.Path, "/2/")
	if !ok {
		return t.next.RoundTrip(r)
	}
	route, ok := t.s.routes[name]
	if !ok {
		t.s.t.Errorf("%s: the contract has no such route", name)
		return t.next.RoundTrip(r)
	}
	t.s.mu.Lock()
	t.s.seen[name]++
	t.s.mu.Unlock()
	arg := []byte(r.Header.Get("Dropbox-API-Arg"))
	if route.style == "rpc" {
		var sent []byte
		if r.Body != nil {
			var err error
			if sent, err = io.ReadAll(r.Body); err != nil {
				return nil, err
			}
			r.Body.Close()
			r = r.Clone(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(sent))
		}
		if len(arg) > 0 {
			t.s.t.Errorf("%s: a call of the style rpc has its argument in the header", name)
		}
		arg = sent
	}
	t.s.check(name+" takes", route.space, route.arg, arg)
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if route.style == "download" && resp.StatusCode < 300 {
		t.s.check(name+" answers", route.space, route.result, []byte(resp.Header.Get("Dropbox-API-Result")))
		return resp, nil
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewReader(got), failed{err}))
		return resp, nil
	}
	resp.Body = io.NopCloser(bytes.NewReader(got))
	t.s.answer(name, route, resp.StatusCode, got)
	return resp, nil
}

// answer holds an answer against the route's result, or what it refuses with: 409
// is the route's own error, 401, 403, 422 and 429 are common to all
// (https://www.dropbox.com/developers/documentation/http/documentation#error-handling).
func (s *Stone) answer(name string, route stoneRoute, status int, got []byte) {
	common := map[int]string{http.StatusUnauthorized: "auth.AuthError", http.StatusForbidden: "auth.AccessError", http.StatusUnprocessableEntity: "common.PathRootError", http.StatusTooManyRequests: "auth.RateLimitError"}
	switch {
	case status < 300:
		s.check(name+" answers", route.space, route.result, got)
	case status == http.StatusConflict || common[status] != "":
		var told struct {
			Error   json.RawMessage `json:"error"`
			Summary *string         `json:"error_summary"`
		}
		if json.Unmarshal(got, &told) != nil || told.Error == nil || told.Summary == nil {
			s.t.Errorf("%s: %d without error and error_summary", name, status)
			return
		}
		typ := common[status]
		if status == http.StatusConflict {
			typ = route.failure
		}
		s.check(fmt.Sprintf("%s refuses with %d", name, status), route.space, typ, told.Error)
	}
}

// Seen tells how often each route was called.
func (s *Stone) Seen() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]int{}
	for k, v := range s.seen {
		out[k] = v
	}
	return out
}

func (s *Stone) check(what, space, typ string, data []byte) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil && len(bytes.TrimSpace(data)) > 0 {
		s.t.Errorf("%s what is not JSON", what)
		return
	}
	if why := s.fits(space, typ, v, ""); why != "" {
		s.t.Errorf("%s what the contract does not allow: %s", what, why)
	}
}

// Fits reports what is wrong with a JSON value of a declared type, "" if nothing.
func (s *Stone) Fits(typ string, data []byte) string {
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "it is not JSON"
	}
	return s.fits("", typ, v, "")
}

// fits holds a value against a type as a namespace names it.
func (s *Stone) fits(space, typ string, v any, at string) string {
	bad := func(format string, args ...any) string {
		return strings.TrimSpace(at + " " + fmt.Sprintf(format, args...))
	}
	if optional, ok := strings.CutSuffix(typ, "?"); ok {
		if v == nil {
			return ""
		}
		typ = optional
	}
	base, args, _ := strings.Cut(typ, "(")
	args = strings.TrimSuffix(args, ")")
	switch base {
	case "Void":
		if v != nil {
			return bad("is not null")
		}
		return ""
	case "String", "Bytes":
		text, ok := v.(string)
		if !ok {
			return bad("is no text")
		}
		return s.fitsText(text, args, bad)
	case "Boolean":
		if _, ok := v.(bool); !ok {
			return bad("is neither true nor false")
		}
		return ""
	case "UInt32", "UInt64", "Int32", "Int64", "Float32", "Float64":
		return fitsNumber(base, v, args, bad)
	case "Timestamp":
		text, ok := v.(string)
		if _, err := time.Parse(time.RFC3339, text); !ok || err != nil && len(text) != len("2006-01-02") {
			return bad("is no time")
		}
		return ""
	case "List":
		list, ok := v.([]any)
		if !ok {
			return bad("is no list")
		}
		of, limits := listOf(args)
		if n, ok := limits["max_items"]; ok && len(list) > n {
			return bad("has %d entries, at most %d are allowed", len(list), n)
		}
		for i, e := range list {
			if why := s.fits(space, of, e, at+"/"+strconv.Itoa(i)); why != "" {
				return why
			}
		}
		return ""
	}
	if !strings.Contains(typ, ".") {
		typ = space + "." + typ
	}
	t := s.types[typ]
	if t == nil {
		return bad("is of the type %s, which nothing declares", typ)
	}
	switch t.kind {
	case "alias":
		return s.fits(t.space, t.alias, v, at)
	case "union":
		return s.fitsUnion(typ, t, v, at, bad)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return bad("is no object")
	}
	if t.subs != nil {
		tag, _ := m[".tag"].(string)
		sub, ok := t.subs[tag]
		if !ok {
			if t.anySubs && tag != "" {
				return ""
			}
			return bad("has the tag %q, which is none of its subtypes", tag)
		}
		rest := without(m)
		return s.fits(t.space, sub, rest, at)
	}
	return s.fitsStruct(typ, m, at, bad)
}

// fieldsOf are a type's fields with those of what it extends.
func (s *Stone) fieldsOf(typ string) map[string]fieldIn {
	out := map[string]fieldIn{}
	for typ != "" {
		t := s.types[typ]
		if t == nil {
			break
		}
		for _, f := range t.fields {
			out[f.name] = fieldIn{f, t.space}
		}
		if typ = t.parent; typ != "" && !strings.Contains(typ, ".") {
			typ = t.space + "." + typ
		}
	}
	return out
}

type fieldIn struct {
	stoneField
	space string
}

func (s *Stone) fitsStruct(typ string, m map[string]any, at string, bad func(string, ...any) string) string {
	fields := s.fieldsOf(typ)
	for name, v := range m {
		f, ok := fields[name]
		switch {
		case name == ".tag":
		case !ok:
			return bad("has the field %s, which %s does not", name, typ)
		case v == nil && f.optional:
		default:
			if why := s.fits(f.space, f.typ, v, at+"/"+name); why != "" {
				return why
			}
		}
	}
	for name, f := range fields {
		if _, ok := m[name]; !ok && !f.optional {
			return bad("lacks the field %s of %s", name, typ)
		}
	}
	return ""
}

func (s *Stone) fitsUnion(typ string, t *stoneType, v any, at string, bad func(string, ...any) string) string {
	tags := s.fieldsOf(typ)
	m, _ := v.(map[string]any)
	tag, ok := v.(string)
	if !ok {
		tag, _ = m[".tag"].(string)
	}
	f, ok := tags[tag]
	if !ok {
		if !t.closed && tag == "other" {
			return ""
		}
		return bad("has the tag %q, which %s does not", tag, typ)
	}
	value := f.typ
	optional := strings.HasSuffix(value, "?") || value == ""
	value = strings.TrimSuffix(value, "?")
	if value == "" || value == "Void" {
		return ""
	}
	if inner, ok := m[tag]; ok {
		return s.fits(f.space, value, inner, at+"/"+tag)
	}
	rest := without(m)
	if s.isStruct(f.space, value) && (len(rest) > 0 || !optional) {
		return s.fits(f.space, value, rest, at+"/"+tag)
	}
	if !optional && !s.aliasOptional(f.space, value) {
		return bad("has the tag %s without its value", tag)
	}
	return ""
}

// isStruct reports whether a type's fields stand beside the tag: that of a struct
// without subtypes.
func (s *Stone) isStruct(space, typ string) bool {
	if !strings.Contains(typ, ".") {
		typ = space + "." + typ
	}
	t := s.types[typ]
	return t != nil && t.kind == "struct"
}

// aliasOptional reports whether a type is an alias of one that may be missing.
func (s *Stone) aliasOptional(space, typ string) bool {
	if !strings.Contains(typ, ".") {
		typ = space + "." + typ
	}
	t := s.types[typ]
	return t != nil && t.kind == "alias" && strings.HasSuffix(t.alias, "?")
}

func without(m map[string]any) map[string]any {
	rest := map[string]any{}
	for k, v := range m {
		if k != ".tag" {
			rest[k] = v
		}
	}
	return rest
}

var stonePattern = regexp.MustCompile(`pattern="((?:[^"\\]|\\.)*)"`)

var stoneLimit = regexp.MustCompile(`(min_length|max_length|min_value|max_value|min_items|max_items)=(\d+)`)

func stoneLimits(args string) map[string]int {
	out := map[string]int{}
	for _, m := range stoneLimit.FindAllStringSubmatch(args, -1) {
		out[m[1]], _ = strconv.Atoi(m[2])
	}
	return out
}

// fitsText holds a text against min_length, max_length and pattern.
func (s *Stone) fitsText(text, args string, bad func(string, ...any) string) string {
	n := utf8.RuneCountInString(text)
	limits := stoneLimits(args)
	if least, ok := limits["min_length"]; ok && n < least {
		return bad("has %d characters, want %d", n, least)
	}
	if most, ok := limits["max_length"]; ok && n > most {
		return bad("has %d characters, at most %d are allowed", n, most)
	}
	if m := stonePattern.FindStringSubmatch(args); m != nil {
		pattern := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(m[1])
		if !s.matches(pattern, text) {
			return bad("is not of the form %s", pattern)
		}
	}
	return ""
}

// matches reports whether a text is of a form. One that Go's regexp does not know
// takes any text.
func (s *Stone) matches(pattern, text string) bool {
	form, ok := s.forms.Load(pattern)
	if !ok {
		re, err := regexp.Compile(`^(?:` + pattern + `)$`)
		if err != nil {
			re = nil
		}
		form, _ = s.forms.LoadOrStore(pattern, re)
	}
	re := form.(*regexp.Regexp)
	return re == nil || re.MatchString(text)
}

func fitsNumber(base string, v any, args string, bad func(string, ...any) string) string {
	n, ok := v.(json.Number)
	if !ok {
		return bad("is no number")
	}
	if strings.HasPrefix(base, "Float") {
		return ""
	}
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || strings.HasPrefix(base, "U") && i < 0 || strings.HasSuffix(base, "32") && i > 1<<32-1 {
		return bad("is no %s", base)
	}
	limits := stoneLimits(args)
	if least, ok := limits["min_value"]; ok && i < int64(least) {
		return bad("is less than %d", least)
	}
	if most, ok := limits["max_value"]; ok && i > int64(most) {
		return bad("is more than %d", most)
	}
	return ""
}

// listOf parts "T, max_items=5".
func listOf(args string) (of string, limits map[string]int) {
	depth := 0
	for i, r := range args {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			return args[:i], stoneLimits(args[i:])
		}
	}
	return args, nil
}
