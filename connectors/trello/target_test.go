package trello

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// board makes a board to write into.
func (l *lab) board(to *target, members ...string) item.Ref {
	l.t.Helper()
	it := in(item.Board, item.Ref{})
	item.Name.Set(&it, "Umzug „Süd“ 東京")
	item.Description.Set(&it, "All of it.\n\n* moved")
	me, err := to.self(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	item.Members.Set(&it, append(members, me))
	return l.write(to, item.Ref{}, nil, change(connector.Create, it))[0].Ref
}

func (l *lab) list(to *target, board item.Ref, names ...string) (out []item.Item) {
	l.t.Helper()
	var cs []connector.Change
	for i, name := range names {
		it := in(item.List, board)
		item.Name.Set(&it, name)
		item.Closed.Set(&it, strings.HasPrefix(name, "closed"))
		cs = append(cs, connector.Change{Op: connector.Create, Item: it, AfterPrevious: i > 0})
	}
	return l.write(to, board, nil, cs...)
}

func TestWriteEveryKind(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	ana := l.server.AddMember(standin.Member{Username: "ana", FullName: "Ana"})
	to := l.target("")
	board := l.board(to, ana)
	lists := l.list(to, board, "To do", "closed already", "Done")

	var labels []connector.Change
	for _, c := range append(colors(), "") {
		it := in(item.Label, board)
		item.Name.Set(&it, "label "+c)
		item.Color.Set(&it, c)
		labels = append(labels, change(connector.Create, it))
	}
	made := l.write(to, board, nil, labels...)

	fields := map[string]string{}
	var defs []connector.Change
	for i, typ := range []string{"text", "number", "date", "checkbox", "list"} {
		it := in(item.CustomField, board)
		item.Name.Set(&it, "field "+typ)
		item.FieldType.Set(&it, typ)
		if typ == "list" {
			item.FieldOptions.Set(&it, []string{"High", "Low", "低い"})
		}
		defs = append(defs, connector.Change{Op: connector.Create, Item: it, AfterPrevious: i > 0})
	}
	for i, f := range l.write(to, board, nil, defs...) {
		fields[item.FieldType.Get(defs[i].Item)] = f.ID
	}

	full := in(item.Task, board)
	item.Title.Set(&full, "A card with all")
	item.Description.Set(&full, "**Bold** and 漢字 \u202e")
	item.InList.Set(&full, lists[0].Ref)
	item.Start.Set(&full, time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC))
	item.Due.Set(&full, time.Date(2026, 3, 9, 17, 30, 0, 0, time.UTC))
	item.Done.Set(&full, true)
	item.Closed.Set(&full, true)
	item.Labels.Set(&full, []item.Ref{made[0].Ref, made[7].Ref})
	item.Assignees.Set(&full, []string{ana})
	item.Location.Set(&full, "Ponte di Rialto; Venezia")
	item.FieldValues.Set(&full, []item.FieldValue{{Field: fields["text"], Value: "x"}, {Field: fields["number"], Value: "12.5"},
		{Field: fields["date"], Value: "2026-02-03T00:00:00Z"}, {Field: fields["checkbox"], Value: "true"}, {Field: fields["list"], Value: "低い"}})
	bare := in(item.Task, board)
	item.Title.Set(&bare, "Bare")
	item.InList.Set(&bare, lists[1].Ref)
	mark := to.Carrier(item.Task, "https://trello.com/c/AbCdEf12")
	tasks := l.write(to, board, nil, connector.Change{Op: connector.Create, Item: full, Mark: mark}, change(connector.Create, bare))

	// Clear all that can be cleared, and set it again.
	empty := in(item.Task, board)
	empty.ID = tasks[0].ID
	item.Title.Set(&empty, "A card with nothing")
	item.InList.Set(&empty, lists[2].Ref)
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: empty, Mark: mark})
	full.ID = tasks[0].ID
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: full, Mark: mark})
	partial := full.Clone()
	item.Title.Set(&partial, "Only the title")
	partial = l.write(to, board, nil, connector.Change{Op: connector.Update, Item: partial, Dirty: []string{"title"}, Mark: mark})[0]
	if item.Position.Get(partial) == "" || item.Description.Get(partial) != item.Description.Get(full) {
		t.Error("an update of one field changed others")
	}

	check := in(item.Checklist, tasks[0].Ref)
	item.Name.Set(&check, "Steps")
	item.Entries.Set(&check, []item.Check{{Title: "one", Done: true}, {Title: "same"}, {Title: "same", Done: true},
		{Title: "due", Due: time.Date(2026, 4, 1, 9, 0, 0, 0, time.UTC), Assignee: ana}})
	second := in(item.Checklist, tasks[0].Ref)
	item.Name.Set(&second, "Empty")
	checks := l.write(to, board, nil, change(connector.Create, check), connector.Change{Op: connector.Create, Item: second, AfterPrevious: true})
	if item.Position.Get(checks[0]) >= item.Position.Get(checks[1]) {
		t.Error("checklists are not in order")
	}
	check.ID = checks[0].ID
	item.Entries.Set(&check, []item.Check{{Title: "due"}, {Title: "new", Done: true}, {Title: "same", Done: true}, {Title: "one"}})
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: check, Dirty: []string{"entries"}})

	comment := in(item.Comment, tasks[0].Ref)
	item.Body.Set(&comment, "First, with a [link](https://example.org)")
	answer := in(item.Comment, tasks[0].Ref)
	item.Body.Set(&answer, "Second")
	comments := l.write(to, board, nil, change(connector.Create, comment), connector.Change{Op: connector.Create, Item: answer, AfterPrevious: true})
	if comments[0].ID >= comments[1].ID {
		t.Error("comments are not in order")
	}
	comment.ID = comments[0].ID
	item.Body.Set(&comment, "First, edited")
	l.write(to, board, nil, change(connector.Update, comment))

	data := bytes.Repeat([]byte("bytes of a file "), 10000)
	file := in(item.Attachment, tasks[0].Ref)
	item.Name.Set(&file, `plan "süd" 1.bin`)
	item.MediaType.Set(&file, "application/x-plan")
	file.Blob = &item.Blob{Bytes: int64(len(data))}
	unsized := file.Clone()
	unsized.Blob.Bytes = -1
	link := in(item.Attachment, tasks[0].Ref)
	item.Name.Set(&link, "Home")
	item.Address.Set(&link, "https://example.org/home#part")
	files := l.write(to, board, bytesOpener(data), change(connector.Create, file), change(connector.Create, unsized), change(connector.Create, link))
	for i, f := range files[:2] {
		r, err := l.source().Open(t.Context(), *f.Blob, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(r); !bytes.Equal(got, data[16:48]) || f.Blob.Bytes != int64(len(data)) {
			t.Errorf("file %d: %q", i, got)
		}
		r.Close()
	}

	// All that was written is found again, and the mark is no attachment.
	found := map[item.Kind]int{}
	for f, err := range to.Find(t.Context(), board, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		found[f.Bundle.Item.Kind]++
		if f.Bundle.Item.Ref == tasks[0].Ref && f.Mark != mark {
			t.Errorf("mark %q, want %q", f.Mark, mark)
		}
		if f.Made.IsZero() {
			t.Errorf("%s: no time", f.Bundle.Item.Ref)
		}
	}
	want := map[item.Kind]int{item.List: 3, item.Label: 31, item.CustomField: 5, item.Task: 2, item.Checklist: 2, item.Comment: 2, item.Attachment: 3}
	for k, n := range want {
		if found[k] != n {
			t.Errorf("found %d %s, want %d", found[k], k, n)
		}
	}
	for range to.Find(t.Context(), board, time.Now().Add(3*time.Hour)) {
		t.Error("found what was made before")
	}
	if strings.Contains(l.logs.String(), l.set["token"]) || strings.Contains(l.logs.String(), "Only the title") {
		t.Error("a log line holds a secret or content")
	}
}

