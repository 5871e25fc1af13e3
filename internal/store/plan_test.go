package store

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
)

func TestPlans(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		organisations(t, s)
		p := Plan{Name: "move", File: []byte("one"), Changed: monday, By: "p-ana"}
		if v, ok, err := s.PutPlan(ctx, "o-1", p); v != 1 || !ok || err != nil {
			t.Fatal(v, ok, err)
		}
		if _, ok, err := s.PutPlan(ctx, "o-1", p); ok || err != nil {
			t.Errorf("a name twice: %v %v", ok, err)
		}
		p.Version, p.File, p.Changed = 1, []byte("two"), monday.Add(time.Hour)
		if v, ok, err := s.PutPlan(ctx, "o-1", p); v != 2 || !ok || err != nil {
			t.Fatal(v, ok, err)
		}
		stale := p
		stale.File = []byte("two of somebody else")
		if _, ok, err := s.PutPlan(ctx, "o-1", stale); ok || err != nil {
			t.Errorf("over a newer one: %v %v", ok, err)
		}
		p.Version = 2
		if got, err := s.Plan(ctx, "o-1", "move"); err != nil || !reflect.DeepEqual(got, p) {
			t.Errorf("got %+v, %v", got, err)
		}
		if all, err := s.Plans(ctx, "o-2"); err != nil || len(all) != 0 {
			t.Errorf("another organisation: %v, %v", all, err)
		}
		if _, err := s.Plan(ctx, "o-2", "move"); !isClass(err, connector.Gone) {
			t.Errorf("another organisation: %v", err)
		}
		if n, err := s.AddReport(ctx, "o-1", Report{Migration: "move", Kind: "forecast", Made: monday, Content: []byte("f")}); n != 1 || err != nil {
			t.Error(n, err)
		}
		if err := s.RemovePlan(ctx, "o-1", "move"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Plan(ctx, "o-1", "move"); !isClass(err, connector.Gone) {
			t.Errorf("removed: %v", err)
		}
		if _, err := s.Report(ctx, "o-1", "move", 1); !isClass(err, connector.Gone) {
			t.Errorf("removed: %v", err)
		}
	})
}

// Of ten who change the same version, one does.
func TestOneChangesAPlan(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		s := openStore(t, opts)
		organisations(t, s)
		if _, _, err := s.PutPlan(t.Context(), "o-1", Plan{Name: "move", Changed: monday}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		done := 0
		for i := range 10 {
			all.Go(func() {
				_, ok, err := s.PutPlan(t.Context(), "o-1", Plan{Name: "move", Version: 1, File: fmt.Append(nil, i), Changed: monday})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				if ok {
					done++
				}
			})
		}
		all.Wait()
		if done != 1 {
			t.Errorf("%d did", done)
		}
	})
}

func TestReports(t *testing.T) {
	onBoth(t, func(t *testing.T, opts Options) {
		ctx := t.Context()
		s := openStore(t, opts)
		organisations(t, s)
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if _, err := s.AddReport(ctx, "o-1", Report{Migration: "move", Kind: "forecast", Made: monday, Content: []byte("f")}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		list, err := s.Reports(ctx, "o-1", "move")
		if err != nil || len(list) != 5 || list[0].Num != 5 {
			t.Fatalf("%+v %v", list, err)
		}
		want := Report{Migration: "move", Num: 3, Kind: "forecast", Made: monday, Content: []byte("f")}
		if got, err := s.Report(ctx, "o-1", "move", 3); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
		if _, err := s.Report(ctx, "o-2", "move", 3); !isClass(err, connector.Gone) {
			t.Errorf("another organisation: %v", err)
		}
	})
}
