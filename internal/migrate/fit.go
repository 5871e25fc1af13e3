package migrate

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rialto-migrate/rialto/connector"
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
	claim   string // the alias under which it claims its name, "" if it need not
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
	// container is the source's: its people are those whom texts can mention.
	container item.Ref
	people    *peopleMap
	loc       *time.Location
	digest    item.Digester
	// link rewrites the address of an item of the source: ours tells whether it
	// is one, moved whether it is known where it went.
	link func(url string) (to, alias string, ours, moved bool)
	// ahead says that nothing has moved yet that will: a forecast.
	ahead bool
	// hushed is what is not written, so that nobody is told.
	hushed map[item.Kind]map[string]bool
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
	// movable says that what lies in a container keeps its id when people put it elsewhere.
	movable bool
	naming  *naming
	places  places // what the target already holds of what frames the container
}

func newFitter(spec *Spec, from, to connector.Capabilities, source string, people *peopleMap, digest item.Digester) *fitter {
	loc, _ := spec.location() // Validate has refused a bad one
	return &fitter{spec: spec, from: from, to: to, source: source, people: people, loc: loc, digest: digest,
		refs: map[item.Ref]item.Ref{}, names: map[item.Ref]string{}, colors: map[string]bool{}, counts: map[item.Kind]int{},
		overflow: map[item.Ref]item.Ref{}, naming: &naming{}, movable: !from.Paths && from.Container() == item.Drive}
}

// know records where an item of the container went.
func (f *fitter) know(source, target item.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refs[source] = target
}

// forget takes back that an item of the container is at the target.
func (f *fitter) forget(source item.Ref) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.refs, source)
}

// pointedAt reports whether other items of its container refer to an item of a
// kind or lie in it: a tree has too many files to remember where each went.
func pointedAt(k item.Kind) bool { return k.Level() < item.Leaf || k == item.Task }

// parentOf is the target's id of what an item lies in: a folder, or the container,
// whose own id at the target is given. Zero for a container, and where the folder
// did not come about.
func (f *fitter) parentOf(it item.Item, container item.Ref) item.Ref {
	switch {
	case contains(it.Kind):
		return item.Ref{}
	case it.Kind == item.Folder:
		if parent, ok := f.naming.standsIn(it.Ref); ok {
			if parent.Kind != item.Folder {
				return container
			}
			return parent
		}
	}
	if it.Parent.Kind == item.Folder {
		return f.where(it.Parent)
	}
	return container
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

// begin makes the unit of a bundle, not yet fitted: enough to tell whether it
// changed.
func (f *fitter) begin(b item.Bundle) *unit {
	u := &unit{key: b.Item.Ref, aliases: b.Item.Aliases, mark: markOf(b.Item), bundle: b}
	if _, parts := f.from.Kinds[item.Task].Fields[item.ParentTask.Name]; parts && b.Item.Kind == item.Task {
		u.aliases = append(slices.Clone(u.aliases), taskAlias(b.Item.Ref))
	}
	u.claim = f.naming.claimOf(b.Item.Ref)
	deep, _ := f.naming.tooDeep(b.Item)
	u.ownKind = f.to.Writes(b.Item.Kind) && !deep
	place := ""
	if f.movable && !contains(b.Item.Kind) {
		place = b.Item.Parent.String()
	}
	with := f.split(b, u)
	all := append([]item.Item{b.Item}, with...)
	if b.Item.Version != "" {
		u.version = f.digest.Text(b.Item.Version + place)
	} else {
		u.version = f.digest.Items(func(item.Kind, item.Field) bool { return true }, append(all, f.context(all, place))...)
	}
	if list := item.InList.Get(b.Item); b.Item.Kind == item.Task && !list.Zero() {
		u.lane = list.String()
	}
	return u
}

// context is an item that stands for what the fit of others depends on beside
// themselves: who their people are at the target, whom their texts mention, and
// the names of what they refer to and the target has no place for. When one of these changes, they are
// looked at again. place is where the source says that they lie, "" if their ids do.
func (f *fitter) context(items []item.Item, place string) item.Item {
	f.mu.Lock()
	defer f.mu.Unlock()
	var says []string
	if place != "" {
		says = append(says, place)
	}
	who := func(ids ...string) {
		for _, id := range ids {
			if id == "" {
				continue
			}
			says = append(says, f.people.becomes(id))
		}
	}
	what := func(refs ...item.Ref) {
		for _, r := range refs {
			if _, there := f.refs[r]; !there && f.names[r] != "" {
				says = append(says, f.names[r])
			}
		}
	}
	for _, it := range items {
		info, _ := item.Info(it.Kind)
		for _, field := range info.Fields {
			switch v := it.Fields[field.Name].(type) {
			case string:
				switch field.Type {
				case item.Person:
					who(v)
				case item.URL:
					if to, _, ours, moved := f.link(v); it.Kind == item.Shortcut && ours && moved {
						says = append(says, to)
					}
				case item.Text:
					f.mentions(v, func(name string) { says = append(says, "@"+name) })
				}
			case []string:
				if field.Type == item.People {
					who(v...)
				}
			case item.Ref:
				what(v)
			case []item.Ref:
				what(v...)
			case []item.FieldValue:
				for _, fv := range v {
					what(item.Ref{Kind: item.CustomField, ID: fv.Field})
				}
			case []item.Check:
				for _, c := range v {
					who(c.Assignee)
				}
			case []item.Grant:
				for _, g := range v {
					who(g.To)
				}
			}
		}
	}
	var out item.Item
	out.Kind = item.Task
	item.Title.Set(&out, strings.Join(says, "\x00"))
	return out
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
	if deep, why := f.naming.tooDeep(b.Item); deep {
		w.loseFor(kind, "*", asDropped, b.Item.ID, why)
		return
	}
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
	return info.Level == item.Frame
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
	if !pointedAt(it.Kind) {
		return
	}
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
		if field.Name == item.Content.Name && from.Blob != nil && info.Level == item.Leaf {
			if caps.Lost[field.Name] != "" {
				w.lose(from.Kind, field.Name, asOther, from.ID) // the bytes move all the same
			}
			if most := mostBytes(caps); most > 0 && from.Blob.Bytes > most {
				w.hit(from.Kind, field.Name, int(most)) // the target will refuse it
			}
		}
		if item.IsZero(v) {
			continue
		}
		limits, kept := caps.Fields[field.Name]
		if !kept || limits.Told {
			if !field.Hint {
				w.unkept(from, field, v)
			}
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

// mostBytes is how large a file or message may be, 0 for no limit.
func mostBytes(caps connector.KindCaps) int64 {
	if content, kept := caps.Fields[item.Content.Name]; kept {
		return content.MaxBytes
	}
	return caps.MaxBytes
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
