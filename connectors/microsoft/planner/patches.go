package planner

import (
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// newTask is the first request of a create.
func (j *job) newTask() map[string]any {
	it := j.ch.Item
	b := map[string]any{"planId": it.Parent.ID, "title": item.Title.Get(it), "percentComplete": percent(it)}
	if list := item.InList.Get(it); !list.Zero() {
		b["bucketId"] = list.ID
	}
	if j.place.hint != "" {
		b["orderHint"] = j.place.hint
	}
	if s := wireDay(item.Start.Get(it)); s != nil {
		b["startDateTime"] = s
	}
	if d := wireDay(item.Due.Get(it)); d != nil {
		b["dueDateTime"] = d
	}
	if p := item.Priority.Get(it); p != "" {
		b["priority"] = wirePriority(p)
	}
	if a := assignments(nil, item.Assignees.Get(it)); len(a) > 0 {
		b["assignments"] = a
	}
	if c := categories(nil, item.Labels.Get(it)); len(c) > 0 {
		b["appliedCategories"] = c
	}
	return b
}

// assignments are the changes that turn who has a task into who shall have it.
func assignments(has, want []string) map[string]any {
	out := map[string]any{}
	for _, id := range has {
		if !slices.Contains(want, id) {
			out[id] = nil
		}
	}
	for _, id := range want {
		if !slices.Contains(has, id) {
			out[id] = map[string]any{"@odata.type": "#microsoft.graph.plannerAssignment", "orderHint": " !"}
		}
	}
	return out
}

func categories(has []string, want []item.Ref) map[string]any {
	out := map[string]any{}
	var slots []string
	for _, ref := range want {
		_, slot := splitID(ref.ID)
		slots = append(slots, slot)
		if !slices.Contains(has, slot) {
			out[slot] = true
		}
	}
	for _, slot := range has {
		if !slices.Contains(slots, slot) {
			out[slot] = false
		}
	}
	return out
}

// taskPatch is what an update changes of the task itself.
func (j *job) taskPatch() map[string]any {
	it, now, b := j.ch.Item, j.now.task, map[string]any{}
	if dirty(j.ch, item.Title.Name) && now.Title != item.Title.Get(it) {
		b["title"] = item.Title.Get(it)
	}
	if list := item.InList.Get(it).ID; dirty(j.ch, item.InList.Name) && list != "" && now.Bucket != list {
		b["bucketId"] = list
	}
	if j.place.hint != "" {
		b["orderHint"] = j.place.hint
	}
	if want := day(item.Start.Get(it)); dirty(j.ch, item.Start.Name) && !day(now.Start.Time).Equal(want) {
		b["startDateTime"] = wireDay(want)
	}
	if want := day(item.Due.Get(it)); dirty(j.ch, item.Due.Name) && !day(now.Due.Time).Equal(want) {
		b["dueDateTime"] = wireDay(want)
	}
	if dirty(j.ch, item.Done.Name, item.Progress.Name) && now.Percent != percent(it) {
		b["percentComplete"] = percent(it)
	}
	if dirty(j.ch, item.Priority.Name) && priority(now.Priority) != item.Priority.Get(it) {
		b["priority"] = wirePriority(item.Priority.Get(it))
	}
	if dirty(j.ch, item.Labels.Name) {
		if c := categories(now.Categories.set(), item.Labels.Get(it)); len(c) > 0 {
			b["appliedCategories"] = c
		}
	}
	if dirty(j.ch, item.Assignees.Name) {
		if a := assignments(now.Assigned.set(), item.Assignees.Get(it)); len(a) > 0 {
			b["assignments"] = a
		}
	}
	return b
}

// detailsPatch is what turns details into those of the change. For a create it
// is everything; "has" is empty then, or what the cloud put there.
func (j *job) detailsPatch(has details) map[string]any {
	b := map[string]any{}
	create := j.ch.Op == connector.Create
	if text := item.Description.Get(j.ch.Item); (create || dirty(j.ch, item.Description.Name)) && has.Description != text {
		b["description"] = text
	}
	if create || dirty(j.ch, string(item.Checklist)) {
		if c := j.checklist(has); len(c) > 0 {
			b["checklist"] = c
		}
	}
	if create || dirty(j.ch, string(item.Attachment)) {
		if r := j.references(has); len(r) > 0 {
			b["references"] = r
		}
	}
	return b
}

// checklist is the changes of the entries. Entries in another order get hints
// anew, all of them, so that the order is the one of one chain.
func (j *job) checklist(has details) map[string]any {
	var want []item.Check
	for _, child := range j.ch.Children {
		if child.Kind == item.Checklist {
			want = append(want, item.Entries.Get(child)...)
		}
	}
	seed := j.mark()
	for key, r := range has.References {
		if r.Alias == markAlias {
			seed = referenceAddress(key)
		}
	}
	keys := make([]string, len(want))
	for i, c := range want {
		keys[i] = entryKey(seed, c, i)
		if _, ok := has.Checklist[c.ID]; ok { // the target's own key
			keys[i] = c.ID
		}
	}
	order := ordered(has.Checklist, func(c checkItem) string { return c.Hint })
	kept := slices.DeleteFunc(slices.Clone(order), func(k string) bool { return !slices.Contains(keys, k) })
	// Hints stay if the kept ones stand first and in order, and new ones follow.
	stay := len(kept) <= len(keys) && slices.Equal(kept, keys[:len(kept)])
	prev := ""
	if stay && len(kept) > 0 {
		prev = has.Checklist[kept[len(kept)-1]].Hint
	}
	out := map[string]any{}
	for i, c := range want {
		now, ok := has.Checklist[keys[i]]
		entry := map[string]any{"@odata.type": "#microsoft.graph.plannerChecklistItem"}
		if !ok || now.Title != c.Title {
			entry["title"] = c.Title
		}
		if !ok || now.Checked != c.Done {
			entry["isChecked"] = c.Done
		}
		if !ok || !stay {
			prev = between(prev, "")
			entry["orderHint"] = prev
		}
		if len(entry) > 1 {
			out[keys[i]] = entry
		}
	}
	for _, k := range order {
		if !slices.Contains(keys, k) {
			out[k] = nil
		}
	}
	return out
}

// references is the changes of the references: the attachments in their order,
// and the mark.
func (j *job) references(has details) map[string]any {
	type ref struct{ key, alias string }
	var want []ref
	taken := map[string]bool{}
	mark := j.ch.Mark
	for key, r := range has.References {
		if r.Alias == markAlias && (mark == "" || j.ch.Op == connector.Update) {
			mark = referenceAddress(key) // what is there stays
		}
	}
	if mark != "" {
		taken[referenceKey(mark)] = true
	}
	for n, child := range j.ch.Children {
		if child.Kind != item.Attachment {
			continue
		}
		address := item.Address.Get(child)
		if link, ok := j.links[n]; ok {
			address = link
		}
		key := referenceKey(address)
		for twin := 1; taken[key]; twin++ {
			key = referenceKey(withTwin(address, twin))
		}
		taken[key] = true
		want = append(want, ref{key, item.Name.Get(child)})
	}
	order := ordered(has.References, func(r extReference) string { return r.Preview })
	keys := make([]string, len(want))
	for i, w := range want {
		keys[i] = w.key
	}
	kept := slices.DeleteFunc(slices.Clone(order), func(k string) bool { return !slices.Contains(keys, k) })
	stay := len(kept) <= len(keys) && slices.Equal(kept, keys[:len(kept)])
	prev := ""
	if stay && len(kept) > 0 {
		prev = has.References[kept[len(kept)-1]].Preview
	}
	out := map[string]any{}
	for _, w := range want {
		now, ok := has.References[w.key]
		entry := map[string]any{"@odata.type": "#microsoft.graph.plannerExternalReference"}
		if !ok || now.Alias != w.alias {
			entry["alias"] = w.alias
		}
		if !ok {
			entry["type"] = "Other"
		}
		if !ok || !stay {
			prev = between(prev, "")
			entry["previewPriority"] = prev
		}
		if len(entry) > 1 {
			out[w.key] = entry
		}
	}
	if mark != "" {
		if key := referenceKey(mark); has.References[key].Alias != markAlias {
			out[key] = map[string]any{"@odata.type": "#microsoft.graph.plannerExternalReference", "alias": markAlias, "type": "Other",
				"previewPriority": between(prev, "")}
		}
	}
	for _, k := range order {
		if !taken[k] {
			out[k] = nil
			if j.gone == nil {
				j.gone = map[string]bool{}
			}
			j.gone[withoutTwin(referenceAddress(k))] = true
		}
	}
	return out
}
