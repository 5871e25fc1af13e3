package migrate

import (
	"slices"

	"github.com/rialto-migrate/rialto/item"
)

// A lane is what must be written in order: siblings that keep an order.
type lane struct {
	there []string // the target's ids of the siblings that are there, the latest last; see most
	cut   bool     // of earlier ones the ids were dropped
	// rank is the place of the latest one, as long as all siblings come out of a
	// rebuilt ledger and stand in order: then they need not be placed anew. lost
	// is set from the first one on of which that is not so.
	rank string
	lost bool
}

// most is how many siblings a lane remembers at least: if all of them are gone
// from the target, what follows them goes to the end.
const most = 50

// stood takes note of a sibling that is there; "" for one that is not.
func (l *lane) stood(id string) {
	if id == "" {
		return
	}
	if len(l.there) == 2*most {
		l.there, l.cut = append(l.there[:0], l.there[most:]...), true
	}
	l.there = append(l.there, id)
}

// after tells what the next sibling follows, and what instead where that is gone.
func (l *lane) after() (id string, gone []string) {
	if len(l.there) == 0 {
		return "", nil
	}
	n := len(l.there) - 1
	gone = slices.Clone(l.there[:n])
	slices.Reverse(gone)
	if !l.cut {
		gone = append(gone, "")
	}
	return l.there[n], gone
}

// stays reports whether a sibling stands where it belongs, behind the one before
// it. l may be nil.
func (l *lane) stays(there item.Item, dirty []string) bool {
	if l == nil || l.lost {
		return false
	}
	rank := item.Position.Get(there)
	if rank <= l.rank || slices.Contains(dirty, item.InList.Name) {
		l.lost = true
		return false
	}
	l.rank = rank
	return true
}

// meet loses the lane if one of these siblings is not written: how the others
// stand among themselves does not tell how they stand to it. l may be nil.
func (l *lane) meet(jobs []*job) {
	if slices.ContainsFunc(jobs, func(j *job) bool { return !j.changed() }) {
		l.lose()
	}
}

// lose gives up to tell whether siblings stand where they belong.
func (l *lane) lose() {
	if l != nil {
		l.lost = true
	}
}

func (p *part) lane(name string) *lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lanes[name] == nil {
		p.lanes[name] = &lane{}
	}
	return p.lanes[name]
}

// generations parts tasks so that a task comes after the one it is a part of.
// Where the target keeps no sub-tasks there is one generation.
func (p *part) generations(jobs []*job) [][]*job {
	if !p.e.To.Caps.Keeps(item.Task, item.ParentTask.Name) {
		return [][]*job{jobs}
	}
	var out [][]*job
	for len(jobs) > 0 {
		waiting := map[item.Ref]bool{}
		for _, j := range jobs {
			waiting[j.unit.key] = true
		}
		var now, later []*job
		for _, j := range jobs {
			if waiting[item.ParentTask.Get(j.bundle.Item)] {
				later = append(later, j)
			} else {
				now = append(now, j)
			}
		}
		if len(now) == 0 { // a circle: no order helps
			now, later = later, nil
		}
		out = append(out, now)
		jobs = later
	}
	return out
}

// lanesBeside is how many lanes are in work at the same time.
func (p *part) lanesBeside() int {
	if pointedAt(p.e.To.Caps.Leaf()) {
		return lanesAtOnce
	}
	return lanesOfFiles
}

type lanejobs struct {
	lane *lane
	jobs []*job
}

// intoLanes groups jobs by what must be written in order; where nothing must,
// into batches.
func (p *part) intoLanes(jobs []*job) []lanejobs {
	caps := p.e.To.Caps.Kinds[p.e.To.Caps.Leaf()]
	var out []lanejobs
	if !caps.Ordered {
		by := map[item.Kind][]*job{}
		for _, j := range jobs {
			by[j.unit.key.Kind] = append(by[j.unit.key.Kind], j)
		}
		for _, info := range item.Kinds() {
			for chunk := range slices.Chunk(by[info.Kind], max(p.e.To.Caps.Kinds[info.Kind].Batch, 1)) {
				out = append(out, lanejobs{jobs: chunk})
			}
		}
		return out
	}
	at := map[string]int{}
	for _, j := range jobs {
		i, ok := at[j.unit.lane]
		if !ok {
			i = len(out)
			at[j.unit.lane] = i
			out = append(out, lanejobs{lane: p.lane("task:" + j.unit.lane)})
		}
		out[i].jobs = append(out[i].jobs, j)
	}
	return out
}
