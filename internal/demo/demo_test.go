package demo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	"github.com/rialto-migrate/rialto/connectors"
	sample "github.com/rialto-migrate/rialto/connectors/demo"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/app"
	"github.com/rialto-migrate/rialto/internal/cli"
	"github.com/rialto-migrate/rialto/internal/demo"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/mover"
)

// TestMain lets the test's own program be the mover.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == mover.Argument {
		os.Exit(job.Main(connectors.All()))
	}
	os.Exit(m.Run())
}

// tenant is what the test asks of the Microsoft 365 on the stage.
type tenant interface {
	Plans() []microsoft.PlanView
	Tasks(planID string) []microsoft.TaskView
}

// play runs the demo as the command line does and returns the stage as it is
// left.
func play(t *testing.T, args ...string) (stage *standin.Stage, out string, code int) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var stdout, stderr bytes.Buffer
	code = cli.Run(t.Context(), cli.Config{
		Connectors: connectors.All(), StandIns: connectors.StandIns(), Version: "test", In: strings.NewReader(""), Out: &stdout, Err: &stderr,
		Getenv: func(string) string { return "" },
		Demo: func(now time.Time, _ time.Duration) (_ *standin.Stage, err error) {
			stage, err = sample.New(now, 0)
			return stage, err
		},
	}, append([]string{"demo"}, args...))
	if stderr.Len() > 0 {
		t.Errorf("standard error: %s", &stderr)
	}
	left, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("the demo left %s behind", left[0].Name())
	}
	return stage, stdout.String(), code
}

// The demo ends well, prints what fits on a page, and both clouds hold the same.
func TestOnce(t *testing.T) {
	stage, out, code := play(t, "--once")
	if code != cli.ExitDone {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	for _, want := range []string{"Forecast", "What the target cannot hold", "keeps its day", "Meanwhile", "renames a card", "Run again", "updated", "moved",
		"東京でのお披露目", "Verify", "were read at both ends and hashed; 0 differ", "Equal, but for the", "holds  landlock"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Error("there are colours where no terminal is")
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 100 && !strings.Contains(line, "http://") {
			t.Errorf("%d characters in a line: %s", n, line)
		}
	}
	compare(t, stage)
}

// compare holds the two clouds side by side, without any of the engine's code.
func compare(t *testing.T, stage *standin.Stage) {
	t.Helper()
	tasks := map[string]microsoft.TaskView{}
	total := 0
	ms := stage.To.(tenant)
	plans := ms.Plans()
	for _, p := range plans {
		for _, task := range ms.Tasks(p.ID) {
			tasks[task.Title] = task
			total++
		}
	}
	if len(plans) != 2 {
		t.Fatalf("%d plans: one for the board and one for its archive were to be there", len(plans))
	}
	cards := 0
	for _, l := range stage.From.(*trello.Server).Boards()[0].Lists {
		for _, c := range l.Cards {
			cards++
			task, ok := tasks[c.Name]
			switch {
			case !ok:
				t.Errorf("%q did not arrive", c.Name)
				continue
			case task.Bucket != l.Name:
				t.Errorf("%q stands in %q, not in %q", c.Name, task.Bucket, l.Name)
			case task.Posts < c.Comments:
				t.Errorf("%q has %d posts for %d comments", c.Name, task.Posts, c.Comments)
			case len(task.References) != c.Attachments+1:
				t.Errorf("%q has %d references for %d attachments and the mark", c.Name, len(task.References), c.Attachments)
			case len(task.Checklist) != min(c.CheckItems, 20):
				t.Errorf("%q has %d entries of %d", c.Name, len(task.Checklist), c.CheckItems)
			}
			archived := c.Closed || l.Closed
			if home := slices.IndexFunc(plans, func(p microsoft.PlanView) bool { return p.ID == task.Plan }); strings.Contains(plans[home].Title, "archive") != archived {
				t.Errorf("%q is in the plan %q, archived: %v", c.Name, plans[home].Title, archived)
			}
		}
	}
	if cards < 60 || total != cards+1 { // the board's description is a task of its own
		t.Errorf("%d cards became %d tasks", cards, total)
	}
	if task := tasks["日本向けの小さいモデル"]; !strings.Contains(task.Description, "東京の駐輪場は幅が60 cmしかありません") {
		t.Errorf("the text arrived as %q", task.Description)
	}
	if task := tasks["Photos of number 001, Thursday 08:00"]; !slices.ContainsFunc(task.References, func(a string) bool { return strings.Contains(a, tasks["Build number 001"].ID) }) {
		t.Errorf("the link to another card does not lead to its task: %v", task.References)
	}
}

// With --json each line is an object, and the last says how it ended.
func TestJSON(t *testing.T) {
	_, out, code := play(t, "--json")
	if code != cli.ExitDone {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	events := map[string]int{}
	var last map[string]any
	for line := range strings.Lines(out) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		events[fmt.Sprint(last["event"])]++
	}
	if last["event"] != "done" || last["status"] != "equal-with-losses" || last["page"] == "" {
		t.Errorf("the last line is %v", last)
	}
	for event, least := range map[string]int{"step": 6, "connected": 2, "verb": 4, "mover": 1, "edit": 6, "item": 60, "done": 1} {
		if events[event] < least {
			t.Errorf("%d lines of the event %q, not %d", events[event], event, least)
		}
	}
	if events[job.Traffic] > 0 {
		t.Error("what is for people alone stands in the JSON lines")
	}
}

// The page shows both clouds while the demo is up, and nothing of it is left
// afterwards.
func TestPage(t *testing.T) {
	stage, err := sample.New(time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	d, err := demo.Open(t.Context(), demo.Config{Stage: stage, Listen: "127.0.0.1:0", App: app.Config{Connectors: connectors.All()}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := get(t, d.Page()); !strings.Contains(got, "Kvikk") || !strings.Contains(got, `class="split"`) {
		t.Error("the page does not show the board")
	}
	if got := get(t, d.Page()+"report"); !strings.Contains(got, "Nothing has been verified") {
		t.Errorf("the report before there is one: %s", got)
	}
	d.ShowReport([]byte("<p>all well"))
	if got := get(t, d.Page()+"report"); got != "<p>all well" {
		t.Errorf("the report: %s", got)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if _, err := http.Get(d.Page()); err == nil {
		t.Error("the page is still there")
	}
}

func get(t *testing.T, address string) string {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An address that is taken is an error that says what to do.
func TestAddressTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	stage, err := sample.New(time.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	_, err = demo.Open(context.Background(), demo.Config{Stage: stage, Listen: taken.Addr().String(), App: app.Config{Connectors: connectors.All()}})
	if err == nil || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("the error is %v", err)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Error("the state folder was left behind")
	}
}
