package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/richtext"
	"github.com/rialto-migrate/rialto/item"
)

// A unit is what is written in one go: an item with those of its children that
// the target embeds in it or that became text in it.
type unit struct {
	key     item.Ref
	version item.Digest // of the source, and of how it is fitted
	// item and children are what the target is to hold. Their Parent and
	// references are the target's ids.
	item     item.Item
	children []item.Item
	from     []item.Ref  // the source's key of each of children
	folded   []item.Ref  // children that became text, or part of another child
	dropped  []item.Ref  // children left out by policy
	own      []item.Item // children that are written on their own
	with     []item.Ref  // the keys of all other children
	bundle   item.Bundle
	// ownKind is false for a kind that the target lacks: nothing is written.
	ownKind bool
	lane    string // siblings that keep an order share one
	losses  []lost
	limits  map[limitKey]int // how often a limit of the target was exceeded
	wanted  []string         // aliases of items that have not moved yet
	mark    string
	aliases []string
}

// A limitKey names a limit of the target.
type limitKey struct {
	kind  item.Kind
	field string
	limit int
}

// A fitter fits the items of one container to the target, in the order of the
// listing. It is safe for concurrent use.
type fitter struct {
	mu       sync.Mutex
	spec     *Spec
	from, to connector.Capabilities
	source   string // the source cloud's title, for the uniform line
	people   *peopleMap
	loc      *time.Location
	digest   item.Digester
	// link rewrites the address of an item of the source: ours tells whether it
	// is one, moved whether it is known where it went.
	link func(url string) (to, alias string, ours, moved bool)
	// ahead says that nothing has moved yet that will: a forecast.
	ahead bool
	// task tells where a task went that another is a part of.
	task func(item.Ref) (target item.Ref, address string, moved bool)
	// refs are the target's ids of what frames the container, and of its tasks.
	refs map[item.Ref]item.Ref
	// names are those of lists, labels and fields, for texts.
	names map[item.Ref]string
	// colors are those that labels of this container have taken, where the
	// target gives each colour once.
	colors map[string]bool
	// counts are how many items of a kind the container has, for Max.
	counts map[item.Kind]int
	// overflow maps a list beyond the target's limit to the list that takes its tasks.
	overflow map[item.Ref]item.Ref
	lastList item.Ref
	places   places // what the target already holds of what frames the container
}

func newFitter(spec *Spec, from, to connector.Capabilities, source string, people *peopleMap, digest item.Digester) *fitter {
	loc, _ := spec.location() // Validate has refused a bad one
	return &fitter{spec: spec, from: from, to: to, source: source, people: people, loc: loc, digest: digest,
		refs: map[item.Ref]item.Ref{}, names: map[item.Ref]string{}, colors: map[string]bool{}, counts: map[item.Kind]int{},
		overflow: map[item.Ref]item.Ref{}}
}

// know records where an item of the container went.
func (f *fitter) know(source, target item.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refs[source] = target
}

// where returns the target of an item of the container; zero if unknown.
func (f *fitter) where(source item.Ref) item.Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.refs[source]
}

// fitting is the fit of one bundle while it is made.
type fitting struct {
	*fitter
	u     *unit
	lines []string // of the text that folded things become
	tail  []string // sections after them
}

// lose counts a loss, for the reason that the target's capabilities give.
func (f *fitting) lose(k item.Kind, field, policy, id string) {
	f.loseFor(k, field, policy, id, f.because(k, field))
}

func (f *fitting) loseFor(k item.Kind, field, policy, id, why string) {
	f.u.losses = append(f.u.losses, lost{kind: k, field: field, policy: policy, why: why, id: id})
}

