package pairs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/ledger/ledgertest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// A move is one migration with its ledger.
type move struct {
	t        testing.TB
	from, to *end
	spec     migrate.Spec
	led      ledger.Ledger
	now      func() time.Time // the engine's clock
	// merges is a kind of which the target makes one of two of the same name: after
	// a rebuild the second one takes over the first one's again.
	merges item.Kind
	tell   bool // runs do the step that tells people

	mu     sync.Mutex
	events []migrate.Event // of the last verb
}

func newMove(t testing.TB, from, to *end, scope ...string) *move {
	return &move{t: t, from: from, to: to, led: ledgertest.New(), now: time.Now,
		spec: migrate.Spec{Name: "pair", Scope: scope, Place: to.place, Timezone: "Europe/Oslo", People: migrate.People{Others: "name-in-text"},
			Policies: migrate.Policies{Notify: "all"}, Accept: migrate.Accept{Widening: true}}}
}

// engine opens both ends anew.
func (m *move) engine() *migrate.Engine {
	m.t.Helper()
	m.mu.Lock()
	m.events = nil
	m.mu.Unlock()
	spec := m.spec
	e, err := migrate.New(migrate.Config{Spec: spec, From: m.from.side(), To: m.to.side(), Ledger: m.led,
		Key: bytes.Repeat([]byte{7}, 32), Now: m.now, Tell: m.tell, Emit: func(ev migrate.Event) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.events = append(m.events, ev)
		}})
	if err != nil {
		m.t.Fatal(err)
	}
	return e
}

func (m *move) forecast() *migrate.Forecast {
	m.t.Helper()
	before := m.to.writes.Load()
	f, err := m.engine().Forecast(m.t.Context())
	if err != nil {
		m.t.Fatalf("forecast: %v", err)
	}
	if n := m.to.writes.Load() - before; n != 0 {
		m.t.Fatalf("the forecast sent %d requests that may change something", n)
	}
	return f
}

// run runs the migration, which must end as said.
func (m *move) run(status string) *migrate.Report {
	m.t.Helper()
	r, err := m.engine().Run(m.t.Context())
	if err != nil {
		m.t.Fatalf("run: %v\n%s", err, m.told("failure", "waiting"))
	}
	if r.Status != status {
		m.t.Fatalf("the run ended %s, want %s: %+v\n%s", r.Status, status, r.Kinds, m.told("failure"))
	}
	return r
}

// fails runs the migration, which must end with an error.
func (m *move) fails() error {
	m.t.Helper()
	_, err := m.engine().Run(m.t.Context())
	if err == nil {
		m.t.Fatal("the run ended without an error")
	}
	return err
}

// verify compares both ends, which must be equal, perhaps with losses.
func (m *move) verify() *migrate.Verdict {
	m.t.Helper()
	v := m.compare()
	if v.Status == "differs" {
		m.t.Fatalf("verify found %d differences: %s", len(v.Differences), differences(v))
	}
	return v
}

func (m *move) compare() *migrate.Verdict {
	m.t.Helper()
	before := m.to.writes.Load() + m.from.writes.Load()
	v, err := m.engine().Verify(m.t.Context(), true)
	if err != nil {
		m.t.Fatalf("verify: %v", err)
	}
	if n := m.to.writes.Load() + m.from.writes.Load() - before; n != 0 {
		m.t.Fatalf("verify sent %d requests that may change something", n)
	}
	return v
}

func differences(v *migrate.Verdict) string {
	var b strings.Builder
	for i, d := range v.Differences {
		if i == 20 {
			b.WriteString("\n…")
			break
		}
		fmt.Fprintf(&b, "\n%s %s → %s: %s %s (%s)", d.Kind, d.Source, d.Target, d.Field, d.Reason, v.Names[d.Source].Source)
	}
	return b.String()
}

// told lists the events of some names of the last verb.
func (m *move) told(names ...string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b strings.Builder
	for _, ev := range m.events {
		if slices.Contains(names, ev.Event) {
			fmt.Fprintf(&b, "%s %s %s → %s %s %s %s\n", ev.Event, ev.Kind, ev.Source, ev.Target, ev.Field, ev.Class, ev.Reason)
		}
	}
	return b.String()
}

// idle runs the migration again, which must write nothing, and the forecast
// must have said so.
func (m *move) idle() {
	m.t.Helper()
	if f := m.forecast(); f.Status != "nothing-to-do" {
		m.t.Errorf("the forecast says %s, want nothing-to-do: %+v", f.Status, f.Kinds)
	}
	before := m.to.writes.Load()
	r := m.run("complete")
	if n := m.to.writes.Load() - before; n != 0 {
		m.t.Fatalf("a run with nothing changed sent %d requests that may change something: %+v\n%s", n, r.Kinds, m.told("item"))
	}
	if n := m.from.writes.Load(); n != 0 {
		m.t.Fatalf("%d requests that may change something went to the source", n)
	}
}

// sameLosses holds what a forecast named against what was met.
func (m *move) sameLosses(f *migrate.Forecast, v *migrate.Verdict) {
	m.t.Helper()
	want, got := counted(f.Losses), counted(v.LossList)
	for _, l := range want {
		if !slices.Contains(got, l) {
			m.t.Errorf("forecast, not met by verify: %s", l)
		}
	}
	for _, l := range got {
		if !slices.Contains(want, l) {
			m.t.Errorf("met by verify, not forecast: %s", l)
		}
	}
}