func TestPositionsWithinAList(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	to := l.target("")
	board := l.board(to)
	list := l.list(to, board, "L")[0]
	card := func(name string) item.Item {
		it := in(item.Task, board)
		item.Title.Set(&it, name)
		item.InList.Set(&it, list.Ref)
		return it
	}
	order := func() string {
		t.Helper()
		var b strings.Builder
		for bundle, err := range listed(t, l.source(), board) {
			if err != nil {
				t.Fatal(err)
			}
			if bundle.Item.Kind == item.Task {
				b.WriteString(item.Title.Get(bundle.Item))
			}
		}
		return b.String()
	}
	abc := l.write(to, board, nil, change(connector.Create, card("a")), connector.Change{Op: connector.Create, Item: card("b"), AfterPrevious: true},
		connector.Change{Op: connector.Create, Item: card("c"), AfterPrevious: true})
	if got := order(); got != "abc" {
		t.Fatal(got)
	}
	before := l.stats.Requests.Load()
	for r := range to.Write(t.Context(), []connector.Change{{Op: connector.Create, Item: card("d"), After: abc[2].ID}}, nil) {
		abc = append(abc, r.Stored.Item)
	}
	if n := l.stats.Requests.Load() - before; n != 1 {
		t.Errorf("a card behind the last took %d requests", n)
	}
	l.write(to, board, nil, change(connector.Create, card("1")), connector.Change{Op: connector.Create, Item: card("2"), AfterPrevious: true})
	if got := order(); got != "12abcd" {
		t.Fatal(got)
	}
	// So many between two that the distance does not suffice.
	last := abc[0].ID
	for range 40 {
		last = l.write(to, board, nil, connector.Change{Op: connector.Create, Item: card("x"), After: abc[0].ID})[0].ID
	}
	if got := order(); got != "12a"+strings.Repeat("x", 40)+"bcd" {
		t.Fatal(got)
	}
	// Moves: c to the front, b behind the last x.
	c, b := card("c"), card("b")
	c.ID, b.ID = abc[2].ID, abc[1].ID
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: c, Dirty: []string{"position"}})
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: b, Dirty: []string{"position"}, After: last})
	if got := order(); !strings.HasPrefix(got, "c12axb") || !strings.HasSuffix(got, "xd") {
		t.Fatal(got)
	}
	// A run that remembers nothing makes cards between others, one call after the
	// other, and places again what follows them.
	to = l.target("")
	y := l.write(to, board, nil, connector.Change{Op: connector.Create, Item: card("y"), After: c.ID})[0]
	z := l.write(to, board, nil, connector.Change{Op: connector.Create, Item: card("z"), After: y.ID})[0]
	if got := order(); !strings.HasPrefix(got, "cyz12axb") {
		t.Fatal(got)
	}
	l.write(to, board, nil, connector.Change{Op: connector.Update, Item: b, Dirty: []string{"position"}, After: z.ID})
	if got := order(); !strings.HasPrefix(got, "cyzb12ax") {
		t.Fatal(got)
	}
	// What was moved behind the last new one stays behind it.
	d := l.write(to, board, nil, connector.Change{Op: connector.Create, Item: card("e"), After: abc[3].ID},
		connector.Change{Op: connector.Update, Item: c, Dirty: []string{"position"}, AfterPrevious: true})[0]
	l.write(to, board, nil, connector.Change{Op: connector.Create, Item: card("f"), After: d.ID})
	if got := order(); !strings.HasSuffix(got, "xdefc") {
		t.Fatal(got)
	}
}

