package pairs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

type object = map[string]any

// id is a Trello id that a board of these tests uses.
func id(n int) string { return fmt.Sprintf("5ceedf1bc6515254e2db%04x", n) }

// oddBoard is a small export that says what it must; more adds to it or takes
// its place.
func oddBoard(more object) object {
	b := object{"id": id(1), "name": "Odd", "lists": []any{object{"id": id(2), "name": "L", "pos": 1}},
		"cards": []any{object{"id": id(3), "name": "C", "idList": id(2)}}}
	for k, v := range more {
		b[k] = v
	}
	return b
}

// A variant is an export that no program made so, with what a move of it must
// come to.
type variant struct {
	board object
	files map[string]string // of the attachments folder
	// lost are losses that must be among those of the move.
	lost []string
	// holds looks at the plan.
	holds func(t *testing.T, to *end, plan string)
}

func cards(list string, names ...string) []any {
	var out []any
	for i, n := range names {
		out = append(out, object{"id": id(100 + i), "name": n, "idList": list, "pos": 5})
	}
	return out
}

// plannerTasks are the titles of a plan's tasks as its board shows them.
func plannerTasks(to *end, plan string) []string {
	var out []string
	for _, t := range to.tenant.Tasks(plan) {
		out = append(out, t.Bucket+"/"+t.Title)
	}
	return out
}

func wantTasks(want ...string) func(*testing.T, *end, string) {
	return func(t *testing.T, to *end, plan string) {
		if got := plannerTasks(to, plan); !slices.Equal(got, want) {
			t.Errorf("the plan holds %q, want %q", got, want)
		}
	}
}

func variants() map[string]variant {
	long := strings.Repeat("長い ", 6700)
	var steps, labels, labelIDs []any
	for i := range 30 {
		steps = append(steps, object{"id": id(300 + i), "name": fmt.Sprintf("Step %d", i), "pos": i + 1, "state": []string{"complete", "incomplete"}[i%2]})
		labels = append(labels, object{"id": id(400 + i), "name": fmt.Sprintf("Label %d", i), "color": "red"})
		labelIDs = append(labelIDs, id(400+i))
	}
	return map[string]variant{
		"missing keys": {board: object{"id": id(1), "name": "Odd", "cards": []any{object{"id": id(3)}, object{"id": id(4), "name": "in no list"}}},
			lost: []string{"task.list: filled", "task.title: filled"}, holds: wantTasks("Unsorted/Untitled", "Unsorted/in no list")},
		"nothing but a board": {board: object{"id": id(1), "name": " ", "cards": []any{}, "lists": []any{}}, lost: []string{"board.name: filled"}, holds: wantTasks()},
		"nulls": {board: oddBoard(object{"desc": nil, "labels": nil, "members": nil, "actions": nil, "checklists": nil, "customFields": nil, "closed": nil,
			"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "desc": nil, "due": nil, "pos": nil, "labels": nil, "idLabels": nil, "idMembers": nil, "closed": nil,
				"attachments": nil, "badges": nil, "cover": nil, "idChecklists": nil, "stickers": nil}, nil, 7, "x"}}), holds: wantTasks("L/C")},
		"numbers as strings": {board: oddBoard(object{"closed": "false", "cards": []any{
			object{"id": id(3), "name": 42, "idList": id(2), "pos": "2.5", "closed": "false", "dueComplete": "true", "badges": object{"comments": "0"}},
			object{"id": id(4), "name": "first", "idList": id(2), "pos": "1"}}}), holds: wantTasks("L/first", "L/42")},
		"lists and labels of one name": {board: oddBoard(object{
			"lists":  []any{object{"id": id(2), "name": "Same", "pos": 1}, object{"id": id(5), "name": "Same", "pos": 2}},
			"labels": []any{object{"id": id(6), "name": "tag", "color": "red"}, object{"id": id(7), "name": "tag", "color": "red"}},
			"cards": []any{object{"id": id(3), "name": "A", "idList": id(2), "idLabels": []any{id(6)}},
				object{"id": id(4), "name": "B", "idList": id(5), "idLabels": []any{id(7), id(6)}}}}),
			lost: []string{"label.color: nearest"}, holds: wantTasks("Same/A", "Same/B")},
		"a title of 20,000 characters": {board: oddBoard(object{"cards": cards(id(2), long)}), lost: []string{"task.title: cut"},
			holds: func(t *testing.T, to *end, plan string) {
				got := to.tenant.Tasks(plan)[0]
				if len([]rune(got.Title)) > 255 || !strings.HasPrefix(long, got.Title) || !strings.Contains(got.Description, strings.TrimSpace(long)) {
					t.Errorf("a title of %d characters, and %d bytes of text", len([]rune(got.Title)), len(got.Description))
				}
			}},
		"control characters and bidi marks": {board: oddBoard(object{"name": "Odd\u0000\u202ename",
			"lists":      []any{object{"id": id(2), "name": "L\u0007\u2066ist\u2069", "pos": 1}},
			"labels":     []any{object{"id": id(6), "name": "t\u202dag\r\n", "color": "red"}},
			"checklists": []any{object{"id": id(8), "idCard": id(100), "name": "c\u0001", "checkItems": []any{object{"id": id(9), "name": "e\u001b[31mntry\u2028", "pos": 1}}}},
			"cards":      cards(id(2), "one\ntwo\tthree\u202e", "\u202e\u0007", "שלום\u200f emoji 👩‍👩‍👧")}),
			lost:  []string{"task.title: cleaned", "list.name: cleaned", "label.name: cleaned", "board.name: cleaned", "task.title: filled", "checklist.entries: cleaned"},
			holds: wantTasks("List/one two three", "List/Untitled", "List/שלום\u200f emoji 👩‍👩‍👧")},
		"cards at one position": {board: oddBoard(object{"cards": cards(id(2), "a", "b", "c", "d", "e")}), holds: wantTasks("L/a", "L/b", "L/c", "L/d", "L/e")},
		"a checklist of 30 entries": {board: oddBoard(object{"checklists": []any{object{"id": id(8), "idCard": id(3), "name": "Steps", "checkItems": steps}}}),
			lost: []string{"checklist.entries: text"}, holds: func(t *testing.T, to *end, plan string) {
				got := to.tenant.Tasks(plan)[0]
				if len(got.Checklist) != 20 || !strings.Contains(got.Description, "[ ] Step 29") || !strings.Contains(got.Description, "[x] Step 20") {
					t.Errorf("%d entries, and the text %q", len(got.Checklist), got.Description)
				}
			}},
		"thirty labels": {board: oddBoard(object{"labels": labels, "cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "idLabels": labelIDs}}}),
			lost: []string{"label.*: text", "task.labels: text"}, holds: func(t *testing.T, to *end, plan string) {
				if got := to.tenant.Tasks(plan)[0]; !strings.Contains(got.Description, "Labels: Label 25, Label 26") {
					t.Errorf("the text %q", got.Description)
				}
			}},
		"a card in a list that is not there": {board: oddBoard(object{"cards": []any{object{"id": id(3), "name": "lost", "idList": id(99)},
			object{"id": id(4), "name": "lost and archived", "idList": id(99), "closed": true}, object{"id": id(5), "name": "here", "idList": id(2)}}}),
			lost: []string{"task.list: filled", "task.closed: plan"}, holds: wantTasks("L/here", "Unsorted/lost")},
		"a comment of somebody unknown": {board: oddBoard(object{"actions": []any{object{"id": id(11), "type": "commentCard", "date": "2019-05-30T10:00:00.000Z", "idMemberCreator": id(12),
			"data": object{"text": "who am I", "card": object{"id": id(3)}, "board": object{"id": id(1)}}}}}),
			lost: []string{"comment.*: text"}, holds: func(t *testing.T, to *end, plan string) {
				if got := to.tenant.Tasks(plan)[0].Description; !strings.Contains(got, "unknown person "+id(12)) || !strings.Contains(got, "who am I") {
					t.Errorf("the text %q", got)
				}
			}},
		"an attachment whose size lies": {board: oddBoard(object{"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "attachments": []any{
			object{"id": id(13), "name": "a.txt", "bytes": 5, "isUpload": true, "url": "https://trello-attachments.s3.amazonaws.com/x/a.txt"}}}}}),
			files: map[string]string{id(13) + "/a.txt": "eleven bytes"}, lost: []string{"attachment.bytes: not-read"}, holds: wantTasks("L/C")},
		"a file that was not saved": {board: oddBoard(object{"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "attachments": []any{
			object{"id": id(13), "name": "a.txt", "bytes": 5, "isUpload": true, "url": "https://trello-attachments.s3.amazonaws.com/x/a.txt"}}}}}),
			files: map[string]string{}, lost: []string{"attachment.content: missing"}, holds: func(t *testing.T, to *end, plan string) {
				if got := to.tenant.Tasks(plan)[0].References; !slices.Contains(got, "https://trello-attachments.s3.amazonaws.com/x/a.txt") {
					t.Errorf("references %q", got)
				}
			}},
		"badges that count more than is there": {board: oddBoard(object{"cards": []any{object{"id": id(3), "name": "C", "idList": id(2), "badges": object{"comments": 3, "attachments": 1}}}}),
			lost: []string{"comment.*: missing", "attachment.*: missing"}, holds: wantTasks("L/C")},
	}
}

