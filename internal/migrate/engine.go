package migrate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/veil"
	"github.com/rialto-migrate/rialto/item"
)

// A Side is one end of a migration: an open connection.
type Side struct {
	Connection string // the connection's name
	Title      string // the cloud's: "Trello"
	Cloud      connector.Cloud
	Caps       connector.Capabilities
	Stats      *connector.Stats
	Guard      *connector.Guard // of a source that a cut-over may close; else nil
}

// Config makes an Engine.
type Config struct {
	Spec     Spec // validated
	Select   Selection
	From, To Side
	Ledger   ledger.Ledger
	Key      []byte      // the migration's print key: 32 secret bytes
	Emit     func(Event) // called from many goroutines at once
	Log      *slog.Logger
	Now      func() time.Time
	// Stop asks for a clean end: what is under way is finished, and nothing new
	// begins. nil for never.
	Stop <-chan struct{}
	// Tell makes a run do the step that tells people, after everything else: what
	// notify: last put off.
	Tell bool
	// Failpoint is called at each named step of the protocol; tests kill the
	// process in it. nil for none.
	Failpoint func(name string)
}

// An Engine carries out the verbs on one migration. One verb runs at a time.
type Engine struct {
	Config
	print     item.Digester // of what the target holds
	version   item.Digester // of what the source has, and how it is fitted
	source    connector.Source
	target    connector.Target // of one place; at gives the engine of another
	people    *peopleMap       // of that place
	to        *destinations
	began     time.Time // of the verb: whoever announced a write before is dead by now
	mostMotes int       // files or messages that a comparison holds at most
	again     bool      // an earlier pass ended: much has moved
	ahead     bool      // the verb looks at what a run will do
	outcomes  *outcomes
	total     *totals       // items in scope, as far as the source tells
	flight    *atomic.Int64 // blobs that are being read
	told      *atomic.Int64 // when progress was last told, in Unix milliseconds
	losses    *lossBook
	// conflicts are those of the pass.
	conflicts *conflicts
	standings *standings          // of the source's accounts
	rows      map[item.Ref]MapRow // the map's lines by the containers they name
	all       []connector.Shard   // the migration's containers, whatever the selection
	unlisted  []connector.Shard   // of the source, open, and without a line in the map
	// leaves tells which containers the verb leaves alone unless they are named;
	// nil for none. left are those that it did.
	leaves  func(ledger.Cut) bool
	left    []connector.Shard
	hushed  map[item.Kind]map[string]bool // what the policy keeps from being written; see hush
	telling *atomic.Bool                  // the pass is in the step that tells people
	later   *putOffs
	veil    *veil.Veil // hides ids that are paths from the ledger; nil where none are
	// unsettled are items of the source that a comparison found otherwise at the
	// target, or not at all, and that no edit explains: a pass looks at each.
	unsettled map[item.Ref]bool
}

