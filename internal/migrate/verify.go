package migrate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/item"
)

// A Verdict is what verify ends with.
type Verdict struct {
	Status   string                 `json:"status"` // equal, equal-with-losses, differs
	Kinds    map[item.Kind]Compared `json:"kinds"`
	Losses   int                    `json:"losses"`
	LossList []Loss                 `json:"loss_list,omitempty"`
	Failed   int                    `json:"failed"`
	// Kept counts what stands otherwise at the target because it changed at both
	// ends and the target's people won: fields, and items that they deleted.
	Kept int `json:"kept,omitempty"`
	// Edited counts the differences that people made at the target since.
	Edited int `json:"edited,omitempty"`
	// Lost counts the differences that no edit of theirs explains.
	Lost int `json:"lost,omitempty"`
	// ToCome counts, by kind and field, what the last step of notify: last has yet
	// to write.
	ToCome      map[string]int    `json:"to_come,omitempty"`
	Blobs       BlobsCompared     `json:"blobs"`
	Differences []Difference      `json:"differences,omitempty"` // the first thousand
	Extra       map[item.Kind]int `json:"extra,omitempty"`       // of the target alone: people made them there
	Shards      []ShardVerdict    `json:"shards,omitempty"`
	People      int               `json:"people"` // of the source, whom the containers name
	// Outlived counts what was deleted at the source and still stands at the
	// target, because policies.deletions is keep; and the first thousand of it.
	Outlived     int                     `json:"outlived,omitempty"`
	OutlivedList []Outlived              `json:"outlived_list,omitempty"`
	Widened      []Sighted               `json:"widened,omitempty"` // what more people see than at the source today
	Names        map[string]NamedPair    `json:"names,omitempty"`   // by source id; only at the user's wish
	Counters     map[item.Kind]Countered `json:"counters,omitempty"`
	unsettled    []item.Ref              // of the source: what a further pass should look at
}

// Outlived is an item of the target whose source is gone.
type Outlived struct {
	Kind   item.Kind `json:"kind"`
	Source string    `json:"source"`
	Target string    `json:"target"`
	Link   string    `json:"link,omitempty"`
}

// Compared counts one kind at both ends.
type Compared struct {
	Source      int `json:"source"`
	Target      int `json:"target"`
	Differences int `json:"differences"`
}

// BlobsCompared counts the files that were compared: those that Told counts by
// hashes that both clouds tell, the others were read at both ends and hashed.
type BlobsCompared struct {
	Files       int   `json:"files"`
	Bytes       int64 `json:"bytes"`
	Told        int   `json:"told,omitempty"`
	Differences int   `json:"differences"`
}

// Countered holds the clouds' own counters beside what was read: a second
// witness that shares no code with the comparison.
type Countered struct {
	SourceSays int `json:"source_says"`
	SourceRead int `json:"source_read"`
	TargetSays int `json:"target_says"`
	TargetRead int `json:"target_read"`
}

// A Difference is one field that is not at the target as it was to be. Ids and
// the field's name, no content.
type Difference struct {
	Kind   item.Kind `json:"kind"`
	Source string    `json:"source"`
	Target string    `json:"target,omitempty"`
	Field  string    `json:"field"`
	Reason string    `json:"reason,omitempty"`
	Link   string    `json:"link,omitempty"`
}

// A ShardVerdict is a container's line.
type ShardVerdict struct {
	Source      string `json:"source"`
	Target      string `json:"target,omitempty"`
	Link        string `json:"link,omitempty"`
	Wave        int    `json:"wave,omitempty"`
	Items       int    `json:"items"`
	Differences int    `json:"differences"`
}

