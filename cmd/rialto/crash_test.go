package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
)

var (
	firstSeed = flag.Uint64("seed", 1, "TestKillAnywhere: the first seed")
	calm      = flag.Bool("calm", false, "TestKillAnywhere: nothing fails and nobody dies")
	seedCount = flag.Int("seeds", 0, "TestKillAnywhere: how many seeds; 0 means 200, 20 with -short, 2,000 with RIALTO_SOAK=1")
)

// TestKillAnywhere proves "never twice, never lost": the program, or its mover
// alone, is killed at every step of the protocol, in full passes and deltas,
// while the clouds fail at random and let requests of the dead land late. Run
// again, it always comes to the same end: the target holds what the source
// does, nothing twice, nothing lost, and one more run writes nothing.
//
// What a seed does is the same in every run but for the moments that the
// machine decides. One alone: go test ./cmd/rialto -run TestKillAnywhere -seed N -seeds 1
func TestKillAnywhere(t *testing.T) {
	n := *seedCount
	switch {
	case n > 0:
	case os.Getenv("RIALTO_SOAK") != "":
		n = 2000
	case testing.Short():
		n = 20
	default:
		n = 200
	}
	dead := &census{at: map[string]int{}}
	t.Run("seeds", func(t *testing.T) {
		for i := range n {
			seed := *firstSeed + uint64(i)
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				newTrial(t, seed, dead).carryOut()
			})
		}
	})
	t.Log(dead)
	for _, step := range steps() {
		if n >= 200 && !*calm && dead.of(step) == 0 {
			t.Errorf("no process died at %s: the test did not prove what it says", step)
		}
	}
}

// A census counts who died where.
type census struct {
	mu sync.Mutex
	at map[string]int
}

func (c *census) add(phase string, f fate) {
	step, _, _ := strings.Cut(f.failpoint, ":")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at[phase+" "+cmp.Or(step, "any moment")]++
}

func (c *census) of(step string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at["full "+step] + c.at["delta "+step]
}

func (c *census) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := 0
	var parts []string
	for _, step := range slices.Sorted(maps.Keys(c.at)) {
		all += c.at[step]
		parts = append(parts, fmt.Sprint(step, ": ", c.at[step]))
	}
	return fmt.Sprint(all, " processes died. ", strings.Join(parts, ", "))
}

