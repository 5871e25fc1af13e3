package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// A maker makes boards that are different with every seed and the same with
// the same one. Every text holds a token of its own, so that a comparison can
// tell what became of it: n-… in titles, d-… in descriptions, c-… in comments.
type maker struct {
	*rand.Rand
	titles []string // of the cards so far
	made   int
}

func newMaker(seed uint64) *maker { return &maker{Rand: rand.New(rand.NewPCG(seed, 0x72696f))} }

func (m *maker) token(kind string) string { return fmt.Sprintf("%s-%010x", kind, m.Uint64()>>24) }

func (m *maker) chance(p float64) bool { return m.Float64() < p }

func pick[T any](m *maker, from []T) T { return from[m.IntN(len(from))] }

// some picks up to n different ones, in their order.
func some[T any](m *maker, n int, from []T) []T {
	var out []T
	for _, v := range from {
		if len(out) < n && m.chance(0.4) {
			out = append(out, v)
		}
	}
	return out
}

// title is a new card's: at times the one of an earlier card, because twins
// exist.
func (m *maker) title() string {
	if len(m.titles) > 0 && m.chance(0.15) {
		return pick(m, m.titles)
	}
	verbs := []string{"Write", "Check", "Übersetze", "確認", "Plan", "Paint"}
	t := pick(m, verbs) + " the " + pick(m, []string{"page", "poster", "Straße", "予算", "letter"}) + " " + m.token("n")
	m.titles = append(m.titles, t)
	return t
}

func (m *maker) text() string {
	s := "Some words " + m.token("d") + "."
	if len(m.titles) > 0 && m.chance(0.4) {
		s += "\n\nSee {card:" + pick(m, m.titles) + "} first."
	}
	return s
}

func (m *maker) entries(n int) []trello.Item {
	var out []trello.Item
	for i := range n {
		out = append(out, trello.Item{Name: fmt.Sprintf("step %d %s", i, m.token("e")), Done: m.chance(0.5)})
	}
	return out
}

func (m *maker) file() trello.Attachment {
	m.made++
	data := make([]byte, 1+m.IntN(3000))
	for i := range data {
		data[i] = byte(m.Uint32())
	}
	return trello.Attachment{Name: fmt.Sprintf("file %d.bin", m.made), Data: data, Author: user(m.IntN(4))}
}

func (m *maker) link() trello.Attachment {
	m.made++
	return trello.Attachment{Name: fmt.Sprintf("link %d", m.made), URL: fmt.Sprintf("https://example.test/%d/page", m.made), Author: user(m.IntN(4))}
}

func (m *maker) comment() trello.Comment {
	return trello.Comment{Author: user(m.IntN(4)), Text: "I say " + m.token("c")}
}

// testEpoch is when the boards of these tests were made.
var testEpoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

var labelNames = []string{"urgent", "later", "größer"}

func (m *maker) card(base time.Time) trello.Card {
	c := trello.Card{Name: m.title(), Author: user(m.IntN(4)), Made: base.Add(time.Duration(m.IntN(1000)) * time.Minute),
		Done: m.chance(0.2), Closed: m.chance(0.15), Labels: some(m, 2, labelNames), Members: some(m, 2, []string{user(0), user(1), user(2), user(3)})}
	if m.chance(0.7) {
		c.Desc = m.text()
	}
	if m.chance(0.3) {
		c.Due = base.AddDate(0, 1, m.IntN(20))
	}
	for range m.IntN(3) {
		c.Checklists = append(c.Checklists, trello.Checklist{Name: "To do " + m.token("k"), Items: m.entries(1 + m.IntN(4))})
	}
	for i := range m.IntN(3) {
		say := m.comment()
		say.At = c.Made.Add(time.Duration(i+1) * time.Hour)
		c.Comments = append(c.Comments, say)
	}
	if m.chance(0.5) {
		c.Attachments = append(c.Attachments, m.file())
	}
	if m.chance(0.3) {
		c.Attachments = append(c.Attachments, m.link())
	}
	if len(m.titles) > 1 && m.chance(0.3) {
		c.Attachments = append(c.Attachments, trello.Attachment{Name: "see also", URL: "{card:" + pick(m, m.titles) + "}"})
	}
	return c
}

