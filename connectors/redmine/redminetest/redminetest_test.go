package redminetest

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestStart(t *testing.T) {
	var pid int
	t.Run("up", func(t *testing.T) {
		s := Start(t, WithFields())
		ann := s.AddUser(t, "ann", "Ann", "Ö", "ann@example.net")
		if ann.ID == 0 || ann.Key == "" {
			t.Fatalf("got %+v, want an id and a key", ann)
		}
		var got struct {
			Fields []struct {
				Name   string `json:"name"`
				Values []struct {
					Label string `json:"label"`
				} `json:"possible_values"`
			} `json:"custom_fields"`
		}
		if status := s.Call(t, http.MethodGet, "/custom_fields.json", nil, &got); status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		if len(got.Fields) != 7 || got.Fields[1].Name != "Labels" || len(got.Fields[1].Values) != 3 {
			t.Errorf("the custom fields are not as WithFields says: %+v", got.Fields)
		}
		if status := s.Call(t, http.MethodGet, "/projects/77.json", nil, nil); status != http.StatusNotFound {
			t.Errorf("a project that is not there: status %d, want 404", status)
		}
		pid = serverPID(t, s.URL)
	})
	if pid == 0 {
		t.Skip("no server was started")
	}
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid))); err == nil {
		t.Errorf("process %d outlived its test", pid)
	}
}

// serverPID finds the child of this process that is puma.
func serverPID(t *testing.T, url string) int {
	t.Helper()
	dirs, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, d := range dirs {
		b, err := os.ReadFile(d)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if ok && len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(d)))
			return pid
		}
	}
	t.Fatalf("no child process serves %s", url)
	return 0
}