// counted says losses with their counts, one a line.
func counted(losses []migrate.Loss) []string {
	var out []string
	for _, l := range losses {
		out = append(out, fmt.Sprintf("%6d  %s", l.Count, line(l)))
	}
	return out
}

func line(l migrate.Loss) string {
	return fmt.Sprintf("%s.%s: %s (%s)", l.Kind, l.Field, l.Policy, l.Why)
}

// moved forecasts, runs and verifies, and holds the three against one another.
func (m *move) moved() (*migrate.Forecast, *migrate.Verdict) {
	m.t.Helper()
	f := m.forecast()
	r := m.run("complete")
	for k, want := range f.Kinds {
		if k == item.Member {
			m.t.Errorf("the forecast counts members: %+v", want)
		}
		if got := r.Kinds[k]; got.Created != want.Create {
			m.t.Errorf("%s: %d created, %d forecast", k, got.Created, want.Create)
		}
	}
	v := m.verify()
	m.sameLosses(f, v)
	return f, v
}

// rebuilt loses the ledger, rebuilds it from the target, and runs again, which
// must make nothing twice.
func (m *move) rebuilt() {
	m.t.Helper()
	boards, place := m.boards(), m.to.left()
	before := m.holds(boards)
	m.led = ledgertest.New()
	rep, err := m.engine().Rebuild(m.t.Context())
	if err != nil {
		m.t.Fatalf("rebuild: %v", err)
	}
	for k, n := range rep.Kinds {
		if n.Missing > 0 && k != m.merges {
			m.t.Errorf("rebuild misses %d of kind %s, and found %d", n.Missing, k, n.Found)
		}
	}
	wrote := m.to.writes.Load()
	r := m.run("complete")
	if n := m.to.writes.Load() - wrote; n != 0 && m.merges == "" {
		m.t.Errorf("after a rebuild the run sent %d requests that may change something\n%s", n, m.told("item"))
	}
	for k, tally := range r.Kinds {
		if tally.Created != 0 && k != m.merges {
			m.t.Errorf("%d of kind %s were made again after a rebuild", tally.Created, k)
		}
	}
	m.verify()
	if after := m.holds(boards); !equalCounts(before, after) {
		m.t.Errorf("the target held %v before the ledger was lost, and now %v", before, after)
	}
	if after := m.to.left(); !slices.Equal(place, after) {
		m.t.Errorf("the place held %v before the ledger was lost, and now %v", place, after)
	}
	m.idle()
}

// boards are the containers that the migration made.
func (m *move) boards() []item.Ref {
	m.t.Helper()
	known, err := m.led.Shards(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	var out []item.Ref
	for _, s := range known {
		if !s.Target.Zero() {
			out = append(out, s.Target)
		}
	}
	return out
}

// holds counts what containers of the target have, by reading them as a source.
func (m *move) holds(boards []item.Ref) map[item.Kind]int {
	m.t.Helper()
	src, err := m.to.side().Cloud.Source(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	out := map[item.Kind]int{}
	for _, board := range boards {
		for page, err := range src.List(m.t.Context(), connector.Shard{Ref: board}, "") {
			if err != nil {
				m.t.Fatal(err)
			}
			for _, b := range page.Bundles {
				if b.Item.Kind == item.Member {
					continue
				}
				out[b.Item.Kind]++
				for _, c := range b.Children {
					out[c.Kind]++
				}
			}
		}
	}
	return out
}

func equalCounts(a, b map[item.Kind]int) bool {
	for _, info := range item.Kinds() {
		if a[info.Kind] != b[info.Kind] {
			return false
		}
	}
	return true
}

// undone undoes the migration, after which the place must be as it was.
func (m *move) undone(before []string) {
	m.t.Helper()
	rep, err := m.engine().Undo(m.t.Context(), false)
	if err != nil {
		m.t.Fatalf("undo: %v", err)
	}
	caps := m.to.con.Capabilities(m.to.set)
	for _, k := range rep.Kept {
		if caps.Kinds[k.Kind].Undo != "impossible" && k.Reason != "it was there before" {
			m.t.Errorf("undo left %s %s: %s", k.Kind, k.Target, k.Reason)
		}
	}
	if rep.Status != "undone" {
		m.t.Errorf("undo ended %s: %+v\n%s", rep.Status, rep.Kinds, m.told("failure", "kept"))
	}
	if after := m.to.left(); !slices.Equal(before, after) {
		m.t.Errorf("the place held %v before, and holds %v after an undo", before, after)
	}
	if again, err := m.engine().Undo(context.WithoutCancel(m.t.Context()), false); err != nil || again.Status != "nothing-to-do" {
		m.t.Errorf("a second undo: %+v, %v", again, err)
	}
}

// there reports whether something is in the folder shared beside the repository.
func there(elem ...string) bool {
	_, err := os.Stat(sharedPath(elem...))
	return !errors.Is(err, fs.ErrNotExist)
}

func sharedPath(elem ...string) string {
	return filepath.Join(append([]string{root(), "..", "shared"}, elem...)...)
}

// root is the folder of the module, found upwards from the test's.
func root() string {
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			break
		}
		dir = parent
	}
	panic("no go.mod above the tests")
}
