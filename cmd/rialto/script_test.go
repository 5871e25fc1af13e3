package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
)

// TestScripts runs the command lines of testdata/script, with these commands
// beside testscript's own:
//
//	clouds [tasks=N] [boards=N]
//	                     serves a Trello with the board "Marketing" and N small ones,
//	                     "Board 1" and so on, and a tenant with the group Marketing,
//	                     whose plans hold N tasks; their addresses and credentials are
//	                     in the environment, and so are the boards' ids: BOARD_1
//	exits CODE CMD…      runs a command that must end with this exit code
//	lines                every line of the output is JSON, and the last one's event is done
//	done PATH VALUE      the last line holds this value: done kinds.task.created 3
//	card OLD NEW [DESC]  renames a card, as a person would, and describes it
//	task OLD NEW         renames a task
//	write FILE TEXT      makes a file, for a text that is in the environment alone; \n ends a line
//	sleep                gives a process in the background time to begin
//	visibility V         makes the group Marketing Public, Private or HiddenMembership
//	revoke, restore      takes the Trello's token away, and gives it back
//	written N            so many writing requests came to the Trello so far
//	board ID PATTERN     a board of the Trello is so: "open NAME\nDESCRIPTION" or "closed …"
//	readonly yes|no      takes the Trello's token the right to write, and gives it back
//	hold, held, release  holds all requests to the Trello; waits until one is held; lets them go
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireUniqueNames:  true,
		RequireExplicitExec: false,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_STATE_HOME", "") // the program's own default below HOME
			env.Setenv("TMPDIR", env.WorkDir)
			env.Values[stageKey{}] = &stage{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"clouds": clouds, "exits": exits, "lines": lines, "done": done, "card": renameCard, "task": renameTask,
			"hold":    func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).held = of(ts).trello.stop() },
			"held":    waitHeld,
			"board":   board,
			"written": written,
			"readonly": func(ts *testscript.TestScript, _ bool, args []string) {
				of(ts).trello.trello.SetReadOnly(args[0] == "yes")
			},
			"visibility": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(of(ts).planner.tenant.SetVisibility(of(ts).planner.group, args[0]))
			},
			"revoke":  func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).trello.trello.RevokeToken() },
			"restore": func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).trello.trello.RestoreToken() },
			"write": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(args[1], `\n`, "\n")), 0o600))
			},
			"sleep":   func(*testscript.TestScript, bool, []string) { time.Sleep(time.Second) },
			"release": func(ts *testscript.TestScript, _ bool, _ []string) { of(ts).trello.release() },
		},
	})
}

type stageKey struct{}

// A stage is the clouds of one script.
type stage struct {
	trello, planner *served
	held            <-chan struct{}
}

func of(ts *testscript.TestScript) *stage { return ts.Value(stageKey{}).(*stage) }

// scriptT lets a script's clouds be served as a test's are.
type scriptT struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptT) Helper()           {}
func (s scriptT) Cleanup(f func())  { s.ts.Defer(f) }
func (s scriptT) Fatal(args ...any) { s.ts.Fatalf("%s", fmt.Sprint(args...)) }
func (s scriptT) Fatalf(format string, args ...any) {
	s.ts.Fatalf(format, args...)
}

func clouds(ts *testscript.TestScript, _ bool, args []string) {
	t := scriptT{ts: ts}
	limits := microsoft.DefaultLimits()
	boards, organisation := 0, 0
	for _, a := range args {
		what, n, _ := strings.Cut(a, "=")
		number, err := strconv.Atoi(n)
		switch {
		case err == nil && what == "tasks":
			limits.TasksPerPlan = number
		case err == nil && what == "boards":
			boards = number
		case err == nil && what == "organisation":
			organisation = number
		default:
			ts.Fatalf("clouds takes tasks=N, boards=N and organisation=N, not %s", a)
		}
	}
	s := of(ts)
	s.trello, s.planner = serveTrello(t, 7), servePlanner(t, microsoft.Options{Seed: 7, Limits: &limits}, false)
	if organisation > 0 { // of that many boards, in place of the board Marketing
		_, err := s.trello.trello.Generate(trello.Organisation{Boards: organisation, People: organisation + 4, Cards: 4 * organisation, Left: 1, Seed: 7})
		if err != nil {
			ts.Fatalf("%v", err)
		}
	} else if _, err := s.trello.trello.AddBoard(marketing()); err != nil {
		ts.Fatalf("%v", err)
	}
	for i := range boards {
		name := fmt.Sprintf("Board %d", i+1)
		id, err := s.trello.trello.AddBoard(trello.Board{Name: name, Made: testEpoch, Lists: []trello.List{{Name: "All",
			Cards: []trello.Card{{Name: "First of " + name, Made: testEpoch}, {Name: "Second of " + name, Made: testEpoch}}}}})
		if err != nil {
			ts.Fatalf("%v", err)
		}
		ts.Setenv(fmt.Sprintf("BOARD_%d", i+1), id)
		for _, b := range s.trello.trello.Boards() {
			if b.ID == id {
				ts.Setenv(fmt.Sprintf("CARD_%d", i+1), b.Lists[0].Cards[0].ShortLink)
			}
		}
	}
	for _, c := range []*served{s.trello, s.planner} {
		for k, v := range c.settings {
			ts.Setenv(strings.ToUpper(c.connector+"_"+strings.ReplaceAll(k, "-", "_")), v)
		}
	}
}