// listed yields the bundles of a board.
func listed(t testing.TB, src connector.Source, board item.Ref) func(func(item.Bundle, error) bool) {
	return func(yield func(item.Bundle, error) bool) {
		for page, err := range src.List(t.Context(), connector.Shard{Ref: board}, "") {
			if err != nil {
				yield(item.Bundle{}, err)
				return
			}
			for _, b := range page.Bundles {
				if !yield(b, nil) {
					return
				}
			}
		}
	}
}

func TestHalfAChecklistIsCompleted(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	to := l.target("")
	board := l.board(to)
	task := in(item.Task, board)
	item.Title.Set(&task, "t")
	item.InList.Set(&task, l.list(to, board, "L")[0].Ref)
	task = l.write(to, board, nil, change(connector.Create, task))[0]
	it := in(item.Checklist, task.Ref)
	item.Name.Set(&it, "Steps")
	item.Entries.Set(&it, []item.Check{{Title: "b", Done: true}, {Title: "a"}})
	half := l.write(to, board, nil, change(connector.Create, it))[0]
	it.ID = half.ID
	item.Entries.Set(&it, []item.Check{{Title: "a", Done: true}, {Title: "b", Done: true}, {Title: "a"}, {Title: "c"}})
	l.write(to, board, nil, change(connector.Update, it))
	l.write(to, board, nil, change(connector.Update, it)) // again: nothing more
}

