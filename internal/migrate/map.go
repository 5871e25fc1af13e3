package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/ledger"
	"github.com/rialto-migrate/rialto/internal/sheet"
	"github.com/rialto-migrate/rialto/item"
)

// The columns of a map file. Reading it back wants the first one; the last ones
// are for whoever plans, and are written only.
const (
	MapID     = "id"
	MapName   = "name"
	MapPlace  = "place"
	MapTarget = "target"
	MapWave   = "wave"
	MapLink   = "link"
	MapItems  = "items"
	MapState  = "state" // open, closed, gone
)

// MapGone is the state of a container that is no longer at the source.
const MapGone = "gone"

// A MapRow is one container's line of the map: where it goes, what it is called
// there, and when.
type MapRow struct {
	Source string // the container's id at the source
	Link   string // its address there: finds it where a spreadsheet spoilt the id
	Name   string // as the scan found it, for people
	Place  string // "group:Marketing"; "" is the migration's place
	Target string // the container's name at the target; "" is its own
	Wave   int    // 0 for none
	Out    bool   // stays where it is
	Items  int    // as the scan counted them; 0 if it did not
	Where  string // file and line, for errors
	By     string `json:"-"` // who decided it, for reports
}

// outMark in the columns place, target or wave keeps a container where it is.
const outMark = "-"

// ReadMap reads a map file. It refuses a container that stands there twice and two
// that would have the same name in one place.
func ReadMap(path string) ([]MapRow, error) {
	s, err := sheet.Read(path, MapID)
	if err != nil {
		return nil, err
	}
	return mapRowsOf(s)
}

// ParseMap reads a map from the bytes of a file; name is for errors.
func ParseMap(name string, raw []byte) ([]MapRow, error) {
	s, err := sheet.Parse(name, raw, MapID)
	if err != nil {
		return nil, err
	}
	return mapRowsOf(s)
}

func mapRowsOf(s *sheet.Sheet) (rows []MapRow, err error) {
	ids, names := map[string]MapRow{}, takenNames{}
	for _, r := range s.Rows {
		row := MapRow{Source: r.Get(MapID), Link: r.Get(MapLink), Name: r.Get(MapName), Place: r.Get(MapPlace), Target: r.Get(MapTarget),
			Where: fmt.Sprintf("%s:%d", s.Path, r.Line)}
		if row.By, err = readDecider(r); err != nil {
			return nil, err
		}
		if row.Source == "" {
			return nil, r.Errorf("the id is missing; rialto scan --csv writes it")
		}
		row.Items, _ = strconv.Atoi(r.Get(MapItems))
		if row.Place == outMark || row.Target == outMark || r.Get(MapWave) == outMark || r.Get(MapState) == MapGone {
			row.Place, row.Target, row.Out = "", "", true
		} else if row.Wave, err = readWave(r.Get(MapWave)); err != nil {
			return nil, r.Errorf("%w", err)
		}
		if before, twice := ids[row.Source]; twice {
			return nil, r.Errorf("%s stands in line %s already; remove one of the two", row.Source, lineOf(before))
		}
		ids[row.Source] = row
		if name := cmp.Or(row.Target, row.Name); name != "" && !row.Out {
			if err := names.take(row, row.Place, name); err != nil {
				return nil, r.Errorf("%w", err)
			}
		}
		rows = append(rows, row)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: the map has no lines below the first; rialto scan --csv writes them", s.Path)
	}
	return rows, nil
}

// takenNames are the names that containers get at the target, by place.
type takenNames map[[2]string]MapRow

// take gives a line's container a name in a place. It refuses one that the map
// gives to two, whatever their waves: nobody could tell them apart. Two containers
// that have the same name at the source, and that the map does not name, keep it.
func (t takenNames) take(row MapRow, place, name string) error {
	key := [2]string{fold(place), fold(name)}
	before, twice := t[key]
	if twice && (row.Target != "" || before.Target != "") {
		return fmt.Errorf("the target %q is taken by line %s; give each container a name or a place of its own", name, lineOf(before))
	}
	if !twice || row.Target != "" {
		t[key] = row
	}
	return nil
}

