package standin_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// tenth is a tenth of the organisation that the project shows.
var tenth = standin.Organisation{Boards: 30, People: 40, Cards: 6000, Left: 3, Seed: 7}

func generated(t testing.TB, o standin.Organisation, opts standin.Options) (*standin.Server, *standin.Staff) {
	t.Helper()
	opts.Rates = &standin.Rates{}
	s := standin.New(opts)
	f, err := s.Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

var everything = url.Values{"fields": {"all"}, "cards": {"all"}, "card_fields": {"all"}, "card_attachments": {"true"}, "card_customFieldItems": {"true"}, "card_stickers": {"true"},
	"lists": {"all"}, "labels": {"all"}, "labels_limit": {"1000"}, "members": {"all"}, "member_fields": {"all"}, "checklists": {"all"},
	"customFields": {"true"}, "memberships": {"all"}}

// told is all that the API tells the owner: a digest by board.
func told(t *testing.T, s *standin.Server) map[string]string {
	t.Helper()
	cl := newClient(t, s, nil)
	out := map[string]string{}
	orgs := cl.get("/members/me/organizations", url.Values{"fields": {"all"}}).([]any)
	digest := func(parts ...any) string {
		b, err := json.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ReplaceAll(string(b), cl.base, ""))))
	}
	out["organizations"] = digest(orgs)
	for _, o := range orgs {
		for _, b := range cl.get("/organizations/"+id(o.(map[string]any))+"/boards", url.Values{"fields": {"name"}}).([]any) {
			id := id(b.(map[string]any))
			parts := []any{cl.get("/boards/"+id, everything)}
			before := ""
			for {
				q := url.Values{"filter": {"all"}, "limit": {"1000"}}
				if before != "" {
					q.Set("before", before)
				}
				page := cl.get("/boards/"+id+"/actions", q).([]any)
				parts = append(parts, page)
				if len(page) < 1000 {
					break
				}
				before = page[len(page)-1].(map[string]any)["id"].(string)
			}
			out[id] = digest(parts...)
		}
	}
	return out
}

// The same seed makes the same organisation, and the same days, wherever and
// whenever they are made.
func TestOrganisationIsTheSame(t *testing.T) {
	small := standin.Organisation{Boards: 12, People: 20, Cards: 900, Left: 2, Seed: 7}
	a, workA := generated(t, small, standin.Options{Seed: 1})
	b, workB := generated(t, small, standin.Options{Seed: 2, Now: func() time.Time { return time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC) }})
	other := small
	other.Seed++
	c, _ := generated(t, other, standin.Options{Seed: 1})
	first := told(t, a)
	if len(first) < 11 {
		t.Fatalf("%d boards are told", len(first)-1)
	}
	check := func(what string) map[string]string {
		t.Helper()
		x, y := told(t, a), told(t, b)
		for id, d := range x {
			if y[id] != d {
				t.Fatalf("%s: %s is not the same in both", what, id)
			}
		}
		return x
	}
	check("generated")
	for id := range told(t, c) {
		if _, ok := first[id]; ok && id != "organizations" {
			t.Errorf("another seed makes the same board %s", id)
		}
	}
	before := first
	for n := 1; n <= 3; n++ {
		x, y := workA.Day(n), workB.Day(n)
		if len(x) < 5 || !slices.Equal(x, y) {
			t.Fatalf("day %d: %d edits and %d, which are not the same", n, len(x), len(y))
		}
		after := check(fmt.Sprintf("day %d", n))
		touched := map[string]bool{}
		for _, e := range x {
			touched[e.Board], touched[e.To] = true, true
		}
		left := slices.ContainsFunc(x, func(e standin.Edit) bool { return e.Op == standin.Leave })
		for id, d := range after {
			switch {
			case id == "organizations" || left:
			case d == before[id] && touched[id]:
				t.Errorf("day %d: %s is as it was, and an edit says otherwise", n, id)
			case d != before[id] && !touched[id]:
				t.Errorf("day %d: %s changed, and no edit says so", n, id)
			}
		}
		before = after
	}
}