// because is why the target does not keep a field of a kind as it was; "*" is
// the whole item.
func (f *fitter) because(k item.Kind, field string) string {
	why := f.to.Kinds[k].Lost[field]
	if why == "" && field == "*" && !f.to.Writes(k) {
		why = f.to.Absent[k]
		for _, name := range slices.Sorted(maps.Keys(f.to.Kinds[k].Fields)) {
			why = cmp.Or(why, f.to.Kinds[k].Fields[name].Why)
		}
	}
	if why == "" {
		why = cmp.Or(f.to.Kinds[k].Fields[field].Why, f.to.Kinds[k].Why, f.to.Absent[k])
	}
	return why
}

// loseEnd counts a text that was longer than the target holds.
func (f *fitting) loseEnd(k item.Kind, field, id string) {
	limits := f.to.Kinds[k].Fields[field]
	why := fmt.Sprintf("at most %d characters", limits.MaxChars)
	if limits.Why != "" {
		why += ": " + limits.Why
	}
	f.loseFor(k, field, asCut, id, why)
}

// loseMarks counts a text that was cleaned.
func (f *fitting) loseMarks(k item.Kind, field, id string) {
	f.loseFor(k, field, "cleaned", id, "control characters, and marks with which a name can show other letters than it holds, are left out")
}

// loseRef counts a reference to something that is not at the target: because
// the target has no place for it, or because the source does not give it.
func (f *fitting) loseRef(k item.Kind, field string, to item.Ref, id string) {
	policy, why := asText, f.because(to.Kind, "*")
	if _, named := f.names[to]; !named {
		policy, why = missing, "the source names it and does not give it"
	}
	f.loseFor(k, field, policy, id, why)
}

// begin makes the unit of a bundle, not yet fitted: enough to tell whether it
// changed.
func (f *fitter) begin(b item.Bundle) *unit {
	u := &unit{key: b.Item.Ref, aliases: b.Item.Aliases, mark: markOf(b.Item), bundle: b}
	if _, parts := f.from.Kinds[item.Task].Fields[item.ParentTask.Name]; parts && b.Item.Kind == item.Task {
		u.aliases = append(slices.Clone(u.aliases), taskAlias(b.Item.Ref))
	}
	u.ownKind = f.to.Writes(b.Item.Kind)
	with := f.split(b, u)
	u.version = f.digest.Items(func(item.Kind, item.Field) bool { return true }, append([]item.Item{b.Item}, with...)...)
	if list := item.InList.Get(b.Item); b.Item.Kind == item.Task && !list.Zero() {
		u.lane = list.String()
	}
	return u
}

// fit fits a unit. parent is the target's id of what the item lies in.
func (f *fitter) fit(u *unit, parent item.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b, kind := u.bundle, u.key.Kind
	with := f.split(b, &unit{})
	w := &fitting{fitter: f, u: u}
	for _, path := range b.Unknown {
		k, field, _ := strings.Cut(path, ".")
		policy, why := unread, "Rialto does not carry this"
		if info, ok := item.Info(item.Kind(k)); ok && field != "" {
			if _, ok := info.Field(field); ok {
				policy, why = missing, "the source tells of it and did not give it"
			}
		}
		w.loseFor(item.Kind(k), field, policy, b.Item.ID, why)
	}
	w.counters(b)
	if !u.ownKind {
		w.lose(kind, "*", lostPolicy(kind, "*"), b.Item.ID)
		f.name(b.Item)
		return
	}
	if max := f.to.Kinds[kind].Max; max > 0 && parentless(kind) && !f.places.admits(b.Item.Ref, f.counts, max) {
		w.beyond(b.Item)
		return
	}
	f.name(b.Item)
	u.item = item.Item{Ref: item.Ref{Kind: kind}, Parent: parent, URL: b.Item.URL, Blob: b.Item.Blob, Fields: item.Fields{}}
	if kind == item.List {
		f.lastList = b.Item.Ref
	}
	w.fields(b.Item, &u.item, kind == item.Task)
	if kind == item.Comment {
		w.commentLine(b.Item)
	}
	w.children(with)
	w.describe(b.Item)
}

