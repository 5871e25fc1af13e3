package trello

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	clouds "github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// A far ledger answers as late as one at the other end of a line.
type farLedger struct{ ledger.Ledger }

const ledgerTime = 3 * time.Millisecond

func (l farLedger) Lookup(ctx context.Context, shard int64, keys []ledger.Key) ([]ledger.Row, error) {
	time.Sleep(ledgerTime)
	return l.Ledger.Lookup(ctx, shard, keys)
}

func (l farLedger) Apply(ctx context.Context, b ledger.Batch) error {
	time.Sleep(ledgerTime)
	return l.Ledger.Apply(ctx, b)
}

// A shape is how the cards of a board lie: what an engine can do side by side
// depends on it.
type shape struct {
	name         string
	lists, cards int
	bare         bool    // cards hold nothing but comments
	share        float64 // of the quota that a second client takes
	comments     func(card int) int
}

func shapes() []shape {
	two := func(int) int { return 2 }
	return []shape{
		{"one list", 1, 700, false, 0, two},
		{"many lists beside a neighbour", 20, 600, false, neighbourTake, two},
		{"a few cards with long talks", 5, 400, false, 0, func(card int) int {
			if card%100 == 7 {
				return 300
			}
			return 4
		}},
		{"one list of bare cards", 1, 3300, true, 0, func(int) int { return 0 }},
	}
}

// lively is a board whose cards have what cards have.
func lively(sh shape) standin.Board {
	b := standin.Board{Name: "Lively", Labels: []standin.Label{{Name: "red", Color: "red"}, {Name: "blue", Color: "blue"}}}
	for l := range sh.lists {
		list := standin.List{Name: fmt.Sprintf("List %d", l)}
		for n := l; n < sh.cards; n += sh.lists {
			c := standin.Card{Name: fmt.Sprintf("Card %d", n), Desc: "A text.", Done: n%3 == 0, Labels: []string{"red"}}
			for m := range sh.comments(n) {
				c.Comments = append(c.Comments, standin.Comment{Text: fmt.Sprintf("Comment %d on %d", m, n)})
			}
			if n%2 == 0 && !sh.bare {
				c.Checklists = []standin.Checklist{{Name: "Steps", Items: []standin.Item{{Name: "first"}, {Name: "second", Done: true}, {Name: "third"}}}}
			}
			if n%3 == 0 && !sh.bare {
				c.Attachments = []standin.Attachment{{Name: "A page", URL: fmt.Sprintf("https://example.org/%d", n)}}
			}
			list.Cards = append(list.Cards, c)
		}
		b.Lists = append(b.Lists, list)
	}
	return b
}

// side opens an allowance as one end of a migration.
func (a *allowance) side(t *testing.T, name string) migrate.Side {
	t.Helper()
	cloud, err := New().Open(t.Context(), a.env)
	if err != nil {
		t.Fatal(err)
	}
	return migrate.Side{Connection: name, Title: "Trello", Cloud: cloud, Caps: New().Capabilities(a.env.Settings), Stats: a.env.HTTP.Stats()}
}

// quotaKinds are the windows that a run is tried with: one for each shape, and
// all of them in a soak.
func quotaKinds(i int) []clouds.WindowKind {
	all := []clouds.WindowKind{clouds.Fixed, clouds.Sliding, clouds.TokenBucket}
	if soaking() {
		return all
	}
	return all[(i+1)%3:][:1]
}

// A whole run fills the target's quota, from the second window to the last but
// one: no stretch of a board is worked off alone.
func TestRunFillsTheQuota(t *testing.T) {
	for i, sh := range shapes() {
		if sh.bare && !soaking() {
			continue // it is what TestRunFollowsAHalvedQuota moves
		}
		for _, kind := range quotaKinds(i) {
			t.Run(sh.name+"/"+string(kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					counts := runAtTheQuota(t, sh, kind, uint64(i), nil)
					got := counts[1].to(counts[len(counts)-2], 100)
					t.Logf("%s; by window:%s", got, byWindow(counts))
					got.full(t)
				})
			})
		}
	}
}

// A run whose target halves the limit in full flight is at the new one within
// three windows.
func TestRunFollowsAHalvedQuota(t *testing.T) {
	sh := shapes()[3]
	sh.cards = 1600
	for _, kind := range quotaKinds(2) {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const full = 6 // windows before
				counts := runAtTheQuota(t, sh, kind, 3, func(window int, a *allowance) {
					if window == full {
						a.server.Rates().HalveToken()
					}
				})
				got := counts[full+3].to(counts[len(counts)-2], 50)
				t.Logf("%s; by window:%s", got, byWindow(counts))
				got.there(t)
			})
		})
	}
}

func byWindow(counts []tallied) string {
	out := ""
	for i := 1; i < len(counts); i++ {
		out += fmt.Sprintf(" %d", counts[i].Passed-counts[i-1].Passed)
	}
	return out
}

// runAtTheQuota moves a board from one stand-in to another, each with Trello's
// documented limits, and returns what was used of the target's at the beginning
// of each window. at is called then; nil for nothing.
func runAtTheQuota(t *testing.T, sh shape, kind clouds.WindowKind, seed uint64, at func(window int, to *allowance)) (counts []tallied) {
	t.Helper()
	from := newAllowance(newQuotaServer(kind, 0, seed+100), kind, seed+100)
	to := newAllowance(newQuotaServer(kind, sh.share, seed), kind, seed)
	if _, err := from.server.AddBoard(lively(sh)); err != nil {
		t.Fatal(err)
	}
	e, err := migrate.New(migrate.Config{Spec: migrate.Spec{Name: "quota", Scope: []string{"board:Lively"}, Place: "workspace:New", People: migrate.People{Others: "name-in-text"}},
		From: from.side(t, "from"), To: to.side(t, "to"), Ledger: farLedger{ledgertest.New()}, Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	watch := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(watch)
		for to.count().Passed < 5 && !done.Load() { // the board is read first
			time.Sleep(100 * time.Millisecond)
		}
		for !done.Load() {
			if at != nil {
				at(len(counts), to)
			}
			counts = append(counts, to.count())
			time.Sleep(quotaWindow)
		}
	}()
	rep, err := e.Run(t.Context())
	took := time.Since(began)
	done.Store(true)
	<-watch
	time.Sleep(time.Second)
	if err != nil || rep.Status != "complete" {
		t.Fatalf("the run ends %v: %v, %v", rep.Status, err, rep.Shards)
	}
	if rep.Kinds[item.Task].Created != sh.cards {
		t.Fatalf("%d cards moved, %d were there", rep.Kinds[item.Task].Created, sh.cards)
	}
	if len(counts) < 12 {
		t.Fatalf("the run took %v only: that proves nothing", took)
	}
	t.Logf("answers in %v, %v, %d requests", to.way.base.Round(time.Millisecond), took.Round(time.Second), rep.Requests)
	return counts
}
