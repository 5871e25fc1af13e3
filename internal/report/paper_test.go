package report

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rialto-migrate/rialto/internal/migrate"
	"github.com/rialto-migrate/rialto/item"
)

func TestPaper(t *testing.T) {
	f := &migrate.Forecast{Status: "ready", Kinds: map[item.Kind]migrate.ForecastKind{item.Task: {Items: 12345, Create: 12000, Skip: 345, Bytes: 5_000_000}},
		Losses: []migrate.Loss{{Kind: item.Task, Field: "cover", Policy: "drop", Why: "the target has none: https://example.org/covers", Count: 7}},
		Least:  3 * time.Hour, Most: 5 * time.Hour, Requests: 24000, Audience: &migrate.Audience{Same: 1, Wider: 2}}
	for range 200 {
		f.Shards = append(f.Shards, migrate.ShardForecast{Source: "id", Wave: 1, Items: 3})
	}
	hostile := "Ærlig \u202eevil\x00\u200b 漢字 😀 " + strings.Repeat("x", 10_000)
	b := Briefly(f, func(string) string { return hostile })
	if b.Figures[0] != [2]string{"12,345", "items"} || b.Figures[3] != [2]string{"7", "not as they were"} || !strings.Contains(b.Sentence, "3.0 hours to 5.0 hours") {
		t.Errorf("%+v", b)
	}
	var out bytes.Buffer
	p := Paper{Title: hostile, From: "old", To: "new", Made: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Hash: "abc123", Signed: []string{"Kari, 23 November 2026"}, Brief: b}
	if err := p.PDF(&out); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(out.Bytes(), []byte("%PDF-")) {
		t.Errorf("no PDF: %q", out.Bytes()[:20])
	}
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("pdftotext is missing: what the paper says is not read back")
	}
	cmd := exec.Command(program, "-layout", "-", "-")
	cmd.Stdin = &out
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"12,345", "Ærlig evil", "tasks: cover", "abc123", "Kari, 23 November 2026", "containers that more people will see"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the paper lacks %q:\n%s", want, text[:min(len(text), 3000)])
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
