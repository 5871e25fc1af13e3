package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// seeing is a target that tells who sees its places.
type seeing struct{ cloud }

type seeingTarget struct{ targetSide }

func (c seeing) Target(ctx context.Context, place string) (connector.Target, error) {
	t, err := c.cloud.Target(ctx, place)
	return seeingTarget{t.(targetSide)}, err
}

func (t seeingTarget) Audience(context.Context) (connector.Audience, error) {
	return t.seen[t.place], nil
}

// watched is a bench with the boards b1, of Ann and Bob, and b2, of Bob alone, and
// a target where both have an account.
func watched(t *testing.T, seen map[string]connector.Audience) *bench {
	b := newBench(t, everything())
	another(b.from, "b2", "Sales")
	b.to.seen = seen
	b.to.people = []item.Item{someone("t-ann", "Ann Lee", "ann", ""), someone("t-bob", "Bob Ray", "bob", ""), someone("t-eve", "Eve", "eve", ""),
		someone("t-off", "Off", "off", "", standing(item.Disabled))}
	b.from.sight = map[item.Ref]connector.Shard{}
	b.board("b1", connector.ForPeople, "ann", "bob")
	b.board("b2", connector.ForPeople, "bob")
	b.spec.Place = "group:Team"
	return b
}

func (b *bench) board(id, visibility string, members ...string) {
	b.from.sight[item.Ref{Kind: item.Board, ID: id}] = connector.Shard{Visibility: visibility, People: len(members), Members: members, Viewers: members}
}