// Verify reads both sides back and compares them field by field and file by
// file. What the target was to hold comes from the same fit that wrote it. With
// names, the verdict holds the names of what differs.
func (e *Engine) Verify(ctx context.Context, names bool) (*Verdict, error) {
	e.losses, e.ahead = newLossBook(), false
	if err := e.open(ctx); err != nil {
		return nil, err
	}
	there, err := e.To.Cloud.Source(ctx)
	if err != nil {
		return nil, fmt.Errorf("the target: %w", err)
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
	v := &verifier{e: e, there: there, known: known, names: names, mostMotes: e.mostMotes,
		out: &Verdict{Kinds: map[item.Kind]Compared{}, Extra: map[item.Kind]int{}, Counters: map[item.Kind]Countered{}}}
	if names {
		v.out.Names = map[string]NamedPair{}
	}
	for _, s := range shards {
		if v.e, err = e.at(ctx, s.Ref); err != nil {
			return nil, err
		}
		if err := v.shard(ctx, s); err != nil {
			return nil, err
		}
	}
	audience, err := e.audience(ctx, shards, known, true)
	if err != nil {
		return nil, err
	}
	v.out.Widened = audience.widened()
	return v.finish(), nil
}

type verifier struct {
	e     *Engine
	there connector.Source
	known map[item.Ref]ledger.Shard
	names bool
	// mostMotes is how many files or messages are compared in one turn.
	mostMotes int

	mu  sync.Mutex
	out *Verdict
}

// shard compares one container of the source with what it went to.
func (v *verifier) shard(ctx context.Context, s connector.Shard) error {
	both := map[bool]*held{}
	for _, archive := range []bool{false, true} {
		source := s.Ref
		if archive {
			source = archiveOf(s.Ref)
		}
		both[archive] = newHeld(v.known[source].Target)
		if err := v.read(ctx, both[archive]); err != nil {
			return err
		}
	}
	main := both[false]
	line := ShardVerdict{Source: s.Ref.ID, Wave: v.e.rows[s.Ref].Wave, Target: main.container.ID, Link: v.e.target.Link(main.container, main.container)}
	before := len(v.out.Differences)
	if err := v.compare(ctx, s, both, &line); err != nil {
		return err
	}
	for main.turn = 1; main.turn < main.turns; main.turn++ {
		if err := v.read(ctx, main); err != nil {
			return err
		}
		if err := v.compare(ctx, s, both, &line); err != nil {
			return err
		}
	}
	line.Differences = len(v.out.Differences) - before
	v.out.Shards = append(v.out.Shards, line)
	v.e.Emit(Event{Event: "shard", Shard: s.Ref.ID, Target: line.Target, Link: line.Link, Op: "compared"})
	return nil
}

// compare compares a container in one turn: in the first all but the files and
// messages that are left to others.
func (v *verifier) compare(ctx context.Context, s connector.Shard, both map[bool]*held, line *ShardVerdict) error {
	first := both[false].turn == 0
	wantOrder := map[string][]item.Ref{}
	seen := map[bool]refSet{false: newRefSet(), true: newRefSet()}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	motes := &comparison{v: v, h: both[false], group: group, ctx: gctx}
	err := v.e.walk(ctx, s, v.known, func(w *walked) error {
		for _, key := range keysOf(w.unit.bundle) {
			seen[w.archive].add(v.e.key(key))
		}
		if w.skip {
			return nil
		}
		if first {
			line.Items += 1 + len(w.unit.with)
		}
		if small(w.unit.key.Kind) {
			return motes.unit(w)
		}
		if !first {
			return nil
		}
		h := both[w.archive]
		v.unit(w, h)
		row := w.rows[w.unit.key]
		if have, ok := h.traces[row.Target]; ok {
			if _, ordered := w.unit.item.Fields[item.Position.Name]; ordered && v.e.To.Caps.Kinds[w.unit.key.Kind].Ordered && !unpack(row.Base, v.e.packedNames(w.unit.key.Kind)).keeps(item.InList.Name) {
				lane := fmt.Sprint(w.archive, w.unit.key.Kind, w.unit.lane, w.unit.item.Parent)
				wantOrder[lane] = append(wantOrder[lane], row.Target)
			}
			v.blobs(gctx, group, w, have)
		}
		return nil
	})
	if err == nil {
		err = motes.flush()
	}
	if werr := group.Wait(); err == nil {
		err = werr
	}
	if err != nil {
		return err
	}
	for _, archive := range []bool{false, true} {
		if archive && !first {
			break
		}
		v.order(wantOrder, both[archive])
		if err := v.outlived(ctx, s.Ref, archive, seen[archive], both[archive]); err != nil {
			return err
		}
		v.extra(both[archive])
	}
	return nil
}

// unit compares what one unit was to become with what is there.
func (v *verifier) unit(w *walked, h *held) {
	u := w.unit
	v.e.losses.add(u.losses)
	v.counters(countersOf(u.bundle), func(c *Countered, n counter) { c.SourceSays += n.says; c.SourceRead += n.read })
	if !u.ownKind {
		v.count(u.key.Kind, 1, 0, 0) // a declared loss
		return
	}
	row := w.rows[u.key]
	if w.refused() {
		v.count(u.key.Kind, 1, 0, 0)
		for _, key := range u.with {
			v.count(key.Kind, 1, 0, 0)
		}
		if row.State == ledger.Refused {
			v.keptOne()
		}
		return
	}
	have, ok := h.traces[row.Target]
	if !ok && row.State == 0 && v.e.putOff(u.key.Kind, "") {
		v.count(u.key.Kind, 1, 0, 0)
		v.toCome(u.key.Kind, "*")
		return
	}
	if !ok {
		reason := "not moved"
		if !row.Target.Zero() {
			reason = "gone from the target"
			// What people deleted in a container that is still there; what frames the
			// container is not among it, since what is in it needs it.
			if h.traces[h.container] != nil && level(u.key.Kind) >= item.Leaf {
				v.unsettled(u.key)
			}
		}
		v.count(u.key.Kind, 1, 0, 1)
		v.differ(Difference{Kind: u.key.Kind, Source: u.key.ID, Target: row.Target.ID, Field: "*", Reason: reason})
		for _, key := range u.with {
			v.count(key.Kind, 1, 0, 0)
		}
		return
	}
	have.met = true
	settled := unpack(row.Base, v.e.packedNames(u.key.Kind))
	ours := v.e.baseOf(item.Bundle{Item: u.item, Children: u.children})
	diffs := slices.DeleteFunc(v.e.traceDiffs(u.item, have), func(f string) bool { return v.decided(settled, f) || v.waits(u, row, settled, f) })
	astray := v.e.files() && !contains(u.key.Kind) && have.in != h.in(u.item.Parent)
	if astray {
		v.astray(u, row, have, h)
	}
	if astray || len(diffs) > 0 {
		v.count(u.key.Kind, 1, 1, 1)
	} else {
		v.count(u.key.Kind, 1, 1, 0)
	}
	for _, f := range diffs {
		v.differ(Difference{Kind: u.key.Kind, Source: u.key.ID, Target: have.ref.ID, Field: f, Reason: v.edited(u.key, settled, ours, f), Link: v.e.target.Link(have.ref, h.container)})
	}
	if v.names && len(diffs) > 0 {
		v.name(u.bundle.Item, have)
	}
	v.counters(have.told, func(c *Countered, n counter) { c.TargetSays += n.says; c.TargetRead += n.read })
	v.embedded(u, have, h, settled, ours)
}

// astray tells of a file or folder that lies elsewhere than it was to lie.
func (v *verifier) astray(u *unit, row ledger.Row, have *trace, h *held) {
	reason := ""
	if row.Parent == u.item.Parent { // it was put there, and the source did not put it elsewhere since
		reason = editedThere
		v.mu.Lock()
		v.out.Edited++
		v.mu.Unlock()
	} else {
		v.unsettled(u.key)
	}
	v.differ(Difference{Kind: u.key.Kind, Source: u.key.ID, Target: have.ref.ID, Field: connector.DirtyParent, Reason: reason, Link: v.e.target.Link(have.ref, h.container)})
}

// unsettled notes what differs, and nobody's edit says why.
func (v *verifier) unsettled(key item.Ref) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.unsettled = append(v.out.unsettled, key)
}

