package migrate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/item"
)

// likePlanner keeps what Planner keeps, roughly: one unnamed checklist, few
// links, plain text, days, no archive, no comments.
func likePlanner() connector.Capabilities {
	c := everything()
	c.Format, c.Mention = connector.Plain, ""
	delete(c.Kinds, item.Comment)
	delete(c.Kinds, item.CustomField)
	lose := func(k item.Kind, fields ...string) {
		for _, f := range fields {
			delete(c.Kinds[k].Fields, f)
		}
	}
	lose(item.Board, "description", "closed", "created", "members")
	lose(item.List, "closed")
	lose(item.Task, "closed", "created", "author", "values", "cover", "stickers", "votes", "watchers", "location", "reminder", "parent", "power-ups")
	lose(item.Checklist, "name", "position", "entries.due", "entries.assignee")
	lose(item.Attachment, "author", "created", "position", "media-type")
	embed := func(k item.Kind, max int) {
		caps := c.Kinds[k]
		caps.Embedded, caps.Max = item.Task, max
		c.Kinds[k] = caps
	}
	embed(item.Checklist, 1)
	embed(item.Attachment, 9)
	c.Kinds[item.Checklist].Fields[item.Entries.Name] = connector.FieldCaps{MaxCount: 3, MaxChars: 40}
	c.Kinds[item.Task].Fields[item.Due.Name] = connector.FieldCaps{Days: true}
	task := c.Kinds[item.Task]
	task.Carrier, task.Shape = "a reference", []string{"title", "list"}
	c.Kinds[item.Task] = task
	labels := c.Kinds[item.Label]
	labels.Max = 4
	labels.Fields[item.Color.Name] = connector.FieldCaps{Values: []string{"red", "green", "blue", "lime"}, Unique: true}
	c.Kinds[item.Label] = labels
	return c
}

// lively fills a source with a board that has some of everything.
func lively(m *memory) item.Ref {
	ann := item.Item{Ref: item.Ref{Kind: item.Member, ID: "ann"}}
	item.Name.Set(&ann, "Ann Lee")
	item.UserName.Set(&ann, "ann")
	bob := item.Item{Ref: item.Ref{Kind: item.Member, ID: "bob"}}
	item.Name.Set(&bob, "Bob Ray")
	item.UserName.Set(&bob, "bob")
	m.people = []item.Item{ann, bob}
	board := item.Item{Ref: item.Ref{Kind: item.Board, ID: "b1"}}
	item.Name.Set(&board, "Marketing")
	item.Description.Set(&board, "What we sell and to whom")
	m.put(board)
	for i, c := range []string{"green", "green", "red", "purple", "sky"} {
		l := item.Item{Ref: item.Ref{Kind: item.Label, ID: fmt.Sprintf("l%d", i)}, Parent: board.Ref}
		item.Name.Set(&l, fmt.Sprintf("Label %d", i))
		item.Color.Set(&l, c)
		m.put(l)
	}
	f := item.Item{Ref: item.Ref{Kind: item.CustomField, ID: "f1"}, Parent: board.Ref}
	item.Name.Set(&f, "Budget")
	item.FieldType.Set(&f, "number")
	m.put(f)
	for i := range 3 {
		l := item.Item{Ref: item.Ref{Kind: item.List, ID: fmt.Sprintf("list%d", i)}, Parent: board.Ref}
		item.Name.Set(&l, fmt.Sprintf("List %d", i))
		item.Closed.Set(&l, i == 2)
		m.put(l)
	}
	start := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	for i := range 20 {
		t := item.Item{Ref: item.Ref{Kind: item.Task, ID: fmt.Sprintf("c%d", i)}, Parent: board.Ref}
		item.Title.Set(&t, fmt.Sprintf("Task %d", i))
		item.Description.Set(&t, fmt.Sprintf("See http://src/task/c%d and ask @bob **now**", (i+7)%20))
		item.InList.Set(&t, item.Ref{Kind: item.List, ID: fmt.Sprintf("list%d", i%3)})
		item.Due.Set(&t, start.Add(time.Duration(i)*24*time.Hour))
		item.Labels.Set(&t, []item.Ref{{Kind: item.Label, ID: fmt.Sprintf("l%d", i%5)}})
		item.Assignees.Set(&t, []string{"ann", "bob"}[:1+i%2])
		item.FieldValues.Set(&t, []item.FieldValue{{Field: "f1", Value: fmt.Sprint(i)}})
		item.Author.Set(&t, "ann")
		item.Created.Set(&t, start)
		item.Closed.Set(&t, i%6 == 5)
		m.put(t)
		for n := range i % 3 {
			l := item.Item{Ref: item.Ref{Kind: item.Checklist, ID: fmt.Sprintf("k%d.%d", i, n)}, Parent: t.Ref}
			item.Name.Set(&l, fmt.Sprintf("Steps %d", n))
			item.Position.Set(&l, fmt.Sprint(n))
			item.Entries.Set(&l, []item.Check{{Title: "one", Done: true}, {Title: "two"}})
			m.put(l)
		}
		for n := range i % 4 {
			c := item.Item{Ref: item.Ref{Kind: item.Comment, ID: fmt.Sprintf("m%d.%d", i, n)}, Parent: t.Ref}
			item.Body.Set(&c, fmt.Sprintf("I think %d, @ann", n))
			item.Author.Set(&c, "bob")
			item.Created.Set(&c, start.Add(time.Duration(n)*time.Minute))
			m.put(c)
		}
		if i%5 == 0 {
			a := item.Item{Ref: item.Ref{Kind: item.Attachment, ID: fmt.Sprintf("a%d", i)}, Parent: t.Ref}
			item.Name.Set(&a, "paper.txt")
			item.Author.Set(&a, "bob")
			a.Blob = &item.Blob{Ref: a.Ref, Bytes: 5, URL: "http://src/blob"}
			m.blobs[a.Ref] = fmt.Appendf(nil, "blob%d", i)
			m.put(a)
			link := item.Item{Ref: item.Ref{Kind: item.Attachment, ID: fmt.Sprintf("u%d", i)}, Parent: t.Ref}
			item.Name.Set(&link, "the other card")
			item.Address.Set(&link, fmt.Sprintf("http://src/task/c%d", (i+3)%20))
			m.put(link)
		}
	}
	return board.Ref
}