// parentless kinds are counted by container, not by task.
func parentless(k item.Kind) bool {
	info, _ := item.Info(k)
	return info.Level == 1
}

// markOf is what names an item in its mark: its address, or its kind and id.
func markOf(it item.Item) string {
	if it.URL != "" {
		return it.URL
	}
	return "rialto:" + it.Ref.String()
}

// split parts the children into those that go with their parent and those that
// are written on their own.
func (f *fitter) split(b item.Bundle, u *unit) (with []item.Item) {
	for _, c := range b.Children {
		caps := f.to.Kinds[c.Kind]
		if f.to.Writes(c.Kind) && caps.Embedded == "" && !(c.Kind == item.Attachment && f.asText(c)) {
			u.own = append(u.own, c)
			if c.Kind == item.Attachment {
				with = append(with, c) // who attached it and when goes to the text
			}
			continue
		}
		u.with = append(u.with, c.Ref)
		with = append(with, c)
	}
	return with
}

// asText reports whether an attachment becomes text: a link, or a file that is
// too large to be more than a link, where the target holds no links or there is
// no address; and a file that is left out.
func (f *fitter) asText(a item.Item) bool {
	links := f.to.Keeps(item.Attachment, item.Address.Name)
	if a.Blob == nil {
		return !links
	}
	return f.tooLarge(a) && (!links || addressOf(a) == "" || f.spec.Policies.LargeAttachment == asDropped)
}

// tooLarge reports whether the target holds no file, or none of that size.
func (f *fitter) tooLarge(a item.Item) bool {
	limits, kept := f.to.Kinds[item.Attachment].Fields[item.Content.Name]
	return a.Blob != nil && (!kept || limits.Told || limits.MaxBytes > 0 && a.Blob.Bytes > limits.MaxBytes)
}

// hit counts an item or entry that is beyond a limit.
func (w *fitting) hit(k item.Kind, field string, limit int) {
	if w.u.limits == nil {
		w.u.limits = map[limitKey]int{}
	}
	w.u.limits[limitKey{k, field, limit}]++
}

// counters compares what the cloud counts with what it gave.
func (w *fitting) counters(b item.Bundle) {
	for _, info := range item.Kinds() {
		told, ok := b.Counts[info.Kind]
		for have := len(b.Of(info.Kind)); ok && have < told; have++ {
			w.u.losses = append(w.u.losses, lost{kind: info.Kind, field: "*", policy: missing,
				why: "the source counts more than it gave", id: b.Item.ID})
		}
	}
}

// beyond handles an item that is one more than the target holds.
func (w *fitting) beyond(it item.Item) {
	w.u.ownKind = false
	// Its name alone is fitted, so that a rebuild can tell whether it has a place
	// all the same.
	w.u.item = item.Item{Ref: item.Ref{Kind: it.Kind}, Fields: item.Fields{}}
	apart := &fitting{fitter: w.fitter, u: &unit{}}
	limits := w.to.Kinds[it.Kind].Fields[item.Name.Name]
	if name, ok := apart.value(it, item.Name.Field, limits, item.Name.Get(it)).(string); ok {
		item.Name.Set(&w.u.item, name)
	}
	switch it.Kind {
	case item.List:
		w.overflow[it.Ref] = w.lastList
		w.names[it.Ref] = item.Name.Get(it)
	default:
		w.name(it)
	}
	w.lose(it.Kind, "*", asText, it.ID)
	w.hit(it.Kind, "", w.to.Kinds[it.Kind].Max)
}

func (f *fitter) name(it item.Item) {
	if n := item.Name.Get(it); n != "" {
		f.names[it.Ref] = n
	} else if c := item.Color.Get(it); it.Kind == item.Label {
		f.names[it.Ref] = cmp.Or(c, "unnamed")
	}
}

