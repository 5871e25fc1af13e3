package redmine

import (
	"context"
	"strconv"
	"time"

	"github.com/rialto-migrate/rialto/item"
)

// What every issue has and no kind of ours does is reported as custom fields
// with these keys, so that nothing is dropped in silence.
const (
	keyTracker  = "tracker"
	keyStatus   = "status"
	keyCategory = "category"
	keyVersion  = "version"
	keyEstimate = "estimate"
)

// builtIn returns the definitions of those fields for one project.
func (v *view) builtIn(p apiProject, categories []named, versions []apiVersion) []item.Item {
	def := func(key, name, typ string, options []string) item.Item {
		it := item.Item{Ref: fieldRef(p.ID, key), Parent: boardRef(p.ID)}
		item.Name.Set(&it, name)
		item.FieldType.Set(&it, typ)
		item.FieldOptions.Set(&it, options)
		return it
	}
	names := func(all []named) (out []string) {
		for _, n := range all {
			out = append(out, n.Name)
		}
		return out
	}
	out := []item.Item{def(keyTracker, "Tracker", "list", names(p.Trackers))}
	if v.cfg.listsAs != asStatus {
		var options []string
		for _, s := range v.statuses {
			options = append(options, s.Name)
		}
		out = append(out, def(keyStatus, "Status", "list", options))
	}
	if v.cfg.listsAs != asCategory {
		out = append(out, def(keyCategory, "Category", "list", names(categories)))
	}
	if v.cfg.listsAs != asVersion {
		var options []string
		for _, ver := range versions {
			options = append(options, ver.Name)
		}
		out = append(out, def(keyVersion, "Version", "list", options))
	}
	return append(out, def(keyEstimate, "Estimated time (hours)", "number", nil))
}

// custom returns the definition of a custom field. Who is no administrator
// sees only its name, so it is taken for text.
func (v *view) custom(project int, cf customValue) item.Item {
	it := item.Item{Ref: fieldRef(project, "cf"+itoa(cf.ID)), Parent: boardRef(project)}
	item.Name.Set(&it, cf.Name)
	d, _ := fieldByID(v.fields, cf.ID)
	typ := "text"
	switch d.Format {
	case "int", "float":
		typ = "number"
	case "date":
		typ = "date"
	case "bool":
		typ = "checkbox"
	case "list", "enumeration":
		typ = "list"
		var options []string
		for _, p := range d.Possible {
			options = append(options, p.Label)
		}
		item.FieldOptions.Set(&it, options)
	}
	item.FieldType.Set(&it, typ)
	return it
}

// carried reports whether a custom field moves as one: marks and labels do not.
func (v *view) carried(cf customValue) bool {
	return (v.mark == 0 || cf.ID != v.mark) && (v.labelField.ID == 0 || cf.ID != v.labelField.ID)
}

// values returns an issue's values of custom fields, the built-in ones first.
// unknown is true if one is a file, which is not carried.
func (c *cloud) values(ctx context.Context, v *view, is apiIssue) (out []item.FieldValue, unknown bool, err error) {
	add := func(key, value string) {
		if value != "" {
			out = append(out, item.FieldValue{Field: fieldRef(is.Project.ID, key).ID, Value: value})
		}
	}
	nameOf := func(n *named) string {
		if n == nil {
			return ""
		}
		return n.Name
	}
	add(keyTracker, is.Tracker.Name)
	if v.cfg.listsAs != asStatus {
		add(keyStatus, is.Status.Name)
	}
	if v.cfg.listsAs != asCategory {
		add(keyCategory, nameOf(is.Category))
	}
	if v.cfg.listsAs != asVersion {
		add(keyVersion, nameOf(is.Version))
	}
	if is.EstimatedHours != nil {
		add(keyEstimate, strconv.FormatFloat(*is.EstimatedHours, 'f', -1, 64))
	}
	for _, cf := range is.CustomFields {
		if !v.carried(cf) {
			continue
		}
		d, _ := fieldByID(v.fields, cf.ID)
		for _, val := range cf.values() {
			if d.Format == "attachment" {
				unknown = true
				continue
			}
			if val, err = c.value(ctx, d, val); err != nil {
				return nil, false, err
			}
			add("cf"+itoa(cf.ID), val)
		}
	}
	return out, unknown, nil
}

// value writes one value as item.FieldValue wants it.
func (c *cloud) value(ctx context.Context, d apiField, val string) (string, error) {
	switch d.Format {
	case "bool":
		return strconv.FormatBool(val == "1"), nil
	case "date":
		if t := day(val); !t.IsZero() {
			return t.Format(time.RFC3339), nil
		}
		return val, nil
	}
	for _, p := range d.Possible {
		if p.Value == val {
			return p.Label, nil
		}
	}
	if id, ok := number(val); ok && d.Format == "user" {
		u, err := c.facts.person(ctx, named{ID: id, Name: val})
		return u.name(), err
	}
	return val, nil
}
