package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/internal/sheet"
	"github.com/rialto-migrate/rialto/internal/store"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Plan is a migration that is kept here instead of in a file.
type Plan struct {
	Name    string
	Version int64 // of what was read; 0 for a new one
	File    *migrate.File
	Changed time.Time
	By      string // the person who changed it last
}

// A PlanChanged is a plan that somebody else has changed meanwhile, or made under
// the same name.
type PlanChanged struct {
	Now     Plan
	Differs []string // lines of what the other one has otherwise
}

func (e *PlanChanged) Error() string { return "somebody else has changed it meanwhile" }

// Unwrap gives the error its class.
func (e *PlanChanged) Unwrap() error { return connector.Errorf(connector.Conflict, "%s", e.Error()) }

// kept is a plan's file as it is sealed. Titles, and addresses that hold some, are
// left out: they are shown from a scan.
type kept struct {
	migrate.File
	MapBy []string `json:",omitempty"` // who decided each line of the map
}

// PutPlan keeps a plan that was made from its Version. A newer one is a *PlanChanged.
func (a *App) PutPlan(ctx context.Context, p Plan) (Plan, error) {
	if err := a.planned(ctx, p.File); err != nil {
		return p, err
	}
	k := kept{File: *p.File}
	k.Map = slices.Clone(k.Map)
	for i := range k.Map {
		k.MapBy = append(k.MapBy, k.Map[i].By)
		k.Map[i].Name, k.Map[i].Link = "", ""
	}
	b, err := json.Marshal(k)
	if err != nil {
		return p, err
	}
	p.Name, p.Changed = p.File.Name, time.Now().UTC()
	version, ok, err := a.store.PutPlan(ctx, a.Organisation, store.Plan{Name: p.Name, Version: p.Version, File: b, Changed: p.Changed, By: p.By})
	if err != nil {
		return p, err
	}
	if !ok {
		now, err := a.Plan(ctx, p.Name)
		if err != nil {
			return p, err
		}
		differs, err := Differences(p.File, now.File)
		if err != nil {
			return p, err
		}
		return p, &PlanChanged{now, differs}
	}
	p.Version = version
	return p, nil
}

// planned refuses a file that cannot be a plan here: its connections must be there,
// and be two.
func (a *App) planned(ctx context.Context, f *migrate.File) error {
	if err := f.Validate(); err != nil {
		return connector.Errorf(connector.Permanent, "%v", err)
	}
	all, err := a.Connections(ctx)
	if err != nil {
		return err
	}
	for _, end := range []struct{ setting, name string }{{"from", f.From}, {"to", f.To}} {
		if !slices.ContainsFunc(all, func(c vault.Connection) bool { return c.Name == end.name }) {
			return &SettingError{end.setting, fmt.Sprintf("there is no connection %q", end.name)}
		}
	}
	if f.From == f.To {
		return &SettingError{"to", "source and target are the same connection"}
	}
	return nil
}

// Plan returns a plan. One that is not there is Gone.
func (a *App) Plan(ctx context.Context, name string) (Plan, error) {
	p, err := a.store.Plan(ctx, a.Organisation, name)
	if err != nil {
		return Plan{}, err
	}
	return planOf(p)
}