type bench struct {
	t        *testing.T
	from, to *memory
	led      ledger.Ledger
	spec     Spec
	fail     func(string)
}

func newBench(t *testing.T, caps connector.Capabilities) *bench {
	b := &bench{t: t, from: newMemory("http://src", everything()), to: newMemory("http://dst", caps), led: ledgertest.New(),
		spec: Spec{Name: "test", Scope: []string{"board:Marketing"}, Timezone: "Europe/Oslo", People: People{Others: "name-in-text"}}}
	lively(b.from)
	b.to.people = []item.Item{b.from.people[0]}
	return b
}

func (b *bench) engine() *Engine {
	e, err := New(Config{Spec: b.spec, From: Side{Title: "Source", Cloud: cloud{b.from}, Caps: b.from.caps, Connection: "src"},
		To: Side{Title: "Target", Cloud: cloud{b.to}, Caps: b.to.caps, Connection: "dst"}, Ledger: b.led, Key: make([]byte, 32),
		Failpoint: b.fail})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

func (b *bench) run(status string) *Report {
	b.t.Helper()
	r, err := b.engine().Run(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	if r.Status != status {
		for _, s := range r.Shards {
			b.t.Logf("%+v", s.Failures)
		}
		b.t.Fatalf("run ended %s, want %s: %+v", r.Status, status, r.Kinds)
	}
	return r
}

func (b *bench) verify(status string) *Verdict {
	b.t.Helper()
	v, err := b.engine().Verify(context.Background(), false)
	if err != nil {
		b.t.Fatal(err)
	}
	if v.Status != status {
		b.t.Fatalf("verify says %s, want %s: %+v", v.Status, status, v.Differences)
	}
	return v
}

func (b *bench) forecast() *Forecast {
	b.t.Helper()
	f, err := b.engine().Forecast(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func targets() map[string]connector.Capabilities {
	return map[string]connector.Capabilities{"everything": everything(), "like planner": likePlanner()}
}

func TestMoveVerifyAgain(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, caps)
			f := b.forecast()
			if b.to.writes != 0 {
				t.Fatal("the forecast wrote")
			}
			r := b.run("complete")
			for k, want := range f.Kinds {
				if got := r.Kinds[k]; got.Created != want.Create {
					t.Errorf("%s: %d created, %d forecast", k, got.Created, want.Create)
				}
			}
			status := "equal-with-losses"
			if name == "everything" {
				status = "equal-with-losses" // one person has no counterpart
			}
			v := b.verify(status)
			if !slices.EqualFunc(f.Losses, v.LossList, func(a, b Loss) bool {
				return a.Kind == b.Kind && a.Field == b.Field && a.Policy == b.Policy && a.Count == b.Count
			}) {
				t.Errorf("the losses that verify met are not those of the forecast:\n%+v\n%+v", f.Losses, v.LossList)
			}
			if v.Blobs.Files != 4 || v.Blobs.Differences != 0 {
				t.Errorf("blobs: %+v", v.Blobs)
			}
			before := b.to.writes
			b.run("complete")
			if b.to.writes != before {
				t.Errorf("a second run wrote %d times", b.to.writes-before)
			}
			if again := b.forecast(); again.Status != "nothing-to-do" {
				t.Errorf("after a run the forecast says %s: %+v", again.Status, again.Kinds)
			}
		})
	}
}