// The organisation has what organisations have.
func TestOrganisationIsLikeOne(t *testing.T) {
	s, f := generated(t, tenth, standin.Options{Seed: 1})
	cl := newClient(t, s, nil)
	levels, sizes, count, total := map[string]int{}, []int{}, map[string]int{}, 0
	var years []string
	names := map[string]string{}
	for _, b := range s.Boards() {
		names[b.ShortLink] = b.ID
	}
	var cards []map[string]any
	for _, o := range cl.get("/members/me/organizations", url.Values{"fields": {"all"}}).([]any) {
		for _, x := range cl.get("/organizations/"+id(o.(map[string]any))+"/boards", url.Values{"fields": {"all"}}).([]any) {
			b := x.(map[string]any)
			levels[b["prefs"].(map[string]any)["permissionLevel"].(string)]++
			years = append(years, b["dateLastActivity"].(string)[:4])
			if b["closed"].(bool) {
				count["closed boards"]++
			}
			for _, m := range b["memberships"].([]any) {
				m := m.(map[string]any)
				count[m["memberType"].(string)]++
				if m["deactivated"].(bool) {
					count["deactivated"]++
				}
			}
			whole := cl.one("GET", "/boards/"+id(b), everything)
			count["fields"] += len(whole["customFields"].([]any))
			sizes = append(sizes, len(whole["cards"].([]any)))
			for _, c := range whole["cards"].([]any) {
				cards = append(cards, c.(map[string]any))
			}
		}
	}
	for _, b := range s.Boards() {
		for _, l := range b.Lists {
			total += len(l.Cards)
			if l.Closed {
				count["archived lists"]++
			}
			for _, c := range l.Cards {
				count["comments"] += c.Comments
				count["items"] += c.CheckItems
			}
		}
	}
	for _, c := range cards {
		for _, a := range c["attachments"].([]any) {
			a := a.(map[string]any)
			if strings.HasPrefix(a["url"].(string), "https://trello.com/") {
				count["links"]++
			}
			if a["isUpload"].(bool) {
				count["uploads"]++
			}
		}
		if strings.Contains(c["desc"].(string), "https://trello.com/") {
			count["links in texts"]++
		}
		if c["closed"].(bool) {
			count["archived"]++
		}
		if c["due"] != nil {
			count["due"]++
		}
		if strings.ContainsFunc(c["name"].(string), func(r rune) bool { return r >= 0x400 }) {
			count["names in other scripts"]++
		}
		count["assigned"] += len(c["idMembers"].([]any))
	}
	if len(s.Boards()) != tenth.Boards || total != tenth.Cards {
		t.Errorf("%d boards with %d cards", len(s.Boards()), total)
	}
	for _, level := range []string{"private", "org", "enterprise", "public"} {
		if levels[level] == 0 {
			t.Errorf("no board is %s: %v", level, levels)
		}
	}
	for what, least := range map[string]int{"closed boards": 1, "admin": 30, "normal": 60, "observer": 5, "deactivated": 3, "fields": 5, "archived lists": 3, "comments": 3000,
		"items": 2000, "links": 150, "links in texts": 80, "uploads": 100, "archived": 1000, "due": 1000, "names in other scripts": 500, "assigned": 2000} {
		if count[what] < least {
			t.Errorf("%s: %d, want %d at least", what, count[what], least)
		}
	}
	slices.Sort(sizes)
	if n := len(sizes); sizes[n-1] < 5*sizes[n/2] {
		t.Errorf("the largest board has %d cards, the middle one %d", sizes[n-1], sizes[n/2])
	}
	slices.Sort(years)
	if len(slices.Compact(years)) < 3 {
		t.Errorf("boards were last active in %v", years)
	}
	left := 0
	for _, p := range f.People() {
		if p.Left {
			left++
		}
	}
	if left != tenth.Left || len(f.People()) != tenth.People {
		t.Errorf("%d people, of whom %d have left", len(f.People()), left)
	}
}

