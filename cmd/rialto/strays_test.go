package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// strays names the files in the group's drive that no task refers to.
func (s *served) strays(t testing.TB) []string {
	t.Helper()
	referred := map[string]bool{}
	for _, p := range s.tenant.Plans() {
		for _, task := range s.tenant.Tasks(p.ID) {
			for _, address := range task.References {
				referred[below(address)] = true
			}
		}
	}
	var out []string
	var walk func(path string)
	walk = func(path string) {
		status, got := s.tenant.Do("", http.MethodGet, path, nil)
		if status >= 300 {
			t.Fatalf("GET %s: status %d", path, status)
		}
		for _, v := range got["value"].([]any) {
			it := v.(map[string]any)
			if _, folder := it["folder"]; folder {
				walk("drives/" + it["parentReference"].(map[string]any)["driveId"].(string) + "/items/" + it["id"].(string) + "/children")
				continue
			}
			address, _ := it["webUrl"].(string)
			if !referred[below(address)] {
				out = append(out, fmt.Sprintf("the file %s is in the drive and no task refers to it", address))
			}
		}
	}
	walk("groups/" + s.group + "/drive/root/children")
	out = append(out, s.twinThreads(t)...)
	slices.Sort(out)
	return out
}

// below is the path of an address: the host depends on who asks.
func below(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Path
}

// threadMark ends the topic of a conversation that was made for a task, and
// names the task.
var threadMark = regexp.MustCompile(`\(#[0-9a-f]+\)$`)

// twinThreads names the conversations that were made twice for one task.
func (s *served) twinThreads(t testing.TB) (out []string) {
	t.Helper()
	seen := map[string]bool{}
	for path := "groups/" + s.group + "/threads"; path != ""; {
		status, got := s.tenant.Do(user(0)+"@example.test", http.MethodGet, path, nil)
		if status >= 300 {
			t.Fatalf("GET %s: status %d", path, status)
		}
		for _, v := range got["value"].([]any) {
			topic, _ := v.(map[string]any)["topic"].(string)
			if m := threadMark.FindString(topic); m != "" {
				if seen[m] {
					out = append(out, "there are two conversations for one task: "+m)
				}
				seen[m] = true
			}
		}
		next, _ := got["@odata.nextLink"].(string)
		_, path, _ = strings.Cut(next, "/v1.0/")
	}
	return out
}