// decided reports whether a field stands otherwise by a decision: people at the
// target won it.
func (v *verifier) decided(settled base, field string) bool {
	if !settled.keeps(field) {
		return false
	}
	v.keptOne()
	return true
}

func (v *verifier) keptOne() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Kept++
}

// edited is the reason of a difference in a field that the source did not change
// since it was written: then people did, at the target.
func (v *verifier) edited(key item.Ref, settled, ours base, field string) string {
	if settled == nil || settled[field].given != ours[field].given {
		v.unsettled(key)
		return ""
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Edited++
	return editedThere
}

// editedThere is why a field differs that only the target's people changed.
const editedThere = "changed in the target since it was written"

// embedded compares the children that are written with their parent.
func (v *verifier) embedded(u *unit, have *trace, h *held, settled, ours base) {
	for _, key := range u.folded {
		v.count(key.Kind, 1, 1, 0) // compared as a part of the text
	}
	for _, key := range u.dropped {
		v.count(key.Kind, 1, 0, 0)
	}
	want := item.Bundle{Children: u.children}
	for _, ki := range item.Kinds() {
		if v.e.To.Caps.Kinds[ki.Kind].Embedded != u.key.Kind {
			continue
		}
		w, is := want.Of(ki.Kind), have.of(ki.Kind)
		for _, c := range is {
			c.met = true
		}
		fields := v.e.insideDiffs(w, is)
		if len(fields) > 0 && v.decided(settled, string(ki.Kind)) {
			fields = nil
		}
		v.count(ki.Kind, len(w), min(len(w), len(is)), len(fields))
		for _, f := range fields {
			v.differ(Difference{Kind: ki.Kind, Source: u.key.ID, Target: have.ref.ID, Field: f, Reason: v.edited(u.key, settled, ours, string(ki.Kind)), Link: v.e.target.Link(have.ref, h.container)})
		}
	}
}

// counters adds up what a cloud counts.
func (v *verifier) counters(all []counter, add func(c *Countered, n counter)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range all {
		c := v.out.Counters[n.kind]
		add(&c, n)
		v.out.Counters[n.kind] = c
	}
}

func (v *verifier) count(k item.Kind, source, target, differences int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c := v.out.Kinds[k]
	c.Source += source
	c.Target += target
	c.Differences += differences
	v.out.Kinds[k] = c
}

func (v *verifier) differ(d Difference) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if d.Reason != editedThere {
		v.out.Lost++
	}
	if len(v.out.Differences) < 1000 {
		v.out.Differences = append(v.out.Differences, d)
	}
	v.e.Emit(Event{Event: "difference", Kind: d.Kind, Source: d.Source, Target: d.Target, Field: d.Field, Reason: d.Reason, Link: d.Link})
}

