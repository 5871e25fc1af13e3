package migrate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/pace"
	"github.com/rialto-migrate/rialto/item"
)

// A Forecast says what a run would do. It is made by reading alone.
type Forecast struct {
	Status   string                     `json:"status"` // ready, or nothing-to-do
	Kinds    map[item.Kind]ForecastKind `json:"kinds"`
	Losses   []Loss                     `json:"losses"`
	Limits   []LimitHit                 `json:"limits,omitempty"`
	People   []Person                   `json:"people,omitempty"`
	Undo     map[item.Kind]UndoForecast `json:"undo"`
	Shards   []ShardForecast            `json:"shards"`
	Requests int64                      `json:"requests"` // the run's, estimated
	Least    time.Duration              `json:"least_ns"` // the time the run takes at best
	Most     time.Duration              `json:"most_ns"`
	Messages Messages                   `json:"messages"`
	Pace     []pace.Hours               `json:"pace,omitempty"` // of the week that begins now
	Audience *Audience                  `json:"audience"`
	Links    []WaveLinks                `json:"links,omitempty"` // that a run leaves as they are, by wave
	Notices  []string                   `json:"notices,omitempty"`
}

// A ForecastKind counts the items of one kind by what a run would do.
type ForecastKind struct {
	Items  int   `json:"items"`
	Bytes  int64 `json:"bytes"`
	Create int   `json:"create"`
	Update int   `json:"update"`
	Skip   int   `json:"skip"`
	Delete int   `json:"delete"`
	Later  int   `json:"later,omitempty"` // wait for the step that tells people
}

// A ShardForecast is a container's line.
type ShardForecast struct {
	Source string `json:"source"`
	Wave   int    `json:"wave,omitempty"`
	Items  int    `json:"items"`
	Bytes  int64  `json:"bytes"`
}

// A LimitHit is a limit of the target that the source exceeds.
type LimitHit struct {
	Kind  item.Kind `json:"kind"`
	Field string    `json:"field,omitempty"`
	Limit int       `json:"limit"`
	Over  int       `json:"over"` // items that are beyond it, or have a field beyond it
	Why   string    `json:"why,omitempty"`
}

// An UndoForecast says how far an undo could go for a kind.
type UndoForecast struct {
	Undo connector.Undo `json:"undo"`
	Why  string         `json:"why,omitempty"`
}

