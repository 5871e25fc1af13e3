package planner

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// comment is one to be made on a task.
func comment(task item.Ref, text string) connector.Change {
	it := item.Item{Ref: item.Ref{Kind: item.Comment}, Parent: task}
	item.Body.Set(&it, text)
	return connector.Change{Op: connector.Create, Item: it}
}

func TestComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, true)
		board := r.board("B")
		list := r.lists(board, "A")[0]
		tasks := r.write(newTask(board, list, "one", "https://x.test/1"), newTask(board, list, "two", "https://x.test/2"))
		texts := []string{"Bob, 2026-01-02:\nfirst <b>", "second  with  spaces", "same", "same", "日本語"}
		var changes []connector.Change
		for _, text := range texts {
			changes = append(changes, comment(tasks[0].Item.Ref, text))
			time.Sleep(time.Second)
		}
		changes = append(changes, comment(tasks[1].Item.Ref, "other task"))
		stored := r.write(changes...)
		ids := map[string]bool{}
		for i, b := range stored {
			if item.Body.Get(b.Item) != item.Body.Get(changes[i].Item) || b.Item.Parent != changes[i].Item.Parent {
				t.Errorf("comment %d is %+v", i, b.Item)
			}
			if ids[b.Item.ID] {
				t.Errorf("two comments have one id")
			}
			ids[b.Item.ID] = true
			if got := r.fetchOne(board, b.Item.Ref); print(got) != print(b) {
				t.Errorf("fetched %+v, stored %+v", got.Item, b.Item)
			}
		}
		more := r.write(comment(tasks[0].Item.Ref, "later"))
		texts = append(texts, "later")
		listed := kindOf(bundles(r.list(board, "")), item.Task)
		var got []string
		for _, b := range listed {
			for _, c := range b.Of(item.Comment) {
				if item.Title.Get(b.Item) == "one" {
					got = append(got, item.Body.Get(c))
				}
				if item.Author.Get(c) != r.people[0] {
					t.Errorf("a comment is from %q", item.Author.Get(c))
				}
			}
		}
		for _, b := range listed {
			if item.Title.Get(b.Item) == "two" && len(b.Of(item.Comment)) != 1 {
				t.Errorf("the other task has %d comments, want one", len(b.Of(item.Comment)))
			}
		}
		if !slices.Equal(got, texts) {
			t.Errorf("comments %q, want %q", got, texts)
		}
		found := 0
		for _, f := range collect(t, r.dst.Find(r.ctx(), board, time.Time{})) {
			if f.Bundle.Item.Kind == item.Comment {
				found++
			}
		}
		if found != len(stored)+len(more) {
			t.Errorf("found %d comments", found)
		}
		if removed, err := r.dst.Delete(r.ctx(), board, stored[0].Item.Ref, func(item.Bundle) bool { return true }); removed || connector.ClassOf(err) != connector.Unsupported {
			t.Errorf("a post was deleted: %v, %v", removed, err)
		}
		// A run was stopped between making a thread and entering it in its task.
		third := r.write(newTask(board, list, "three", "https://x.test/3"))[0].Item.Ref
		status, made := r.srv.Do(r.people[0], "POST", "groups/"+r.group+"/threads", map[string]any{"topic": "three " + topicMark(third.ID),
			"posts": []any{map[string]any{"body": map[string]any{"contentType": "html", "content": postHTML("lost")}}}})
		if status != 201 {
			t.Fatalf("status %d: %v", status, made)
		}
		r.connect(true)
		found = 0
		for _, f := range collect(t, r.dst.Find(r.ctx(), board, time.Time{})) {
			if f.Bundle.Item.Parent == third && item.Body.Get(f.Bundle.Item) == "lost" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("a comment whose thread its task does not name was found %d times", found)
		}
		r.write(comment(third, "goes on"))
		for _, b := range kindOf(bundles(r.list(board, "")), item.Task) {
			if b.Item.Ref == third && len(b.Of(item.Comment)) != 2 {
				t.Errorf("%d comments, want both in one thread", len(b.Of(item.Comment)))
			}
		}
	})
}

