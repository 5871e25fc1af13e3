package store

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"github.com/rialto-migrate/rialto/internal/audit"
)

func auditLog(t *testing.T, s *Store) *audit.Log {
	t.Helper()
	l, err := s.AuditLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func auditEntry(organisation, person string) audit.Entry {
	return audit.Entry{Organisation: organisation, Actor: audit.ByPerson(person), Action: "add connections", Object: audit.Object{Kind: "connection", ID: "c-1"},
		Outcome: audit.Done, Address: netip.MustParseAddr("192.0.2.7"), Details: map[string]string{"name": "canary-name"}}
}

func auditCheck(t *testing.T, l *audit.Log, organisation string, since []byte) *audit.Finding {
	t.Helper()
	var out bytes.Buffer
	if err := l.Export(t.Context(), organisation, &out); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(out.Bytes(), []byte("canary")) || bytes.Contains(out.Bytes(), []byte("192.0.2")) {
		t.Error("an export holds what is personal in the clear")
	}
	f, err := audit.Check(&out, audit.Trust{Key: l.Key(), Since: since})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func auditAppend(t *testing.T, l *audit.Log, entries ...audit.Entry) {
	t.Helper()
	for _, e := range entries {
		if _, err := l.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAuditOfTwoProcesses: two processes append to one log at once, and it is one.
func TestAuditOfTwoProcesses(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		a := openStore(t, opts)
		organisations(t, a)
		logs := []*audit.Log{auditLog(t, a), auditLog(t, openStore(t, opts))}
		const each = 25
		var all sync.WaitGroup
		for _, l := range logs {
			for i := range each {
				all.Go(func() {
					e := auditEntry("o-1", "p-ana")
					e.Request = fmt.Sprint(i)
					if _, err := l.Append(t.Context(), e); err != nil {
						t.Error(err)
					}
				})
			}
		}
		all.Wait()
		first := auditCheck(t, logs[0], "o-1", nil)
		if first.Checkpoint.Size != 2*each {
			t.Errorf("%d entries, want %d", first.Checkpoint.Size, 2*each)
		}
		auditAppend(t, logs[1], auditEntry("o-1", "p-ana"), auditEntry("o-2", "p-bo"), auditEntry(audit.Service, "p-bo"))
		if f := auditCheck(t, logs[0], "o-1", first.Checkpoint.Signed); f.Checkpoint.Size != 2*each+1 || f.Since == nil {
			t.Errorf("got %+v", f)
		}
		if f := auditCheck(t, logs[0], audit.Service, nil); f.Checkpoint.Size != 1 {
			t.Errorf("got %+v", f)
		}
	})
}

// TestAuditOutlives: an entry is there after another start and after the root key
// was replaced; what is personal goes with the person, and proofs stay.
func TestAuditOutlives(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		organisations(t, s)
		stranger := auditEntry("o-1", "p-ana")
		stranger.Actor, stranger.Details = audit.ByNobody(), nil
		auditAppend(t, auditLog(t, s), auditEntry("o-1", "p-ana"), auditEntry("o-1", "p-bo"), stranger)
		before := auditCheck(t, auditLog(t, s), "o-1", nil).Checkpoint
		key := auditLog(t, s).Key()
		if err := s.RotateRoot(ctx); err != nil {
			t.Fatal(err)
		}
		again := openStore(t, opts)
		l := auditLog(t, again)
		if l.Key() != key {
			t.Error("the key of checkpoints is another one")
		}
		for _, removed := range []bool{false, true} {
			if removed {
				if err := again.RemovePerson(ctx, "p-bo"); err != nil {
					t.Fatal(err)
				}
			}
			got, err := l.Entries(ctx, "o-1", 1, 4)
			if err != nil || len(got) != 3 {
				t.Fatal(len(got), err)
			}
			for i, e := range got {
				gone := removed && i == 1
				erased, err := l.Open(ctx, &e)
				if err != nil || erased != gone || (e.Details["name"] == "canary-name") != (!gone && i != 2) || e.Address.IsValid() == gone {
					t.Errorf("entry %d, removed %v: %v, %v, %+v", i+1, removed, erased, err, e)
				}
			}
			auditAppend(t, l, auditEntry("o-1", "p-ana"))
			before = auditCheck(t, l, "o-1", before.Signed).Checkpoint
		}
	})
}

