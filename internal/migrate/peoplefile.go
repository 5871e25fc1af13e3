package migrate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/internal/sheet"
)

// The columns of a people file. Only the first two are needed; the others are
// for whoever decides, and are written anew each time.
const (
	colSource = "source"
	colTarget = "target"
)

// A PeopleTable is a people file as it stands: decisions, what was told of the
// people, and columns of the user's own.
type PeopleTable struct {
	path    string
	columns []string
	rows    []peopleRow
}

type peopleRow struct {
	line           int
	source, target string
	cells          map[string]string // by column
}

// A number as a spreadsheet writes what it took for one: it has forgotten the
// rest of the digits.
var spreadsheetNumber = regexp.MustCompile(`^[0-9]([.,][0-9]+)?E\+[0-9]{1,3}$`)

// ReadPeople reads a people file: a table with the columns source and target.
// Two lines for one person are refused.
func ReadPeople(path string) (*PeopleTable, error) {
	s, err := sheet.Read(path, colSource, colTarget)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the people file %s is not there; rialto people FILE.yaml writes it", path)
	}
	if err != nil {
		return nil, err
	}
	return tableOf(s)
}

func tableOf(s *sheet.Sheet) (*PeopleTable, error) {
	t := &PeopleTable{path: s.Path, columns: s.Columns}
	lines := map[string]peopleRow{}
	for _, r := range s.Rows {
		row := peopleRow{line: r.Line, source: r.Get(colSource), target: decided(r.Get(colTarget)), cells: map[string]string{}}
		for _, c := range s.Columns {
			row.cells[c] = r.Get(c)
		}
		if _, err := readDecider(r); err != nil {
			return nil, err
		}
		if row.source == "" {
			if row.target == "" {
				continue
			}
			return nil, r.Errorf("the column %s is empty; give the id of the person who becomes %q", colSource, row.target)
		}
		for _, text := range []string{row.source, row.target} {
			if spreadsheetNumber.MatchString(text) {
				return nil, r.Errorf("a spreadsheet made the number %q of an id; make the column text and give the id again", text)
			}
		}
		key := fold(row.source)
		if first, twice := lines[key]; twice {
			if fold(first.target) != fold(row.target) {
				return nil, r.Errorf("%q has a line already, line %d, with another target; keep one of the two", row.source, first.line)
			}
			return nil, r.Errorf("%q has a line already, line %d; keep one of the two", row.source, first.line)
		}
		lines[key] = row
		t.rows = append(t.rows, row)
	}
	return t, nil
}

// decided reads the cell of a decision: spreadsheets make links of addresses,
// and long dashes of short ones.
func decided(cell string) string {
	if rest, ok := strings.CutPrefix(strings.ToLower(cell), "mailto:"); ok {
		return strings.TrimSpace(cell[len(cell)-len(rest):])
	}
	if slices.Contains([]string{"–", "—", "−", "‐", "‑"}, cell) {
		return Nobody
	}
	return cell
}

// Decisions are the rows in which somebody decided.
func (t *PeopleTable) Decisions() []PersonRow {
	var out []PersonRow
	for _, r := range t.rows {
		if r.target != "" {
			out = append(out, PersonRow{Source: r.source, Target: r.target, Line: r.line})
		}
	}
	return out
}

// ReadFileForPeople reads a migration file of which the people file is to be
// written now: it may be missing, and where the YAML names none its decisions
// are taken from out.
func ReadFileForPeople(path, out string) (*File, error) {
	f, err := readFile(path, readPeopleIfThere)
	if err != nil || out == "" || f.PeopleFile != "" {
		return f, err
	}
	table, err := readPeopleIfThere(out)
	if err != nil {
		return nil, err
	}
	f.People.File, f.People.Rows = out, table.Decisions()
	return f, nil
}

func readPeopleIfThere(path string) (*PeopleTable, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return &PeopleTable{path: path}, nil
	}
	return ReadPeople(path)
}

// ParsePeople reads a people file from its bytes; name is for errors.
func ParsePeople(name string, raw []byte) (*PeopleTable, error) {
	s, err := sheet.Parse(name, raw, colSource, colTarget)
	if err != nil {
		return nil, err
	}
	return tableOf(s)
}

// DecidedPeople is a table that holds decisions alone.
func DecidedPeople(rows []PersonRow) *PeopleTable {
	t := &PeopleTable{columns: []string{colSource, colTarget}}
	for _, r := range rows {
		t.rows = append(t.rows, peopleRow{line: r.Line, source: r.Source, target: r.Target, cells: map[string]string{colSource: r.Source, colTarget: r.Target}})
	}
	return t
}