func lineOf(r MapRow) string { return r.Where[strings.LastIndexByte(r.Where, ':')+1:] }

// readWave reads a wave's number, also as spreadsheets write whole numbers: "2.0",
// "2,00".
func readWave(cell string) (int, error) {
	if cell == "" {
		return 0, nil
	}
	whole, rest, _ := strings.Cut(strings.Replace(cell, ",", ".", 1), ".")
	n, err := strconv.Atoi(whole)
	if err != nil || n < 1 || n > 9999 || strings.Trim(rest, "0") != "" {
		return 0, fmt.Errorf("the wave %q is no whole number from 1 to 9999; leave it empty for none, or write - to leave the container where it is", cell)
	}
	return n, nil
}

// A Selection narrows a verb to some of a migration's containers. The zero value
// takes them all.
type Selection struct {
	Wave  int      // only those of this wave
	Only  []string // only these: ids, names or addresses at the source
	Limit int      // only the first so many
}

// All reports whether nothing is left out.
func (s Selection) All() bool { return s.Wave == 0 && len(s.Only) == 0 && s.Limit == 0 }

// planned joins the containers at the source with the map's lines, and tells
// which of them the selection takes: by wave, then in the source's order.
func (e *Engine) planned(shards []connector.Shard, known map[item.Ref]ledger.Shard) ([]connector.Shard, error) {
	out := shards
	if e.Spec.Map != nil {
		var err error
		if out, err = e.mapped(shards, known); err != nil {
			return nil, err
		}
	}
	e.all = out
	sel := e.Select
	if sel.Wave > 0 {
		if e.Spec.Map == nil {
			return nil, connector.Errorf(connector.Permanent, "there are no waves without a map").
				WithHint("write one with rialto scan " + e.From.Connection + " --csv boards.csv, and name it in the migration file: map: boards.csv")
		}
		out = slices.DeleteFunc(slices.Clone(out), func(s connector.Shard) bool { return e.rows[s.Ref].Wave != sel.Wave })
		if len(out) == 0 {
			return nil, connector.Errorf(connector.Permanent, "the map has no container in wave %d", sel.Wave)
		}
	}
	if len(sel.Only) == 0 && e.leaves != nil {
		e.left = nil
		out = slices.DeleteFunc(slices.Clone(out), func(s connector.Shard) bool {
			leave := e.leaves(known[s.Ref].Cut)
			if leave {
				e.left = append(e.left, s)
			}
			return leave
		})
	}
	if len(sel.Only) > 0 {
		named, err := e.only(out, sel.Only)
		if err != nil {
			return nil, err
		}
		out = named
	}
	if sel.Limit > 0 && len(out) > sel.Limit {
		out = out[:sel.Limit]
	}
	return out, nil
}

// only returns those containers that one of the wants names.
func (e *Engine) only(shards []connector.Shard, wants []string) ([]connector.Shard, error) {
	var out []connector.Shard
	met := make([]bool, len(wants))
	for _, s := range shards {
		in := false
		for i, want := range wants {
			if exactly, byName := e.inScope(s, want); want != "*" && (exactly || byName) {
				met[i], in = true, true
			}
		}
		if in {
			out = append(out, s)
		}
	}
	if i := slices.Index(met, false); i >= 0 {
		return nil, connector.Errorf(connector.Gone, "--only: nothing in the migration is called %q", wants[i]).
			WithHint("rialto status lists what the migration has")
	}
	return out, nil
}