// TestStepsAreAll holds the list of failpoints against the engine's own text.
func TestStepsAreAll(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "internal", "migrate", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "script", "cutover.txtar")) // whose processes die at the steps of a cut-over
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Failpoint\("([a-z-]+)"\)`).FindAllSubmatch(text, -1) {
			found++
			if !slices.Contains(append(steps(), fileSteps()...), string(m[1])) && !bytes.Contains(script, append([]byte("RIALTO_TEST_FAILPOINT="), m[1]...)) {
				t.Errorf("nobody dies at %s: add it to steps", m[1])
			}
		}
	}
	if found == 0 {
		t.Error("the engine has no failpoints")
	}
}

// fileSteps are the steps that a migration of files comes to, those of uploads in
// parts among them.
func fileSteps() []string {
	return append(uploadSteps(), "before-intent", "after-intent", "after-answer", "after-write", "after-commit", "before-swept", "after-swept",
		"before-settle", "after-settle", "before-delete", "after-delete", "before-request", "after-request", "any")
}

// uploadSteps are those of an upload in parts.
func uploadSteps() []string {
	return []string{"after-begin", "after-part", "before-assembly", "after-assembly"}
}

// settleDelay is what the connections of these tests say: longer than any
// request of a dead client takes to land.
const settleDelay = 700 * time.Millisecond

// A trial is one seed: two clouds, a migration between them, and what happens
// to its runs.
type trial struct {
	t        *testing.T
	seed     uint64
	make     *maker
	rialto   *install
	from, to *served
	file     string
	pairing  pairing
	dead     *census
	log      []string
}

func newTrial(t *testing.T, seed uint64, dead *census) *trial {
	tr := &trial{t: t, seed: seed, make: newMaker(seed), rialto: newInstall(t), dead: dead}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: go test ./cmd/rialto -run TestKillAnywhere -seed %d -seeds 1\n%s", seed, strings.Join(tr.log, "\n"))
		}
	})
	place, delegated := "group:Marketing", seed%4 == 1 || seed%24 == 6
	switch seed % 12 {
	case 6: // Planner to Planner
		tr.from = servePlanner(t, microsoft.Options{Seed: seed}, true)
		tr.to = servePlanner(t, microsoft.Options{Seed: seed + 1000000, FormatsApart: seed%7 == 0}, delegated)
		tr.pairing = pairing{posts: delegated, oneList: true}
		tr.make.plan(t, tr.from, "Spring plan")
	case 0: // Planner to Trello
		tr.from, tr.to = servePlanner(t, microsoft.Options{Seed: seed}, true), serveTrello(t, seed)
		place, tr.pairing = "workspace:Acme", pairing{posts: true, oneList: true}
		tr.make.plan(t, tr.from, "Spring plan")
	case 3, 9: // Trello to Trello
		tr.from, tr.to = serveTrello(t, seed), serveTrello(t, seed+1000000)
		place, tr.pairing = "workspace:Acme", pairing{posts: true}
	default: // Trello to Planner
		tr.from = serveTrello(t, seed)
		tr.to = servePlanner(t, microsoft.Options{Seed: seed, DeepInsert: seed%5 == 0, FormatsApart: seed%7 == 0}, delegated)
		tr.pairing = pairing{archive: true, about: true, oneList: true, posts: delegated}
	}
	if tr.from.trello != nil {
		if _, err := tr.from.trello.AddBoard(tr.make.board("Spring plan")); err != nil {
			t.Fatal(err)
		}
		if seed%5 == 0 {
			if _, err := tr.from.trello.AddBoard(tr.make.neighbour("Autumn plan", tr.from.trello)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tr.rialto.connect("from", tr.from)
	tr.rialto.connect("to", tr.to, "settle-delay="+settleDelay.String())
	tr.file = tr.rialto.migration(fmt.Sprintf(`name: spring
