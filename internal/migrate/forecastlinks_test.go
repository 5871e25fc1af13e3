package migrate

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/rialto-migrate/rialto/item"
)

// TestLinksIntoLaterWaves: a forecast says how many links of a wave wait for
// another, and how many stay; a run mends the ones and leaves the others.
func TestLinksIntoLaterWaves(t *testing.T) {
	b := newBench(t, everything())
	another(b.from, "b2", "Sales") // the first board's first task points into each
	another(b.from, "b3", "Old things")
	another(b.from, "b4", "Some day")
	point := func(from string, urls ...string) {
		b.from.edit(item.Ref{Kind: item.Task, ID: from}, func(it *item.Item) {
			for _, u := range urls {
				item.Description.Set(it, item.Description.Get(*it)+" http://src/"+u)
			}
		})
	}
	point("b2-c0", "task/c3", "board/b3", "board/b4", "task/nowhere", "board/b2")
	point("b4-c0", "task/b2-c1")
	b.spec.Scope = []string{"*"}
	b.spec.Map = []MapRow{
		{Source: "b2", Link: "http://src/board/b2", Wave: 2, Where: "m.csv:2"},
		{Source: "b1", Wave: 1, Where: "m.csv:3"},
		{Source: "b3", Link: "http://src/board/b3", Out: true, Where: "m.csv:4"},
		{Source: "b4", Where: "m.csv:5"},
	}
	links := func(sel Selection) []WaveLinks {
		t.Helper()
		e := b.engine()
		e.Select = sel
		f, err := e.Forecast(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return f.Links
	}
	check := func(when string, sel Selection, want ...WaveLinks) {
		t.Helper()
		if got := links(sel); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	run := func(sel Selection) {
		t.Helper()
		e := b.engine()
		e.Select = sel
		if r, err := e.Run(t.Context()); err != nil || r.Status != "complete" {
			t.Fatalf("%+v %v", r, err)
		}
	}
	// Wave 1 points at a task of wave 2, of what stays, and of what has no wave;
	// wave 2 at boards, at nothing, at itself, and back.
	check("all", Selection{}, WaveLinks{Wave: 1, Waiting: map[int]int{2: 1, 0: 1}, Stay: 1}, WaveLinks{Wave: 2, Waiting: map[int]int{0: 1}, Stay: 2})
	check("wave 1 alone", Selection{Wave: 1}, WaveLinks{Wave: 1, Unread: 3})
	check("wave 2 alone", Selection{Wave: 2}, WaveLinks{Wave: 2, Waiting: map[int]int{0: 1}, Stay: 1, Unread: 2})
	check("what has no wave", Selection{Only: []string{"b4"}}, WaveLinks{Unread: 1})
	run(Selection{Wave: 1})
	check("wave 2 after wave 1", Selection{Wave: 2}, WaveLinks{Wave: 2, Waiting: map[int]int{0: 1}, Stay: 1, Unread: 1})
	run(Selection{})
	check("after all", Selection{}, WaveLinks{Wave: 1, Stay: 1}, WaveLinks{Wave: 2, Stay: 2})
	left := 0
	shards, err := b.led.Shards(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shards {
		dangling, err := b.led.Dangling(t.Context(), s.Num)
		if err != nil {
			t.Fatal(err)
		}
		left += len(dangling)
	}
	if left > 0 {
		t.Error(fmt.Sprint(left, " links could be mended and were not"))
	}
}