func (v *verifier) name(source item.Item, target *trace) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Names[source.ID] = NamedPair{Source: nameOf(source), Target: target.name}
}

func nameOf(it item.Item) string {
	if t := item.Title.Get(it); t != "" {
		return t
	}
	return item.Name.Get(it)
}

// blobs reads the files of an item and of its embedded children at both ends
// and compares their hashes.
func (v *verifier) blobs(ctx context.Context, group *errgroup.Group, w *walked, have *trace) {
	key := w.unit.key
	pair := func(want item.Item, is *trace) {
		if want.Blob == nil || is.blob == nil {
			return
		}
		blob := *want.Blob
		group.Go(func() error { return v.blob(ctx, key, blob, is) })
	}
	if key.Kind.Level() == item.Leaf {
		v.bytesOf(ctx, group, w, have)
	} else {
		pair(w.unit.item, have)
	}
	want := v.e.sorted((&item.Bundle{Children: w.unit.children}).Of(item.Attachment))
	is := have.of(item.Attachment)
	if v.e.To.Caps.Kinds[item.Attachment].Embedded == key.Kind && len(want) == len(is) {
		for i := range want {
			pair(want[i], is[i])
		}
	}
}

// bytesOf compares what a file is: by what both clouds say of its bytes if that is
// enough, else by reading them at both ends. A target that keeps them in a form of its
// own does not keep them, and is held to its fields.
func (v *verifier) bytesOf(ctx context.Context, group *errgroup.Group, w *walked, have *trace) {
	want := w.unit.item.Blob
	if want == nil || have.blob == nil || !v.e.To.Caps.Keeps(w.unit.key.Kind, item.Content.Name) {
		return
	}
	key, row := w.unit.key, w.rows[w.unit.key]
	settled := unpack(row.Base, v.e.packedNames(key.Kind))
	if settled.keeps(item.Content.Name) {
		v.keptOne()
		return
	}
	same, sure := item.SameBytes(*want, *have.blob)
	if !sure {
		blob := *want
		group.Go(func() error { return v.blob(ctx, key, blob, have) })
		return
	}
	v.told(want)
	if same {
		return
	}
	reason := fmt.Sprintf("%d bytes at the source, %d at the target, and they differ", want.Bytes, have.blob.Bytes)
	if settled[item.Content.Name].given == v.e.versionHash(w.unit.item) && settled[storedContent].given != short(v.e.print.Text(have.blob.Version)) {
		reason = editedThere
		v.mu.Lock()
		v.out.Edited++
		v.mu.Unlock()
	}
	v.badBlob(key, have, reason)
}