// Plans returns all plans by name.
func (a *App) Plans(ctx context.Context) ([]Plan, error) {
	all, err := a.store.Plans(ctx, a.Organisation)
	if err != nil {
		return nil, err
	}
	out := make([]Plan, len(all))
	for i, p := range all {
		if out[i], err = planOf(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func planOf(p store.Plan) (Plan, error) {
	var k kept
	if err := json.Unmarshal(p.File, &k); err != nil {
		return Plan{}, fmt.Errorf("app: a plan cannot be read: %w", err)
	}
	for i, by := range k.MapBy {
		k.Map[i].By = by
	}
	if err := k.Pace.Ready(); err != nil {
		return Plan{}, err
	}
	return Plan{Name: p.Name, Version: p.Version, File: &k.File, Changed: p.Changed, By: p.By}, nil
}

// RemovePlan forgets a plan with its reports. What has begun to move keeps its
// plan, without which nobody could go on with it or take it back: a Conflict.
func (a *App) RemovePlan(ctx context.Context, name string) error {
	led, err := a.store.Look(ctx, a.Organisation, name)
	if err != nil {
		return err
	}
	if led != nil {
		passes, err := led.Passes(ctx)
		if err := errors.Join(err, led.Close()); err != nil {
			return err
		}
		if len(passes) > 0 {
			return connector.Errorf(connector.Conflict, "this migration has begun to move").WithHint("undo it first, or leave its plan")
		}
	}
	return a.store.RemovePlan(ctx, a.Organisation, name)
}

// Uses lists the plans that use a connection.
func (a *App) Uses(ctx context.Context, connection string) (names []string, err error) {
	all, err := a.Plans(ctx)
	for _, p := range all {
		if p.File.From == connection || p.File.To == connection {
			names = append(names, p.Name)
		}
	}
	return names, err
}

// Differences are the lines by which one file is not the other: those of ours with
// a minus, those of theirs with a plus. Of tables they give counts.
func Differences(ours, theirs *migrate.File) (out []string, err error) {
	x, err := ours.Text()
	if err != nil {
		return nil, err
	}
	y, err := theirs.Text()
	if err != nil {
		return nil, err
	}
	a, b := strings.Split(strings.TrimSpace(x), "\n"), strings.Split(strings.TrimSpace(y), "\n")
	for _, side := range []struct {
		mark     string
		of, lack []string
	}{{"− ", a, b}, {"+ ", b, a}} {
		for _, line := range side.of {
			if !slices.Contains(side.lack, line) {
				out = append(out, side.mark+strings.TrimSpace(line))
			}
		}
	}
	count := func(what string, n int) {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d lines of %s", n, what))
		}
	}
	people := func(f *migrate.File) map[string]string {
		m := map[string]string{}
		for _, r := range f.People.Rows {
			m[r.Source] = r.Target
		}
		return m
	}
	places := func(f *migrate.File) map[string]string {
		m := map[string]string{}
		for _, r := range f.Map {
			m[r.Source] = fmt.Sprint(r.Place, "\x00", r.Target, "\x00", r.Wave, r.Out)
		}
		return m
	}
	count("the people", apart(people(ours), people(theirs)))
	count("the map", apart(places(ours), places(theirs)))
	return out, nil
}

// apart counts the keys that two tables have otherwise.
func apart(a, b map[string]string) (n int) {
	for k, v := range a {
		if w, has := b[k]; !has || v != w {
			n++
		}
	}
	for k := range b {
		if _, has := a[k]; !has {
			n++
		}
	}
	return n
}

// PeopleCSV is the table of people to decide in: those of list, nil for none that was
// read, with what is decided.
func PeopleCSV(f *migrate.File, list *migrate.PeopleList) ([]byte, error) {
	if list == nil {
		list = &migrate.PeopleList{Partly: true}
	}
	columns, rows, _ := migrate.DecidedPeople(f.People.Rows).Merge(list)
	return sheet.Encode(columns, rows)
}

// TakePeople takes the decisions of a table of people.
func TakePeople(f *migrate.File, raw []byte) error {
	if err := wrong(raw); err != nil {
		return err
	}
	t, err := migrate.ParsePeople("line", raw)
	if err != nil {
		return inTable(err)
	}
	f.People.Rows, f.People.File, f.Decided.People = t.Decisions(), "the table of people", t.Deciders()
	return nil
}

// Decide sets what was decided of some people, by their ids: "" decides nothing. Who
// decided each line of an earlier table is then no longer counted.
func Decide(f *migrate.File, decided map[string]string) {
	rows := slices.DeleteFunc(slices.Clone(f.People.Rows), func(r migrate.PersonRow) bool { _, is := decided[r.Source]; return is })
	for _, source := range slices.Sorted(maps.Keys(decided)) {
		if target := strings.TrimSpace(decided[source]); target != "" {
			rows = append(rows, migrate.PersonRow{Source: source, Target: target})
		}
	}
	f.People.Rows, f.People.File = rows, "the table of people"
	if f.Decided.People = nil; len(rows) > 0 {
		f.Decided.People = map[string]int{"": len(rows)}
	}
}

// MapCSV is the map as a table: that of the scanned containers, with what is planned.
// waves spreads those without a wave over as many; 0 leaves them.
func MapCSV(f *migrate.File, shards []job.Shard, waves int) ([]byte, error) {
	columns := mapColumns()
	var lines [][]string
	for _, r := range f.Map {
		cells := map[string]string{migrate.MapID: r.Source, migrate.MapName: r.Name, migrate.MapPlace: r.Place, migrate.MapTarget: r.Target, migrate.MapLink: r.Link,
			migrate.MapItems: strconv.Itoa(r.Items)}
		switch {
		case r.Out:
			cells[migrate.MapWave] = "-"
		case r.Wave > 0:
			cells[migrate.MapWave] = strconv.Itoa(r.Wave)
		}
		line := make([]string, len(columns))
		for i, c := range columns {
			line[i] = cells[c]
		}
		lines = append(lines, line)
	}
	raw, err := sheet.Encode(columns, lines)
	if err != nil || shards == nil {
		return raw, err
	}
	old, err := sheet.Parse("line", raw)
	if err != nil {
		return nil, err
	}
	all, merged, _, err := mergeMap(old, shards, waves)
	if err != nil {
		return nil, err
	}
	return sheet.Encode(all, merged)
}

// TakeMap takes the map of a table; one without lines takes it away.
func TakeMap(f *migrate.File, raw []byte) error {
	if err := wrong(raw); err != nil {
		return err
	}
	rows, err := migrate.ParseMap("line", raw)
	if err != nil {
		return inTable(err)
	}
	f.Map = rows
	if len(f.Scope) == 0 {
		f.Scope = []string{"*"}
	}
	return nil
}

// inTable says of an error in which line of a table it is, and no file's name.
func inTable(err error) error {
	text := err.Error()
	if rest, whole := strings.CutPrefix(text, "line: "); whole {
		return errors.New(rest)
	}
	return errors.New(strings.Replace(text, "line:", "line ", 1))
}

// wrong says whether a table is no text: a workbook, a picture. It keeps what would
// be read as a thousand odd characters from being taken for a table.
func wrong(raw []byte) error {
	if !bytes.HasPrefix(raw, []byte("\xff\xfe")) && !bytes.HasPrefix(raw, []byte("\xfe\xff")) && bytes.IndexByte(raw, 0) >= 0 {
		return errors.New("this is no table of text; save it as CSV, in UTF-8")
	}
	return nil
}