// New returns an engine over two open connections. It asks the clouds nothing.
func New(c Config) (*Engine, error) {
	if err := c.Spec.Validate(); err != nil {
		return nil, err
	}
	if c.Emit == nil {
		c.Emit = func(Event) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Failpoint == nil {
		c.Failpoint = func(string) {}
	}
	e := &Engine{Config: c, print: item.NewDigester(c.Key), mostMotes: mostMotes, total: &totals{}, told: &atomic.Int64{}, flight: &atomic.Int64{}, conflicts: &conflicts{}, standings: &standings{by: map[string]string{}}, rows: map[item.Ref]MapRow{}}
	e.telling, e.later = &atomic.Bool{}, &putOffs{}
	sides, inParts := veil.Sides{Source: c.From.Caps.Paths, Target: c.To.Caps.Paths}, false
	for _, k := range c.To.Caps.Kinds {
		inParts = inParts || k.Parts != nil
	}
	if sides != (veil.Sides{}) || inParts {
		var err error
		if e.veil, err = veil.New(c.Ledger, c.Key, sides); err != nil {
			return nil, err
		}
		e.Ledger = e.veil
	}
	if c.Spec.Policies.Notify == tellNobody {
		e.To.Caps, e.hushed = hush(c.To.Caps)
	}
	for _, row := range c.Spec.Map {
		e.rows[item.Ref{Kind: c.From.Caps.Container(), ID: row.Source}] = row
	}
	e.version = item.NewDigester(append(slices.Clone(c.Key), e.salt()...))
	return e, nil
}

// salt makes the version of an item depend on how it is fitted: with another
// policy, time zone or decision about people, every item is looked at again.
func (e *Engine) salt() []byte {
	return fmt.Appendf(nil, "1 %+v %s %s %s", e.Spec.Policies, e.Spec.People.salt(), e.Spec.Timezone, e.To.Caps.Format)
}

// open readies both sides: the source, and the place that the migration names.
func (e *Engine) open(ctx context.Context) error {
	e.began = e.Now()
	if from, to := e.From.Caps.Container(), e.To.Caps.Container(); from != to {
		info, _ := item.Info(from)
		return connector.Errorf(connector.Unsupported, "%s has %s, and %s has no place for them", e.From.Title, info.Plural, e.To.Title).
			WithHint("choose two connections of one sort: boards, files or mail")
	}
	var err error
	if e.source, err = e.From.Cloud.Source(ctx); err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	first := e.Spec.Place
	if i := slices.IndexFunc(e.Spec.Map, func(r MapRow) bool { return r.Place != "" && !r.Out }); first == "" && i >= 0 {
		first = e.Spec.Map[i].Place
	}
	e.to = &destinations{at: map[string]*Engine{}}
	if err := e.enter(ctx, first); err != nil {
		return err
	}
	e.to.at[first] = e
	return nil
}

// shards returns the containers in the scope, in the source's order. What the
// migration itself made is never among them: it may lie in the same account.
func (e *Engine) shards(ctx context.Context) ([]connector.Shard, error) {
	known, err := e.knownShards(ctx)
	if err != nil {
		return nil, err
	}
	made := e.made(known)
	var out []connector.Shard
	met, named := make([]bool, len(e.Spec.Scope)), make([]int, len(e.Spec.Scope))
	for s, err := range e.source.Shards(ctx) {
		if err != nil {
			return nil, err
		}
		if made[s.Ref] {
			continue
		}
		in := false
		for i, want := range e.Spec.Scope {
			exactly, byName := e.inScope(s, want)
			if want == "*" && e.Spec.Map != nil {
				exactly = true // the map says which, closed ones too
			}
			if exactly || byName {
				met[i], in = true, true
			}
			if byName && !exactly {
				named[i]++
			}
		}
		if in {
			out = append(out, s)
		}
	}
	for i, want := range e.Spec.Scope {
		if !met[i] && want != "*" {
			return nil, connector.Errorf(connector.Gone, "from.scope: nothing at the source is called %q", want).
				WithHint("rialto scan " + e.From.Connection + " lists what this connection sees")
		}
		if named[i] > 1 {
			return nil, connector.Errorf(connector.Permanent, "from.scope: %d boards at the source are called %q", named[i], want).
				WithHint("name the one that is meant by its id or address: rialto scan " + e.From.Connection + " lists them")
		}
	}
	return e.planned(out, known)
}

// made is the set of containers that the migration made, if they lie where the
// source does.
func (e *Engine) made(known map[item.Ref]ledger.Shard) map[item.Ref]bool {
	out := map[item.Ref]bool{}
	for _, s := range known {
		if s.Target.Zero() {
			continue
		}
		if _, here := e.source.Locate(e.target.Link(s.Target, s.Target)); here {
			out[s.Target] = true
		}
	}
	return out
}

// inScope reports whether a container is one that the scope names: exactly, by
// its id or address, or by its name.
func (e *Engine) inScope(s connector.Shard, want string) (exactly, byName bool) {
	if want == "*" {
		return !s.Closed, false
	}
	name := want
	if kind, rest, ok := strings.Cut(want, ":"); ok && kind == string(s.Ref.Kind) {
		name = rest
	}
	if name == s.Ref.ID || want == s.URL {
		return true, false
	}
	here, ok := e.source.Locate(s.URL)
	there, ok2 := e.source.Locate(want)
	return ok && ok2 && here == there, fold(name) == fold(s.Name)
}

// newFitter returns the fitter of one container, whose shard of the ledger is given, 0
// if it has none yet. links knows where items went,
// as far as the page at hand needs it.
func (e *Engine) newFitter(source item.Ref, shard int64, links *linkTable) *fitter {
	f := newFitter(&e.Spec, e.From.Caps, e.To.Caps, e.From.Title, e.people, e.version)
	f.container, f.naming = BoardOf(source), e.newNaming(shard)
	f.link, f.task, f.ahead, f.hushed = links.rewrite, links.task, e.ahead, e.hushed
	return f
}

// key is how the ledger's rows name an item of the source.
func (e *Engine) key(r item.Ref) item.Ref {
	if e.veil == nil {
		return r
	}
	return e.veil.Key(r)
}

// meet learns the members of a page before anything that refers to them.
func (e *Engine) meet(container item.Ref, bundles []item.Bundle) {
	for _, b := range bundles {
		if b.Item.Kind == item.Member {
			e.people.meet(container, b.Item)
		}
	}
}

// keyOf is the key of what an item's ledger row is found by.
func keysOf(b item.Bundle) []item.Ref {
	keys := make([]item.Ref, 0, 1+len(b.Children))
	keys = append(keys, b.Item.Ref)
	for _, c := range b.Children {
		keys = append(keys, c.Ref)
	}
	return keys
}

// lookup asks the ledger for the rows of many keys.
func (e *Engine) lookup(ctx context.Context, shard int64, keys []item.Ref) (map[item.Ref]ledger.Row, error) {
	rows := make(map[item.Ref]ledger.Row, len(keys))
	for chunk := range slices.Chunk(keys, 1000) {
		found, err := e.Ledger.Lookup(ctx, shard, chunk)
		if err != nil {
			return nil, fmt.Errorf("the ledger: %w", err)
		}
		for _, r := range found {
			rows[r.Key] = r
		}
	}
	return rows, nil
}

// ErrStopped is what a verb ends with that was asked to stop.
var ErrStopped = errors.New("stopped")

// stopped reports whether the verb was asked to stop.
func (e *Engine) stopped() bool {
	select {
	case <-e.Stop:
		return true
	default:
		return false
	}
}

// stops reports whether an error ends the pass: what nothing after it could
// survive.
func stops(err error) bool {
	c := connector.ClassOf(err)
	return c == connector.Auth || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// kept is which fields are compared one by one: what the target keeps and does
// not set itself, but for the order, which neighbours change.
func (e *Engine) kept(k item.Kind, f item.Field) bool {
	caps, ok := e.To.Caps.Kinds[k].Fields[f.Name]
	return ok && !caps.Told && !f.Hint && f.Type != item.Rank && f.Name != item.Content.Name
}

// printed is which fields a print covers: those that only who wrote them or
// people change, and the bytes of a file. A set that the cloud itself adds to is not among them.
func (e *Engine) printed(k item.Kind, f item.Field) bool {
	if f.Name == item.Content.Name {
		return k.Level() == item.Leaf && e.To.Caps.Keeps(k, f.Name)
	}
	return e.kept(k, f) && !e.To.Caps.Kinds[k].Fields[f.Name].AtLeast
}

// printOf hashes what the target holds: an item with its embedded children.
func (e *Engine) printOf(b item.Bundle) item.Digest {
	items := []item.Item{b.Item}
	for _, info := range item.Kinds() {
		if e.To.Caps.Kinds[info.Kind].Embedded != b.Item.Kind {
			continue
		}
		items = append(items, e.sorted(b.Of(info.Kind))...)
	}
	return e.print.Items(e.printed, items...)
}

// sorted puts items of a kind that keeps no order into one that does not
// depend on how they were listed.
func (e *Engine) sorted(items []item.Item) []item.Item {
	if len(items) == 0 || e.To.Caps.Kinds[items[0].Kind].Ordered {
		return items
	}
	return slices.SortedStableFunc(slices.Values(items), func(a, b item.Item) int {
		x, y := e.print.Items(e.kept, a), e.print.Items(e.kept, b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

// shapeOf hashes what the first request of a create carries.
func (e *Engine) shapeOf(it item.Item) item.Digest {
	shape := e.To.Caps.Kinds[it.Kind].Shape
	return e.print.Items(func(_ item.Kind, f item.Field) bool { return slices.Contains(shape, f.Name) },
		item.Item{Ref: item.Ref{Kind: it.Kind}, Fields: it.Fields})
}