// mapped keeps the containers that the map moves, in the order of their waves. A
// line whose container is neither at the source nor in the ledger is a mistake.
func (e *Engine) mapped(shards []connector.Shard, known map[item.Ref]ledger.Shard) ([]connector.Shard, error) {
	byID, byAlias := map[string]connector.Shard{}, map[string]connector.Shard{}
	for _, s := range shards {
		byID[s.Ref.ID] = s
		if alias, ok := e.source.Locate(s.URL); ok {
			byAlias[alias] = s
		}
	}
	e.rows = map[item.Ref]MapRow{}
	names := takenNames{}
	var out []connector.Shard
	defer func() { e.unlisted = e.withoutLine(shards) }()
	for _, row := range e.Spec.Map {
		s, there := byID[row.Source]
		if alias, ok := e.source.Locate(row.Link); !there && ok && !row.Out {
			s, there = byAlias[alias]
		}
		if !there {
			if _, moved := known[item.Ref{Kind: e.From.Caps.Container(), ID: row.Source}]; moved || row.Out {
				continue // it is no longer at the source
			}
			return nil, connector.Errorf(connector.Gone, "%s: nothing at the source has the id %q", row.Where, row.Source).
				WithHint("rialto scan " + e.From.Connection + " lists what this connection sees; a spreadsheet may have changed the id: format its column as text")
		}
		if before, twice := e.rows[s.Ref]; twice {
			return nil, connector.Errorf(connector.Permanent, "%s: this is the container of line %s", row.Where, lineOf(before)).WithHint("remove one of the two")
		}
		e.rows[s.Ref] = row
		if row.Out {
			continue
		}
		if err := names.take(row, cmp.Or(row.Place, e.Spec.Place), cmp.Or(row.Target, s.Name)); err != nil {
			return nil, connector.Errorf(connector.Permanent, "%s: %v", row.Where, err)
		}
		out = append(out, s)
	}
	rank := map[item.Ref]int{}
	for i, s := range shards {
		rank[s.Ref] = i
	}
	wave := func(s connector.Shard) int { return cmp.Or(e.rows[s.Ref].Wave, 1<<30) }
	slices.SortStableFunc(out, func(a, b connector.Shard) int {
		return cmp.Or(cmp.Compare(wave(a), wave(b)), cmp.Compare(rank[a.Ref], rank[b.Ref]))
	})
	return out, nil
}

// withoutLine are the open containers that no line of the map names.
func (e *Engine) withoutLine(shards []connector.Shard) []connector.Shard {
	return slices.DeleteFunc(slices.Clone(shards), func(s connector.Shard) bool {
		_, listed := e.rows[s.Ref]
		return listed || s.Closed
	})
}

// sayUnlisted tells a forecast of containers that stay because no line of the map
// names them: new ones, and those whose line somebody deleted.
func (e *Engine) sayUnlisted() string {
	return fmt.Sprintf("%s no line in the map, so that no wave moves what is there: %s. rialto scan %s --csv adds the lines; a - in the column wave says that it is meant.",
		counted(len(e.unlisted), "container has", "containers have"), sayIDs(e.unlisted, func(s connector.Shard) string { return s.Ref.ID }), e.From.Connection)
}

// rename gives a container the name that the map has for it at the target.
func (e *Engine) rename(bundles []item.Bundle) {
	for i := range bundles {
		it := &bundles[i].Item
		if name := e.rows[it.Ref].Target; name != "" && contains(it.Kind) {
			*it = it.Clone()
			item.Name.Set(it, name)
		}
	}
}

// chosen narrows what the ledger knows to the selection, without asking the
// source: by wave and by the ids of containers, each with its archive.
func (e *Engine) chosen(known []ledger.Shard) ([]ledger.Shard, error) {
	sel := e.Select
	met := map[item.Ref]bool{}
	var out []ledger.Shard
	for _, s := range known {
		board := BoardOf(s.Source)
		if sel.Wave > 0 && e.rows[board].Wave != sel.Wave || len(sel.Only) > 0 && !slices.Contains(sel.Only, board.ID) {
			continue
		}
		if sel.Limit > 0 && !met[board] && len(met) == sel.Limit {
			continue
		}
		met[board] = true
		out = append(out, s)
	}
	for _, want := range sel.Only {
		if !met[item.Ref{Kind: e.From.Caps.Container(), ID: want}] {
			return nil, connector.Errorf(connector.Gone, "--only: the migration has moved nothing with the id %q", want).
				WithHint("give the id that the container has at the source: rialto status lists them")
		}
	}
	return out, nil
}