func TestClosedBoardIsClosedLast(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	to := l.target("workspace:Neu")
	it := in(item.Board, item.Ref{})
	item.Name.Set(&it, "Old")
	item.Closed.Set(&it, true)
	me, _ := to.self(t.Context())
	item.Members.Set(&it, []string{me})
	board := l.write(to, item.Ref{}, nil, change(connector.Create, it))[0]
	if l.server.Boards()[0].Closed {
		t.Error("closed before it is filled")
	}
	if err := to.Finish(t.Context(), board.Ref); err != nil {
		t.Fatal(err)
	}
	if !l.server.Boards()[0].Closed {
		t.Error("not closed in the end")
	}
	// The workspace was made with the board, and is found by the next target.
	if again := l.target("workspace:neu"); again.place.id == "" || again.place.id != to.place.id {
		t.Errorf("%+v, want %+v", again.place, to.place)
	}
	n := 0
	for f, err := range to.Find(t.Context(), item.Ref{}, time.Time{}) {
		if err != nil || f.Bundle.Item.Ref != board.Ref {
			t.Error(err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("%d boards in the place", n)
	}
}

func TestDelete(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	to := l.target("")
	board := l.board(to)
	list := l.list(to, board, "L")[0]
	task := in(item.Task, board)
	item.Title.Set(&task, "t")
	item.InList.Set(&task, list.Ref)
	task = l.write(to, board, nil, connector.Change{Op: connector.Create, Item: task, Mark: to.Carrier(item.Task, "rialto:task:1")})[0]
	link := in(item.Attachment, task.Ref)
	item.Address.Set(&link, "https://example.org/")
	item.Name.Set(&link, "https://example.org/")
	link = l.write(to, board, nil, change(connector.Create, link))[0]

	yes := func(item.Bundle) bool { return true }
	if ok, err := to.Delete(t.Context(), board, task.Ref, func(b item.Bundle) bool { return item.Title.Get(b.Item) != "t" }); ok || err != nil {
		t.Errorf("deleted what was not accepted: %v", err)
	}
	for _, r := range []item.Ref{board, list.Ref} {
		if _, err := to.Delete(t.Context(), board, r, yes); connector.ClassOf(err) != connector.Conflict {
			t.Errorf("%s was deleted with a card in it: %v", r.Kind, err)
		}
	}
	for _, r := range []item.Ref{link.Ref, link.Ref, task.Ref, task.Ref, list.Ref, board, board} {
		if ok, err := to.Delete(t.Context(), board, r, yes); !ok || err != nil {
			t.Errorf("%s: %v %v", r.Kind, ok, err)
		}
	}
	if n := len(l.server.Boards()); n != 0 {
		t.Errorf("%d boards are left", n)
	}
}

func TestSizesThatLie(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	to := l.target("")
	board := l.board(to)
	task := in(item.Task, board)
	item.Title.Set(&task, "t")
	item.InList.Set(&task, l.list(to, board, "L")[0].Ref)
	task = l.write(to, board, nil, change(connector.Create, task))[0]
	for _, size := range []int64{3, 300} {
		file := in(item.Attachment, task.Ref)
		item.Name.Set(&file, "f")
		file.Blob = &item.Blob{Bytes: size}
		for r := range to.Write(t.Context(), []connector.Change{change(connector.Create, file)}, bytesOpener(make([]byte, 30))) {
			if r.Err == nil {
				t.Errorf("%d bytes instead of 30 were attached", size)
			}
		}
	}
	for f := range to.Find(t.Context(), board, time.Time{}) {
		if f.Bundle.Item.Kind == item.Attachment {
			t.Error("a broken file is attached")
		}
	}
}

func TestMembersAndLinks(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	l.server.AddMember(standin.Member{Username: "ana", FullName: "Ana"})
	if _, err := l.server.AddWorkspace("Werkstatt", "ana"); err != nil {
		t.Fatal(err)
	}
	to := l.target("workspace:Werkstatt")
	var names []string
	for m, err := range to.Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, item.UserName.Get(m))
	}
	slices.Sort(names)
	if !slices.Equal(names, []string{"ana", "rialto_owner"}) {
		t.Errorf("%v", names)
	}
	r := item.Ref{Kind: item.Task, ID: "5ca3d99a0378a65090e676ca"}
	if alias, ok := l.source().Locate(to.Link(r, item.Ref{})); !ok || alias != r.ID {
		t.Errorf("%q %v", alias, ok)
	}
	if _, err := l.cloud.Target(t.Context(), "group:X"); err == nil || !strings.Contains(err.Error(), "workspace:NAME") {
		t.Error(err)
	}
}