// What an edit says is what the API then tells.
func TestDaysDoWhatTheySay(t *testing.T) {
	s, f := generated(t, standin.Organisation{Boards: 30, People: 40, Cards: 4000, Left: 3, Seed: 7}, standin.Options{Seed: 1})
	cl := newClient(t, s, nil)
	seen := map[string]int{}
	hidden := f.Hidden()
	gone := map[string]bool{}
	for n := 1; n <= 6; n++ {
		edits := f.Day(n)
		for i, e := range edits {
			seen[e.Op]++
			if e.Op == standin.Drop {
				gone[e.Card] = true
			}
			later := slices.ContainsFunc(edits[i+1:], func(x standin.Edit) bool { return x.Card == e.Card })
			if later || e.Op == standin.Leave || slices.Contains(hidden, e.Board) || slices.Contains(hidden, e.To) {
				continue
			}
			if e.Op == standin.Drop {
				if status, _ := cl.try("GET", "/cards/"+e.Card, nil); status != 404 {
					t.Errorf("%s was deleted, and answers %d", e.Card, status)
				}
				continue
			}
			c := cl.one("GET", "/cards/"+e.Card, url.Values{"fields": {"all"}, "attachments": {"true"}, "checklists": {"all"}, "actions": {"commentCard"}, "actions_limit": {"1000"}})
			want := e.Board
			if e.To != "" {
				want = e.To
			}
			b, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c["idBoard"] != want:
				t.Errorf("%s of %s: it is on board %s, want %s", e.Op, e.Card, c["idBoard"], want)
			case c["dateLastActivity"] != e.At.Format("2006-01-02T15:04:05.000Z"):
				t.Errorf("%s of %s at %s: its last activity is %s", e.Op, e.Card, e.At, c["dateLastActivity"])
			case e.ID != "" && !strings.Contains(string(b), `"`+e.ID+`"`):
				t.Errorf("%s of %s: there is no %s", e.Op, e.Card, e.ID)
			case (e.Op == standin.Archive || e.Op == standin.Restore) && c["closed"] != (e.Op == standin.Archive):
				t.Errorf("%s of %s: closed is %v", e.Op, e.Card, c["closed"])
			}
		}
	}
	for _, op := range []string{standin.Retitle, standin.Describe, standin.Move, standin.Transfer, standin.Say, standin.Reword, standin.TickItem, standin.Archive, standin.Add,
		standin.Drop, standin.Postpone, standin.Assign, standin.Attach} {
		if seen[op] == 0 {
			t.Errorf("in six days there was no %s: %v", op, seen)
		}
	}
	for id := range gone {
		for _, b := range s.Boards() {
			for _, l := range b.Lists {
				if slices.ContainsFunc(l.Cards, func(c standin.CardView) bool { return c.ID == id }) {
					t.Errorf("%s was deleted and is on %s", id, b.ID)
				}
			}
		}
	}
}

func TestOrganisationRefuses(t *testing.T) {
	for name, o := range map[string]standin.Organisation{
		"boards=0": {People: 5, Cards: 5}, "people=1": {Boards: 1, People: 1}, "cards=-1": {Boards: 1, People: 5, Cards: -1},
		"cards=4001": {Boards: 1, People: 5, Cards: 4001}, "left=3": {Boards: 1, People: 5, Left: 3},
	} {
		if _, err := standin.New(standin.Options{Seed: 1}).Generate(o); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, _ := generated(t, standin.Organisation{Boards: 1, People: 2}, standin.Options{Seed: 1})
	if _, err := s.Generate(tenth); err == nil {
		t.Error("a second organisation is generated over the first")
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		generated(b, standin.Organisation{Boards: 300, People: 400, Cards: 60_000, Left: 30, Seed: 7}, standin.Options{Seed: 1})
	}
}

func BenchmarkDay(b *testing.B) {
	_, f := generated(b, standin.Organisation{Boards: 300, People: 400, Cards: 60_000, Left: 30, Seed: 7}, standin.Options{Seed: 1})
	n := 0
	for b.Loop() {
		n++
		f.Day(n)
	}
}