// TestThreadThatComesLate lets a conversation come about whose making was in
// doubt, after others were written and the group's threads were read for them.
func TestThreadThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, true)
		board := r.board("B")
		list := r.lists(board, "A")[0]
		tasks := r.write(newTask(board, list, "one", "https://x.test/1"), newTask(board, list, "two", "https://x.test/2"))
		late := tasks[0].Item.Ref
		lost := r.hold("/threads", "one (#")
		if err := r.failing(comment(late, "first"))[0]; !connector.InDoubt(err) {
			t.Fatalf("got %v, want a write in doubt", err)
		}
		r.write(comment(tasks[1].Item.Ref, "on another task"))
		if status := lost(); status != 201 {
			t.Fatalf("the late request: status %d", status)
		}
		var found item.Ref
		for _, f := range collect(t, r.dst.Find(r.ctx(), board, time.Now())) {
			if f.Bundle.Item.Kind == item.Comment && f.Bundle.Item.Parent == late {
				found = f.Bundle.Item.Ref
			}
		}
		if found.Zero() {
			t.Fatal("the comment that came late is not found")
		}
		r.fetchOne(board, found)
		r.write(comment(late, "second"))
		var texts []string
		for _, b := range kindOf(bundles(r.list(board, "")), item.Task) {
			if b.Item.Ref != late {
				continue
			}
			for _, c := range b.Of(item.Comment) {
				texts = append(texts, item.Body.Get(c))
			}
		}
		if !slices.Equal(texts, []string{"first", "second"}) {
			t.Errorf("the task's comments are %q", texts)
		}
		_, got := r.srv.Do(r.people[0], "GET", "groups/"+r.group+"/threads", nil)
		if n := len(got["value"].([]any)); n != 2 {
			t.Errorf("%d conversations for two tasks", n)
		}
	})
}

func TestAppMayNotComment(t *testing.T) {
	r := tenant(t, standin.Options{}, false)
	it := item.Item{Ref: item.Ref{Kind: item.Comment}, Parent: item.Ref{Kind: item.Task, ID: "x"}}
	if err := r.failing(connector.Change{Op: connector.Create, Item: it})[0]; connector.ClassOf(err) != connector.Unsupported {
		t.Errorf("got %v", err)
	}
}

func TestBigFilesGoThroughSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{}, false)
		board := r.board("B")
		list := r.lists(board, "A")[0]
		ch := newTask(board, list, "big", "https://x.test/1")
		big := file("video.mp4", "v", "big:0123456789abcdef-")
		big.Blob.Bytes = 25<<20 + 7
		unknown := file("unknown.bin", "u", "of unknown size")
		unknown.Blob.Bytes = -1
		ch.Children = []item.Item{big, unknown, file("empty.txt", "e", "")}
		stored := r.write(ch)[0]
		files := stored.Of(item.Attachment)
		for i, want := range []int64{25<<20 + 7, 15, 0} {
			if files[i].Blob == nil || files[i].Blob.Bytes != want {
				t.Errorf("file %d is %+v", i, files[i].Blob)
			}
		}
		body, err := r.src.Open(r.ctx(), *files[0].Blob, 21*1000000, 21)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if got, err := io.ReadAll(body); err != nil || string(got) != strings.Repeat("0123456789abcdef-", 3)[21*1000000%17:21*1000000%17+21] {
			t.Errorf("read %q, %v", got, err)
		}
		// A size that lies.
		lie := newTask(board, list, "lie", "https://x.test/2")
		bad := file("short.txt", "s", "short")
		bad.Blob.Bytes = 50
		lie.Children = []item.Item{bad}
		if err := r.failing(lie)[0]; err == nil || connector.InDoubt(err) {
			t.Errorf("a file that is shorter than told: %v", err)
		}
	})
}