// TestStandings: memberships tell whose account is closed, and whose nobody
// signed up for; of who only commented nothing is told.
func TestStandings(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	for _, m := range []standin.Member{{Username: "ana", FullName: "Ana"}, {Username: "dan", FullName: "Dan", Deactivated: true},
		{Username: "gil", FullName: "Gil", Ghost: true}, {Username: "tom", FullName: "Tom", Deactivated: true}} {
		l.server.AddMember(m)
	}
	if _, err := l.server.AddWorkspace("Werkstatt", "ana", "dan", "gil"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.server.AddBoard(standin.Board{Name: "B", Members: []string{"ana", "dan", "gil"}, Lists: []standin.List{{Name: "L",
		Cards: []standin.Card{{Name: "C", Comments: []standin.Comment{{Author: "tom", Text: "so"}}}}}}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"ana": item.Active, "dan": item.Disabled, "gil": item.Disabled, "tom": "", "rialto_owner": item.Active}
	met := map[string]int{}
	check := func(where string, m item.Item) {
		user := item.UserName.Get(m)
		met[where]++
		if got := item.Standing.Get(m); got != want[user] {
			t.Errorf("%s: %s is %q, want %q", where, user, got, want[user])
		}
	}
	for m, err := range l.target("workspace:Werkstatt").Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		check("target", m)
	}
	bundles, _, _ := all(t, l.source(), "")
	for _, b := range bundles {
		if b.Item.Kind == item.Member {
			check("source", b.Item)
		}
	}
	if met["target"] != 4 || met["source"] != 5 {
		t.Errorf("met %v", met)
	}
}

// Trello assigns a card, and an entry of a checklist, to members of the board
// alone: who is not one yet becomes one.
func TestAssigneesJoinTheBoard(t *testing.T) {
	l := newLab(t, standin.Options{}, nil)
	for _, name := range []string{"ana", "ben", "cleo"} {
		l.server.AddMember(standin.Member{Username: name, FullName: name})
	}
	if _, err := l.server.AddWorkspace("Acme", "ana", "ben", "cleo"); err != nil {
		t.Fatal(err)
	}
	to := l.target("workspace:Acme")
	ids := map[string]string{}
	for m, err := range to.Members(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids[item.UserName.Get(m)] = m.ID
	}
	board := in(item.Board, item.Ref{})
	item.Name.Set(&board, "B")
	item.Members.Set(&board, []string{ids["rialto_owner"]}) // who makes a board is its member
	b := l.write(to, item.Ref{}, nil, change(connector.Create, board))[0].Ref
	list := in(item.List, b)
	item.Name.Set(&list, "L")
	ref := l.write(to, b, nil, change(connector.Create, list))[0].Ref
	task := in(item.Task, b)
	item.Title.Set(&task, "T")
	item.InList.Set(&task, ref)
	item.Assignees.Set(&task, []string{ids["ana"], ids["ben"]})
	card := l.write(to, b, nil, change(connector.Create, task))[0]
	checks := in(item.Checklist, card.Ref)
	item.Name.Set(&checks, "C")
	item.Entries.Set(&checks, []item.Check{{Title: "E", Assignee: ids["cleo"]}})
	l.write(to, b, nil, change(connector.Create, checks))
	for got, err := range to.Fetch(t.Context(), b, []item.Ref{b}) {
		if err != nil {
			t.Fatal(err)
		}
		for name, id := range ids {
			if !slices.Contains(item.Members.Get(got.Item), id) {
				t.Errorf("%s is no member of the board", name)
			}
		}
	}
}