// Forecast reads the source and the ledger and tells what a run would do, what
// would be lost, and how long it takes.
func (e *Engine) Forecast(ctx context.Context) (*Forecast, error) {
	e.losses, e.ahead, e.leaves = newLossBook(), true, isCutOver
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	shards, err := e.shards(ctx)
	if err != nil {
		return nil, err
	}
	known, err := e.knownShards(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.foreknow(ctx); err != nil {
		return nil, err
	}
	f := &forecaster{e: e, census: &census{}, out: &Forecast{Kinds: map[item.Kind]ForecastKind{}, Undo: map[item.Kind]UndoForecast{}}, known: known, limits: map[limitKey]int{}, boards: map[string]int{}}
	if e.tellsAnybody() {
		if id, err := e.To.Cloud.Check(ctx); err == nil { // else it counts itself, too
			f.tells.run.self, f.tells.last.self = id.ID, id.ID
		}
	}
	f.links = e.foreseeLinks(shards)
	for _, s := range shards {
		if f.e, err = e.at(ctx, s.Ref); err != nil {
			return nil, err
		}
		if err := f.shard(ctx, s); err != nil {
			return nil, err
		}
	}
	if f.out.Audience, err = e.audience(ctx, shards, known, false); err != nil {
		return nil, err
	}
	if r := f.out.Audience.refused(); len(r) > 0 {
		f.out.Notices = append(f.out.Notices, "A run refuses: "+sayWidened(r)+"; "+howToNarrow+".")
	}
	return f.finish(), nil
}

// knownShards is the ledger's shards by their source.
func (e *Engine) knownShards(ctx context.Context) (map[item.Ref]ledger.Shard, error) {
	list, err := e.Ledger.Shards(ctx)
	if err != nil {
		return nil, fmt.Errorf("the ledger: %w", err)
	}
	out := map[item.Ref]ledger.Shard{}
	for _, s := range list {
		out[s.Source] = s
	}
	return out, nil
}

type forecaster struct {
	e      *Engine
	census *census
	out    *Forecast
	known  map[item.Ref]ledger.Shard
	limits map[limitKey]int
	boards map[string]int // containers of the target by place
	tells  tells
	links  *foreseenLinks
	reads  float64
	writes float64
	mended int   // items of the container at hand that are written again once what they point at has moved
	bytes  int64 // of the files that are written
}

// shard forecasts one container of the source.
func (f *forecaster) shard(ctx context.Context, s connector.Shard) error {
	line := ShardForecast{Source: s.Ref.ID, Wave: f.e.rows[s.Ref].Wave}
	f.mended = 0
	tasks := map[bool]int{} // by archive
	open := map[bool]int{}
	seen := map[bool]refSet{false: newRefSet(), true: newRefSet()}
	err := f.e.walk(ctx, s, f.known, func(w *walked) error {
		u := w.unit
		if w.skip {
			f.count(u.key.Kind, func(k *ForecastKind) { k.Items++; k.Skip++ })
			return nil
		}
		for _, key := range keysOf(u.bundle) {
			seen[w.archive].add(f.e.key(key))
		}
		if level(u.key.Kind) == item.Leaf {
			tasks[w.archive]++
			if !f.e.shut(u.bundle.Item) {
				open[w.archive]++
			}
		}
		f.unit(w, &line)
		return nil
	})
	if err != nil {
		return err
	}
	place := f.e.placeOf(s.Ref)
	f.boards[place] += max(len(tasks), 1)
	for archive, n := range tasks {
		leaf := f.e.To.Caps.Leaf()
		caps := f.e.To.Caps.Kinds[leaf]
		f.over(leaf, "", caps.Max, n)
		f.over(leaf, "open", caps.MaxOpen, open[archive])
		if f.e.From.Caps.ReadRequests != nil {
			f.reads += f.e.From.Caps.ReadRequests(n)
			if f.mended > 0 { // it is listed once more
				f.reads += f.e.From.Caps.ReadRequests(n)
			}
		}
	}
	f.writes += float64(f.mended) * changeRequests
	for _, archive := range []bool{false, true} {
		source := s.Ref
		if archive {
			source = archiveOf(s.Ref)
		}
		if err := f.gone(ctx, source, seen[archive]); err != nil {
			return err
		}
	}
	f.out.Shards = append(f.out.Shards, line)
	return nil
}

// shut reports whether a task does not count as open at the target.
func (e *Engine) shut(t item.Item) bool {
	if e.To.Caps.Keeps(item.Task, item.Closed.Name) {
		return item.Closed.Get(t)
	}
	return item.Done.Get(t)
}

func (f *forecaster) over(k item.Kind, field string, limit, n int) {
	if limit > 0 && n > limit {
		f.limits[limitKey{k, field, limit}] += n - limit
	}
}

func (f *forecaster) count(k item.Kind, change func(*ForecastKind)) {
	c := f.out.Kinds[k]
	change(&c)
	f.out.Kinds[k] = c
}

// unit counts one unit and what is written with it.
func (f *forecaster) unit(w *walked, line *ShardForecast) {
	u := w.unit
	f.e.losses.add(u.losses)
	f.census.at(f.e.people).add(u.bundle)
	f.tell(w)
	f.links.meet(u, line.Wave)
	for k, n := range u.limits {
		f.limits[k] += n
	}
	one := func(key item.Ref, row ledger.Row, version item.Digest, written bool, bytes int64) {
		line.Items++
		line.Bytes += bytes
		f.count(key.Kind, func(k *ForecastKind) {
			k.Items++
			k.Bytes += bytes
			switch {
			case !written:
				k.Skip++
			case f.e.putOff(key.Kind, "") && (row.State == 0 || row.Version != version):
				k.Later++
			case row.State == 0:
				k.Create++
			case row.Version != version || row.State == ledger.Half:
				k.Update++
			default:
				k.Skip++
			}
		})
	}
	one(u.key, w.rows[u.key], u.version, u.ownKind && !w.refused(), bytesOf(u.bundle.Item))
	row := w.rows[u.key]
	if u.ownKind && !w.refused() && !f.e.putOff(u.key.Kind, "") && (row.State == 0 || row.Version != u.version) {
		f.cost(u.item)
		if len(u.wanted) > 0 {
			f.mended++
		}
		for _, c := range u.children {
			f.cost(c)
		}
	}
	for _, c := range u.bundle.Children {
		if !slices.Contains(u.with, c.Ref) {
			continue
		}
		one(c.Ref, w.rows[c.Ref], f.e.childVersion(u.bundle, c.Ref), !slices.Contains(u.dropped, c.Ref), bytesOf(c))
	}
}

// changeRequests is what it takes to change one item: it is read before it is
// written.
const changeRequests = 2

// cost adds what it takes to write one fitted item. An attachment costs as its
// file does: it is read besides, and a link that is written with its task costs
// nothing of its own.
func (f *forecaster) cost(it item.Item) {
	caps := f.e.To.Caps.Kinds[it.Kind]
	switch {
	case it.Blob != nil:
		f.reads++
		f.bytes += bytesOf(it)
	case it.Kind == item.Attachment && caps.Embedded != "":
		return
	}
	f.writes += requestsOf(caps, it)
}

func requestsOf(caps connector.KindCaps, it item.Item) float64 {
	if caps.RequestsOf != nil {
		return caps.RequestsOf(it)
	}
	return caps.Requests
}

func bytesOf(it item.Item) int64 {
	if it.Blob == nil {
		return 0
	}
	return max(it.Blob.Bytes, 0)
}

// gone counts what the ledger knows and the listing lacked.
func (f *forecaster) gone(ctx context.Context, source item.Ref, seen refSet) error {
	led, ok := f.known[source]
	if !ok {
		return nil
	}
	p := &part{e: f.e, led: led}
	return p.rows(ctx, func(r ledger.Row) error {
		if !seen.has(r.Key) && (f.e.Spec.Policies.Deletions == "delete" || r.State == ledger.Folded) {
			f.count(r.Key.Kind, func(k *ForecastKind) { k.Delete++ })
		}
		return nil
	})
}

// finish adds up what was counted.
func (f *forecaster) finish() *Forecast {
	out := f.out
	for _, n := range f.boards {
		in := f.e.To.Caps.Container()
		f.over(in, "", f.e.To.Caps.Kinds[in].Max, n)
	}
	for k, n := range out.Kinds {
		f.over(k, madeByOne, f.e.To.Caps.Kinds[k].MaxMade, n.Items)
	}
	out.Losses, out.Links = f.e.losses.list(), f.links.list()
	people, notices := f.e.foresee(f.census)
	out.People, out.Notices = people, append(out.Notices, notices...)
	for k, n := range f.limits {
		caps := f.e.To.Caps.Kinds[k.kind]
		out.Limits = append(out.Limits, LimitHit{Kind: k.kind, Field: k.field, Limit: k.limit, Over: n, Why: whyLimit(caps, k.field)})
	}
	slices.SortFunc(out.Limits, func(a, b LimitHit) int {
		return compare(string(a.Kind)+a.Field, string(b.Kind)+b.Field)
	})
	for kind, caps := range f.e.To.Caps.Kinds {
		if caps.Undo != "" && caps.Embedded == "" && kind != item.Member {
			out.Undo[kind] = UndoForecast{Undo: caps.Undo, Why: caps.UndoWhy}
		}
	}
	if len(f.e.unlisted) > 0 && f.e.Select.All() {
		out.Notices = append(out.Notices, f.e.sayUnlisted())
	}
	if why := f.e.newestNeeds(); why != "" {
		out.Notices = append(out.Notices, why)
	}
	out.Status = "nothing-to-do"
	for _, k := range out.Kinds {
		if k.Create+k.Update+k.Delete > 0 {
			out.Status = "ready"
		}
	}
	out.Requests = int64(f.reads + f.writes + 0.5)
	rl, rm := duration(f.reads, f.e.From.Caps.Quotas)
	wl, wm := duration(f.writes, f.e.To.Caps.Quotas)
	out.Least, out.Most = max(rl, wl), rm+wm
	f.pace(rl, rm, wl, wm)
	out.Messages = f.messages()
	return out
}

// madeByOne stands in place of a field for what one account makes.
const madeByOne = "by one account"

func whyLimit(caps connector.KindCaps, field string) string {
	if field == madeByOne {
		return caps.MaxMadeWhy
	}
	return cmp.Or(caps.Fields[field].Why, caps.Why)
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// duration is the time that calls take at the documented quotas; where none is
// published, a range that the run corrects as it learns.
func duration(calls float64, quotas []connector.Quota) (least, most time.Duration) {
	for _, q := range quotas {
		if q.Class == "" && q.Requests > 0 {
			d := time.Duration(calls / float64(q.Requests) * float64(q.Per))
			least, most = max(least, d), max(most, d)
		}
	}
	if least == 0 && calls > 0 {
		const fast, slow = 100, 4 // calls a second that clouds without a published quota have been seen to take
		return time.Duration(calls / fast * float64(time.Second)), time.Duration(calls / slow * float64(time.Second))
	}
	return least, most
}
