package standin

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The address of a plan or task leads to its place on the page.
func TestServeWeb(t *testing.T) {
	s := New(Options{Seed: 1})
	group := s.AddGroup("Crew", s.Users()[0].ID)
	status, plan := s.Do(s.Users()[0].ID, http.MethodPost, "planner/plans", object{"title": "Plan", "container": object{"url": "https://graph.microsoft.com/v1.0/groups/" + group}})
	if status != http.StatusCreated {
		t.Fatalf("the plan was not made: %d %v", status, plan)
	}
	id, _ := plan["id"].(string)
	for path, want := range map[string]string{
		"/webui/plan/" + id + "/view/board?tid=1":         "/#" + id,
		"/webui/plan/" + id + "/view/board/task/none?t=1": "/#" + id,
		"/webui/plan/none/view/board":                     "",
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%s leads to %q (%d)", path, got, w.Code)
		}
	}
	if boards := s.PageBoards(); len(boards) != 1 || boards[0].ID != id {
		t.Errorf("the page shows %v", boards)
	}
}
