package store

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/internal/vault"
)

// A Run is one verb under way on a migration, or over. Package runs says what its
// states are.
type Run struct {
	Organisation string
	Num          int64 // from 1 in each organisation
	Migration    string
	Verb         string
	State        string
	Owner        string    // the process that carries it out; "" for none
	Seen         time.Time // when the owner was last heard of
	Wish         string    // what somebody wants the owner to do
	Began, Ended time.Time // Ended is zero until it is over
	By           string    // a person
	Last         int64     // the number of its newest event; 0 for none
	Counts       []byte    // ids and numbers, as package runs writes them
}

// A RunEvent is one thing that happened in a run: ids, kinds, states, classes and
// counts, as package runs writes them.
type RunEvent struct {
	Num   int64
	Event []byte
}

const runColumns = "organisation, num, migration, verb, state, owner, seen, wish, began, ended, person, last, counts"

var (
	// lockRuns keeps others from beginning a run of the same organisation. In SQLite
	// a transaction that writes is alone anyway.
	lockRuns = statement{"SELECT $1",
		"SELECT 1 FROM pg_advisory_xact_lock(hashtextextended('rialto runs ' || $1, 0))"}
	openRunOf = both("SELECT num FROM run WHERE organisation = $1 AND migration = $2 AND ended = 0 LIMIT 1")
	newestRun = both("SELECT coalesce(max(num), 0) FROM run WHERE organisation = $1")
	addRun    = both(`INSERT INTO run (organisation, num, migration, verb, state, owner, seen, began, person, counts, sealed_order)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`)
	getRun     = both("SELECT " + runColumns + " FROM run WHERE organisation = $1 AND num = $2")
	lockRun    = statement{getRun.sqlite, getRun.postgres + " FOR UPDATE"}
	listRuns   = both("SELECT " + runColumns + " FROM run WHERE organisation = $1 AND num < $2 ORDER BY num DESC LIMIT $3")
	openRuns   = both("SELECT " + runColumns + " FROM run WHERE ended = 0 ORDER BY began")
	getOrder   = both("SELECT sealed_order FROM run WHERE organisation = $1 AND num = $2")
	getSummary = both("SELECT sealed_summary FROM run WHERE organisation = $1 AND num = $2")
	claimRun   = both("UPDATE run SET owner = $1, seen = $2 WHERE organisation = $3 AND num = $4")
	wishRun    = both("UPDATE run SET wish = $1 WHERE organisation = $2 AND num = $3 AND ended = 0")
	tellRun    = both("UPDATE run SET state = $1, seen = $2, last = $3, counts = $4 WHERE organisation = $5 AND num = $6")
	endRun     = both("UPDATE run SET ended = $1, owner = '', wish = '', sealed_summary = $2 WHERE organisation = $3 AND num = $4")
	leaveRun   = both("UPDATE run SET owner = '', seen = 0 WHERE organisation = $1 AND num = $2")
	addEvents  = statement{
		"INSERT INTO run_event (organisation, run, num, event) VALUES ($1, $2, $3, $4)",
		"INSERT INTO run_event (organisation, run, num, event) SELECT $1, $2, * FROM unnest($3::bigint[], $4::bytea[])"}
	oldEvents = both("DELETE FROM run_event WHERE organisation = $1 AND run = $2 AND num <= $3")
	getEvents = both("SELECT num, event FROM run_event WHERE organisation = $1 AND run = $2 AND num > $3 ORDER BY num LIMIT $4")
)

func runOf(r row) Run {
	return Run{Organisation: r.text(0), Num: r.int(1), Migration: r.text(2), Verb: r.text(3), State: r.text(4), Owner: r.text(5), Seen: timeOf(r.int(6)),
		Wish: r.text(7), Began: timeOf(r.int(8)), Ended: timeOf(r.int(9)), By: r.text(10), Last: r.int(11), Counts: bytes.Clone(r.blob(12))}
}

func runSlot(organisation string, num int64, field string) vault.Slot {
	return vault.Slot{Organisation: organisation, Owner: fmt.Sprintf("run:%d", num), Field: field}
}

// AddRun keeps a new run with what was ordered, and gives it a number. While
// another one of the migration is not over, it is a Conflict.
func (s *Store) AddRun(ctx context.Context, r Run, order []byte) (Run, error) {
	k, err := s.key(ctx, r.Organisation)
	if err != nil {
		return r, err
	}
	err = s.write(ctx, of(r.Organisation), func(ss session) error {
		if err := ss.query(lockRuns, func(row) error { return nil }, r.Organisation); err != nil {
			return err
		}
		if num, err := one(ss, openRunOf, r.Organisation, r.Migration); err != nil {
			return err
		} else if num > 0 {
			return connector.Errorf(connector.Conflict, "run %d of this migration is under way", num).WithHint("wait until it is done, or stop it")
		}
		newest, err := one(ss, newestRun, r.Organisation)
		if err != nil {
			return err
		}
		r.Num = newest + 1
		sealed, err := k.Seal(runSlot(r.Organisation, r.Num, "order"), order)
		if err != nil {
			return err
		}
		return ss.exec(addRun, r.Organisation, r.Num, r.Migration, r.Verb, r.State, r.Owner, stamp(r.Seen), stamp(r.Began), r.By, r.Counts, sealed)
	})
	return r, err
}

// Run returns a run. One that is not there is Gone.
func (s *Store) Run(ctx context.Context, organisation string, num int64) (out Run, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getRun, func(r row) error { out = runOf(r); return nil }, organisation, num)
	})
	if err == nil && out.Num == 0 {
		err = noRun()
	}
	return out, err
}