func TestDelta(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, caps)
			b.spec.Policies.Deletions = "delete"
			b.run("complete")
			task := func(n int) item.Ref { return item.Ref{Kind: item.Task, ID: fmt.Sprintf("c%d", n)} }
			b.from.edit(task(0), func(it *item.Item) { item.Title.Set(it, "Renamed") })
			b.from.edit(task(1), func(it *item.Item) { item.InList.Set(it, item.Ref{Kind: item.List, ID: "list0"}) })
			b.from.edit(task(3), func(it *item.Item) { item.Closed.Set(it, true) })
			b.from.drop(task(4))
			c := item.Item{Ref: item.Ref{Kind: item.Comment, ID: "new"}, Parent: task(6)}
			item.Body.Set(&c, "late words")
			item.Author.Set(&c, "ann")
			b.from.put(c)
			b.from.order = append([]item.Ref{task(9)}, slices.DeleteFunc(b.from.order, func(r item.Ref) bool { return r == task(9) })...)
			b.verify("differs")
			r := b.run("complete")
			b.verify("equal-with-losses")
			if r.Kinds[item.Task].Deleted+r.Kinds[item.Task].Created < 1 {
				t.Errorf("tasks: %+v", r.Kinds[item.Task])
			}
			before := b.to.writes
			b.run("complete")
			if b.to.writes != before {
				t.Errorf("a run with nothing changed wrote %d times", b.to.writes-before)
			}
		})
	}
}

func TestLinksFollow(t *testing.T) {
	b := newBench(t, everything())
	b.run("complete")
	for ref, it := range b.to.items {
		if s := item.Description.Get(it); ref.Kind == item.Task && !slices.Contains([]string{""}, s) {
			if want := "See http://dst/task/"; len(s) < len(want) || s[:len(want)] != want {
				t.Errorf("%s still says %q", ref, s)
			}
		}
	}
}

func TestConflict(t *testing.T) {
	b := newBench(t, everything())
	b.run("complete")
	ref := item.Ref{Kind: item.Task, ID: "c0"}
	var there item.Ref
	for r, it := range b.to.items {
		if item.Title.Get(it) == "Task 0" {
			there = r
		}
	}
	b.to.edit(there, func(it *item.Item) { item.Title.Set(it, "by people") })
	b.from.edit(ref, func(it *item.Item) { item.Title.Set(it, "by the source") })
	r := b.run("complete")
	if got := item.Title.Get(b.to.items[there]); got != "by people" {
		t.Errorf("the target's edit was overwritten by %q", got)
	}
	if r.Conflicts != 1 || len(r.InConflict) != 1 || r.InConflict[0].Source != "c0" || !slices.Equal(r.InConflict[0].Fields, []string{"title"}) || r.InConflict[0].Won != "target" {
		t.Errorf("listed: %+v", r.InConflict)
	}
	if r = b.run("complete"); r.Conflicts != 0 {
		t.Errorf("a conflict that was decided is listed again: %+v", r.InConflict)
	}
	b.spec.Policies.Conflict = "source"
	b.run("complete")
	if got := item.Title.Get(b.to.items[there]); got != "by the source" {
		t.Errorf("conflicts: source left %q", got)
	}
}