// TestOddExports moves boards as no program writes them: each moves, verifies,
// writes nothing the second time and is undone.
func TestOddExports(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := newPlanner(t, microsoft.Options{}, false)
			m := newMove(t, v.export(t), to, "*")
			before := to.left()
			f, _ := m.moved()
			for _, l := range v.lost {
				if !slices.ContainsFunc(f.Losses, func(got migrate.Loss) bool { return strings.HasPrefix(line(got)+" ", l+" ") }) {
					t.Errorf("the forecast does not name %q: %q", l, counted(f.Losses))
				}
			}
			v.holds(t, to, m.boards()[0].ID)
			m.idle()
			m.rebuilt()
			if len(f.Kinds) > 1 {
				m.undone(before)
			}
		})
	}
}

// export writes the variant to files and connects to them.
func (v variant) export(t *testing.T) *end {
	t.Helper()
	dir := t.TempDir()
	raw, err := json.Marshal(v.board)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "board.json")
	write(t, file, string(raw))
	if v.files == nil {
		return newExport(t, file)
	}
	files := filepath.Join(dir, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range v.files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(files, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(files, name), content)
	}
	return newExport(t, file, "attachments", files)
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLargeAttachments has a target that takes no file as large as one of the
// source: it becomes a link, text or nothing, by policy.
func TestLargeAttachments(t *testing.T) {
	for _, policy := range []string{"link", "drop"} {
		t.Run(policy, func(t *testing.T) {
			from, to := newTrello(t, 3), newTrello(t, 4).with("plan", "free")
			from.fillTrello()
			summer := from.card("Marketing", "Summer campaign").ID
			from.attach(summer, "huge.bin", 11<<20)
			m := newMove(t, from, to, "board:Marketing")
			m.spec.Policies.LargeAttachment = policy
			f, _ := m.moved()
			if !slices.ContainsFunc(f.Losses, func(l migrate.Loss) bool {
				return l.Kind == item.Attachment && l.Field == item.Content.Name && l.Policy == policy && l.Count == 1
			}) {
				t.Errorf("the losses do not name it: %q", counted(f.Losses))
			}
			m.idle()
		})
	}
}
