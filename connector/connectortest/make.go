package connectortest

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// canary stands in every text that the suite writes. It must never be found in
// a log or an error.
const canary = "canary7q"

// variants is how many items of a kind hold all that is worth trying.
const variants = 10

// A maker makes items that fit a target: fields that it keeps, values within
// its limits.
type maker struct {
	caps   connector.Capabilities
	names  map[item.Kind][]string // where a cloud takes these names only
	people []string

	count *atomic.Int64 // of the suite: nothing is called alike in two parts
	mu    sync.Mutex
	blobs map[string][]byte // by Blob.URL
	trick map[string]trick  // how the reader of a blob misbehaves
}

// A trick is what goes wrong while a blob is read.
type trick struct {
	breaksAt int64 // the reader fails after so many bytes; 0 means never
	refuses  bool  // it cannot be opened
}

// A home is where items go: what they can refer to.
type home struct {
	board  item.Ref
	task   item.Ref // what comments and the like lie in
	list   item.Ref
	labels []item.Ref
	fields []item.Item // custom fields, as the target has them
	above  item.Ref    // a task to be part of
}

func (m *maker) next() int { return int(m.count.Add(1)) }

// The letters of four scripts, what an emoji is made of, marks upon letters, and
// what looks like markup.
func scripts() []string {
	return []string{
		"plain name",
		"日本語の名前　漢字とカナ・ひらがな「括弧」",
		"اسم عربي للاختبار ١٢٣، مع علامات",
		"family 👩‍👩‍👧‍👦 flag 🇳🇴 thumb 👍🏽 done ✅",
		"cafe\u0301 a\u030c\u0308 नी กำ e\u0323\u0302",
		`<b>bold</b> & &amp; "two" 'one' [a](b) *x* _y_ ~z~ #1 @me {{m}} %20 \n ${v} | a/b`,
	}
}

// line returns one line of text, different each time.
func (m *maker) line(variant, limit int) string {
	all := scripts()
	s := canary + " " + strconv.Itoa(m.next()) + " " + all[variant%len(all)]
	if variant%variants == len(all) { // the longest
		return fill(s+" 長い名前😀 ", cmp.Or(limit, 255))
	}
	return head(s, limit)
}

// text returns many lines.
func (m *maker) text(variant, limit int) string {
	s := m.line(variant, limit)
	switch variant % variants {
	case 0:
		s += "\n\nsecond paragraph\n  indented, with  two  spaces\n- a\n- b\n\n\nend"
	case len(scripts()):
		return fill(s, min(cmp.Or(limit, 20000), 40000))
	}
	return head(s, limit)
}

// fill repeats a text until it has exactly max UTF-16 units.
func fill(s string, max int) string {
	s = head(strings.Repeat(s, max/units(s)+1), max)
	return s + strings.Repeat("x", max-units(s))
}

// head is the longest beginning of a text that has at most max UTF-16 units,
// and does not end in a space; 0 means all of it.
func head(s string, max int) string {
	if max <= 0 || units(s) <= max {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > max {
			s = s[:i]
			break
		}
	}
	return strings.TrimRight(s, " \u200d\n")
}

func units(s string) int { return len(utf16.Encode([]rune(s))) }

// needed reports whether an item without a field is none.
func (m *maker) needed(k item.Kind, field string) bool {
	switch field {
	case item.FieldType.Name, item.InList.Name, item.Body.Name, item.FieldOptions.Name, item.Address.Name:
		return true
	}
	return m.caps.Kinds[k].Fields[field].Needed
}

// item makes an item of a kind; variants 0 to variants-1 differ in everything.
// Variant bare holds what it needs alone.
func (m *maker) item(k item.Kind, variant int, p home) item.Item {
	it := item.Item{Ref: item.Ref{Kind: k}, Parent: p.board, Fields: item.Fields{}}
	info, _ := item.Info(k)
	if info.Level == item.Within {
		it.Parent = p.task
	}
	if info.Level == item.Container {
		it.Parent = item.Ref{}
	}
	link := k == item.Attachment && m.caps.Keeps(k, item.Address.Name) && (variant%2 == 1 || !m.caps.Keeps(k, item.Content.Name))
	for _, f := range info.Fields {
		limits := m.caps.Kinds[k].Fields[f.Name]
		if f.Name == item.EntryDue.Name || f.Name == item.EntryAssignee.Name { // parts of the entries
			continue
		}
		if !m.caps.Keeps(k, f.Name) || f.Type == item.Rank || variant == bare && !m.needed(k, f.Name) {
			continue
		}
		if v := m.value(k, f, limits, max(variant, 0), p, link); !item.IsZero(v) {
			it.Fields[f.Name] = v
		}
	}
	if names := m.names[k]; len(names) > 0 {
		item.Name.Set(&it, names[max(variant, 0)%len(names)])
	}
	if k == item.Attachment && !link {
		m.attach(&it, []byte(fmt.Sprintf("%s content %d %s", canary, m.next(), strings.Repeat("é\x00\xff", 40*max(variant, 0)))))
	}
	if steps := m.caps.Kinds[k].Fields[item.Progress.Name].Values; item.Done.Get(it) && (len(steps) > 0 || item.Progress.Get(it) == 100) {
		delete(it.Fields, item.Progress.Name) // done says it
	}
	if k == item.Comment && item.Author.Get(it) == "" && m.caps.Keeps(k, item.Author.Name) { // the engine names the author in the text
		item.Body.Set(&it, "Somebody "+canary+", 2026-03-14 09:26 UTC:\n"+item.Body.Get(it))
	}
	if k == item.CustomField && item.FieldType.Get(it) != "list" {
		delete(it.Fields, item.FieldOptions.Name)
	}
	return it
}