// board makes a board for a Trello.
func (m *maker) board(name string) trello.Board {
	b := trello.Board{Name: name, Made: testEpoch, Members: []string{user(0), user(1), user(2), user(3)},
		Labels: []trello.Label{{Name: labelNames[0], Color: "red"}, {Name: labelNames[1], Color: "green"}, {Name: labelNames[2], Color: "sky"}}}
	if m.chance(0.5) {
		b.Desc = "What this is for " + m.token("d")
	}
	lists := 2 + m.IntN(3)
	for i := range lists {
		b.Lists = append(b.Lists, trello.List{Name: fmt.Sprintf("List %d", i), Closed: i > 0 && m.chance(0.15)})
	}
	for range 10 + m.IntN(7) {
		l := &b.Lists[m.IntN(lists)]
		l.Cards = append(l.Cards, m.card(testEpoch))
	}
	return b
}

// neighbour makes a small board that points at cards of the boards that are
// there.
func (m *maker) neighbour(name string, s *trello.Server) trello.Board {
	b := trello.Board{Name: name, Made: testEpoch, Members: []string{user(0), user(1), user(2), user(3)}, Labels: []trello.Label{{Name: labelNames[0], Color: "blue"}, {Name: labelNames[1]}, {Name: labelNames[2], Color: "pink"}}}
	var links []string
	for _, other := range s.Boards() {
		for _, l := range other.Lists {
			for _, c := range l.Cards {
				links = append(links, "https://trello.com/c/"+c.ShortLink)
			}
		}
	}
	m.titles = nil // of its own cards alone
	for i := range 2 {
		l := trello.List{Name: fmt.Sprintf("Row %d", i)}
		for range 1 + m.IntN(3) {
			c := m.card(testEpoch)
			if m.chance(0.6) {
				c.Desc += "\n\nSee " + pick(m, links) + " too."
			}
			if m.chance(0.4) {
				c.Attachments = append(c.Attachments, trello.Attachment{Name: "over there", URL: pick(m, links)})
			}
			l.Cards = append(l.Cards, c)
		}
		b.Lists = append(b.Lists, l)
	}
	return b
}

// plan puts a like plan into the group of a tenant, through the API, as
// people's clients do.
func (m *maker) plan(t testing.TB, s *served, name string) {
	t.Helper()
	who := user(0) + "@example.test"
	call := func(method, path string, body map[string]any) map[string]any {
		t.Helper()
		status, out := s.tenant.Do(who, method, path, body)
		if status >= 300 {
			t.Fatalf("%s %s: status %d: %v", method, path, status, out)
		}
		return out
	}
	var ids []string
	for _, u := range s.tenant.Users() {
		ids = append(ids, u.ID)
		if !slices.Contains(s.members(), cmp.Or(u.Mail, u.UPN)) {
			call(http.MethodPost, "groups/"+s.group+"/members/$ref", map[string]any{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + u.ID})
		}
	}
	plan := call(http.MethodPost, "planner/plans", map[string]any{"title": name, "container": map[string]any{"url": "https://graph.microsoft.com/v1.0/groups/" + s.group}})["id"].(string)
	with := map[string]any{"@odata.type": "#microsoft.graph.plannerUserIds"}
	for _, id := range ids {
		with[id] = true
	}
	call(http.MethodPatch, "planner/plans/"+plan+"/details", map[string]any{"sharedWith": with,
		"categoryDescriptions": map[string]any{"category1": labelNames[0], "category3": labelNames[1]}})
	hint := ""
	var buckets []string
	for i := range 2 + m.IntN(3) {
		b := call(http.MethodPost, "planner/buckets", map[string]any{"name": fmt.Sprintf("List %d", i), "planId": plan, "orderHint": hint + " !"})
		buckets, hint = append(buckets, b["id"].(string)), b["orderHint"].(string)
	}
	tails := map[string]string{}
	for range 10 + m.IntN(7) {
		bucket := pick(m, buckets)
		body := map[string]any{"planId": plan, "bucketId": bucket, "title": m.title(), "orderHint": tails[bucket] + " !", "percentComplete": pick(m, []int{0, 0, 100})}
		if m.chance(0.4) {
			body["assignments"] = map[string]any{pick(m, ids): map[string]any{"@odata.type": "#microsoft.graph.plannerAssignment", "orderHint": " !"}}
		}
		if m.chance(0.4) {
			body["appliedCategories"] = map[string]any{pick(m, []string{"category1", "category3"}): true}
		}
		made := call(http.MethodPost, "planner/tasks", body)
		id := made["id"].(string)
		tails[bucket] = made["orderHint"].(string)
		m.details(t, s, plan, id, call)
	}
}