// marketing is the board of the scripts.
func marketing() trello.Board {
	due := testEpoch.AddDate(0, 1, 0)
	return trello.Board{Name: "Marketing", Made: testEpoch, Members: []string{user(0), user(1)},
		Labels: []trello.Label{{Name: "urgent", Color: "red"}, {Name: "later", Color: "green"}},
		Lists: []trello.List{
			{Name: "Ideas", Cards: []trello.Card{
				{Name: "Write the launch post", Desc: "With pictures.", Made: testEpoch, Labels: []string{"urgent"}, Members: []string{user(0)}, Due: due,
					Checklists: []trello.Checklist{{Name: "Before", Items: []trello.Item{{Name: "Ask for pictures", Done: true}, {Name: "Proofread"}}}},
					Comments:   []trello.Comment{{Author: user(1), Text: "I have the pictures.", At: testEpoch.Add(time.Hour)}}},
				{Name: "ポスターを確認", Made: testEpoch, Attachments: []trello.Attachment{{Name: "poster.txt", Data: []byte("a very small poster"), At: testEpoch}}},
			}},
			{Name: "Done", Cards: []trello.Card{{Name: "Book the hall", Made: testEpoch, Done: true, Desc: "See {card:Write the launch post}."}}},
		}}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: exits CODE COMMAND…")
	}
	want, err := strconv.Atoi(args[0])
	if err != nil {
		ts.Fatalf("exits: %v", err)
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, expected %d", got, want)
	}
}

// lastLine reads the output of the last command, all of it as JSON lines.
func lastLine(ts *testscript.TestScript) map[string]any {
	var last map[string]any
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			ts.Fatalf("a line is not JSON: %v\n%s", err, line)
		}
	}
	return last
}

func lines(ts *testscript.TestScript, _ bool, _ []string) {
	if last := lastLine(ts); last["event"] != "done" {
		ts.Fatalf("the last line's event is %v", last["event"])
	}
}

func done(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: done PATH VALUE")
	}
	var v any = lastLine(ts)
	for key := range strings.SplitSeq(args[0], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: there are %d", args[0], len(at))
			}
			v = at[i]
		default:
			v = nil
		}
	}
	if got := fmt.Sprint(v); (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func renameCard(ts *testscript.TestScript, _ bool, args []string) {
	srv := of(ts).trello.trello
	for _, b := range srv.Boards() {
		for _, l := range b.Lists {
			if i := slices.IndexFunc(l.Cards, func(c trello.CardView) bool { return c.Name == args[0] }); i >= 0 {
				edit := trello.CardEdit{Name: &args[1]}
				if len(args) > 2 {
					edit.Desc = &args[2]
				}
				ts.Check(srv.EditCard(l.Cards[i].ID, edit))
				return
			}
		}
	}
	ts.Fatalf("there is no card %q", args[0])
}

func renameTask(ts *testscript.TestScript, _ bool, args []string) {
	srv := of(ts).planner.tenant
	for _, p := range srv.Plans() {
		tasks := srv.Tasks(p.ID)
		if i := slices.IndexFunc(tasks, func(t microsoft.TaskView) bool { return t.Title == args[0] }); i >= 0 {
			ts.Check(srv.Retitle(tasks[i].ID, args[1]))
			return
		}
	}
	ts.Fatalf("there is no task %q", args[0])
}

func waitHeld(ts *testscript.TestScript, _ bool, _ []string) {
	select {
	case <-of(ts).held:
	case <-time.After(30 * time.Second):
		ts.Fatalf("no request came to be held")
	}
}

func board(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile(args[1])
	for _, b := range of(ts).trello.trello.Boards() {
		if b.ID != args[0] {
			continue
		}
		stands := "open "
		if b.Closed {
			stands = "closed "
		}
		if stands += b.Name + "\n" + b.Desc; want.MatchString(stands) == neg {
			ts.Fatalf("the board is %q", stands)
		}
		return
	}
	ts.Fatalf("there is no board %s", args[0])
}

func written(ts *testscript.TestScript, _ bool, args []string) {
	if got := fmt.Sprint(of(ts).trello.writes.Load()); got != args[0] {
		ts.Fatalf("%s writing requests came to the source, expected %s", got, args[0])
	}
}