// bare is the variant of an item that holds what it needs alone.
const bare = -1

// attach makes an item a file of these bytes.
func (m *maker) attach(it *item.Item, content []byte) {
	id := strconv.Itoa(m.next())
	ref := item.Ref{Kind: item.Attachment, ID: "source-" + id}
	it.Blob = &item.Blob{Ref: ref, Parent: item.Ref{Kind: item.Task, ID: "source"}, URL: "blob:" + canary + id, Version: id, Bytes: int64(len(content))}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.blobs == nil {
		m.blobs, m.trick = map[string][]byte{}, map[string]trick{}
	}
	m.blobs[it.Blob.URL] = content
}

// misbehave lets the reader of a blob fail from here on.
func (m *maker) misbehave(b *item.Blob, t trick) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trick[b.URL] = t
}

func (m *maker) content(b item.Blob) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.blobs[b.URL]
}

// open is the item.Opener of everything the maker made.
func (m *maker) open(b item.Blob, offset, n int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	whole, ok := m.blobs[b.URL]
	t := m.trick[b.URL]
	if !ok || t.refuses {
		return nil, connector.Errorf(connector.Transient, "the source cannot open a blob")
	}
	if offset > int64(len(whole)) {
		return nil, connector.Errorf(connector.Conflict, "a blob is shorter than it was said to be")
	}
	end := int64(len(whole))
	if n >= 0 {
		end = min(end, offset+n)
	}
	if t.breaksAt > 0 && t.breaksAt < end {
		return io.NopCloser(io.MultiReader(bytes.NewReader(whole[offset:max(t.breaksAt, offset)]), failingReader{})), nil
	}
	return io.NopCloser(bytes.NewReader(whole[offset:end])), nil
}

// failingReader is a source whose connection broke.
type failingReader struct{}

func (failingReader) Read([]byte) (int, error) {
	return 0, connector.Errorf(connector.Transient, "the source's connection was cut")
}

func (m *maker) value(k item.Kind, f item.Field, limits connector.FieldCaps, variant int, p home, link bool) any {
	switch f.Type {
	case item.Line:
		return m.lineOf(k, f, limits, variant, link)
	case item.Text:
		if !m.needed(k, f.Name) && variant%variants == 7 {
			return ""
		}
		return m.text(variant, limits.MaxChars)
	case item.Bool:
		return variant%2 == 1 && k != item.Board // a closed board takes nothing
	case item.Number:
		return number(limits, variant)
	case item.Time:
		return m.when(f, limits, variant)
	case item.Choice:
		return m.choice(k, f, limits, variant)
	case item.One:
		switch f.Name {
		case item.InList.Name:
			return p.list
		case item.ParentTask.Name:
			return p.above
		}
	case item.Many:
		return some(p.labels, variant, limits.MaxCount)
	case item.Person:
		if len(m.people) == 0 || variant%3 == 0 {
			return ""
		}
		return m.people[variant%len(m.people)]
	case item.People:
		if k == item.Board {
			return some(m.people, len(m.people), limits.MaxCount)
		}
		return some(m.people, variant, limits.MaxCount)
	case item.URL:
		if link {
			return []string{"https://example.org/a?b=c&d=%20e#f.g", "https://example.org/例え/パス", "http://example.org/" + strconv.Itoa(m.next())}[variant%3]
		}
	case item.Checks:
		return m.checks(limits, variant)
	case item.Values:
		return m.values(p.fields, variant)
	case item.Options:
		return m.options(limits, variant)
	}
	return nil
}

func (m *maker) lineOf(k item.Kind, f item.Field, limits connector.FieldCaps, variant int, link bool) any {
	switch {
	case f.Name == item.Content.Name:
		return nil // stands for the blob
	case f.Name == item.MediaType.Name:
		if link {
			return nil
		}
		return []string{"", "image/png", "text/plain"}[variant%3]
	case len(limits.Values) > 0:
		return append(slices.Clone(limits.Values), "")[variant%(len(limits.Values)+1)]
	case f.Name == item.Location.Name && variant%3 == 2:
		return "59.913900,10.752200"
	case !m.needed(k, f.Name) && variant%variants == 7:
		return ""
	}
	return m.line(variant, limits.MaxChars)
}

