package trello

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/trello/standin"
	"github.com/rialto-migrate/rialto/item"
)

// A gate stands before the stand-in and answers some requests itself.
type gate struct {
	server http.Handler
	shut   atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f := g.shut.Load(); f != nil && (*f)(w, r) {
		return
	}
	g.server.ServeHTTP(w, r)
}

// answer lets the gate answer what f does; nil opens it.
func (g *gate) answer(f func(w http.ResponseWriter, r *http.Request) bool) {
	if f == nil {
		g.shut.Store(nil)
		return
	}
	g.shut.Store(&f)
}

// gated is a lab behind a gate.
func gated(t *testing.T) (*lab, *gate) {
	t.Helper()
	g := &gate{}
	web := httptest.NewServer(g)
	t.Cleanup(web.Close)
	l := newLab(t, standin.Options{}, connector.Settings{"url": web.URL + "/1"})
	g.server = l.server
	return l, g
}

// TestWritesBrokenOffAreFoundAndCompleted breaks each write of several requests
// after its first one.
func TestWritesBrokenOffAreFoundAndCompleted(t *testing.T) {
	l, g := gated(t)
	to := l.target("")
	board := l.board(to)
	lists := l.list(to, board, "L")
	field := in(item.CustomField, board)
	item.Name.Set(&field, "size")
	item.FieldType.Set(&field, "list")
	item.FieldOptions.Set(&field, []string{"S", "L"})
	card := in(item.Task, board)
	item.Title.Set(&card, "card")
	item.InList.Set(&card, lists[0].Ref)
	card = l.write(to, board, nil, change(connector.Create, card))[0]

	closedCard := in(item.Task, board)
	item.Title.Set(&closedCard, "closed card")
	item.InList.Set(&closedCard, lists[0].Ref)
	item.Closed.Set(&closedCard, true)
	closedList := in(item.List, board)
	item.Name.Set(&closedList, "closed list")
	item.Closed.Set(&closedList, true)
	steps := in(item.Checklist, card.Ref)
	item.Name.Set(&steps, "steps")
	item.Entries.Set(&steps, []item.Check{{Title: "a"}, {Title: "b", Done: true}})

	for name, tc := range map[string]struct {
		it   item.Item
		fail string
	}{
		"a card":      {closedCard, "PUT /1/cards/"},
		"a list":      {closedList, "PUT /1/lists/"},
		"a field":     {field, "POST /1/customFields/"},
		"a checklist": {steps, "POST /1/checklists/"},
	} {
		t.Run(name, func(t *testing.T) {
			l.t = t
			mark := to.Carrier(tc.it.Kind, "https://trello.com/c/Source01")
			g.answer(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.Method+" "+r.URL.Path, tc.fail) {
					return false
				}
				http.Error(w, "invalid value for closed", http.StatusBadRequest)
				return true
			})
			for r := range to.Write(t.Context(), []connector.Change{{Op: connector.Create, Item: tc.it, Mark: mark}}, nil) {
				if !connector.InDoubt(r.Err) {
					t.Fatalf("the half-written item is not in doubt: %v", r.Err)
				}
			}
			g.answer(nil)
			var found []item.Item
			for f, err := range to.Find(t.Context(), board, time.Now().Add(-time.Minute)) {
				if err != nil {
					t.Fatal(err)
				}
				it := f.Bundle.Item
				if it.Kind != tc.it.Kind {
					continue
				}
				same := f.Mark == mark
				if mark == "" {
					same = true
					for _, s := range New().Capabilities(nil).Kinds[it.Kind].Shape {
						same = same && equal(it.Fields[s], tc.it.Fields[s])
					}
				}
				if same {
					found = append(found, it)
				}
			}
			if len(found) != 1 {
				t.Fatalf("%d are found", len(found))
			}
			whole := tc.it.Clone()
			whole.ID = found[0].ID
			l.write(to, board, nil, connector.Change{Op: connector.Update, Item: whole, Mark: mark})
		})
	}
}

// TestCommentsKeepTheirOrder: what comes after a comment that may still land
// waits.
func TestCommentsKeepTheirOrder(t *testing.T) {
	l, g := gated(t)
	to := l.target("")
	board := l.board(to)
	card := in(item.Task, board)
	item.Title.Set(&card, "card")
	item.InList.Set(&card, l.list(to, board, "L")[0].Ref)
	card = l.write(to, board, nil, change(connector.Create, card))[0]
	var cs []connector.Change
	for _, s := range []string{"first", "second", "third"} {
		it := in(item.Comment, card.Ref)
		item.Body.Set(&it, s)
		cs = append(cs, connector.Change{Op: connector.Create, Item: it, AfterPrevious: len(cs) > 0})
	}
	var n atomic.Int32
	g.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/comments") && n.Add(1) == 2 {
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	})
	var errs []error
	for r := range to.Write(t.Context(), cs, nil) {
		errs = append(errs, r.Err)
	}
	if len(errs) != 3 || errs[0] != nil || !connector.InDoubt(errs[1]) || errs[2] == nil || connector.InDoubt(errs[2]) {
		t.Errorf("%v", errs)
	}
	if n.Load() != 2 {
		t.Errorf("%d comments were sent", n.Load())
	}
}

// TestTokenRevokedMidRun: the listing ends with an error that says what to do.
func TestTokenRevokedMidRun(t *testing.T) {
	l, g := gated(t)
	to := l.target("")
	board := l.board(to)
	g.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/actions") {
			http.Error(w, "invalid token", http.StatusUnauthorized)
			return true
		}
		return false
	})
	for page, err := range l.source().List(t.Context(), connector.Shard{Ref: board}, "") {
		if connector.ClassOf(err) != connector.Auth || !strings.Contains(err.Error(), "connect again") || len(page.Bundles) > 0 {
			t.Errorf("%v", err)
		}
	}
}
