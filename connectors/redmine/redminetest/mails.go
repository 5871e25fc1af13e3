package redminetest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// mailsInto is the part of the configuration that puts mails into a folder, a
// file for each address (ActionMailer's delivery method :file).
func mailsInto(folder string) string {
	return "  email_delivery:\n    delivery_method: :file\n    file_settings:\n      location: " + folder + "\n"
}

// Mails counts the mails to each address so far. Redmine sends them after it has
// answered: Mails waits until none came for a while. The server was started
// WithMails.
func (s *Server) Mails(t testing.TB) map[string]int {
	t.Helper()
	const still = 1500 * time.Millisecond
	last, since := s.mailed(t), time.Now()
	for time.Since(since) < still {
		time.Sleep(100 * time.Millisecond)
		now := s.mailed(t)
		if total(now) != total(last) {
			last, since = now, time.Now()
		}
	}
	return last
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (s *Server) mailed(t testing.TB) map[string]int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.mails, "*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = bytes.Count(b, []byte("\nMessage-ID: "))
	}
	return out
}
