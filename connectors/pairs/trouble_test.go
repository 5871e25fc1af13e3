package pairs_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// says holds an error against its class and against what its text must tell:
// what happened, and what to do. No secret may stand in it.
func says(t *testing.T, e *end, err error, class connector.Class, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of class %s", class)
	}
	if got := connector.ClassOf(err); got != class {
		t.Errorf("class %s, want %s: %v", got, class, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	for _, s := range e.con.Manifest().Settings {
		if v := e.set[s.Name]; s.Secret && v != "" && strings.Contains(err.Error(), v) {
			t.Errorf("the error holds the %s", s.Name)
		}
	}
}

// at lets something happen with the n-th request that passes; 0 for none.
func (e *end) at(n int64, is func(*http.Request) bool, do func()) {
	var count atomic.Int64
	e.before = func(r *http.Request) *http.Response {
		if is(r) && count.Add(1) == n {
			do()
		}
		return nil
	}
}

// calm lets nothing happen any more.
func (e *end) calm() { e.before = nil }

func writing(r *http.Request) bool { return changes(r) }

func reading(r *http.Request) bool {
	return !changes(r) && !strings.Contains(r.URL.Path, "/oauth2/")
}

// stillOpen reports whether the pass that was cut off is there to be gone on
// with.
func (m *move) stillOpen() {
	m.t.Helper()
	passes, err := m.led.Passes(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	if len(passes) == 0 || !passes[len(passes)-1].Ended.IsZero() {
		m.t.Errorf("the pass is not open: %+v", passes)
	}
}

// resumed runs again, which must go on with the pass, and leave no doubles.
func (m *move) resumed(items map[item.Kind]int) {
	m.t.Helper()
	if r := m.run("complete"); !r.Resumed {
		m.t.Error("the run began a pass anew")
	}
	m.verify()
	if got := m.holds(m.boards()); items != nil && !equalCounts(items, got) {
		m.t.Errorf("the target holds %v, a run without trouble %v", got, items)
	}
	m.idle()
}

// A denial is one way in which a cloud stops to accept a connection, and the
// way back.
type denial struct {
	name   string
	deny   func(*end)
	accept func(*end)
	words  []string
}

func trelloDenials() []denial {
	hint := []string{"connect again with a new token"}
	accept := func(e *end) { e.trello.RestoreToken() }
	return []denial{
		{"expired", func(e *end) { e.trello.ExpireToken() }, accept, hint},
		{"revoked", func(e *end) { e.trello.RevokeToken() }, accept, hint},
	}
}

func plannerDenials(delegated bool) []denial {
	renew := func(e *end) {
		set := e.tenant.Settings(graphBase)
		if delegated {
			var err error
			if set, err = e.tenant.DelegatedSettings(graphBase, people()[0].mail()); err != nil {
				e.t.Fatal(err)
			}
		}
		for k, v := range set {
			e.set[k] = v
		}
	}
	return []denial{{"revoked", func(e *end) { e.tenant.Revoke() }, renew, []string{"sign in again"}}}
}

// TestDenied takes the rights away at the start, and in the middle of a run at
// either end: the run ends with what to do, the pass stays open, and a new token
// goes on with it.
func TestDenied(t *testing.T) {
	clean := trelloPlannerMove(t, true)
	clean.run("complete")
	whole := clean.holds(clean.boards())
	for _, at := range []struct {
		name    string
		which   func(*move) *end
		when    func(*http.Request) bool
		nth     int64
		denials []denial
	}{
		{"source", func(m *move) *end { return m.from }, reading, 7, trelloDenials()}, // workspaces, boards, those of the workspace, who stands on a board, it, its history
		{"target", func(m *move) *end { return m.to }, writing, 9, plannerDenials(true)},
	} {
		for _, d := range at.denials {
			t.Run(at.name+" "+d.name+" at the start", func(t *testing.T) {
				t.Parallel()
				m := trelloPlannerMove(t, true)
				e := at.which(m)
				d.deny(e)
				says(t, e, m.fails(), connector.Auth, d.words...)
				d.accept(e)
				m.run("complete")
				m.verify()
			})
			t.Run(at.name+" "+d.name+" in the middle", func(t *testing.T) {
				t.Parallel()
				m := trelloPlannerMove(t, true)
				e := at.which(m)
				e.at(at.nth, at.when, func() { d.deny(e) })
				says(t, e, m.fails(), connector.Auth, d.words...)
				m.stillOpen()
				e.calm()
				says(t, e, m.fails(), connector.Auth, d.words...)
				d.accept(e)
				m.resumed(whole)
			})
		}
	}
	t.Run("an access token that expires is renewed", func(t *testing.T) {
		m := trelloPlannerMove(t, true)
		m.to.at(9, writing, m.to.tenant.ExpireTokens)
		m.run("complete")
		m.verify()
	})
}

func trelloPlannerMove(t *testing.T, delegated bool) *move {
	m, _ := trelloToPlanner(delegated)(t)
	return m
}

// TestWrongCredentials tries each cloud with credentials that it does not know.
func TestWrongCredentials(t *testing.T) {
	for _, c := range []struct {
		name  string
		end   func(*testing.T) *end
		words string
	}{
		{"trello", func(t *testing.T) *end { return newTrello(t, 3).with("token", "ATTA0123456789") }, "connect again with a new token"},
		{"planner app", func(t *testing.T) *end {
			return newPlanner(t, microsoft.Options{}, false).with("client-secret", "wrong~secret")
		}, "check client-id and client-secret"},
		{"planner person", func(t *testing.T) *end {
			return newPlanner(t, microsoft.Options{}, true).with("refresh-token", "0.wrong-refresh-token")
		}, "sign in again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := c.end(t)
			cloud, _ := e.open()
			_, err := cloud.Check(t.Context())
			says(t, e, err, connector.Auth, c.words)
		})
	}
}

// TestMissingRights has accounts that may read and not write.
func TestMissingRights(t *testing.T) {
	t.Run("a token of Trello without the right to write", func(t *testing.T) {
		from, to := newTrello(t, 3), newTrello(t, 4)
		from.fillTrello()
		to.trello.SetReadOnly(true)
		m := newMove(t, from, to, "board:Marketing")
		r := m.run("partial")
		m.failed("forbidden", "ask an admin")
		if r.Kinds[item.Task].Created != 0 || len(to.left()) != 0 {
			t.Errorf("something was written: %+v", r.Kinds)
		}
		to.trello.SetReadOnly(false)
		m.run("complete")
		m.verify()
	})
}

// failed looks for a failure of a class that says what to do.
func (m *move) failed(class, words string) {
	m.t.Helper()
	shards, err := m.led.Shards(m.t.Context())
	if err != nil {
		m.t.Fatal(err)
	}
	for _, s := range shards {
		all, err := m.led.Failures(m.t.Context(), s.Num, 1000)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, f := range all {
			if f.Class == class && strings.Contains(f.Reason, words) {
				return
			}
		}
	}
	m.t.Errorf("no failure of class %s says %q:\n%s", class, words, m.told("failure"))
}

// TestSourceVanishes deletes a board while it is read, and a card.
func TestSourceVanishes(t *testing.T) {
	t.Run("the board", func(t *testing.T) {
		m := trelloPlannerMove(t, false)
		board := m.from.trelloBoard()
		m.from.at(1, func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/1/boards/"+board) }, func() {
			if err := m.from.trello.DeleteBoard(board); err != nil {
				t.Error(err)
			}
		})
		says(t, m.from, m.fails(), connector.Gone)
		m.from.calm()
		says(t, m.from, m.fails(), connector.Gone, "rialto scan")
		if before := m.to.left(); len(before) != 0 {
			t.Errorf("something was written: %v", before)
		}
	})
	t.Run("the plan", func(t *testing.T) {
		from, to := newPlanner(t, microsoft.Options{}, true), newTrello(t, 4)
		plan := from.fillPlanner()
		m := newMove(t, from, to, "board:Marketing")
		m.to.at(3, writing, func() { from.graph("", http.MethodDelete, "planner/plans/"+plan, nil) })
		_, err := m.engine().Run(t.Context())
		if err == nil { // all of it had been read
			return
		}
		says(t, from, err, connector.Gone)
		m.to.calm()
		says(t, from, m.fails(), connector.Gone, "rialto scan")
	})
	t.Run("a file", func(t *testing.T) {
		m := trelloPlannerMove(t, false)
		summer := m.from.card("Marketing", "Summer campaign")
		m.from.at(1, func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/download/") }, func() {
			if err := m.from.trello.DeleteAttachment(summer.ID, summer.AttachmentIDs[0]); err != nil {
				t.Error(err)
			}
		})
		m.run("complete") // the board is read again, and is without the file
		if told := m.told("failure"); !strings.Contains(told, "gone GET /1/cards/{}/attachments") {
			t.Errorf("nobody was told: %s", told)
		}
		m.from.calm()
		m.verify()
	})
}