// TestAuditRowsStay: no statement changes a row, and within an organisation's scope
// none takes one away.
func TestAuditRowsStay(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		organisations(t, s)
		l := auditLog(t, s)
		auditAppend(t, l, auditEntry("o-1", "p-ana"), auditEntry("o-2", "p-bo"))
		for _, change := range []string{
			"UPDATE audit_record SET record = record", "UPDATE audit_hash SET hash = hash", "UPDATE audit_checkpoint SET signed = signed",
		} {
			for _, whose := range []scope{of("o-1"), everyone} {
				if err := s.write(ctx, whose, func(ss session) error { return ss.exec(both(change)) }); err == nil {
					t.Errorf("%s was done within %+v", change, whose)
				}
			}
		}
		if !opts.Postgres.IsZero() {
			for _, table := range []string{"audit_record", "audit_hash", "audit_checkpoint"} {
				if err := s.write(ctx, of("o-1"), func(ss session) error { return ss.exec(both("DELETE FROM " + table)) }); err != nil {
					t.Error(err)
				}
				for whose, want := range map[scope]int64{of("o-1"): 1, of("o-3"): 0, self("p-ana"): 0, {}: 0} {
					err := s.read(ctx, whose, func(ss session) error {
						n, err := one(ss, both("SELECT count(*) FROM "+table))
						if n != want {
							t.Errorf("%s within %+v: %d rows, want %d", table, whose, n, want)
						}
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			err := s.write(ctx, of("o-1"), func(ss session) error { return ss.exec(addCheckpoint, "o-2", int64(9), []byte("x")) })
			if err == nil {
				t.Error("one organisation added to the log of another")
			}
		}
		if f := auditCheck(t, l, "o-1", nil); f.Checkpoint.Size != 1 {
			t.Errorf("got %+v", f)
		}
	})
}

// TestAuditMissesRows: a log that lost its end takes no more entries, and one that
// lost a record cannot be passed off as whole.
func TestAuditMissesRows(t *testing.T) {
	for _, c := range []string{
		"DELETE FROM audit_checkpoint WHERE size = 3",
		"DELETE FROM audit_hash WHERE num = 2", // the first node above records
	} {
		onBoth(t, func(t *testing.T, opts Options) {
			s := openStore(t, opts)
			organisations(t, s)
			l := auditLog(t, s)
			for range 3 {
				auditAppend(t, l, auditEntry("o-1", "p-ana"))
			}
			if err := s.write(t.Context(), everyone, func(ss session) error { return ss.exec(both(c)) }); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Append(t.Context(), auditEntry("o-1", "p-ana")); err == nil {
				t.Errorf("after %s it was appended", c)
			}
		})
	}
}

func TestAuditGoesWithItsOrganisation(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		organisations(t, s)
		l := auditLog(t, s)
		auditAppend(t, l, auditEntry("o-1", "p-ana"), auditEntry("o-2", "p-bo"))
		if err := s.DestroyOrganisation(t.Context(), "o-1"); err != nil {
			t.Fatal(err)
		}
		if got, err := l.Entries(t.Context(), "o-1", 1, 9); err != nil || len(got) != 0 {
			t.Errorf("%d entries, %v", len(got), err)
		}
		if f := auditCheck(t, l, "o-2", nil); f.Checkpoint.Size != 1 {
			t.Errorf("the other one: %+v", f)
		}
	})
}

// BenchmarkAudit appends from 16 sides at once.
func BenchmarkAudit(b *testing.B) {
	s, err := Open(b.Context(), Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.AddPerson(b.Context(), ana()); err != nil {
		b.Fatal(err)
	}
	l, err := s.AuditLog(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := l.Append(b.Context(), auditEntry("o-1", "p-ana")); err != nil {
				b.Error(err)
			}
		}
	})
}
