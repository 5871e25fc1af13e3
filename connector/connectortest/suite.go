// Package connectortest holds a connector to its contract: Run is the conformance
// suite, which is the definition of done for a new cloud. It connects, lists,
// writes, finds, deletes and closes against a stand-in or a real server, with
// every kind of trouble in between, and compares what is stored field by field.
// OpenAPI and CSDL hold each exchange with a stand-in to the vendor's published
// contract.
package connectortest

import (
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// A Suite runs a connector through all that the contract asks of it: the
// definition of done. A connector that only reads is run through what concerns
// a source.
type Suite struct {
	Connector connector.Connector
	// Start makes a cloud ready for one part of the suite. A stand-in is made
	// anew each time; a server that is started once may serve all parts, each of
	// which works in boards of its own.
	Start func(t testing.TB) World
	// Sockets says that the way to the cloud leaves the process. Parts then run in
	// real time and try less; otherwise each runs in a bubble of testing/synctest,
	// where waiting takes no time and a goroutine left behind fails the test.
	Sockets bool
	// Long breaks more of the requests of each write, where parts run in real time.
	Long bool
	// Tasks is how many tasks the board holds that is listed; 0 means 230. It
	// should fill three pages.
	Tasks int

	count *atomic.Int64
}

// A World is a cloud as one part of the suite finds it.
type World struct {
	Settings connector.Settings
	// Transport leads to the cloud; nil for a connector that needs none.
	Transport http.RoundTripper
	// Place is where a target writes.
	Place string
	// Board is a container that is there to be read, for a connector that is no
	// target. Zero otherwise: the suite then writes what it reads.
	Board item.Ref
	// People are those who can be assigned; nil means all that Target.Members
	// yields.
	People []string
	// Names are, by kind, the only names that the cloud takes, because its API
	// creates none of that kind.
	Names map[item.Kind][]string
	// Unchecked are kinds of which the cloud takes longer texts than the
	// capabilities say: their limit is the connector's own caution.
	Unchecked []item.Kind
	// Secrets must not be found in logs or errors, beside the settings that the
	// manifest calls secret.
	Secrets []string
	// Expire ends the access tokens that were handed out, which a connection
	// renews by itself; nil where there are none.
	Expire func()
	// Partly returns a request that carries out the first half of one that holds
	// many, ok false if nothing of it; nil where there are none such.
	Partly func(*http.Request) (half *http.Request, ok bool)
	// BigFile is from how many bytes on a file is sent in parts; 0 if never.
	BigFile int64
}

// A part is one thing that the suite tries.
type part struct {
	name   string
	target bool // needs a target
	run    func(*rig)
}

func parts() []part {
	return []part{
		{"Settings", false, (*rig).testSettings},
		{"Listing", false, (*rig).testListing},
		{"ReadingInTrouble", false, (*rig).testReadingInTrouble},
		{"ReadingStopped", false, (*rig).testReadingStopped},
		{"OnlyReads", false, (*rig).testOnlyReads},
		{"Closing", false, (*rig).testClosing},
		{"RoundTrip", true, (*rig).testRoundTrip},
		{"Boards", true, (*rig).testBoards},
		{"Order", true, (*rig).testOrder},
		{"Updates", true, (*rig).testUpdates},
		{"Find", true, (*rig).testFind},
		{"Delete", true, (*rig).testDelete},
		{"Refused", true, (*rig).testRefused},
		{"Files", true, (*rig).testFiles},
		{"WritingStopped", true, (*rig).testWritingStopped},
		{"CreatesInTrouble", true, (*rig).testCreatesInTrouble},
		{"UpdatesInTrouble", true, (*rig).testUpdatesInTrouble},
		{"DeletesInTrouble", true, (*rig).testDeletesInTrouble},
	}
}

// Run runs the suite.
func Run(t *testing.T, s Suite) {
	s.count = &atomic.Int64{}
	t.Run("Capabilities", func(t *testing.T) {
		s.bubble(t, func(t *testing.T) {
			checkManifest(t, s.Connector.Manifest())
			Capable(t, s.Connector.Capabilities(nil))
			set := s.Start(t).Settings
			Capable(t, s.Connector.Capabilities(set))
		})
	})
	for _, p := range parts() {
		t.Run(p.name, func(t *testing.T) {
			s.bubble(t, func(t *testing.T) { s.part(t, p) })
		})
	}
}

// bubble runs a part where time costs nothing, if the cloud lies in this
// process.
func (s Suite) bubble(t *testing.T, run func(*testing.T)) {
	if s.Sockets {
		run(t)
		return
	}
	synctest.Test(t, run)
}

func (s Suite) part(t testing.TB, p part) {
	r := newRig(t, s)
	if p.target && r.target == nil {
		r.no(r.cloud.Close(), "Close")
		t.Skip("this connector only reads")
	}
	p.run(r)
	r.end()
}

// testOnlyReads checks that a connector which is no target says so.
func (r *rig) testOnlyReads() {
	if r.target != nil {
		return
	}
	_, err := r.cloud.Target(r.Context(), r.world.Place)
	if e := r.saw(err); e == nil || e.Class != connector.Unsupported || e.Hint == "" {
		r.Errorf("opening a target of a connector that only reads: %v, want class unsupported and a hint", err)
	}
}

// create is the Create of an item, with the mark that it has to carry.
func (r *rig) create(it item.Item, children ...item.Item) connector.Change {
	mark := "https://source.example/" + string(it.Kind) + "/" + strconv.Itoa(r.make.next())
	return connector.Change{Op: connector.Create, Item: it, Children: children, Mark: r.target.Carrier(it.Kind, mark)}
}

// update is an Update of what the target holds. No dirty fields means all.
func (r *rig) update(board item.Ref, ref item.Ref, it item.Item, children []item.Item, dirty ...string) connector.Change {
	r.Helper()
	if ref.Kind == item.Board {
		board = ref
	}
	prev := r.one(board, ref)
	it = it.Clone()
	it.ID = ref.ID
	return connector.Change{Op: connector.Update, Item: it, Children: children, Dirty: dirty, Prev: &prev}
}

// inARow says of changes that they are consecutive siblings, where the kind
// keeps an order, the first one behind after.
func (r *rig) inARow(after string, changes []connector.Change) []connector.Change {
	for i := range changes {
		if !r.caps.Kinds[changes[i].Item.Kind].Ordered {
			continue
		}
		changes[i].After, changes[i].AfterPrevious = after, i > 0
		if i > 0 {
			changes[i].After = ""
		}
	}
	return changes
}

// newBoard makes a board of everybody.
func (r *rig) newBoard() item.Ref {
	r.Helper()
	return r.write(r.create(r.make.item(item.Board, 0, home{})))[0].Item.Ref
}

// furnish makes a board with a few of everything that tasks refer to, and a
// task.
func (r *rig) furnish() home {
	r.Helper()
	p := home{board: r.newBoard()}
	if r.writes(item.Label) {
		for _, b := range r.several(item.Label, 3, p) {
			p.labels = append(p.labels, b.Item.Ref)
		}
	}
	if r.writes(item.CustomField) {
		for _, b := range r.several(item.CustomField, 5, p) {
			p.fields = append(p.fields, b.Item)
		}
	}
	if r.writes(item.List) {
		p.list = r.several(item.List, 1, p)[0].Item.Ref
	}
	if r.writes(item.Task) {
		p.task = r.write(r.create(r.make.item(item.Task, bare, p)))[0].Item.Ref
	}
	return p
}

// several makes n items of a kind in a row.
func (r *rig) several(k item.Kind, n int, p home) []item.Bundle {
	r.Helper()
	var changes []connector.Change
	for i := range n {
		it := r.make.item(k, i, p)
		delete(it.Fields, item.Closed.Name)
		changes = append(changes, r.create(it))
	}
	return r.write(r.inARow("", changes)...)
}

// place returns where an item of a kind goes: lists and the like to the board,
// comments and the like to the task.
func (p home) of(k item.Kind) item.Ref {
	if info, _ := item.Info(k); info.Level == item.Within {
		return p.task
	}
	return p.board
}

// ofKind picks the refs of a kind.
func ofKind(refs []item.Ref, k item.Kind) []item.Ref {
	return slices.DeleteFunc(slices.Clone(refs), func(r item.Ref) bool { return r.Kind != k })
}
