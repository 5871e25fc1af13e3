package migrate

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// value fits one value that the target keeps.
func (w *fitting) value(from item.Item, field item.Field, limits connector.FieldCaps, v any) any {
	k, id := from.Kind, from.ID
	switch field.Type {
	case item.Line:
		if limits.Values != nil && !slices.Contains(limits.Values, v.(string)) {
			w.lose(k, field.Name, asText, id)
			w.lines = append(w.lines, w.inWords(field, v)...)
			return nil
		}
		if field.Name == item.MediaType.Name && v == "application/octet-stream" {
			return nil // says what no media type says
		}
		s, changed := richtext.Clean(w.address(v.(string))) // links are often named by their address
		if changed {
			w.loseMarks(k, field.Name, id)
		}
		head, rest := cut(s, limits.MaxChars)
		if rest != "" {
			w.loseEnd(k, field.Name, id)
			w.hit(k, field.Name, limits.MaxChars)
			w.lines = append(w.lines, label(field.Name)+": "+s)
		}
		return head
	case item.Text:
		return w.text(from, field, limits, v.(string))
	case item.URL:
		if limits.Inside {
			w.leadsInside(from, v.(string))
		}
		return w.address(v.(string))
	case item.Exact:
		return w.fileName(from, limits.Names, v.(string))
	case item.Time:
		if field.Name == item.Modified.Name {
			return v // as exactly as it is known
		}
		t := v.(time.Time).UTC().Truncate(time.Second)
		if !limits.Days {
			return t
		}
		local := t.In(w.loc)
		day := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
		if !(w.daysOnly(k, field.Name) || local.Hour() == 0 && local.Minute() == 0) {
			w.lose(k, field.Name, asDay, id)
			w.lines = append(w.lines, label(field.Name)+": "+local.Format(clock))
		}
		if w.daysOnly(k, field.Name) {
			return t // already a day: no zone applies
		}
		return day
	case item.Choice:
		s := v.(string)
		if limits.Unique {
			return nil // given out once by another rule
		}
		if limits.Values == nil || slices.Contains(limits.Values, s) {
			return s
		}
		if field.Name == item.Color.Name {
			if near := item.NearestColor(s, limits.Values, func(string) bool { return false }); near != "" {
				w.lose(k, field.Name, asNearest, id)
				return near
			}
		}
		w.lose(k, field.Name, asText, id)
		w.lines = append(w.lines, label(field.Name)+": "+s)
		return nil
	case item.Number:
		return w.number(from, field, limits, v.(float64))
	case item.One:
		return w.one(from, field, v.(item.Ref))
	case item.Many:
		return w.many(from, field, limits, v.([]item.Ref))
	case item.Person:
		return w.person(from, field, v.(string))
	case item.Options:
		return w.options(from, field, limits, v.([]string))
	case item.People:
		return w.persons(from, field, limits, v.([]string))
	case item.Values:
		var out []item.FieldValue
		for _, fv := range v.([]item.FieldValue) {
			if fv.Value == "" || fv.Value == "false" {
				continue // says what no value says
			}
			ref := item.Ref{Kind: item.CustomField, ID: fv.Field}
			if to, ok := w.refs[ref]; ok {
				out = append(out, item.FieldValue{Field: to.ID, Value: fv.Value})
			} else {
				w.lose(k, field.Name, asText, id)
				w.lines = append(w.lines, cmp.Or(w.names[ref], "Field "+fv.Field)+": "+fv.Value)
			}
		}
		return out
	case item.Grants:
		return w.grants(from, field, limits, v.([]item.Grant))
	case item.Checks:
		return w.checks(from, limits, v.([]item.Check))
	default:
		return v
	}
}

// options keeps those that the target has.
func (w *fitting) options(from item.Item, field item.Field, limits connector.FieldCaps, all []string) []string {
	among := func(some []string, o string) bool {
		return slices.ContainsFunc(some, func(v string) bool { return strings.EqualFold(v, o) })
	}
	has := func(o string) bool {
		return !among(limits.Without, o) && (limits.Values == nil || among(limits.Values, o))
	}
	kept := slices.DeleteFunc(slices.Clone(all), func(o string) bool { return !has(o) })
	if len(kept) < len(all) {
		w.lose(from.Kind, field.Name, asDropped, from.ID)
	}
	return kept
}

// number fits a number to the steps that the target has. What is done is said
// by done alone where the target has steps.
func (w *fitting) number(from item.Item, field item.Field, limits connector.FieldCaps, n float64) any {
	if len(limits.Values) == 0 {
		return n
	}
	if field.Name == item.Progress.Name && item.Done.Get(from) && w.to.Keeps(from.Kind, item.Done.Name) {
		if n != 100 {
			w.lose(from.Kind, field.Name, asNearest, from.ID)
		}
		return nil
	}
	got := nearestStep(n, limits.Values)
	if field.Name == item.Progress.Name && got >= 100 {
		got = nearestStep(99, limits.Values) // all done would say done, which it is not
	}
	if got != n {
		w.lose(from.Kind, field.Name, asNearest, from.ID)
	}
	return got
}

