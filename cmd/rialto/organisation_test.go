package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	trello "github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/internal/sheet"
)

// A weekend is an organisation on its way from Trello to Microsoft 365, with
// people who go on working in both.
type weekend struct {
	t        *testing.T
	rialto   *install
	from, to *served
	staff    *trello.Staff
	file     string
	day      int
	dice     *rand.Rand
	theirs   map[string]string // titles that people gave to tasks of the target, by the task's id
	disputed map[string]bool   // cards that were retitled at both ends between two passes
	listed   map[string]bool   // items that a pass listed as in conflict
}

// TestOrganisation moves a generated organisation with the real program: scan,
// people, a pilot, four waves with edits at both ends between them, verify, undo
// of one wave, and all of it again. A tenth of the size, and the whole in the soak:
// 300 boards, 400 people of whom 30 have left, 60,000 cards.
func TestOrganisation(t *testing.T) {
	size := trello.Organisation{Boards: 30, People: 40, Left: 3, Cards: 6000, Seed: 5}
	if soaking() {
		size = trello.Organisation{Boards: 300, People: 400, Left: 30, Cards: 60000, Seed: 5}
	}
	w := newWeekend(t, size)
	w.plan(4)
	w.run("--limit", "3") // the pilot
	for wave := 1; wave <= 4; wave++ {
		w.run("--wave", strconv.Itoa(wave))
		w.status()
		w.live()
	}
	w.run()
	w.verify()
	w.stand()
	if again := w.run(); again.writes() != 0 || again.Conflicts != 0 {
		t.Errorf("a pass over an organisation in which nothing changed: %d writes, %d conflicts", again.writes(), again.Conflicts)
	}
	for card := range w.disputed {
		if !w.listed[card] {
			t.Errorf("card %s was retitled at both ends, and no pass listed it", card)
		}
	}
	if len(w.disputed) == 0 {
		t.Error("nothing was ever in dispute: the test proves nothing about it")
	}
	t.Logf("%d days, %d cards in dispute, %d items listed", w.day, len(w.disputed), len(w.listed))
	w.cutover("cut-over", "--wave", "2")
	if again := w.run("--wave", "2"); again.writes() != 0 {
		t.Errorf("a wave that was cut over was written to: %d writes", again.writes())
	}
	w.cutover("reverted", "--wave", "2", "--revert")
	if again := w.run(); again.writes() != 0 {
		t.Errorf("closing a wave and opening it again left %d writes to do", again.writes())
	}
	w.undo(4)
	w.run()
	w.verify()
}

func newWeekend(t *testing.T, size trello.Organisation) *weekend {
	plenty := standin.Window{Max: 1000000, Per: 10 * time.Second}
	srv := trello.New(trello.Options{Seed: 3, Rates: &trello.Rates{Token: plenty, Key: plenty}})
	staff, err := srv.Generate(size)
	if err != nil {
		t.Fatal(err)
	}
	w := &weekend{t: t, rialto: newInstall(t), staff: staff, dice: rand.New(rand.NewPCG(size.Seed, 1)), theirs: map[string]string{}, disputed: map[string]bool{}, listed: map[string]bool{}}
	w.rialto.weighed = true
	w.rialto.patience = time.Duration(10+size.Cards/500) * time.Minute
	w.from = serve(t, srv)
	w.from.connector, w.from.trello, w.from.settings = "trello", srv, srv.Settings(w.from.base)
	limits := microsoft.DefaultLimits()
	limits.TasksCreatedBy = 10 * size.Cards // one account stands for several here
	w.to = servePlanner(t, microsoft.Options{Seed: 4, Limits: &limits}, false)
	for i, p := range staff.People() {
		if !p.Left && i%10 != 0 { // one in ten is not there
			w.to.tenant.AddUser(microsoft.User{Name: p.FullName, Mail: p.Username + "@example.test"})
		}
	}
	for name, s := range map[string]*served{"old": w.from, "new": w.to} {
		args := []string{"connect", s.connector, "--name", name}
		for _, k := range slices.Sorted(maps.Keys(s.settings)) {
			args = append(args, "--set", k+"="+s.settings[k])
		}
		w.rialto.must(args...)
	}
	dir := t.TempDir()
	w.file = filepath.Join(dir, "all.yaml")
	yaml := `name: all
from: {connection: old}
to: {connection: new, place: "group:Marketing"}
people: {file: people.csv, others: name-in-text}
accept: widening
policies: {deletions: delete}
map: boards.csv
`
	if err := os.WriteFile(w.file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return w
}

// plan scans, gives each board a place, spreads the boards over waves, and has the
// people listed.
func (w *weekend) plan(waves int) {
	w.t.Helper()
	path := filepath.Join(filepath.Dir(w.file), "boards.csv")
	w.rialto.must("scan", "old", "--csv", path, "--waves", strconv.Itoa(waves))
	s, err := sheet.Read(path)
	if err != nil {
		w.t.Fatal(err)
	}
	var rows [][]string
	for i, r := range s.Rows {
		var row []string
		for _, c := range s.Columns {
			if c == "place" {
				row = append(row, fmt.Sprintf("group:Team %d", i%7))
				continue
			}
			row = append(row, r.Get(c))
		}
		rows = append(rows, row)
	}
	if err := sheet.Write(path, s.Columns, rows); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(w.file), "people.csv"), []byte("source,target\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.rialto.must("people", w.file, "--out", filepath.Join(filepath.Dir(w.file), "people.csv"))
}

// A passed is what a run ended with.
type passed struct {
	Status    string
	Conflicts int
	Kinds     map[string]struct{ Created, Updated, Deleted, Failed int }
	Shards    []struct{ Failures []any }
	List      []struct{ Source string } `json:"conflict_list"`
}

func (p passed) writes() (n int) {
	for _, k := range p.Kinds {
		n += k.Created + k.Updated + k.Deleted
	}
	return n
}

// run forecasts and moves a part of it; everything must be moved, and nobody told
// of it who was not forecast to be.
func (w *weekend) run(sel ...string) (p passed) {
	w.t.Helper()
	told := w.forecast(sel...)
	w.to.tenant.ForgetNotices()
	e := w.rialto.must(append([]string{"run", "--json", w.file}, sel...)...)
	if err := e.done(&p); err != nil {
		w.t.Fatal(err)
	}
	if p.Status != "complete" {
		w.t.Fatalf("run %v: %s: %+v", sel, p.Status, p.Shards)
	}
	for _, c := range p.List {
		w.listed[c.Source] = true
	}
	w.t.Logf("run %v: %d writes, %d conflicts, %v, %v", sel, p.writes(), p.Conflicts, e.took.Round(time.Millisecond), e.peak)
	w.small(e)
	told.cover(w.t, w.to.tenant.Notices())
	return p
}

// live lets a day pass at the source, and people at the target retitle some of
// the tasks that are there: some of which the source retitled too.
func (w *weekend) live() {
	w.day++
	went := w.went()
	for _, e := range w.staff.Day(w.day) {
		task, moved := went[e.Card]
		if e.Op != trello.Retitle || !moved {
			continue
		}
		title := fmt.Sprintf("disputed on day %d, %d", w.day, w.dice.IntN(1000000))
		if err := w.to.tenant.Retitle(task, title); err == nil { // they may have deleted it
			w.theirs[task], w.disputed[e.Card] = title, true
		}
	}
	for _, p := range w.to.tenant.Plans() {
		for _, task := range w.to.tenant.Tasks(p.ID) {
			if w.dice.IntN(100) > 0 {
				continue
			}
			title := fmt.Sprintf("retitled by people on day %d, %d", w.day, w.dice.IntN(1000000))
			if err := w.to.tenant.Retitle(task.ID, title); err != nil {
				w.t.Fatal(err)
			}
			w.theirs[task.ID] = title
		}
	}
}

// went tells which task each card became, by the ledger's export.
func (w *weekend) went() map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(w.rialto.must("ledger", "export", w.file).out) {
		var l struct {
			Row *struct{ Source, Target, State string }
		}
		if json.Unmarshal([]byte(line), &l) != nil || l.Row == nil {
			continue
		}
		card, ok := strings.CutPrefix(l.Row.Source, "task:")
		if task, made := strings.CutPrefix(l.Row.Target, "task:"); ok && made {
			out[card] = task
		}
	}
	return out
}