func (v *verifier) blob(ctx context.Context, key item.Ref, want item.Blob, is *trace) error {
	var sums [2][]byte
	var sizes [2]int64
	for i, end := range []struct {
		open readBlob
		blob item.Blob
	}{{v.e.source.Open, want}, {v.there.Open, *is.blob}} {
		var err error
		if sums[i], sizes[i], err = hashOf(ctx, end.open, end.blob); err != nil {
			if stops(err) {
				return err
			}
			v.badBlob(key, is, "cannot be read at the "+[]string{"source", "target"}[i])
			return nil
		}
	}
	v.mu.Lock()
	v.out.Blobs.Files++
	v.out.Blobs.Bytes += sizes[0]
	v.mu.Unlock()
	if !bytes.Equal(sums[0], sums[1]) {
		v.badBlob(key, is, fmt.Sprintf("%d bytes at the source, %d at the target, and they differ", sizes[0], sizes[1]))
	}
	return nil
}

// readBlob is what a source reads a blob with.
type readBlob func(ctx context.Context, b item.Blob, offset, n int64) (io.ReadCloser, error)

// mostReads is how often a stream is taken up again that breaks off.
const mostReads = 5

// hashOf reads a blob and hashes it. A stream that breaks off is taken up where it did.
func hashOf(ctx context.Context, open readBlob, b item.Blob) (sum []byte, size int64, err error) {
	h := sha256.New()
	for attempt := 1; ; attempt++ {
		r, err := open(ctx, b, size, -1)
		if err == nil {
			var n int64
			n, err = io.Copy(h, r)
			size += n
			r.Close()
		}
		if err == nil {
			return h.Sum(nil), size, nil
		}
		if connector.ClassOf(err) != connector.Transient || attempt == mostReads {
			return nil, size, err
		}
		if err := connector.Pause(ctx, attempt, 0); err != nil {
			return nil, size, err
		}
	}
}

func (v *verifier) badBlob(key item.Ref, is *trace, reason string) {
	v.mu.Lock()
	v.out.Blobs.Differences++
	v.mu.Unlock()
	kind := item.Attachment
	if key.Kind.Level() == item.Leaf && is.ref.Kind == key.Kind {
		kind = key.Kind
	}
	v.count(kind, 0, 0, 1)
	v.differ(Difference{Kind: kind, Source: key.ID, Target: is.ref.ID, Field: item.Content.Name, Reason: reason})
}

