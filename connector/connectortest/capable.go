package connectortest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// checkManifest checks what a connector says of itself.
func checkManifest(t testing.TB, m connector.Manifest) {
	t.Helper()
	if m.Name == "" || m.Name != strings.ToLower(m.Name) || strings.ContainsAny(m.Name, " :/") {
		t.Errorf("the manifest's name %q cannot be typed as a word on the command line", m.Name)
	}
	if m.Title == "" {
		t.Error("the manifest has no title")
	}
	seen := map[string]bool{}
	for _, s := range m.Settings {
		if s.Name == "" || s.Help == "" || seen[s.Name] {
			t.Errorf("the setting %q has no name or no help, or stands twice", s.Name)
		}
		if s.Secret && s.Path {
			t.Errorf("the setting %q is a secret and a path", s.Name)
		}
		seen[s.Name] = true
	}
	for _, h := range m.Hosts {
		if h == "" || strings.ContainsAny(h, "/ ") {
			t.Errorf("the manifest's host %q is not the name of a host", h)
		}
	}
}

// Capable holds a table of capabilities against the declared kinds.
func Capable(t testing.TB, c connector.Capabilities) {
	t.Helper()
	for _, info := range item.Kinds() {
		k, ok := c.Kinds[info.Kind]
		why, absent := c.Absent[info.Kind]
		here := info.With(func(in item.Kind) bool { _, has := c.Kinds[in]; return has })
		switch {
		case !here && (ok || absent):
			t.Errorf("%s lies in no container that this cloud has", info.Kind)
		case !here:
		case ok && absent:
			t.Errorf("%s is in Kinds and in Absent", info.Kind)
		case !ok && why == "":
			t.Errorf("%s is neither in Kinds nor, with a reason, in Absent", info.Kind)
		case ok:
			checkKind(t, c, info, k)
		}
	}
	for k := range c.Kinds {
		if _, ok := item.Info(k); !ok {
			t.Errorf("there is no kind %q", k)
		}
	}
	for k := range c.Absent {
		if _, ok := item.Info(k); !ok {
			t.Errorf("there is no kind %q", k)
		}
	}
	switch c.Format {
	case connector.Plain, connector.Markdown, connector.Textile, connector.HTML:
	default:
		t.Errorf("the format %q is not known", c.Format)
	}
	if c.SettleDelay < 0 {
		t.Error("SettleDelay is negative")
	}
	for _, q := range c.Quotas {
		if q.Requests <= 0 || q.Per <= 0 || q.Source == "" {
			t.Errorf("the quota %+v allows nothing, or does not say where that stands", q)
		}
	}
	if c.ReadRequests == nil || c.ReadRequests(0) < 0 || c.ReadRequests(1000) < c.ReadRequests(10) {
		t.Error("ReadRequests is missing, or more tasks take fewer requests")
	}
}

func checkKind(t testing.TB, c connector.Capabilities, info item.KindInfo, k connector.KindCaps) {
	t.Helper()
	bad := func(format string, args ...any) {
		t.Helper()
		t.Errorf(string(info.Kind)+": "+format, args...)
	}
	for _, f := range info.Fields {
		limits, kept := k.Fields[f.Name]
		why, lost := k.Lost[f.Name]
		switch {
		case kept && lost:
			bad("field %s is kept and lost", f.Name)
		case !kept && why == "":
			bad("field %s is neither kept nor, with a reason, lost", f.Name)
		case kept:
			checkField(bad, info, f, limits)
		}
	}
	for _, m := range []map[string]bool{keysOf(k.Fields), keysOf(k.Lost)} {
		for name := range m {
			if _, ok := info.Field(name); !ok {
				bad("there is no field %q", name)
			}
		}
	}
	if k.Batch < 1 {
		bad("Batch is %d, want 1 or more", k.Batch)
	}
	if k.Embedded != "" {
		if _, ok := c.Kinds[k.Embedded]; !ok {
			bad("it is embedded in %s, which is not kept", k.Embedded)
		}
	}
	if (k.Max > 0 || k.MaxOpen > 0) && k.Why == "" {
		bad("its number is limited without a reason")
	}
	if _, kept := k.Fields[item.Content.Name]; k.MaxBytes < 0 || k.MaxBytes > 0 && (k.Why == "" || kept) {
		bad("its bytes are limited without a reason, below zero, or beside what its field says")
	}
	if _, kept := k.Fields[item.Position.Name]; k.Ordered && (!kept || !c.Keeps(info.Kind, item.Position.Name)) {
		bad("it keeps an order and no position")
	}
	for _, f := range k.Shape {
		if !c.Keeps(info.Kind, f) {
			bad("its shape names %s, which is not kept", f)
		}
	}
	switch k.Undo {
	case connector.UndoExact:
	case connector.UndoPartial, connector.UndoImpossible:
		if k.UndoWhy == "" {
			bad("its undo is %s without a reason", k.Undo)
		}
	default:
		bad("its undo is %q", k.Undo)
	}
	if k.Requests < 0 {
		bad("it takes %g requests", k.Requests)
	}
	if writes := keepsAny(c, info.Kind); writes && !c.Paths && k.Embedded == "" && k.Carrier == "" && len(k.Shape) == 0 {
		bad("it has neither a mark nor a shape: a write in doubt cannot be settled")
	}
}

func keepsAny(c connector.Capabilities, k item.Kind) bool {
	for name := range c.Kinds[k].Fields {
		if c.Keeps(k, name) {
			return true
		}
	}
	return false
}

func checkField(bad func(string, ...any), info item.KindInfo, f item.Field, limits connector.FieldCaps) {
	if limits.Unique && len(limits.Values) == 0 {
		bad("field %s is unique and has no values to choose from", f.Name)
	}
	if sorted := slices.Sorted(slices.Values(limits.Values)); len(slices.Compact(sorted)) != len(limits.Values) {
		bad("field %s offers a value twice", f.Name)
	}
	switch f.Type {
	case item.Choice, item.Line, item.Grants, item.Options:
	case item.Number:
		if !slices.IsSortedFunc(limits.Values, steps) {
			bad("the steps of field %s do not rise", f.Name)
		}
	default:
		if len(limits.Values) > 0 {
			bad("field %s has no closed set of values, and names some", f.Name)
		}
	}
	if f.Name == item.Color.Name {
		for _, v := range limits.Values {
			if _, ok := item.RGB(v); !ok {
				bad("field %s offers %q, which is not a colour's plain name", f.Name, v)
			}
		}
	}
	if len(limits.Without) > 0 && f.Type != item.Options {
		bad("field %s has no options, and names some that the cloud does not hold", f.Name)
	}
	limited := limits.MaxChars > 0 || limits.MaxCount > 0 || limits.MaxBytes > 0 || limits.Days || len(limits.Values) > 0 || len(limits.Without) > 0 || limits.Fixed
	if limited && !limits.Told && limits.Why == "" {
		bad("field %s is limited and does not say why", f.Name)
	}
	if limits.MaxChars < 0 || limits.MaxCount < 0 || limits.MaxBytes < 0 {
		bad("field %s has a negative limit", f.Name)
	}
	if limits.Days && f.Type != item.Time {
		bad("field %s is no time and loses its clock", f.Name)
	}
}

// steps compares two numbers that are written as text.
func steps(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX != nil || errY != nil {
		return 1 // then nothing is sorted
	}
	return cmp.Compare(x, y)
}

func keysOf[V any](m map[string]V) map[string]bool {
	out := map[string]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}