// TestTargetIsFull has a plan that holds fewer tasks, buckets or plans than the
// board has: what is over fails by itself, with what to do, and moves once there
// is room.
func TestTargetIsFull(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit func(*microsoft.Limits)
		words string
	}{
		{"tasks", func(l *microsoft.Limits) { l.TasksPerPlan = 5 }, "split the board"},
		{"open tasks", func(l *microsoft.Limits) { l.ActiveTasks = 5 }, "complete some or split the board"},
		{"buckets", func(l *microsoft.Limits) { l.BucketsPerPlan = 2 }, "join lists"},
		{"plans", func(l *microsoft.Limits) { l.PlansPerGroup = 1 }, "another group"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			limits := microsoft.DefaultLimits()
			c.limit(&limits)
			from, to := newTrello(t, 3), newPlanner(t, microsoft.Options{Limits: &limits}, false)
			from.fillTrello()
			m := newMove(t, from, to, "board:Marketing")
			r := m.run("partial")
			if r.Failed == 0 {
				t.Error("the report names no failures")
			}
			m.failed("full", c.words)
			if v := m.compare(); v.Status != "differs" || v.Failed == 0 {
				t.Errorf("verify says %s, %d not moved", v.Status, v.Failed)
			}
			if again := m.run("partial"); again.Kinds[item.Task].Created != 0 && c.name != "plans" {
				t.Errorf("the second run made %d tasks", again.Kinds[item.Task].Created)
			}
		})
	}
}

