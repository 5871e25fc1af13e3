package store

import (
	"context"
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Plan is a migration as an organisation wrote it.
type Plan struct {
	Name    string
	Version int64  // counts its changes from 1
	File    []byte // sealed
	Changed time.Time
	By      string // a person
}

// A Report is what a verb found: ids, fields, counts and links.
type Report struct {
	Migration string
	Num       int64 // counts those of a migration from 1
	Kind      string
	Made      time.Time
	Content   []byte // sealed
}

var (
	listPlans  = both("SELECT name, version, sealed_file, changed, changed_by FROM plan WHERE organisation = $1 ORDER BY name")
	getPlan    = both("SELECT name, version, sealed_file, changed, changed_by FROM plan WHERE organisation = $1 AND name = $2")
	addPlan    = both("INSERT INTO plan (organisation, name, version, sealed_file, changed, changed_by) VALUES ($1, $2, 1, $3, $4, $5) ON CONFLICT (organisation, name) DO NOTHING")
	setPlan    = both("UPDATE plan SET version = version + 1, sealed_file = $1, changed = $2, changed_by = $3 WHERE organisation = $4 AND name = $5 AND version = $6")
	dropPlan   = both("DELETE FROM plan WHERE organisation = $1 AND name = $2")
	dropOfPlan = both("DELETE FROM report WHERE organisation = $1 AND migration = $2")

	lastReport  = both("SELECT coalesce(max(num), 0) FROM report WHERE organisation = $1 AND migration = $2")
	addReport   = both("INSERT INTO report (organisation, migration, num, kind, made, sealed) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organisation, migration, num) DO NOTHING")
	getReport   = both("SELECT migration, num, kind, made, sealed FROM report WHERE organisation = $1 AND migration = $2 AND num = $3")
	listReports = both("SELECT migration, num, kind, made FROM report WHERE organisation = $1 AND migration = $2 ORDER BY num DESC")
)

// planSlot holds a file to its version: an older one in its place cannot be opened.
func planSlot(organisation, name string, version int64) vault.Slot {
	return vault.Slot{Organisation: organisation, Owner: "plan:" + name, Field: fmt.Sprint("file:", version)}
}

func reportSlot(organisation string, r Report) vault.Slot {
	return vault.Slot{Organisation: organisation, Owner: "report:" + r.Migration, Field: fmt.Sprint(r.Kind, ":", r.Num)}
}

// PutPlan keeps a plan whose Version is the one that it was made from, 0 for a new
// one, and returns the version that it has now. Where another one is kept, nothing is
// changed and ok is false.
func (s *Store) PutPlan(ctx context.Context, organisation string, p Plan) (version int64, ok bool, err error) {
	if err := checkName("a migration", p.Name); err != nil {
		return 0, false, err
	}
	k, err := s.key(ctx, organisation)
	if err != nil {
		return 0, false, err
	}
	next := p.Version + 1
	sealed, err := k.Seal(planSlot(organisation, p.Name, next), p.File)
	if err != nil {
		return 0, false, err
	}
	err = s.write(ctx, of(organisation), func(ss session) error {
		var err error
		if p.Version == 0 {
			err = ss.exec(addPlan, organisation, p.Name, sealed, stamp(p.Changed), p.By)
		} else {
			err = ss.exec(setPlan, sealed, stamp(p.Changed), p.By, organisation, p.Name, p.Version)
		}
		if err != nil {
			return err
		}
		// What is kept is this one only if it was written: no two have the same seal.
		return ss.query(getPlan, func(r row) error {
			ok = r.int(1) == next && string(r.blob(2)) == string(sealed)
			return nil
		}, organisation, p.Name)
	})
	if err != nil || !ok {
		return 0, false, err
	}
	return next, true, nil
}

// Plan returns a plan. One that is not there is Gone.
func (s *Store) Plan(ctx context.Context, organisation, name string) (Plan, error) {
	all, err := s.plans(ctx, organisation, getPlan, organisation, name)
	if err != nil {
		return Plan{}, err
	}
	if len(all) == 0 {
		return Plan{}, connector.Errorf(connector.Gone, "store: there is no such migration")
	}
	return all[0], nil
}

// Plans returns the plans of an organisation by name.
func (s *Store) Plans(ctx context.Context, organisation string) ([]Plan, error) {
	return s.plans(ctx, organisation, listPlans, organisation)
}

func (s *Store) plans(ctx context.Context, organisation string, st statement, by ...any) (out []Plan, err error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(st, func(r row) error {
			p := Plan{Name: r.text(0), Version: r.int(1), Changed: timeOf(r.int(3)), By: r.text(4)}
			var err error
			if p.File, err = k.Open(planSlot(organisation, p.Name, p.Version), r.blob(2)); err != nil {
				return err
			}
			out = append(out, p)
			return nil
		}, by...)
	})
	return out, err
}

// RemovePlan forgets a plan with its reports. Safe to repeat.
func (s *Store) RemovePlan(ctx context.Context, organisation, name string) error {
	return s.write(ctx, of(organisation), func(ss session) error {
		if err := ss.exec(dropOfPlan, organisation, name); err != nil {
			return err
		}
		return ss.exec(dropPlan, organisation, name)
	})
}

// AddReport keeps a report and returns its number.
func (s *Store) AddReport(ctx context.Context, organisation string, r Report) (int64, error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return 0, err
	}
	for added := false; ; {
		err := s.write(ctx, of(organisation), func(ss session) error {
			last, err := one(ss, lastReport, organisation, r.Migration)
			if err != nil {
				return err
			}
			r.Num = last + 1
			sealed, err := k.Seal(reportSlot(organisation, r), r.Content)
			if err != nil {
				return err
			}
			if err := ss.exec(addReport, organisation, r.Migration, r.Num, r.Kind, stamp(r.Made), sealed); err != nil {
				return err
			}
			// Another process may have taken the number meanwhile.
			return ss.query(getReport, func(row row) error { added = string(row.blob(4)) == string(sealed); return nil }, organisation, r.Migration, r.Num)
		})
		if err != nil || added {
			return r.Num, err
		}
	}
}

// Report returns a report. One that is not there is Gone.
func (s *Store) Report(ctx context.Context, organisation, migration string, num int64) (out Report, err error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return out, err
	}
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getReport, func(r row) (err error) {
			out = Report{Migration: r.text(0), Num: r.int(1), Kind: r.text(2), Made: timeOf(r.int(3))}
			out.Content, err = k.Open(reportSlot(organisation, out), r.blob(4))
			return err
		}, organisation, migration, num)
	})
	if err == nil && out.Num == 0 {
		err = connector.Errorf(connector.Gone, "store: there is no such report")
	}
	return out, err
}

// Reports lists the reports of a migration without their contents, the newest
// first.
func (s *Store) Reports(ctx context.Context, organisation, migration string) (out []Report, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(listReports, func(r row) error {
			out = append(out, Report{Migration: r.text(0), Num: r.int(1), Kind: r.text(2), Made: timeOf(r.int(3))})
			return nil
		}, organisation, migration)
	})
	return out, err
}