// details fills a task.
func (m *maker) details(t testing.TB, s *served, plan, id string, call func(method, path string, body map[string]any) map[string]any) {
	t.Helper()
	d := map[string]any{}
	if m.chance(0.6) {
		d["description"] = "Some words " + m.token("d") + "."
	}
	if m.chance(0.5) {
		list, hint := map[string]any{}, ""
		for i := range 1 + m.IntN(4) {
			hint += " !"
			key := fmt.Sprintf("%08x-0000-4000-8000-%012x", m.Uint32(), m.Uint64()>>16)
			list[key] = map[string]any{"@odata.type": "#microsoft.graph.plannerChecklistItem", "title": fmt.Sprintf("step %d %s", i, m.token("e")), "isChecked": m.chance(0.5), "orderHint": hint}
		}
		d["checklist"] = list
	}
	refs := map[string]any{}
	reference := func(address, alias string) {
		key := strings.NewReplacer("%", "%25", ".", "%2E", ":", "%3A", "@", "%40", "#", "%23").Replace(address)
		refs[key] = map[string]any{"@odata.type": "#microsoft.graph.plannerExternalReference", "alias": alias, "type": "Other", "previewPriority": strings.Repeat(" !", len(refs)+1)}
	}
	if m.chance(0.3) {
		l := m.link()
		reference(l.URL, l.Name)
	}
	if m.chance(0.4) {
		f := m.file()
		reference(s.putFile(t, "People/"+plan+"/"+f.Name, f.Data), f.Name)
	}
	if len(refs) > 0 {
		d["references"] = refs
	}
	if len(d) > 0 {
		call(http.MethodPatch, "planner/tasks/"+id+"/details", d)
	}
	thread := ""
	for range m.IntN(3) {
		post := map[string]any{"body": map[string]any{"contentType": "html", "content": "<p>I say " + m.token("c") + "</p>"}}
		if thread != "" {
			call(http.MethodPost, "groups/"+s.group+"/threads/"+thread+"/reply", map[string]any{"post": post})
			continue
		}
		thread = call(http.MethodPost, "groups/"+s.group+"/threads", map[string]any{"topic": "Comments on a task", "posts": []any{post}})["id"].(string)
		call(http.MethodPatch, "planner/tasks/"+id, map[string]any{"conversationThreadId": thread})
	}
}

// putFile puts a file into the group's drive and returns its address.
func (s *served) putFile(t testing.TB, path string, data []byte) string {
	t.Helper()
	token, err := s.tenant.Token("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPut, s.base+"/v1.0/groups/"+s.group+"/drive/root:/"+strings.ReplaceAll(path, " ", "%20")+":/content", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var stored struct {
		WebURL string `json:"webUrl"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&stored); err != nil || stored.WebURL == "" {
		t.Fatalf("the drive did not take a file: status %d, %v", resp.StatusCode, err)
	}
	return stored.WebURL
}