// fields fits each field of an item. main says that the item has the text that
// folded things go to.
func (w *fitting) fields(from item.Item, to *item.Item, main bool) {
	info, _ := item.Info(from.Kind)
	caps := w.to.Kinds[from.Kind]
	for _, field := range info.Fields {
		v := from.Fields[field.Name]
		if item.IsZero(v) {
			continue
		}
		limits, kept := caps.Fields[field.Name]
		if !kept || limits.Told {
			w.unkept(from, field, v)
			continue
		}
		if fitted := w.value(from, field, limits, v); !item.IsZero(fitted) {
			to.Fields[field.Name] = fitted
		}
	}
	w.needed(from, to, caps)
	if from.Kind == item.Label && caps.Fields[item.Color.Name].Unique {
		w.uniqueColor(from, to, caps.Fields[item.Color.Name])
	}
	if from.Kind == item.Attachment && from.Blob != nil {
		w.blob(from, to, caps)
	}
}

// needed gives a text to a field that the target does not take empty: a label
// is called by its colour, as clouds show one that has no name.
func (w *fitting) needed(from item.Item, to *item.Item, caps connector.KindCaps) {
	info, _ := item.Info(from.Kind)
	for _, field := range info.Fields {
		s, _ := to.Fields[field.Name].(string)
		if field.Type != item.Line || !caps.Fields[field.Name].Needed || strings.TrimSpace(s) != "" {
			continue
		}
		switch from.Kind {
		case item.Label:
			s = cmp.Or(item.Color.Get(from), "unnamed")
		case item.Checklist:
			s = "Checklist"
		case item.Attachment:
			s = cmp.Or(item.Address.Get(*to), "file")
		default:
			s = untitled
		}
		to.Fields[field.Name] = s
		w.lose(from.Kind, field.Name, asFilled, from.ID)
	}
}

// untitled is what something without a name is called where it needs one.
const untitled = "Untitled"

// uniqueColor gives a label the nearest colour that no other label of the
// container has.
func (w *fitting) uniqueColor(from item.Item, to *item.Item, limits connector.FieldCaps) {
	had, got := item.Color.Get(from), w.places.colors[from.Ref]
	if got == "" {
		got = item.NearestColor(had, limits.Values, func(c string) bool { return w.colors[c] || w.places.taken[c] })
	}
	w.colors[got] = true
	item.Color.Set(to, got)
	if had != got && had != "" {
		w.lose(item.Label, item.Color.Name, asNearest, from.ID)
	}
}

func (w *fitting) blob(from item.Item, to *item.Item, caps connector.KindCaps) {
	limits, kept := caps.Fields[item.Content.Name]
	if kept && (limits.MaxBytes == 0 || from.Blob.Bytes <= limits.MaxBytes) {
		return
	}
	to.Blob = nil // what has no address became text
	item.Address.Set(to, addressOf(from))
	w.lose(item.Attachment, item.Content.Name, asLink, from.ID)
}

// addressOf is where people find an attachment, "" if the source does not tell.
func addressOf(a item.Item) string {
	address := item.Address.Get(a)
	if a.Blob != nil {
		address = cmp.Or(address, a.URL, a.Blob.URL)
	}
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return ""
	}
	return address
}

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
		return w.address(v.(string))
	case item.Time:
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
	case item.Checks:
		return w.checks(from, limits, v.([]item.Check))
	default:
		return v
	}
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

// text rewrites links and mentions of a long text, converts it and cuts it.
func (w *fitting) text(from item.Item, field item.Field, limits connector.FieldCaps, s string) string {
	out := strings.TrimRight(w.rewrite(s), " \t\r\n") // says nothing, and few clouds keep it
	if w.spec.Policies.Formatting == "convert" {
		converted, changed := richtext.Convert(out, w.from.Format, w.to.Format)
		if changed {
			w.loseFor(from.Kind, field.Name, "converted", from.ID, fmt.Sprintf("the source writes %s, the target %s", w.from.Format, w.to.Format))
		}
		out = converted
	}
	if from.Kind == item.Task && field.Name == item.Description.Name {
		return out // cut by describe, with what is folded into it
	}
	head, rest := cut(out, limits.MaxChars)
	if rest != "" {
		w.loseEnd(from.Kind, field.Name, from.ID)
	}
	return head
}