// TestAnswersInHTML puts a proxy's sign-in page in the place of an answer.
func TestAnswersInHTML(t *testing.T) {
	page := func(r *http.Request) *http.Response {
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Request: r, ContentLength: -1,
			Body: io.NopCloser(strings.NewReader("<!doctype html><html><body><h1>Sign in to continue</h1></body></html>"))}
	}
	for _, c := range []struct {
		name  string
		which func(*move) *end
		when  func(*http.Request) bool
	}{
		{"source", func(m *move) *end { return m.from }, reading},
		{"target, reading", func(m *move) *end { return m.to }, reading},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := trelloPlannerMove(t, true)
			e := c.which(m)
			e.before = func(r *http.Request) *http.Response {
				if c.when(r) {
					return page(r)
				}
				return nil
			}
			says(t, e, m.fails(), connector.Malformed, "proxy")
			e.calm()
			m.run("complete")
			m.verify()
		})
	}
	t.Run("target, writing", func(t *testing.T) {
		t.Parallel()
		m := trelloPlannerMove(t, true)
		var n atomic.Int64
		m.to.before = func(r *http.Request) *http.Response {
			if writing(r) && n.Add(1)%5 == 0 {
				return page(r)
			}
			return nil
		}
		_, _ = m.engine().Run(t.Context()) // it may end either way
		m.to.calm()
		m.run("complete")
		m.verify()
		if got := len(m.to.tenant.Plans()); got != 2 {
			t.Errorf("%d plans", got)
		}
	})
}

// TestClockIsWrong moves with a clock that is an hour off, at either side of
// the cloud's, over a connection that loses answers: what is in doubt is found
// again all the same.
func TestClockIsWrong(t *testing.T) {
	clean := trelloPlannerMove(t, true)
	clean.run("complete")
	planner := clean.holds(clean.boards())
	copied, _ := trelloToTrello(t)
	copied.run("complete")
	trello := copied.holds(copied.boards())
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		for name, c := range map[string]struct {
			make  func(*testing.T) (*move, func())
			items map[item.Kind]int
		}{"planner": {trelloToPlanner(true), planner}, "trello": {trelloToTrello, trello}} {
			t.Run(name+" "+off.String(), func(t *testing.T) {
				t.Parallel()
				m, edit := c.make(t)
				m.now = func() time.Time { return time.Now().Add(off) }
				m.to.now = m.now
				m.to.wire = shared.Transport{Handler: shared.Faults{Cut: 0.04}.Wrap(m.to.handler(), 11)}
				m.steady(c.items)
				edit()
				m.steady(nil)
			})
		}
	}
}

// steady runs until a pass is complete, however often it takes, and verifies.
func (m *move) steady(items map[item.Kind]int) {
	m.t.Helper()
	for range 20 {
		if r, err := m.engine().Run(m.t.Context()); err == nil && r.Status == "complete" {
			break
		}
	}
	wire := m.to.wire
	m.to.wire = shared.Transport{Handler: m.to.handler()}
	defer func() { m.to.wire = wire }()
	m.run("complete")
	m.verify()
	if got := m.holds(m.boards()); items != nil && !equalCounts(items, got) {
		m.t.Errorf("the target holds %v, a run without trouble %v", got, items)
	}
	if n := len(m.to.left()); items != nil && n < len(m.boards()) {
		m.t.Errorf("%d boards", n)
	}
}

func (e *end) handler() http.Handler {
	if e.trello != nil {
		return e.trello
	}
	return e.tenant
}

// TestScope has names that mean more than one board, and a target that lies in
// the source's own account.
func TestScope(t *testing.T) {
	t.Run("two boards of one name", func(t *testing.T) {
		m := trelloPlannerMove(t, false)
		m.from.fillTrello()
		says(t, m.from, m.fails(), connector.Permanent, "2 boards", "rialto scan")
	})
	t.Run("copies within one account", func(t *testing.T) {
		from := newTrello(t, 3)
		id := from.fillTrello()
		to := &end{t: t, con: from.con, trello: from.trello, place: from.place, set: from.set, wire: from.wire, left: from.left}
		m := newMove(t, from, to, id)
		m.run("complete")
		m.verify()
		if n := len(from.left()); n != 2 {
			t.Errorf("%d boards, want the board and its copy", n)
		}
		m.spec.Scope = []string{"*"}
		m.run("complete")
		if n := len(from.left()); n != 2 {
			t.Errorf("%d boards: the copy was copied", n)
		}
		m.spec.Scope = []string{"board:Marketing"}
		m.run("complete")
		if !slices.Contains(from.left(), "board "+id) || len(from.left()) != 2 {
			t.Errorf("boards %v", from.left())
		}
	})
}