func noRun() error { return connector.Errorf(connector.Gone, "store: there is no such run") }

// Runs returns an organisation's runs whose numbers are below before, the newest
// first, at most limit.
func (s *Store) Runs(ctx context.Context, organisation string, before int64, limit int) (out []Run, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(listRuns, func(r row) error { out = append(out, runOf(r)); return nil }, organisation, before, int64(limit))
	})
	return out, err
}

// OpenRuns returns the runs that are not over. It looks across organisations.
func (s *Store) OpenRuns(ctx context.Context) (out []Run, err error) {
	err = s.read(ctx, everyone, func(ss session) error {
		return ss.query(openRuns, func(r row) error { out = append(out, runOf(r)); return nil })
	})
	return out, err
}

// RunOrder returns what was ordered.
func (s *Store) RunOrder(ctx context.Context, organisation string, num int64) ([]byte, error) {
	return s.sealedOfRun(ctx, organisation, num, getOrder, "order")
}

// RunSummary returns what came of a run; nil while it is not over.
func (s *Store) RunSummary(ctx context.Context, organisation string, num int64) ([]byte, error) {
	return s.sealedOfRun(ctx, organisation, num, getSummary, "summary")
}

func (s *Store) sealedOfRun(ctx context.Context, organisation string, num int64, get statement, field string) ([]byte, error) {
	k, err := s.key(ctx, organisation)
	if err != nil {
		return nil, err
	}
	var sealed []byte
	found := false
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(get, func(r row) error { found, sealed = true, bytes.Clone(r.blob(0)); return nil }, organisation, num)
	})
	if err == nil && !found {
		err = noRun()
	}
	if err != nil || sealed == nil {
		return nil, err
	}
	return k.Open(runSlot(organisation, num, field), sealed)
}

// ClaimRun makes owner the process that carries a run out, unless somebody was heard
// of since was was read, or it is over. It reports whether owner has it now.
func (s *Store) ClaimRun(ctx context.Context, was Run, owner string, now time.Time) (got bool, err error) {
	err = s.write(ctx, of(was.Organisation), func(ss session) error {
		var is Run
		if err := ss.query(lockRun, func(r row) error { is = runOf(r); return nil }, was.Organisation, was.Num); err != nil {
			return err
		}
		if is.Num == 0 || !is.Ended.IsZero() || is.Owner != was.Owner || !is.Seen.Equal(was.Seen) {
			return nil
		}
		got = true
		return ss.exec(claimRun, owner, stamp(now), was.Organisation, was.Num)
	})
	return got, err
}

// WishRun asks the owner of a run for something. A run that is over has no wishes.
func (s *Store) WishRun(ctx context.Context, organisation string, num int64, wish string) error {
	return s.write(ctx, of(organisation), func(ss session) error { return ss.exec(wishRun, wish, organisation, num) })
}

// A Telling is what the owner of a run has to tell at once.
type Telling struct {
	Run    Run // its State, Last and Counts are kept
	Events []RunEvent
	Keep   int64 // how many of the newest events are kept
	// Ended ends the run, with Summary, which may be nil.
	Ended   time.Time
	Summary []byte
	// Leave lets another process take the run over at once.
	Leave bool
}

// TellRun keeps what the owner of a run tells, all of it or nothing, and returns
// what people wish of it. Whoever is no longer its owner gets a Conflict and must
// leave it alone.
func (s *Store) TellRun(ctx context.Context, t Telling, now time.Time) (wish string, paused bool, err error) {
	org, num := t.Run.Organisation, t.Run.Num
	var sealed []byte
	if t.Summary != nil {
		k, err := s.key(ctx, org)
		if err != nil {
			return "", false, err
		}
		if sealed, err = k.Seal(runSlot(org, num, "summary"), t.Summary); err != nil {
			return "", false, err
		}
	}
	nums, events := make([]int64, len(t.Events)), make([][]byte, len(t.Events))
	for i, e := range t.Events {
		nums[i], events[i] = e.Num, e.Event
	}
	err = s.write(ctx, of(org), func(ss session) error {
		var is Run
		if err := ss.query(lockRun, func(r row) error { is = runOf(r); return nil }, org, num); err != nil {
			return err
		}
		if is.Num == 0 || is.Owner != t.Run.Owner || !is.Ended.IsZero() {
			return connector.Errorf(connector.Conflict, "run %d is carried out by another process", num)
		}
		wish = is.Wish
		if len(events) > 0 {
			if err := ss.exec(addEvents, org, num, nums, events); err != nil {
				return err
			}
			if err := ss.exec(oldEvents, org, num, t.Run.Last-t.Keep); err != nil {
				return err
			}
		}
		if err := ss.exec(tellRun, t.Run.State, stamp(now), t.Run.Last, t.Run.Counts, org, num); err != nil {
			return err
		}
		switch {
		case !t.Ended.IsZero():
			return ss.exec(endRun, stamp(t.Ended), sealed, org, num)
		case t.Leave:
			return ss.exec(leaveRun, org, num)
		}
		since, err := one(ss, getPaused, org, t.Run.Migration)
		paused = since != 0
		return err
	})
	return wish, paused, err
}

// RunEvents returns the events of a run after a number, at most limit, the oldest
// first. Those that are too old are no longer there.
func (s *Store) RunEvents(ctx context.Context, organisation string, num, after int64, limit int) (out []RunEvent, err error) {
	err = s.read(ctx, of(organisation), func(ss session) error {
		return ss.query(getEvents, func(r row) error {
			out = append(out, RunEvent{r.int(0), bytes.Clone(r.blob(1))})
			return nil
		}, organisation, num, after, int64(limit))
	})
	return out, err
}