// verify reads both sides back: nothing differs but what people made of it at the
// target, and nothing is there that did not come from the source.
func (w *weekend) verify() {
	w.t.Helper()
	e := w.rialto.run(fate{}, "", "verify", "--json", w.file)
	var v struct {
		Status       string
		Failed, Kept int
		Edited, Lost int
		Differences  []struct {
			Kind, Source, Target, Field, Reason string
		}
		Extra map[string]int
	}
	if err := e.done(&v); err != nil {
		w.t.Fatalf("%v: %v", err, e)
	}
	if v.Failed > 0 || v.Lost > 0 {
		w.t.Errorf("verify: %s, %d failed, %d differences that people made, and %d others", v.Status, v.Failed, v.Edited, v.Lost)
		for _, d := range v.Differences {
			if !strings.HasPrefix(d.Reason, "changed in the target") {
				w.t.Logf("not made by people: %+v", d)
			}
		}
	}
	for kind, n := range v.Extra {
		if kind != "list" { // a new plan's own bucket
			w.t.Errorf("verify: %d of kind %s came from nowhere", n, kind)
		}
	}
}

// stand sees that what people wrote at the target stands there.
func (w *weekend) stand() {
	w.t.Helper()
	titles := map[string]string{}
	for _, p := range w.to.tenant.Plans() {
		for _, task := range w.to.tenant.Tasks(p.ID) {
			titles[task.ID] = task.Title
		}
	}
	for id, want := range w.theirs {
		if got := titles[id]; got != want {
			w.t.Errorf("task %s: people called it %q, and it is %q", id, want, got)
		}
	}
}

// cutover ends or begins again the work at the source. Of many boards some can be
// closed by their own administrators alone: those end in steps for them.
func (w *weekend) cutover(status string, sel ...string) {
	w.t.Helper()
	e := w.rialto.must(append([]string{"cutover", "--json", "--yes", w.file}, sel...)...)
	var c struct{ Status string }
	if err := e.done(&c); err != nil || c.Status != status && (c.Status != "steps" || !soaking()) {
		w.t.Fatalf("cutover %v: %s, %v: %v", sel, c.Status, err, tail(e.out))
	}
	w.t.Logf("cutover %v: %s, %v, %v", sel, c.Status, e.took.Round(time.Millisecond), e.peak)
}

// undo takes a wave back; only what people changed stays.
func (w *weekend) undo(wave int) {
	w.t.Helper()
	var u struct {
		Status string
		Kept   []struct{ Reason string }
	}
	if err := w.rialto.must("undo", "--json", w.file, "--wave", strconv.Itoa(wave)).done(&u); err != nil {
		w.t.Fatal(err)
	}
	for _, k := range u.Kept {
		if !strings.Contains(k.Reason, "people changed it") && !strings.Contains(k.Reason, "stays") {
			w.t.Errorf("undo kept something: %s", k.Reason)
		}
	}
	w.t.Logf("undo of wave %d: %s, %d kept", wave, u.Status, len(u.Kept))
}
