package migrate

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A WaveLinks counts those links of one wave's containers that a run leaves as the
// source has them.
type WaveLinks struct {
	Wave int `json:"wave,omitempty"` // 0 for none
	// Waiting lead into containers that move later, by their waves (0 for none):
	// each is mended when that container lands.
	Waiting map[int]int `json:"waiting,omitempty"`
	// Stay lead to what no run moves: the map leaves it out, the target has no place
	// for it, or nobody knows it. They go on leading to the old place.
	Stay int `json:"stay,omitempty"`
	// Unread lead to what is in none of the containers that a narrowed forecast
	// read, so that it may move with another wave, or not at all.
	Unread int `json:"unread,omitempty"`
}

// foreseenLinks are the links that a forecast meets, and where things are to which
// they lead. Addresses are kept as hashes.
type foreseenLinks struct {
	seed    maphash.Seed
	read    map[uint64]int // the wave of what was read
	unread  map[uint64]int // the wave of containers that the selection leaves out
	out     map[uint64]bool
	wanted  map[wantedFrom]int
	partial bool // the selection leaves something out
}

type wantedFrom struct {
	alias uint64
	wave  int
}

// foreseeLinks begins with what is known of all containers without reading them.
func (e *Engine) foreseeLinks(shards []connector.Shard) *foreseenLinks {
	l := &foreseenLinks{seed: maphash.MakeSeed(), read: map[uint64]int{}, unread: map[uint64]int{}, out: map[uint64]bool{}, wanted: map[wantedFrom]int{}}
	chosen := map[item.Ref]bool{}
	for _, s := range shards {
		chosen[s.Ref] = true
	}
	for _, s := range e.all {
		if chosen[s.Ref] {
			continue
		}
		l.partial = true
		if alias, ok := e.source.Locate(s.URL); ok {
			l.unread[l.hash(alias)] = e.rows[s.Ref].Wave
		}
	}
	for _, row := range e.Spec.Map {
		if !row.Out {
			continue
		}
		if alias, ok := e.source.Locate(row.Link); ok {
			l.out[l.hash(alias)] = true
		}
	}
	return l
}

func (l *foreseenLinks) hash(alias string) uint64 { return maphash.String(l.seed, alias) }

// meet notes the aliases by which links name a unit, as the ledger will know them,
// and where its own links lead that have nothing at the target yet.
func (l *foreseenLinks) meet(u *unit, wave int) {
	if u.ownKind {
		for _, alias := range u.aliases {
			l.read[l.hash(alias)] = wave
		}
	}
	for _, alias := range u.wanted {
		l.wanted[wantedFrom{l.hash(alias), wave}]++
	}
}

// list tells what becomes of the links, wave by wave; those that a run writes as
// they are to be are not among them.
func (l *foreseenLinks) list() []WaveLinks {
	by := map[int]*WaveLinks{}
	of := func(wave int) *WaveLinks {
		if by[wave] == nil {
			by[wave] = &WaveLinks{Wave: wave}
		}
		return by[wave]
	}
	wait := func(from, to, n int) {
		w := of(from)
		if w.Waiting == nil {
			w.Waiting = map[int]int{}
		}
		w.Waiting[to] += n
	}
	for link, n := range l.wanted {
		to, read := l.read[link.alias]
		later, known := l.unread[link.alias]
		switch {
		case read && InOrder(to, link.wave) <= 0:
		case read:
			wait(link.wave, to, n)
		case known:
			wait(link.wave, later, n)
		case l.partial && !l.out[link.alias]:
			of(link.wave).Unread += n
		default:
			of(link.wave).Stay += n
		}
	}
	var out []WaveLinks
	for _, w := range by {
		out = append(out, *w)
	}
	slices.SortFunc(out, func(a, b WaveLinks) int { return InOrder(a.Wave, b.Wave) })
	return out
}

// InOrder compares waves by when they move: what has none (0) comes last.
func InOrder(a, b int) int {
	const last = 1 << 30
	return cmp.Compare(cmp.Or(a, last), cmp.Or(b, last))
}