// number is one of the steps that a number has, but for the last: that one says
// done. Without steps it is any.
func number(limits connector.FieldCaps, variant int) float64 {
	if n := len(limits.Values) - 1; n > 0 {
		f, _ := strconv.ParseFloat(limits.Values[variant%n], 64)
		return f
	}
	return []float64{0, 50, 10, 100}[variant%4]
}

// when is a time; starts come before dues in every mixture of two variants.
func (m *maker) when(f item.Field, limits connector.FieldCaps, variant int) time.Time {
	if variant%variants == 7 {
		return time.Time{}
	}
	t := time.Date(2026, time.March, 3+variant%5, 9+variant%3, 26, 53, 0, time.UTC)
	if f.Name == item.Due.Name {
		t = t.AddDate(0, 1, 0)
	}
	if limits.Days {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return t
}

func (m *maker) choice(k item.Kind, f item.Field, limits connector.FieldCaps, variant int) string {
	all := limits.Values
	if all == nil {
		all = []string{"text", "number", "date", "checkbox", "list"}
		if f.Name != item.FieldType.Name {
			all = []string{"red", "green", "blue"}
		}
	}
	if !limits.Unique && !m.needed(k, f.Name) {
		all = append(slices.Clone(all), "")
	}
	return all[variant%len(all)]
}

// some returns n of a set, at most as many as a limit.
func some[T any](all []T, n, limit int) []T {
	if len(all) == 0 {
		return nil
	}
	if n %= len(all) + 1; limit > 0 {
		n = min(n, limit)
	}
	return slices.Clone(all[:n])
}

// manyEntries is how many entries the longest checklist and the longest list of
// options have, unless the target holds fewer.
const manyEntries = 24

func (m *maker) checks(limits connector.FieldCaps, variant int) []item.Check {
	n := []int{3, 1, 5, 2}[variant%4]
	if variant%variants == 6 {
		n = manyEntries
		if limits.MaxCount > 0 {
			n = min(n, limits.MaxCount)
		}
	}
	due := m.caps.Keeps(item.Checklist, item.EntryDue.Name)
	who := m.caps.Keeps(item.Checklist, item.EntryAssignee.Name) && len(m.people) > 0
	var out []item.Check
	for i := range n {
		c := item.Check{Title: m.line(variant+i, limits.MaxChars), Done: (i+variant)%2 == 0}
		if due && i%2 == 1 {
			c.Due = time.Date(2026, time.May, 1+i, 12, 30, 0, 0, time.UTC)
		}
		if who && i%3 == 1 {
			c.Assignee = m.people[i%len(m.people)]
		}
		out = append(out, c)
	}
	if n > 2 {
		out[2].Title = out[0].Title // two entries that say the same
	}
	return out
}

func (m *maker) options(limits connector.FieldCaps, variant int) []string {
	var out []string
	n := 3
	if variant%variants == 6 {
		n = manyEntries
		if limits.MaxCount > 0 {
			n = min(n, limits.MaxCount)
		}
	}
	for i := range n {
		out = append(out, m.line((variant+i)%len(scripts()), cmp.Or(limits.MaxChars, 60)))
	}
	return out
}

// values are a task's values of custom fields, each in its canonical text.
func (m *maker) values(fields []item.Item, variant int) []item.FieldValue {
	var out []item.FieldValue
	for i, f := range fields {
		if (variant+i)%4 == 3 {
			continue // none of this field
		}
		v := item.FieldValue{Field: f.ID}
		switch item.FieldType.Get(f) {
		case "number":
			v.Value = []string{"12.5", "-3", "1000000"}[variant%3]
		case "date":
			v.Value = time.Date(2026, time.June, 1+variant, 8, 0, 0, 0, time.UTC).Format(time.RFC3339)
		case "checkbox":
			v.Value = "true"
		case "list":
			options := item.FieldOptions.Get(f)
			v.Value = options[variant%len(options)]
		default:
			v.Value = m.line(variant%len(scripts()), 200)
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b item.FieldValue) int { return cmp.Compare(a.Field, b.Field) })
	return out
}

// children makes what is written with an item of a kind in one go.
func (m *maker) children(k item.Kind, variant int, p home) []item.Item {
	var out []item.Item
	for _, info := range item.Kinds() {
		caps, ok := m.caps.Kinds[info.Kind]
		if !ok || caps.Embedded != k || variant == bare {
			continue
		}
		n := 1 + variant%3
		if caps.Max > 0 {
			n = min(n, caps.Max)
		}
		for i := range n {
			c := m.item(info.Kind, variant+i, p)
			c.Parent = item.Ref{}
			out = append(out, c)
		}
	}
	return out
}
