package app

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/sheet"
	"github.com/rialto-migrate/rialto/item"
)

// A MapSummary tells what became of a map file.
type MapSummary struct {
	Status     string `json:"status"` // written
	Containers int    `json:"containers"`
	New        int    `json:"new"`
	Known      int    `json:"known"`
	Gone       int    `json:"gone"`
}

const (
	columnBytes      = "bytes"
	columnPeople     = "people"
	columnActive     = "last activity"
	columnViewers    = "seen by"
	columnOwner      = "owner"
	columnVisibility = "visibility"
)

func mapColumns() []string {
	return []string{migrate.MapID, migrate.MapName, migrate.MapPlace, migrate.MapTarget, migrate.MapWave, migrate.MapItems,
		columnBytes, columnPeople, columnActive, columnViewers, columnOwner, columnVisibility, migrate.MapState, migrate.MapLink}
}

// WriteMap writes the map file of what a scan counted. What people wrote into an
// earlier one (place, target, wave, and columns of their own) stays; what is no
// longer at the source keeps its line and says so. waves spreads the containers
// that have no wave yet over that many, of like size; 0 leaves them without.
func WriteMap(path string, shards []job.Shard, waves int) (MapSummary, error) {
	old, err := sheet.Read(path, migrate.MapID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = &sheet.Sheet{}
	case err != nil:
		return MapSummary{}, err
	}
	columns, lines, sum, err := mergeMap(old, shards, waves)
	if err != nil {
		return sum, err
	}
	return sum, sheet.Write(path, columns, lines)
}

// mergeMap is the map as WriteMap writes it.
func mergeMap(old *sheet.Sheet, shards []job.Shard, waves int) (columns []string, lines [][]string, sum MapSummary, err error) {
	sum.Status = "written"
	columns = mapColumns()
	for _, c := range old.Columns {
		if c != "" && !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	before, err := earlier(old.Rows, shards)
	if err != nil {
		return nil, nil, sum, err
	}
	names := map[string]int{}
	var rows []map[string]string
	for _, s := range shards {
		row := scannedRow(s)
		had, known := before[s.ID]
		if known {
			sum.Known++
			for _, c := range columns {
				if row[c] == "" || c == migrate.MapPlace || c == migrate.MapTarget || c == migrate.MapWave {
					row[c] = had.Get(c)
				}
			}
			delete(before, s.ID)
		} else {
			sum.New++
			row[migrate.MapTarget] = suggested(s.Name, names)
			if s.Closed {
				row[migrate.MapWave] = "-" // people closed it; whoever wants it says a wave
			}
		}
		rows = append(rows, row)
	}
	for _, r := range old.Rows {
		if left, is := before[r.Get(migrate.MapID)]; !is || left.Line != r.Line {
			continue
		}
		sum.Gone++
		row := map[string]string{}
		for _, c := range columns {
			row[c] = r.Get(c)
		}
		row[migrate.MapState] = migrate.MapGone
		rows = append(rows, row)
	}
	spread(rows, waves)
	sum.Containers = len(rows)
	lines = make([][]string, len(rows))
	for i, row := range rows {
		for _, c := range columns {
			lines[i] = append(lines[i], row[c])
		}
	}
	return columns, lines, sum, nil
}

// earlier are the lines of a map by the ids of their containers. A line whose id a
// spreadsheet spoilt (a number in place of it, zeros that are lost) is found by its
// link. Two lines for one container are refused: one of them would be lost.
func earlier(rows []sheet.Row, shards []job.Shard) (map[string]sheet.Row, error) {
	ids, byLink := map[string]bool{}, map[string]string{}
	for _, s := range shards {
		ids[s.ID] = true
		if s.Link != "" {
			byLink[s.Link] = s.ID
		}
	}
	out := map[string]sheet.Row{}
	for _, r := range rows {
		id := r.Get(migrate.MapID)
		if whole, known := byLink[r.Get(migrate.MapLink)]; known && !ids[id] {
			id = whole
		}
		if id == "" {
			return nil, r.Errorf("the id is missing, and the link is none of the source's; remove the line")
		}
		if first, twice := out[id]; twice {
			return nil, r.Errorf("%s stands in line %d already; remove one of the two", id, first.Line)
		}
		out[id] = r
	}
	return out, nil
}

func scannedRow(s job.Shard) map[string]string {
	items := 0
	for k, n := range s.Counts {
		if k != item.Member {
			items += n
		}
	}
	row := map[string]string{migrate.MapID: s.ID, migrate.MapName: s.Name, migrate.MapLink: s.Link, migrate.MapItems: strconv.Itoa(items),
		columnBytes: strconv.FormatInt(max(s.Bytes, 0), 10), columnPeople: strconv.Itoa(s.People), migrate.MapState: "open"}
	if s.Closed {
		row[migrate.MapState] = "closed"
	}
	if !s.Active.IsZero() {
		row[columnActive] = s.Active.UTC().Format(time.DateOnly)
	}
	if s.Viewers >= 0 {
		row[columnViewers] = strconv.Itoa(s.Viewers)
	}
	row[columnOwner], row[columnVisibility] = s.Owner, s.Visibility
	return row
}

// suggested is a name for the target that no other container was given: its own,
// with a number from the second one on. It is left empty where its own will do.
func suggested(name string, taken map[string]int) string {
	key := strings.ToLower(strings.TrimSpace(name))
	taken[key]++
	if n := taken[key]; n > 1 {
		return fmt.Sprintf("%s (%d)", name, n)
	}
	return ""
}

// spread gives the rows without a wave one of n waves, so that each wave has
// about as many items: the largest first, each to the wave that has least.
func spread(rows []map[string]string, n int) {
	if n < 1 {
		return
	}
	var open []map[string]string
	load := make([]int, n)
	for _, row := range rows {
		items, _ := strconv.Atoi(row[migrate.MapItems])
		wave, err := strconv.Atoi(row[migrate.MapWave])
		switch {
		case row[migrate.MapWave] == "" && row[migrate.MapState] != migrate.MapGone:
			open = append(open, row)
		case err == nil && wave >= 1 && wave <= n:
			load[wave-1] += items
		}
	}
	items := func(row map[string]string) int { k, _ := strconv.Atoi(row[migrate.MapItems]); return k }
	slices.SortStableFunc(open, func(a, b map[string]string) int { return cmp.Compare(items(b), items(a)) })
	for _, row := range open {
		least := slices.Index(load, slices.Min(load))
		row[migrate.MapWave] = strconv.Itoa(least + 1)
		load[least] += max(items(row), 1)
	}
}