// Deciders counts the decisions by who made them, "" for nobody named.
func (t *PeopleTable) Deciders() map[string]int { return t.deciders() }

// WritePeople writes a people file, or writes it again: decisions, columns of
// the user's own and the order of the lines stay, new people are added at the
// end, and people whom the source no longer shows stay and are marked. A list of
// some containers only adds to the file and leaves the lines that are there as they
// are. The list must have names.
func WritePeople(path string, list *PeopleList) (Merged, error) {
	old, err := readPeopleIfThere(path)
	if err != nil {
		return Merged{}, err
	}
	columns, rows, m := old.Merge(list)
	return m, sheet.Write(path, columns, rows)
}

// Merge is the table as WritePeople writes it again.
func (old *PeopleTable) Merge(list *PeopleList) (columns []string, rows [][]string, m Merged) {
	written := peopleColumns()
	columns = slices.Clone(written)
	for _, c := range old.columns {
		if c != "" && !slices.Contains(columns, c) {
			columns = append(columns, c)
		}
	}
	find := finder(list.People)
	done := map[string]bool{}
	add := func(cells map[string]string) {
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = cells[c]
		}
		rows = append(rows, row)
	}
	for _, r := range old.rows {
		p := find(r.source)
		if list.Partly {
			if p != nil {
				done[p.Source] = true
			}
			r.cells[colTarget] = r.target
			add(r.cells)
			m.Kept++
			continue
		}
		if p == nil || done[p.Source] {
			r.cells[colStatus] = statusGone
			r.cells[colTarget] = r.target
			add(r.cells)
			m.Gone++
			continue
		}
		done[p.Source] = true
		cells := p.cells()
		for c, v := range r.cells {
			if !slices.Contains(written, c) {
				cells[c] = v
			}
		}
		cells[colTarget] = r.target
		if r.target == "" {
			cells[colTarget] = p.Decision
		}
		add(cells)
		m.Kept++
	}
	for i := range list.People {
		if p := &list.People[i]; !done[p.Source] {
			add(p.cells())
			m.Added++
		}
	}
	return columns, rows, m
}

// Merged counts the lines of a people file that was written again.
type Merged struct {
	Kept  int `json:"kept"`
	Added int `json:"added"`
	Gone  int `json:"gone"`
}

// finder finds a listed person by what the column source may hold; nil for
// nobody, or for a name that two have.
func finder(people []PersonLine) func(source string) *PersonLine {
	byText := map[string]*PersonLine{}
	for _, level := range []func(*PersonLine) string{
		func(p *PersonLine) string { return p.Source }, func(p *PersonLine) string { return strings.TrimLeft(p.Source, "0") },
		func(p *PersonLine) string { return p.Email }, func(p *PersonLine) string { return p.UserName },
		func(p *PersonLine) string { return p.Name },
	} {
		here := map[string]*PersonLine{}
		for i := range people {
			key := fold(level(&people[i]))
			if _, twice := here[key]; twice {
				here[key] = nil
			} else {
				here[key] = &people[i]
			}
		}
		for key, p := range here {
			if _, had := byText[key]; !had && key != "" {
				byText[key] = p
			}
		}
	}
	return func(source string) *PersonLine { return byText[fold(source)] }
}

const (
	colStatus  = "status"
	statusGone = "gone"
)

// peopleColumns are the columns that are written, in their order.
func peopleColumns() []string {
	out := []string{colSource, "username", "name", "email", "standing"}
	for _, r := range roles {
		out = append(out, string(r))
	}
	return append(out, "suggestion", "suggested name", "reason", "state", colTarget, colStatus)
}

// cells are a person's line by column.
func (p *PersonLine) cells() map[string]string {
	out := map[string]string{colSource: p.Source, "username": p.UserName, "name": p.Name, "email": p.Email, "standing": p.Standing,
		"suggestion": p.suggested(), "suggested name": p.SuggestedName, "reason": reasonWords(p.Reason), "state": p.State,
		colTarget: p.Decision, colStatus: p.Status}
	for r, n := range p.As {
		out[string(r)] = strconv.Itoa(n)
	}
	return out
}

// reasonWords says by what a suggestion was found.
func reasonWords(by string) string {
	switch by {
	case byEmail:
		return "e-mail"
	case byDomain:
		return "domain change"
	case byUserName:
		return "user name"
	}
	return by
}

// suggested is the suggestion in the form that people know best.
func (p *PersonLine) suggested() string {
	if p.SuggestedEmail != "" {
		return p.SuggestedEmail
	}
	return p.Suggestion
}
