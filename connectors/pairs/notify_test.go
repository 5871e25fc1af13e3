package pairs_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	shared "github.com/rialto-migrate/rialto/connector/standin"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/connectors/redmine/redminetest"
	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

// TestNobodyIsFlooded holds every message that a cloud sends because of a move
// against the forecast, for each way of telling people.
func TestNobodyIsFlooded(t *testing.T) {
	for _, pair := range []struct {
		name string
		make func(*testing.T) (m *move, edit func())
		// posts says that followers hear of what is written.
		posts bool
	}{
		{"trello-planner-app", trelloToPlanner(false), false},
		{"trello-planner-delegated", trelloToPlanner(true), true},
		{"planner-trello", func(t *testing.T) (*move, func()) {
			from, to := newPlanner(t, microsoft.Options{}, true), newTrello(t, 4)
			from.fillPlanner()
			return newMove(t, from, to, "board:Marketing"), from.editPlanner
		}, false},
	} {
		for _, notify := range []string{"all", "last", "none"} {
			t.Run(pair.name+"/"+notify, func(t *testing.T) {
				t.Parallel()
				m, edit := pair.make(t)
				m.spec.Policies.Notify, m.spec.Policies.Deletions = notify, "delete"
				before := m.to.left()
				f := m.tellsAsForecast(notify)
				if notify == "all" && (f.Messages.All == 0 || f.Messages.Quiet == "") {
					t.Errorf("the forecast counts nothing: %+v", f.Messages)
				}
				if hears := slices.ContainsFunc(f.Messages.Uncounted, func(u migrate.Uncounted) bool { return u.To == connector.ToFollowers }); hears != (pair.posts && notify == "all") {
					t.Errorf("followers hear of it: %v", f.Messages.Uncounted)
				}
				m.idle()
				edit()
				m.from.writes.Store(0)
				m.tellsAsForecast(notify)
				m.idle()
				m.rebuilt()
				m.undone(before)
			})
		}
	}
}

// tellsAsForecast forecasts, moves and verifies, with the step that tells people where
// there is one, and holds what was sent against what was forecast.
func (m *move) tellsAsForecast(notify string) *migrate.Forecast {
	m.t.Helper()
	f := m.forecast()
	m.sends("the run", f.Messages.Step, func() { m.run("complete") })
	v := m.verify()
	m.sameLosses(f, v)
	if notify != "last" {
		if f.Messages.Last != nil || v.ToCome != nil {
			m.t.Errorf("something is to come: %+v, %v", f.Messages.Last, v.ToCome)
		}
		return f
	}
	if (f.Messages.Last.All+len(f.Messages.Last.Uncounted) > 0) != (len(v.ToCome) > 0) {
		m.t.Errorf("forecast to come %+v, verify says %v", f.Messages.Last, v.ToCome)
	}
	m.idle()
	again := m.forecast()
	if fmt.Sprint(again.Messages.Last.People) != fmt.Sprint(f.Messages.Last.People) {
		m.t.Errorf("the last step was to send %v, and after the run %v", f.Messages.Last.People, again.Messages.Last.People)
	}
	m.tell = true
	m.sends("the last step", *again.Messages.Last, func() { m.run("complete") })
	m.tell = false
	if v := m.verify(); v.ToCome != nil {
		m.t.Errorf("still to come: %v", v.ToCome)
	}
	if f := m.forecast(); f.Messages.Last.All != 0 {
		m.t.Errorf("still to send: %+v", f.Messages.Last)
	}
	return f
}

// sends holds what the target sends while do runs against a forecast.
func (m *move) sends(what string, f migrate.Step, do func()) {
	m.t.Helper()
	notices := m.sent(do)
	formerly := 0 // writes to tasks on which others work than the source says
	for _, u := range f.Uncounted {
		if u.To == connector.ToAssigned || u.To == connector.ToDropped && m.to.server != nil {
			formerly += u.Writes
		}
	}
	sent, kinds := map[string]int{}, map[string]int{}
	for _, n := range notices {
		kinds[n.Kind]++
		switch n.Kind {
		case "post":
			if !slices.ContainsFunc(f.Uncounted, func(u migrate.Uncounted) bool { return u.To == connector.ToFollowers }) {
				m.t.Errorf("%s: a post went to %s", what, n.To)
			}
		case "unassigned", "removedFromCard":
			if !slices.ContainsFunc(f.Uncounted, func(u migrate.Uncounted) bool { return u.To == connector.ToDropped }) {
				m.t.Errorf("%s: %s was told to be taken off", what, n.To)
			}
		default:
			sent[n.To]++
		}
	}
	m.t.Logf("%s: forecast %+v, sent %v", what, f, kinds)
	for _, p := range f.People {
		if over := sent[p.Target] - p.Messages; over > 0 {
			if formerly -= over; formerly >= 0 {
				delete(sent, p.Target)
				continue
			}
			m.t.Errorf("%s: %s got %d messages, %d were forecast", what, p.Target, sent[p.Target], p.Messages)
		}
		if sent[p.Target]*3 < p.Messages-6 {
			m.t.Errorf("%s: %s got %d messages, and %d were forecast", what, p.Target, sent[p.Target], p.Messages)
		}
		delete(sent, p.Target)
	}
	for p, n := range sent {
		if formerly -= n; formerly >= 0 {
			continue
		}
		m.t.Errorf("%s: %s got %d messages that were not forecast", what, p, n)
	}
	if m.spec.Policies.Notify == "none" && len(kinds) > 0 {
		m.t.Errorf("%s: people were told: %v", what, kinds)
	}
}

// sent are the messages that the target sends while do runs.
func (m *move) sent(do func()) (out []shared.Notice) {
	m.t.Helper()
	if m.to.server == nil {
		var box shared.Notifier = m.to.tenant
		if m.to.trello != nil {
			box = m.to.trello
		}
		box.ForgetNotices()
		do()
		return box.Notices()
	}
	ids := map[string]string{}
	var all struct {
		Users []struct {
			ID   int
			Mail string
		}
	}
	m.to.server.Call(m.t, http.MethodGet, "/users.json?limit=100", nil, &all)
	for _, u := range all.Users {
		ids[u.Mail] = fmt.Sprint(u.ID)
	}
	before := m.to.server.Mails(m.t)
	do()
	for address, n := range m.to.server.Mails(m.t) {
		for range n - before[address] {
			out = append(out, shared.Notice{Kind: "mail", To: cmp.Or(ids[address], address)})
		}
	}
	return out
}

// TestRedmineFloodsNobody does the same with the mails of the real Redmine.
func TestRedmineFloodsNobody(t *testing.T) {
	t.Parallel()
	srv := startServer(t, redminetest.WithMails())
	for _, notify := range []string{"all", "last", "none"} {
		t.Run(notify, func(t *testing.T) {
			from, to := newTrello(t, 3), newRedmine(t, srv.Server, "mails-"+notify, "labels-field", "")
			from.fillTrello()
			m := newMove(t, from, to, "board:Marketing")
			m.merges = item.List
			before := m.to.left()
			m.spec.Policies.Notify, m.spec.Policies.Deletions = notify, "delete"
			f := m.tellsAsForecast(notify)
			if notify == "all" && f.Messages.All == 0 {
				t.Errorf("the forecast counts nothing: %+v", f.Messages)
			}
			if notify == "last" { // the others' deltas are held against the stand-ins
				from.editTrello()
				m.from.writes.Store(0)
				m.tellsAsForecast(notify)
			}
			m.undone(before)
		})
	}
}