func TestNewGroupAndItsDrive(t *testing.T) {
	for _, delegated := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := tenant(t, standin.Options{ProvisioningDelay: 4 * time.Minute}, delegated)
			var err error
			if r.dst, err = r.cloud.Target(r.ctx(), "group:Brand new Ω"); err != nil {
				t.Fatal(err)
			}
			if n := r.srv.Requests()["POST /groups"]; n != 0 {
				t.Fatalf("asking for a target made %d groups", n)
			}
			if found := collect(t, r.dst.Find(r.ctx(), item.Ref{}, time.Time{})); len(found) != 0 {
				t.Errorf("found %d plans in a group that is not there", len(found))
			}
			board := r.board("B", r.people[1])
			list := r.lists(board, "A")[0]
			began := time.Now()
			ch := newTask(board, list, "with file", "https://x.test/1")
			ch.Children = []item.Item{file("a.txt", "a", "content")}
			stored := r.write(ch)[0]
			if waited := time.Since(began); waited < 3*time.Minute || waited > 6*time.Minute {
				t.Errorf("waited %s for a drive that takes four minutes", waited)
			}
			if got := r.fetchOne(board, stored.Item.Ref); print(got) != print(stored) {
				t.Errorf("fetched %+v", got.Children)
			}
		})
	}
}

func TestDriveThatDoesNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := tenant(t, standin.Options{ProvisioningDelay: 24 * time.Hour}, false)
		r.connect(false, "drive-wait", "1m")
		var err error
		if r.dst, err = r.cloud.Target(r.ctx(), "group:New"); err != nil {
			t.Fatal(err)
		}
		board := r.board("B")
		ch := newTask(board, r.lists(board, "A")[0], "with file", "https://x.test/1")
		ch.Children = []item.Item{file("a.txt", "a", "content")}
		if err := r.failing(ch)[0]; connector.ClassOf(err) != connector.Transient || connector.InDoubt(err) {
			t.Errorf("got %v", err)
		}
		if left := kindOf(bundles(r.list(board, "")), item.Task); len(left) != 0 {
			t.Error("a task was made without its file")
		}
	})
}

func TestFullTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limits := standin.DefaultLimits()
		limits.References, limits.TasksPerPlan, limits.BucketsPerPlan = 3, 4, 2
		r := tenant(t, standin.Options{Limits: &limits}, false)
		board := r.board("B")
		list := r.lists(board, "A", "B")[0]
		it := item.Item{Ref: item.Ref{Kind: item.List}, Parent: board}
		item.Name.Set(&it, "C")
		if err := r.failing(connector.Change{Op: connector.Create, Item: it})[0]; connector.ClassOf(err) != connector.Full {
			t.Errorf("got %v", err)
		}
		ch := newTask(board, list, "too many", "https://x.test/1")
		ch.Children = []item.Item{link("1", "https://a.test/1"), link("2", "https://a.test/2"), link("3", "https://a.test/3")}
		if err := r.failing(ch)[0]; connector.ClassOf(err) != connector.Full || connector.InDoubt(err) {
			t.Errorf("got %v", err)
		}
		if left := kindOf(bundles(r.list(board, "")), item.Task); len(left) != 0 {
			t.Errorf("a task whose details do not fit stays behind")
		}
		var changes []connector.Change
		for n := range 6 {
			ch := newTask(board, list, fmt.Sprint(n), fmt.Sprint("https://x.test/", n))
			ch.AfterPrevious = n > 0
			changes = append(changes, ch)
		}
		full := 0
		for _, err := range r.failing(changes...) {
			if err != nil && connector.ClassOf(err) == connector.Full {
				full++
			}
		}
		if full != 2 {
			t.Errorf("%d of 6 tasks did not fit into a plan of 4", full)
		}
	})
}