func TestUndo(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, caps)
			b.run("complete")
			n := len(b.to.items)
			dry, err := b.engine().Undo(context.Background(), true)
			if err != nil {
				t.Fatal(err)
			}
			if len(b.to.items) != n {
				t.Fatal("a dry run removed something")
			}
			rep, err := b.engine().Undo(context.Background(), false)
			if err != nil {
				t.Fatal(err)
			}
			if rep.Status != "undone" || len(b.to.items) != 0 {
				t.Fatalf("%s, %d items left: %+v", rep.Status, len(b.to.items), rep.Kept)
			}
			for k, want := range dry.Kinds {
				if rep.Kinds[k] != want {
					t.Errorf("%s: the dry run said %+v, undo did %+v", k, want, rep.Kinds[k])
				}
			}
			b.run("complete")
			b.verify("equal-with-losses")
		})
	}
}

func TestUndoKeepsWhatPeopleChanged(t *testing.T) {
	b := newBench(t, everything())
	b.run("complete")
	var there item.Ref
	for r, it := range b.to.items {
		if item.Title.Get(it) == "Task 0" {
			there = r
		}
	}
	b.to.edit(there, func(it *item.Item) { item.Title.Set(it, "by people") })
	rep, err := b.engine().Undo(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Status != "partly" || b.to.items[there].Kind == "" {
		t.Fatalf("%s: %+v", rep.Status, rep)
	}
	left := map[item.Kind]int{}
	for r := range b.to.items {
		left[r.Kind]++
	}
	if left[item.Task] != 1 || left[item.Board] != 1 || left[item.List] != 1 {
		t.Errorf("left: %v", left)
	}
}

func TestRebuild(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			task := caps.Kinds[item.Task]
			task.Carrier = "a reference"
			caps.Kinds[item.Task] = task
			b := newBench(t, caps)
			b.run("complete")
			b.led = ledgertest.New()
			rep, err := b.engine().Rebuild(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if rep.Status != "rebuilt" {
				t.Fatalf("%+v", rep)
			}
			before := len(b.to.items)
			b.run("complete")
			b.verify("equal-with-losses")
			if len(b.to.items) != before {
				t.Errorf("%d items at the target, %d before", len(b.to.items), before)
			}
		})
	}
}

// A write whose answer is lost is found again, by mark or by shape, and not
// made twice.
func TestLostAnswers(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, caps)
			b.to.answer = func(n int) error {
				if n%7 == 0 {
					return &connector.Error{Class: connector.Transient, Reason: "cut", InDoubt: true}
				}
				return nil
			}
			b.run("complete")
			b.to.answer = nil
			b.verify("equal-with-losses")
			clean := newBench(t, caps)
			clean.run("complete")
			if len(b.to.items) != len(clean.to.items) {
				t.Errorf("%d items with lost answers, %d without", len(b.to.items), len(clean.to.items))
			}
		})
	}
}

// A pass that dies at any failpoint goes on and ends as if nothing had been.
func TestCutOffAnywhere(t *testing.T) {
	for name, caps := range targets() {
		t.Run(name, func(t *testing.T) {
			clean := newBench(t, caps)
			clean.run("complete")
			for n := 1; n < 120; n += 3 {
				synctest.Test(t, func(t *testing.T) { cutOff(t, caps, n, len(clean.to.items)) })
			}
		})
	}
}

// cutOff lets a pass die at its n-th step, and another one go on.
func cutOff(t *testing.T, caps connector.Capabilities, n, want int) {
	t.Helper()
	b := newBench(t, caps)
	buried := make(chan struct{})
	defer close(buried)
	var step atomic.Int64
	b.fail = func(string) {
		if step.Add(1) >= int64(n) { // the process is gone: nothing of it goes on
			<-buried
			runtime.Goexit()
		}
	}
	go func() { _, _ = b.engine().Run(context.Background()) }()
	synctest.Wait() // what had been sent has arrived
	b.fail = nil
	b.run("complete")
	b.verify("equal-with-losses")
	if len(b.to.items) != want {
		t.Errorf("cut off at step %d: %d items, want %d", n, len(b.to.items), want)
	}
}