func (w *fitting) rewrite(s string) string {
	if w.from.Mention != "" {
		s = richtext.Mentions(s, w.from.Mention, w.people.mentioned)
	}
	return richtext.ReplaceLinks(s, w.address)
}

func (w *fitting) address(url string) string {
	to, alias, ours, moved := w.link(url)
	switch {
	case moved:
		return to
	case ours:
		w.wants(alias)
	}
	return url
}

// wants notes what a unit points at and has not moved.
func (w *fitting) wants(alias string) {
	if !slices.Contains(w.u.wanted, alias) {
		w.u.wanted = append(w.u.wanted, alias)
	}
}

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

// others handles people without a counterpart.
func (w *fitting) others(from item.Item, field item.Field, ids []string) {
	policy := w.spec.People.Others
	if from.Kind != item.Task {
		policy = asDropped // only tasks have a text that takes names
	}
	w.loseFor(from.Kind, field.Name, policy, from.ID, "no counterpart in the target; decide in the people file")
	if w.spec.People.Others == "name-in-text" && from.Kind == item.Task {
		w.lines = append(w.lines, label(field.Name)+" there: "+w.nameAll(ids))
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

// commentLine puts the uniform line at the head of a comment whose author or
// time the target cannot hold.
func (w *fitting) commentLine(from item.Item) {
	var parts []string
	authorKept := false
	if w.to.Keeps(item.Comment, item.Author.Name) {
		_, authorKept = w.u.item.Fields[item.Author.Name]
	}
	if id := item.Author.Get(from); id != "" && !authorKept {
		w.lose(item.Comment, item.Author.Name, asLine, from.ID)
		parts = append(parts, w.people.name(id))
	}
	if t := item.Created.Get(from); !t.IsZero() && !w.to.Keeps(item.Comment, item.Created.Name) {
		w.lose(item.Comment, item.Created.Name, asLine, from.ID)
		parts = append(parts, w.when(t))
	}
	if t := item.Edited.Get(from); !t.IsZero() && !w.to.Keeps(item.Comment, item.Edited.Name) {
		w.lose(item.Comment, item.Edited.Name, asLine, from.ID)
		parts = append(parts, "edited "+w.when(t))
	}
	if len(parts) == 0 {
		return
	}
	body := strings.Join(parts, ", ") + ":\n" + item.Body.Get(w.u.item)
	max := w.to.Kinds[item.Comment].Fields[item.Body.Name].MaxChars
	head, rest := cut(body, max)
	if rest != "" {
		w.loseEnd(item.Comment, item.Body.Name, from.ID)
	}
	item.Body.Set(&w.u.item, head)
}

// describe ends the text of a task with what had no other place.
func (w *fitting) describe(from item.Item) {
	if from.Kind != item.Task || !w.to.Keeps(item.Task, item.Description.Name) {
		return
	}
	text := item.Description.Get(w.u.item)
	if len(w.lines)+len(w.tail) > 0 {
		var b strings.Builder
		if text != "" {
			b.WriteString(strings.TrimRight(text, "\n"))
			b.WriteString("\n\n")
		}
		fmt.Fprintf(&b, "— From %s —", w.source)
		for _, l := range w.lines {
			b.WriteString("\n" + l)
		}
		for _, s := range w.tail {
			b.WriteString("\n\n" + s)
		}
		text = b.String()
	}
	head, rest := cut(text, w.to.Kinds[item.Task].Fields[item.Description.Name].MaxChars)
	if rest != "" {
		w.loseEnd(item.Task, item.Description.Name, from.ID)
	}
	if head != "" {
		item.Description.Set(&w.u.item, head)
	}
}