func (b *bench) watching() *Engine {
	e, err := New(Config{Spec: b.spec, From: Side{Title: "Source", Cloud: cloud{b.from}, Caps: b.from.caps, Connection: "src"},
		To: Side{Title: "Target", Cloud: seeing{cloud{b.to}}, Caps: b.to.caps, Connection: "dst"}, Ledger: b.led, Key: make([]byte, 32)})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// said is a container's line in few words.
func said(s Sighted) string {
	return strings.TrimSuffix(s.Source+" "+s.Class+" "+s.Because(), " ")
}

func all(a *Audience) (out []string) {
	for _, c := range a.Containers {
		out = append(out, said(c))
	}
	return out
}

// TestAudience compares who sees a board today with who will, and holds the run to
// what the forecast says.
func TestAudience(t *testing.T) {
	group := func(a connector.Audience) connector.Audience {
		a.Visibility, a.Joins, a.Gains = connector.ForGroup, true, []string{"mailbox", "files"}
		return a
	}
	fresh := connector.Audience{Visibility: connector.ForGroup, Joins: true}
	one, both := []string{"board:Marketing"}, []string{"*"}
	for name, c := range map[string]struct {
		seen  connector.Audience
		scope []string
		sight func(*bench)
		want  []string
	}{
		"a new group of these people":       {fresh, one, nil, []string{"b1 same"}},
		"a new group of two boards' people": {fresh, both, nil, []string{"b1 same", "b2 wider more-people: 1"}},
		"the group of these people":         {group(connector.Audience{People: []string{"t-ann", "t-bob"}}), one, nil, []string{"b1 same"}},
		"as many, and others":               {group(connector.Audience{People: []string{"t-ann", "t-eve"}}), one, nil, []string{"b1 wider more-people: 1; place-gained: 1 to mailbox, files"}},
		"somebody without an account":       {group(connector.Audience{People: []string{"t-ann", "t-bob", "t-off"}}), one, nil, []string{"b1 same"}},
		"who writes":                        {group(connector.Audience{People: []string{"t-ann", "t-bob", "t-eve"}, Writer: "t-eve"}), one, nil, []string{"b1 same"}},
		"who joins a group that is there":   {group(connector.Audience{People: []string{"t-ann"}}), one, nil, []string{"b1 wider place-gained: 1 to mailbox, files"}},
		"an empty group that is there":      {group(connector.Audience{}), one, nil, []string{"b1 wider place-gained: 2 to mailbox, files"}},
		"hidden members":                    {group(connector.Audience{Hidden: true, Writer: "t-ann"}), one, nil, []string{"b1 wider people-not-told; place-gained: 1 to mailbox, files"}},
		"a group that says nothing":         {connector.Audience{}, one, nil, []string{"b1 wider people-not-told"}},
		"an open group":                     {connector.Audience{Visibility: connector.ForOrganisation, Joins: true}, one, nil, []string{"b1 wider open-to-organisation"}},
		"everybody":                         {connector.Audience{Visibility: connector.ForEverybody}, one, nil, []string{"b1 wider open-to-everybody"}},
		"open at both ends": {connector.Audience{Visibility: connector.ForOrganisation}, one,
			func(b *bench) { b.board("b1", connector.ForOrganisation) }, []string{"b1 same"}},
		"the organisation becomes everybody": {connector.Audience{Visibility: connector.ForEverybody}, one,
			func(b *bench) { b.board("b1", connector.ForOrganisation) }, []string{"b1 wider open-to-everybody"}},
		"a public board becomes private": {connector.Audience{Visibility: connector.ForPeople}, one,
			func(b *bench) { b.board("b1", connector.ForEverybody, "ann") }, []string{"b1 narrower"}},
		"boards that only who is added sees": {connector.Audience{Visibility: connector.ForPeople}, both, nil, []string{"b1 same", "b2 same"}},
		"a workspace with administrators":    {connector.Audience{Visibility: connector.ForPeople, People: []string{"t-eve"}}, one, nil, []string{"b1 wider more-people: 1"}},
		"a workspace's board, and those in it": {fresh, one,
			func(b *bench) {
				b.from.sight[item.Ref{Kind: item.Board, ID: "b1"}] = connector.Shard{Visibility: connector.ForGroup, People: 3, Members: []string{"ann"}, Viewers: []string{"ann", "bob", "cy"}}
			}, []string{"b1 narrower"}},
		"somebody who is nobody at the target": {group(connector.Audience{People: []string{"t-ann"}}), one,
			func(b *bench) { b.spec.People.Rows = []PersonRow{{Source: "bob", Target: Nobody, Line: 2}} }, []string{"b1 narrower"}},
		"a source that does not tell who": {group(connector.Audience{People: []string{"t-eve"}}), one,
			func(b *bench) { b.from.sight = nil }, []string{"b1 wider people-not-told"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := watched(t, map[string]connector.Audience{"group:Team": c.seen})
			b.spec.Scope = c.scope
			if c.sight != nil {
				c.sight(b)
			}
			f, err := b.watching().Forecast(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if got := all(f.Audience); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			var wider []string
			for _, w := range c.want {
				if strings.Contains(w, " wider ") {
					wider = append(wider, w)
				}
			}
			if n := slices.ContainsFunc(f.Notices, func(n string) bool { return strings.Contains(n, "A run refuses") }); n != (len(wider) > 0) {
				t.Errorf("the forecast's notices: %q", f.Notices)
			}
			_, err = b.watching().Run(context.Background())
			if len(wider) == 0 {
				if err != nil {
					t.Errorf("the run: %v", err)
				}
				return
			}
			if err == nil || b.to.writes != 0 {
				t.Fatalf("the run: %v, after %d writes", err, b.to.writes)
			}
			for _, w := range wider {
				id, _, _ := strings.Cut(w, " ")
				_, why, _ := strings.Cut(w, " wider ")
				if want := fmt.Sprintf("%s (%s)", id, why); !strings.Contains(err.Error(), want) {
					t.Errorf("the refusal does not say %q: %v", want, err)
				}
			}
			b.spec.Accept.Widening = true
			r, err := b.watching().Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range r.Widened {
				if !s.Accepted {
					t.Errorf("%s was not accepted", s.Source)
				}
				got = append(got, said(s))
			}
			if !slices.Equal(got, wider) {
				t.Errorf("the report lists %q, want %q", got, wider)
			}
		})
	}
}

// TestAudienceOfWhatMoved: what has moved asks again only if it was opened since,
// what is not in the selection does not count, and verify tells how things stand.
func TestAudienceOfWhatMoved(t *testing.T) {
	ctx := context.Background()
	b := watched(t, map[string]connector.Audience{"group:Team": {Visibility: connector.ForGroup, Joins: true}})
	b.spec.Scope = []string{"*"}
	first := b.watching()
	first.Select = Selection{Only: []string{"b1"}}
	if _, err := first.Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.to.seen["group:Team"] = connector.Audience{Visibility: connector.ForGroup, Joins: true, Gains: []string{"mailbox"}, People: []string{"t-ann", "t-bob", "t-eve"}}
	if _, err := b.watching().Run(ctx); err == nil || !strings.Contains(err.Error(), "1 container would be seen by more people than today: b2 (more-people: 2)") {
		t.Fatalf("the second board goes to people who do not see it: %v", err)
	}
	b.spec.Accept.Widen = []string{"b2"}
	if _, err := b.watching().Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.spec.Accept = Accept{}
	if _, err := b.watching().Run(ctx); err != nil {
		t.Errorf("both have moved: %v", err)
	}
	v, err := b.watching().Verify(ctx, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Widened) != 2 || said(v.Widened[0]) != "b1 wider more-people: 1" || said(v.Widened[1]) != "b2 wider more-people: 2" || v.Widened[1].Accepted {
		t.Errorf("verify lists %+v", v.Widened)
	}
	b.to.seen["group:Team"] = connector.Audience{Visibility: connector.ForOrganisation}
	if _, err := b.watching().Run(ctx); err == nil || !strings.Contains(err.Error(), "b1 (open-to-organisation), b2 (open-to-organisation)") {
		t.Errorf("the group was opened: %v", err)
	}
}

func TestAccept(t *testing.T) {
	for text, want := range map[string]string{
		"widening":              "all",
		"[widening]":            "all",
		"{widening: [b1, b2]}":  "b1 b2",
		"everything":            `m.yaml:1:1: accept cannot be "everything"`,
		"[widening, losses]":    `m.yaml:1:12: accept cannot be "losses"`,
		"{widening: yes}":       "m.yaml:1:12: expected a list of ids here",
		"{losses: [b1]}":        `m.yaml:1:2: unknown key "losses"; the keys here are widening`,
		"{widening: [[b1]]}":    "m.yaml:1:13: expected one text here",
		"[{widening: [b1]}]":    "m.yaml:1:2: expected one text here",
		"{widening: {all: b1}}": "m.yaml:1:12: expected a list of ids here",
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		r := &reader{path: "m.yaml"}
		a := r.accept(doc.Content[0])
		got := strings.Join(a.Widen, " ")
		if a.Widening {
			got = "all"
		}
		if r.err != nil {
			got = r.err.Error()
		}
		if r.err == nil && got != want || r.err != nil && !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