from: {connection: from, scope: ["*"]}
to: {connection: to, place: "%s"}
people: {others: name-in-text}
policies: {deletions: delete, notify: all}
accept: widening
`, place))
	return tr
}

func (tr *trial) note(format string, args ...any) {
	tr.log = append(tr.log, fmt.Sprintf(format, args...))
}

// carryOut takes the migration through a full pass, edits and a delta, with
// processes that die, and looks at the target after each.
func (tr *trial) carryOut() {
	for i, s := range []*served{tr.from, tr.to} {
		if f := tr.faults(i == 1); !*calm {
			s.setFaults(f, tr.seed*2+uint64(i))
		}
	}
	tr.bring("full", 1+tr.make.IntN(3))
	tr.edit()
	tr.bring("delta", 1+tr.make.IntN(2))
	for _, s := range []*served{tr.from, tr.to} {
		s.setFaults(standin.Faults{}, 0)
	}
	before := tr.to.writes.Load()
	again := tr.rialto.run(fate{}, "", "run", "--json", tr.file)
	var rep report
	if err := again.done(&rep); err != nil || again.code != 0 {
		tr.t.Fatalf("one more run: %v\n%v", err, again)
	}
	if n := tr.to.writes.Load() - before; n > 0 || rep.written() > 0 {
		tr.t.Errorf("one more run sent %d requests that write; it says: %s", n, tail(again.out))
	}
	verdict := tr.rialto.run(fate{}, "", "verify", "--json", tr.file)
	if verdict.code != 0 {
		tr.t.Errorf("verify: exit code %d%s\n%s", verdict.code, verdict.events("difference"), tail(verdict.err))
	}
	tr.look("at the end")
}

func (tr *trial) edit() {
	tr.t.Helper()
	for _, did := range tr.make.edit(tr.t, tr.from) {
		tr.note("edit: %s", did)
	}
}

// faults are what goes wrong on one side, by seed.
func (tr *trial) faults(target bool) standin.Faults {
	f := standin.Faults{Status: map[int]float64{429: 0.01, 500: 0.01, 503: 0.005}, Cut: 0.01}
	if target {
		f.Late, f.LateChance = time.Duration(100+tr.make.IntN(200))*time.Millisecond, 0.05
	}
	return f
}

// A report is what run --json ends with, as far as these tests look at it.
type report struct {
	Status string
	Kinds  map[string]struct{ Created, Updated, Skipped, Deleted, Failed int }
	Failed int
	Shards []struct {
		Failures []struct{ Class, Reason string }
	}
}

func (r report) written() (n int) {
	for _, k := range r.Kinds {
		n += k.Created + k.Updated + k.Deleted
	}
	return n
}

// transient reports whether all that failed may pass.
func (r report) transient() bool {
	for _, s := range r.Shards {
		for _, f := range s.Failures {
			if f.Class != "transient" && f.Class != "quota" {
				return false
			}
		}
	}
	return true
}

// bring runs the migration until it is complete. So many of its first runs die.
func (tr *trial) bring(phase string, deaths int) {
	tr.t.Helper()
	for run := range 12 {
		var f fate
		if run < deaths {
			f = tr.fate()
		}
		if *calm {
			f = fate{}
		}
		e := tr.rialto.run(f, "", "run", "--json", tr.file)
		tr.note("%s run %d: %v: exit code %d after %v%s", phase, run, f, e.code, e.took.Round(time.Millisecond), e.events("item", "failure", "kept", "waiting"))
		if e.killed() && f != (fate{}) {
			tr.dead.add(phase, f)
			if tr.make.chance(0.25) { // nobody waits with their work for the next run
				tr.edit()
			}
			continue
		}
		var rep report
		err := e.done(&rep)
		switch {
		case err == nil && e.code == 0:
			tr.look("after the " + phase + " pass")
			return
		case err == nil && e.code == 3 && rep.transient():
			b, _ := json.Marshal(rep.Shards)
			tr.note("  failed for now: %s", b)
		default:
			b, _ := json.Marshal(rep.Shards)
			tr.t.Fatalf("the %s pass, run %d: %v, failed: %s\n%v", phase, run, err, b, e)
		}
	}
	tr.t.Fatalf("the %s pass does not come to an end", phase)
}

// steps are the failpoints of the engine and of its line to the network.
func steps() []string {
	return []string{"before-intent", "after-intent", "after-answer", "after-write", "after-commit", "before-swept", "after-swept",
		"before-settle", "after-settle", "before-delete", "after-delete", "before-relink", "after-relink", "before-request", "after-request", "any"}
}

// fate decides how a run dies.
func (tr *trial) fate() fate {
	m := tr.make
	if m.chance(0.2) {
		return fate{after: time.Duration(50+m.IntN(1500)) * time.Millisecond}
	}
	step := pick(m, steps())
	most := 6
	switch {
	case strings.HasSuffix(step, "-request") || step == "any":
		most = 120
	case strings.HasSuffix(step, "-settle") || strings.HasSuffix(step, "-swept") || strings.HasSuffix(step, "-relink") || strings.HasSuffix(step, "-delete"):
		most = 2
	}
	return fate{failpoint: fmt.Sprintf("%s:%d", step, 1+m.IntN(1+m.IntN(most)))}
}

// look compares the clouds by their own state.
func (tr *trial) look(when string) {
	tr.t.Helper()
	tr.from.settle(tr.t)
	tr.to.settle(tr.t)
	bad := tr.pairing.compare(tr.from.page(), tr.to.page())
	if tr.to.tenant != nil {
		bad = append(bad, tr.to.strays(tr.t)...)
	}
	for _, b := range bad {
		tr.t.Errorf("%s: %s", when, b)
	}
	if len(bad) > 0 {
		tr.t.FailNow()
	}
}