// nearestStep returns the step that is nearest to n; the first and the last
// only for what lies at or beyond them, if there are others.
func nearestStep(n float64, values []string) float64 {
	var steps []float64
	for _, v := range values {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			steps = append(steps, s)
		}
	}
	switch last := len(steps) - 1; {
	case last < 0:
		return n
	case n <= steps[0]:
		return steps[0]
	case n >= steps[last]:
		return steps[last]
	case last > 1:
		steps = steps[1:last]
	}
	return slices.MinFunc(steps, func(a, b float64) int { return cmp.Compare(math.Abs(a-n), math.Abs(b-n)) })
}

// daysOnly reports whether the source itself keeps that time as a day.
func (w *fitting) daysOnly(k item.Kind, field string) bool {
	return w.from.Kinds[k].Fields[field].Days
}

const clock = "2006-01-02 15:04 MST"

func (w *fitting) when(t time.Time) string { return t.In(w.loc).Format(clock) }

func (w *fitting) one(from item.Item, field item.Field, ref item.Ref) any {
	if strings.HasSuffix(ref.ID, unsortedSuffix) || strings.HasSuffix(ref.ID, unsortedSuffix+archiveSuffix) {
		w.lose(from.Kind, field.Name, asFilled, from.ID)
	}
	if over, ok := w.overflow[ref]; ok {
		w.loseRef(from.Kind, field.Name, ref, from.ID)
		w.lines = append(w.lines, "List: "+w.names[ref])
		ref = over
	}
	if to, ok := w.refs[ref]; ok {
		return to
	}
	if field.Name == item.ParentTask.Name {
		if to, _, moved := w.task(ref); moved {
			return to
		}
		w.wants(taskAlias(ref)) // written once that is there
		if w.ahead {
			return item.Ref{Kind: item.Task, ID: fresh + ref.ID}
		}
		w.loseFor(from.Kind, field.Name, missing, from.ID, "the task above it was not moved")
		return nil
	}
	w.loseRef(from.Kind, field.Name, ref, from.ID)
	if n := w.names[ref]; n != "" {
		w.lines = append(w.lines, label(field.Name)+": "+n)
	}
	return nil
}

func (w *fitting) many(from item.Item, field item.Field, limits connector.FieldCaps, refs []item.Ref) any {
	var out, lost []item.Ref
	var rest []string
	for _, ref := range refs {
		if to, ok := w.refs[ref]; ok && (limits.MaxCount == 0 || len(out) < limits.MaxCount) {
			out = append(out, to)
		} else {
			rest = append(rest, cmp.Or(w.names[ref], ref.ID))
			lost = append(lost, ref)
		}
	}
	if len(rest) > 0 {
		w.loseRef(from.Kind, field.Name, lost[0], from.ID)
		w.lines = append(w.lines, label(field.Name)+": "+strings.Join(rest, ", "))
	}
	return out
}

func (w *fitting) person(from item.Item, field item.Field, id string) any {
	if to, ok := w.people.target(id); ok {
		return to
	}
	if !field.Told {
		w.others(from, field, []string{id})
	}
	return nil
}

func (w *fitting) persons(from item.Item, field item.Field, limits connector.FieldCaps, ids []string) any {
	var out, extra, unknown []string
	for _, id := range ids {
		to, ok := w.people.target(id)
		switch {
		case !ok:
			unknown = append(unknown, id)
		case slices.Contains(out, to):
		case limits.MaxCount > 0 && len(out) >= limits.MaxCount:
			extra = append(extra, id)
		default:
			out = append(out, to)
		}
	}
	if len(unknown) > 0 {
		w.others(from, field, unknown)
	}
	if len(extra) > 0 {
		w.hit(from.Kind, field.Name, limits.MaxCount)
		w.lose(from.Kind, field.Name, w.spec.Policies.ExtraAssignee, from.ID)
		if w.spec.Policies.ExtraAssignee == "name-in-text" {
			w.lines = append(w.lines, "Also "+label(field.Name)+": "+w.nameAll(extra))
		}
	}
	return out
}

// noCounterpart is why a person is lost.
const noCounterpart = "no counterpart in the target; decide in the people file"

// others handles people without a counterpart.
func (w *fitting) others(from item.Item, field item.Field, ids []string) {
	var named []string
	for _, policy := range restPolicies {
		of := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return w.people.rest(id) != policy })
		if len(of) == 0 {
			continue
		}
		if from.Kind != item.Task {
			policy = asDropped // only tasks have a text that takes names
		}
		w.loseFor(from.Kind, field.Name, policy, from.ID, noCounterpart)
		if policy == nameInText {
			named = append(named, of...)
		}
	}
	if len(named) > 0 {
		w.lines = append(w.lines, label(field.Name)+" there: "+w.nameAll(named))
	}
}

func (w *fitting) nameAll(ids []string) string {
	var names []string
	for _, id := range ids {
		names = append(names, w.people.name(id))
	}
	return strings.Join(names, ", ")
}

// label is a field's name as a reader sees it.
func label(field string) string {
	return strings.ToUpper(field[:1]) + field[1:]
}

func cut(s string, max int) (head, rest string) {
	if max <= 0 {
		return s, ""
	}
	return richtext.Cut(s, max)
}
