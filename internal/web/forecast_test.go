//go:build linux

package web

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/access"
	"github.com/rialto-migrate/rialto/internal/audit"
	"github.com/rialto-migrate/rialto/internal/job"
	"github.com/rialto-migrate/rialto/internal/runs"
)

func TestForecast(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		b, c := planned(t, s)
		b.saved("scope", url.Values{"what": {"all"}})
		b.saved("place", url.Values{"place": {c.Place}})
		b.saved("people", url.Values{"match": {"email", "name"}, "others": {"name-in-text"}})
		if page := b.ended(b.post("/o/o/migrations/move/forecast", nil)); !strings.Contains(page, "The forecast is made") {
			has(t, page, "The forecast is made")
			t.FailNow()
		}
		at := "/o/o/migrations/move/forecasts/1"
		page := text(t, b.ask(t, http.MethodGet, at, b.token, nil))
		has(t, page, "What moves", "What will not be as it was", "Who will be told", "not as they were", "Sign")

		// What is kept has no names; a scan gives them to whoever may read the source.
		_, board, _ := strings.Cut(c.Scope, ":")
		r, err := s.App.Store().Report(t.Context(), "o", "move", 1)
		if err != nil {
			t.Fatal(err)
		}
		_, id, _ := strings.Cut(c.Scope, ":")
		if !strings.Contains(string(r.Content), id) {
			t.Error("the report has no ids")
		}
		in, err := s.App.Of("o").Scan(t.Context(), "old", false, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, sh := range in.Shards {
			if strings.Contains(string(r.Content), sh.Name) || strings.Contains(page, sh.Name) {
				t.Errorf("the forecast holds the name %q", sh.Name)
			}
		}
		has(t, page, board)
		b.ended(b.post("/o/o/migrations/move/scan", nil))
		has(t, text(t, b.ask(t, http.MethodGet, at, b.token, nil)), in.Shards[0].Name)

		// It is signed by its hash, once, and the audit log says so.
		if got := b.ask(t, http.MethodPost, at+"/sign", b.token, url.Values{"hash": {"other"}}); got.StatusCode != http.StatusConflict {
			t.Errorf("another hash: %d", got.StatusCode)
		}
		f, err := s.App.Of("o").Forecast(t.Context(), "move", 1)
		if err != nil {
			t.Fatal(err)
		}
		b.post(at+"/sign", url.Values{"hash": {f.Hash}})
		b.post(at+"/sign", url.Values{"hash": {f.Hash}})
		if f, err = s.App.Of("o").Forecast(t.Context(), "move", 1); err != nil || len(f.Signed) != 1 {
			t.Errorf("%+v %v", f.Signed, err)
		}
		has(t, text(t, b.ask(t, http.MethodGet, at+"?done=signed", b.token, nil)), "You have signed", "Signed by")
		told := false
		entries, err := s.Audit.Entries(t.Context(), "o", 1, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			told = told || e.Action == "sign forecast" && e.Outcome == audit.Done && e.Object.ID == "move/1"
		}
		if !told {
			t.Error("the audit log does not tell of it")
		}
		got := b.ask(t, http.MethodGet, at+"/pdf", b.token, nil)
		if got.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(text(t, got), "%PDF-") {
			t.Error("no PDF")
		}

		// What was forecast is run from the same page, and once at a time.
		has(t, text(t, b.ask(t, http.MethodGet, at, b.token, nil)), "Run now")
		begun := b.ask(t, http.MethodPost, "/o/o/migrations/move/run", b.token, nil)
		if begun.StatusCode != http.StatusSeeOther || !strings.HasPrefix(begun.Header.Get("Location"), "/o/o/runs/") {
			t.Fatalf("run: %d %s", begun.StatusCode, begun.Header.Get("Location"))
		}
		ended := func() runs.Run {
			all, err := s.Runs.Runs(t.Context(), "o", math.MaxInt64, 1)
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return all[0]
		}
		for end := time.Now().Add(time.Minute); !ended().State.Over() && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		}
		if r := ended(); r.State != runs.Done || r.Verb != job.Run || r.Migration != "move" {
			t.Errorf("the run: %+v", r)
		}

		// A plan that was changed since is not signed by it.
		b.saved("place", url.Values{"place": {"group:Elsewhere"}})
		op := s.as(t, access.Operator)
		if got := op.ask(t, http.MethodPost, at+"/sign", op.token, url.Values{"hash": {f.Hash}}); got.StatusCode != http.StatusConflict {
			t.Errorf("a changed plan: %d", got.StatusCode)
		}
		has(t, text(t, op.ask(t, http.MethodGet, at, op.token, nil)), "changed after this forecast")
		// What has begun to move keeps its plan.
		if got := b.ask(t, http.MethodPost, "/o/o/migrations/move/remove", b.token, nil); got.StatusCode != http.StatusConflict {
			t.Errorf("removed: %d", got.StatusCode)
		}
	})
}
