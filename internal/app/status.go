package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/item"
)

// A Status says how a migration stands, from what is remembered alone: no cloud
// is asked, and a run may go on meanwhile.
type Status struct {
	Migration  string              `json:"migration"`
	Containers []ContainerStatus   `json:"containers"`
	Waves      map[int]WaveStatus  `json:"waves,omitempty"`
	States     map[string]int      `json:"states"` // containers by state
	Last       *ledger.Pass        `json:"last_pass,omitempty"`
	Passes     int                 `json:"passes"`
	Items      map[item.Kind]int64 `json:"items"`
	Paused     time.Time           `json:"paused,omitzero"` // since when
}

// A WaveStatus counts the containers of a wave.
type WaveStatus struct {
	Containers int `json:"containers"`
	Moved      int `json:"moved"` // those that are cut over among them
	CutOver    int `json:"cut_over,omitempty"`
	// Waiting counts the links that lead to something which has not moved.
	Waiting int64 `json:"waiting_links,omitempty"`
}

// The states of a container.
const (
	NotBegun = "not begun"
	UnderWay = "under way"
	Moved    = "moved"
	Partly   = "partly"  // some of its items failed
	StaysOut = "stays"   // by the map
	Closing  = "closing" // a cut-over has begun and was not finished
	CutOver  = "cut over"
)

// A ContainerStatus is one container's line.
type ContainerStatus struct {
	Source   string              `json:"source"`
	Target   string              `json:"target,omitempty"`
	Name     string              `json:"name,omitempty"` // out of the user's own map
	Wave     int                 `json:"wave,omitempty"`
	State    string              `json:"state"`
	CutOver  time.Time           `json:"cut_over,omitzero"` // when, in UTC
	Items    map[item.Kind]int64 `json:"items,omitempty"`
	Failures int64               `json:"failures,omitempty"`
	InDoubt  int64               `json:"in_doubt,omitempty"`
	Waiting  int64               `json:"waiting_links,omitempty"` // lead to something that has not moved
}

// Status tells how a migration stands: a line for each container that the map
// or the ledger knows, with the one for its archived items in the same line.
func (a *App) Status(ctx context.Context, f *migrate.File) (*Status, error) {
	paused, err := a.Paused(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	led, err := a.store.Look(ctx, a.Organisation, f.Name)
	if err != nil {
		return nil, err
	}
	if led == nil {
		st := newStatus(f, nil, nil)
		st.Paused = paused
		return st, nil
	}
	defer led.Close()
	shards, err := led.Status(ctx)
	if err != nil {
		return nil, err
	}
	passes, err := led.Passes(ctx)
	if err != nil {
		return nil, err
	}
	st := newStatus(f, shards, passes)
	st.Paused = paused
	return st, nil
}

func newStatus(f *migrate.File, shards []store.ShardStatus, passes []ledger.Pass) *Status {
	st := &Status{Migration: f.Name, Passes: len(passes), States: map[string]int{}, Items: map[item.Kind]int64{}}
	open := false
	if n := len(passes); n > 0 {
		st.Last = &passes[n-1]
		open = st.Last.Ended.IsZero()
	}
	by := map[string]int{}
	line := func(source string) *ContainerStatus {
		i, ok := by[source]
		if !ok {
			i = len(st.Containers)
			by[source] = i
			st.Containers = append(st.Containers, ContainerStatus{Source: source, State: NotBegun})
		}
		return &st.Containers[i]
	}
	for _, row := range f.Map {
		c := line(row.Source)
		c.Name, c.Wave = cmp.Or(row.Target, row.Name), row.Wave
		if row.Out {
			c.State = StaysOut
		}
	}
	for _, s := range shards {
		c := line(migrate.BoardOf(s.Source).ID)
		if migrate.BoardOf(s.Source) == s.Source {
			c.Target = s.Target.ID
		}
		c.add(s, st.Items)
		switch {
		case len(c.Items) == 0 && c.InDoubt+c.Failures == 0:
		case open && !s.Swept, c.InDoubt > 0:
			c.State = UnderWay
		case c.State == UnderWay: // its other half is
		case c.Failures > 0:
			c.State = Partly
		default:
			c.State = Moved
		}
	}
	for _, s := range shards {
		if s.Cut.Held() {
			line(s.Source.ID).cut(s.Cut)
		}
	}
	for _, c := range st.Containers {
		st.States[c.State]++
		if c.Wave == 0 {
			continue
		}
		if st.Waves == nil {
			st.Waves = map[int]WaveStatus{}
		}
		w := st.Waves[c.Wave]
		w.Containers++
		w.Waiting += c.Waiting
		if c.State == Moved || c.State == CutOver {
			w.Moved++
		}
		if c.State == CutOver {
			w.CutOver++
		}
		st.Waves[c.Wave] = w
	}
	slices.SortStableFunc(st.Containers, func(a, b ContainerStatus) int {
		return cmp.Or(cmp.Compare(last(a.Wave), last(b.Wave)), strings.Compare(a.Source, b.Source))
	})
	return st
}

// cut says that a cut-over holds a container, whatever else goes on.
func (c *ContainerStatus) cut(held ledger.Cut) {
	c.State = Closing
	if held.State == ledger.CutOver {
		c.State, c.CutOver = CutOver, held.At
	}
}

// last puts what has no wave behind the waves.
func last(wave int) int { return cmp.Or(wave, 1<<30) }

func (c *ContainerStatus) add(s store.ShardStatus, all map[item.Kind]int64) {
	for k, n := range s.Items {
		if c.Items == nil {
			c.Items = map[item.Kind]int64{}
		}
		c.Items[k] += n
		all[k] += n
	}
	c.Failures += s.Failures
	c.InDoubt += s.InDoubt
	c.Waiting += s.Links
}