// A pass that is asked to stop finishes what is under way: nothing is left in
// doubt, nothing failed, and the next run goes on.
func TestStop(t *testing.T) {
	for _, after := range []int64{3, 10, 25} {
		b := newBench(t, everything())
		stop := make(chan struct{})
		var step atomic.Int64
		b.fail = func(name string) {
			if step.Add(1) == after*4 {
				close(stop)
			}
		}
		e := b.engine()
		e.Stop = stop
		rep, err := e.Run(context.Background())
		if !errors.Is(err, ErrStopped) {
			t.Fatalf("the run ended with %v: %+v", err, rep)
		}
		shards, _ := b.led.Shards(context.Background())
		for _, s := range shards {
			if doubt, _ := b.led.InDoubt(context.Background(), s.Num); len(doubt) > 0 {
				t.Errorf("%d writes are in doubt", len(doubt))
			}
			if fails, _ := b.led.Failures(context.Background(), s.Num, 10); len(fails) > 0 {
				t.Errorf("failures: %v", fails)
			}
		}
		b.fail = nil
		if r := b.run("complete"); !r.Resumed {
			t.Error("the next run did not go on with the pass")
		}
		b.verify("equal-with-losses")
	}
}

// Where a link cannot be changed once it is written, it is written after what
// it points at; and where it must change all the same, it is made anew.
func TestFixedFields(t *testing.T) {
	caps := everything()
	for _, f := range []string{item.Name.Name, item.Address.Name} {
		caps.Kinds[item.Attachment].Fields[f] = connector.FieldCaps{Fixed: true}
	}
	b := newBench(t, caps)
	b.run("complete")
	b.verify("equal-with-losses")
	made := b.to.next
	b.from.edit(item.Ref{Kind: item.Attachment, ID: "u5"}, func(it *item.Item) { item.Name.Set(it, "another name") })
	b.run("complete")
	b.verify("equal-with-losses")
	if b.to.next != made+1 {
		t.Errorf("%d items were made for one that had to be made anew", b.to.next-made)
	}
}

// A failure ends with its item: what is gone from the source is not held against
// later runs, whether it had been written before or not.
func TestFailuresOfWhatIsGone(t *testing.T) {
	for _, tc := range []struct {
		name      string
		deletions string
		fails     item.Ref
		gone      item.Ref
	}{
		{"an attachment that was never written, with its task", "delete", item.Ref{Kind: item.Attachment, ID: "a5"}, item.Ref{Kind: item.Task, ID: "c5"}},
		{"an attachment that was never written", "delete", item.Ref{Kind: item.Attachment, ID: "a5"}, item.Ref{Kind: item.Attachment, ID: "a5"}},
		{"a task that was never written", "delete", item.Ref{Kind: item.Task, ID: "c5"}, item.Ref{Kind: item.Task, ID: "c5"}},
		{"a task that could not be changed", "delete", item.Ref{}, item.Ref{Kind: item.Task, ID: "c5"}},
		{"a task that could not be changed, and is kept", "keep", item.Ref{}, item.Ref{Kind: item.Task, ID: "c5"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, everything())
			b.spec.Policies.Deletions = tc.deletions
			if tc.fails.Zero() {
				b.run("complete")
				b.from.edit(tc.gone, func(it *item.Item) { item.Title.Set(it, "unheard-of") })
			} else {
				b.from.edit(tc.fails, func(it *item.Item) { item.Title.Set(it, "unheard-of"); item.Name.Set(it, "unheard-of") })
			}
			b.to.refuse = func(c connector.Change) error {
				if item.Title.Get(c.Item) == "unheard-of" || item.Name.Get(c.Item) == "unheard-of" {
					return connector.Errorf(connector.Transient, "later")
				}
				return nil
			}
			b.run("partial")
			for _, kid := range b.from.bundle(tc.gone).Children {
				b.from.drop(kid.Ref)
			}
			b.from.drop(tc.gone)
			b.run("complete")
			before := b.to.writes
			b.run("complete")
			if b.to.writes != before {
				t.Errorf("one more run wrote %d times", b.to.writes-before)
			}
		})
	}
}