// order compares the order of siblings: what is out of it is what would have to
// move to mend it.
func (v *verifier) order(want map[string][]item.Ref, h *held) {
	for _, refs := range want {
		var places []int
		for _, ref := range refs {
			if t, ok := h.traces[ref]; ok {
				places = append(places, t.place)
			}
		}
		if len(places) != len(refs) || len(refs) == 0 {
			continue // of the other container
		}
		if n := len(places) - longestRise(places); n > 0 {
			v.count(refs[0].Kind, 0, 0, n)
			v.differ(Difference{Kind: refs[0].Kind, Target: refs[0].ID, Field: item.Position.Name, Reason: fmt.Sprintf("%d of %d siblings stand elsewhere", n, len(refs))})
		}
	}
}

// longestRise is the length of the longest increasing subsequence.
func longestRise(xs []int) int {
	var tails []int
	for _, x := range xs {
		lo, hi := 0, len(tails)
		for lo < hi {
			if mid := (lo + hi) / 2; tails[mid] < x {
				lo = mid + 1
			} else {
				hi = mid
			}
		}
		if lo == len(tails) {
			tails = append(tails, x)
		} else {
			tails[lo] = x
		}
	}
	return len(tails)
}

// outlived lists what was moved, is gone from the source, and still stands.
func (v *verifier) outlived(ctx context.Context, source item.Ref, archive bool, seen refSet, h *held) error {
	if archive {
		source = archiveOf(source)
	}
	led, ok := v.known[source]
	if !ok {
		return nil
	}
	p := &part{e: v.e, led: led}
	return p.rows(ctx, func(r ledger.Row) error {
		if seen.has(r.Key) || r.State == ledger.Folded || !h.meet(r.Target) {
			return nil
		}
		v.out.Outlived++
		if len(v.out.OutlivedList) < 1000 {
			v.out.OutlivedList = append(v.out.OutlivedList, Outlived{Kind: r.Key.Kind, Source: r.Key.ID, Target: r.Target.ID, Link: v.e.target.Link(r.Target, h.container)})
		}
		return nil
	})
}

// meet marks what something of the source went to, and reports whether it is there and
// compared in this turn.
func (h *held) meet(ref item.Ref) bool {
	if small(ref.Kind) {
		m := h.mote(ref)
		if m != nil {
			m.met = true
		}
		return m != nil
	}
	t := h.traces[ref]
	if t != nil {
		t.met = true
	}
	return t != nil && h.turn == 0
}

// extra counts what only the target has.
func (v *verifier) extra(h *held) {
	for _, m := range h.motes {
		if !m.met {
			v.out.Extra[v.e.To.Caps.Leaf()]++
		}
	}
	if h.turn > 0 {
		return
	}
	for ref, t := range h.traces {
		if !t.met && ref != h.container {
			v.out.Extra[ref.Kind]++
		}
	}
}

// finish decides.
func (v *verifier) finish() *Verdict {
	out := v.out
	out.People = v.e.peopleMet()
	out.LossList = v.e.losses.list()
	for _, l := range out.LossList {
		out.Losses += l.Count
	}
	for k, c := range out.Counters {
		if c.TargetRead < c.TargetSays {
			v.differ(Difference{Kind: k, Field: "*", Reason: fmt.Sprintf("the target counts %d and gave %d", c.TargetSays, c.TargetRead)})
		}
	}
	for _, d := range out.Differences {
		if d.Reason == "not moved" {
			out.Failed++
		}
	}
	switch {
	case len(out.Differences) > 0:
		out.Status = "differs"
	case out.Losses > 0:
		out.Status = "equal-with-losses"
	default:
		out.Status = "equal"
	}
	return out
}
