package connectortest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// same compares two values of a field in the canonical form, as the engine does
// where it decides whether to write and whether a verification differs.
func same(f item.Field, limits connector.FieldCaps, a, b any) bool {
	if limits.AtLeast {
		want, _ := a.([]string)
		have, _ := b.([]string)
		return !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(have, s) })
	}
	if item.IsZero(a) || item.IsZero(b) {
		return item.IsZero(a) && item.IsZero(b)
	}
	switch f.Type {
	case item.Time:
		x, _ := a.(time.Time)
		y, _ := b.(time.Time)
		return x.Unix() == y.Unix()
	case item.Many, item.People, item.Values, item.Grants:
		return sameSet(a, b)
	case item.Checks:
		x, _ := a.([]item.Check)
		y, _ := b.([]item.Check)
		return slices.EqualFunc(x, y, func(p, q item.Check) bool {
			return p.Title == q.Title && p.Done == q.Done && p.Due.Unix() == q.Due.Unix() && p.Assignee == q.Assignee
		})
	}
	return reflect.DeepEqual(a, b)
}

// sameSet compares two slices without their order.
func sameSet(a, b any) bool {
	count := map[any]int{}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.Len() {
		count[x.Index(i).Interface()]++
	}
	for i := range y.Len() {
		count[y.Index(i).Interface()]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// differ names the kept fields in which an item is not as it was given.
func (r *rig) differ(given, have item.Item) []string {
	info, _ := item.Info(given.Kind)
	var out []string
	for _, f := range info.Fields {
		if !r.caps.Keeps(given.Kind, f.Name) || f.Type == item.Rank {
			continue
		}
		switch f.Name {
		case item.Content.Name, item.EntryDue.Name, item.EntryAssignee.Name: // parts of the blob and of the entries
			continue
		}
		limits := r.caps.Kinds[given.Kind].Fields[f.Name]
		if a, b := given.Fields[f.Name], have.Fields[f.Name]; !same(f, limits, a, b) {
			out = append(out, fmt.Sprintf("%s: given %s, stored %s", f.Name, show(a), show(b)))
		}
	}
	if r.caps.Keeps(given.Kind, item.Content.Name) && (given.Blob == nil) != (have.Blob == nil) {
		out = append(out, fmt.Sprintf("content: given a file %v, stored a file %v", given.Blob != nil, have.Blob != nil))
	}
	return out
}

// show prints a value, the middle of a long one left away.
func show(v any) string {
	s := fmt.Sprintf("%q", fmt.Sprint(v))
	if r := []rune(s); len(r) > 160 {
		s = string(r[:80]) + fmt.Sprintf(" …%d… ", len(r)) + string(r[len(r)-60:])
	}
	return s
}

// matches holds what is stored against what was given, children included.
func (r *rig) matches(what string, given item.Item, children []item.Item, have item.Bundle) {
	r.Helper()
	for _, d := range r.differ(given, have.Item) {
		r.Errorf("%s of %s: %s", what, have.Item.Kind, d)
	}
	if given.Kind != item.Board && have.Item.Parent != given.Parent {
		r.Errorf("%s of %s: it lies in %s, and was given to %s", what, have.Item.Kind, have.Item.Parent, given.Parent)
	}
	want := item.Bundle{Children: children}
	for _, info := range item.Kinds() {
		if r.caps.Kinds[info.Kind].Embedded != given.Kind || given.Kind == info.Kind {
			continue
		}
		w, is := want.Of(info.Kind), have.Of(info.Kind)
		if len(w) != len(is) {
			r.Errorf("%s of %s: %d children of kind %s, given were %d", what, given.Kind, len(is), info.Kind, len(w))
			continue
		}
		for i := range w {
			for _, d := range r.differ(w[i], is[i]) {
				r.Errorf("%s of %s: its %s %d: %s", what, given.Kind, info.Kind, i+1, d)
			}
			r.sameBytes(w[i], is[i])
		}
	}
}

// agrees holds two readings of one item against each other: kept fields,
// children that are written with it, place, file and name.
func (r *rig) agrees(what string, a, b item.Bundle, fields func(item.Kind, item.Field) bool) {
	r.Helper()
	if a.Item.Ref != b.Item.Ref || a.Item.Parent != b.Item.Parent {
		r.Errorf("%s: %s in %s and %s in %s", what, a.Item.Ref, a.Item.Parent, b.Item.Ref, b.Item.Parent)
	}
	r.alike(what, a.Item, b.Item, fields)
	for _, info := range item.Kinds() {
		if r.caps.Kinds[info.Kind].Embedded != a.Item.Kind {
			continue
		}
		x, y := a.Of(info.Kind), b.Of(info.Kind)
		if len(x) != len(y) {
			r.Errorf("%s of %s: %d and %d children of kind %s", what, a.Item.Ref, len(x), len(y), info.Kind)
			continue
		}
		for i := range x {
			if x[i].Ref != y[i].Ref {
				r.Errorf("%s of %s: child %s and %s", what, a.Item.Ref, x[i].Ref, y[i].Ref)
			}
			r.alike(what+", child of "+a.Item.Ref.String(), x[i], y[i], fields)
		}
	}
}

func (r *rig) alike(what string, a, b item.Item, fields func(item.Kind, item.Field) bool) {
	r.Helper()
	info, _ := item.Info(a.Kind)
	for _, f := range info.Fields {
		limits := connector.FieldCaps{AtLeast: r.caps.Kinds[a.Kind].Fields[f.Name].AtLeast}
		if x, y := a.Fields[f.Name], b.Fields[f.Name]; fields(a.Kind, f) && !same(f, limits, x, y) {
			r.Errorf("%s: %s.%s: %s and %s", what, a.Kind, f.Name, show(x), show(y))
		}
	}
	if !reflect.DeepEqual(a.Blob, b.Blob) {
		r.Errorf("%s: %s: the files are %+v and %+v", what, a.Ref, a.Blob, b.Blob)
	}
}

// kept are the fields that the engine compares and prints.
func (r *rig) kept(k item.Kind, f item.Field) bool {
	return r.caps.Keeps(k, f.Name) && f.Type != item.Rank
}

func everyField(item.Kind, item.Field) bool { return true }

// sameBytes reads a file back and compares its bytes.
func (r *rig) sameBytes(given, have item.Item) {
	r.Helper()
	if given.Blob == nil || have.Blob == nil {
		return
	}
	want := r.make.content(*given.Blob)
	got, err := r.read(*have.Blob, 0, -1)
	if err != nil {
		r.Errorf("the bytes of %s cannot be read: %v", have.Ref, err)
		return
	}
	if string(got) != string(want) {
		r.Errorf("%s holds %d bytes, which are not the %d that were given", have.Ref, len(got), len(want))
	}
	if have.Blob.Bytes >= 0 && have.Blob.Bytes != int64(len(want)) {
		r.Errorf("%s is said to have %d bytes and has %d", have.Ref, have.Blob.Bytes, len(want))
	}
}

// wellFormed checks the canonical form of an item, wherever it comes from.
func (r *rig) wellFormed(where string, it item.Item) {
	r.Helper()
	bad := func(format string, args ...any) {
		r.Helper()
		r.Errorf("%s: %s: %s", where, it.Ref, fmt.Sprintf(format, args...))
	}
	info, ok := item.Info(it.Kind)
	if !ok || it.ID == "" {
		bad("no kind of ours, or without an id")
		return
	}
	for name, v := range it.Fields {
		f, ok := info.Field(name)
		if !ok {
			bad("the kind has no field %q", name)
			continue
		}
		if v != nil && !typed(f.Type, v) {
			bad("field %s holds a %T", name, v)
		}
		if t, ok := v.(time.Time); ok && t.Location() != time.UTC {
			bad("field %s is not in UTC", name)
		}
		if refs, ok := v.([]item.Ref); ok && slices.ContainsFunc(refs, func(x item.Ref) bool { return x.ID == "" || x.Kind == "" }) {
			bad("field %s refers to nothing", name)
		}
		if ids, ok := v.([]string); ok && f.Type == item.People {
			if sorted := slices.Sorted(slices.Values(ids)); slices.Contains(ids, "") || len(slices.Compact(sorted)) != len(ids) {
				bad("field %s names nobody, or somebody twice", name)
			}
		}
	}
	if c := item.Color.Get(it); c != "" {
		if _, known := item.RGB(c); !known {
			bad("%q is not the plain English name of a colour", c)
		}
	}
	if s := item.Standing.Get(it); s != "" && !slices.Contains(item.Standings(), s) {
		bad("%q is no standing of an account", s)
	}
	if item.Done.Get(it) && item.Progress.Get(it) == 100 {
		bad("it is done, and tells a progress of 100 besides")
	}
	if b := it.Blob; b != nil && (b.Ref != it.Ref || b.Parent != it.Parent || b.Bytes < -1) {
		bad("its blob is of %s in %s, %d bytes", b.Ref, b.Parent, b.Bytes)
	}
	if info.Level == item.Container && !it.Parent.Zero() || info.Level > item.Frame && it.Parent.Zero() {
		bad("it lies in %q", it.Parent)
	}
}

func typed(t item.Type, v any) bool {
	var ok bool
	switch t {
	case item.Line, item.Exact, item.Text, item.Choice, item.Rank, item.Person, item.URL:
		_, ok = v.(string)
	case item.Bool:
		_, ok = v.(bool)
	case item.Number:
		_, ok = v.(float64)
	case item.Time:
		_, ok = v.(time.Time)
	case item.One:
		_, ok = v.(item.Ref)
	case item.Many:
		_, ok = v.([]item.Ref)
	case item.People, item.Options:
		_, ok = v.([]string)
	case item.Checks:
		_, ok = v.([]item.Check)
	case item.Values:
		_, ok = v.([]item.FieldValue)
	case item.Grants:
		_, ok = v.([]item.Grant)
	}
	return ok
}

// shape is what an item is found by when it carries no mark.
func (r *rig) shape(it item.Item) item.Digest {
	of := r.caps.Kinds[it.Kind].Shape
	return item.NewDigester([]byte("shape")).Items(func(_ item.Kind, f item.Field) bool { return slices.Contains(of, f.Name) },
		item.Item{Ref: item.Ref{Kind: it.Kind}, Fields: it.Fields})
}

// written are the kinds that the target takes as items of their own, in the
// order in which they are written.
func (r *rig) written() []item.Kind {
	var out []item.Kind
	for _, info := range item.Kinds() {
		if r.writes(info.Kind) {
			out = append(out, info.Kind)
		}
	}
	return out
}

func (r *rig) writes(k item.Kind) bool {
	caps, ok := r.caps.Kinds[k]
	if !ok || k == item.Member || caps.Embedded != "" {
		return false
	}
	for name := range caps.Fields {
		if r.caps.Keeps(k, name) {
			return true
		}
	}
	return false
}

// adopts reports whether a kind takes names that an administrator made, so
// that items of it are taken over and not made.
func (r *rig) adopts(k item.Kind) bool { return len(r.world.Names[k]) > 0 }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
