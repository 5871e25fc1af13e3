//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

var gap = regexp.MustCompile(` {2,}`)

// measureLedger runs bench/ledger, a process for each database so that the
// memory of one does not count for the other, and takes over its table.
func measureLedger(ctx context.Context, s settings) (t table, err error) {
	for _, engine := range []string{"sqlite", "postgres"} {
		items := s.items
		if engine == "postgres" {
			items /= 10 // it is measured, not held to a goal
		}
		cmd := exec.CommandContext(ctx, "go", "run", "./bench/ledger", "-engines", engine, "-items", fmt.Sprint(items))
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return t, fmt.Errorf("%s: %w", engine, err)
		}
		lines := strings.Split(strings.TrimRight(string(bytes.TrimLeft(out, "\n")), "\n"), "\n")
		for _, line := range lines {
			cells := gap.Split(strings.TrimSpace(line), -1)
			switch {
			case strings.Contains(line, "merged/s"):
				if t.head == nil {
					t.head = append([]string{"", "items"}, cells...)
				}
			case len(cells) < 3 || t.head == nil:
			default:
				for len(cells)+1 < len(t.head) {
					cells = append(cells, "")
				}
				t.add(append([]string{cells[0], fmt.Sprint(items)}, cells[1:]...)...)
			}
		}
	}
	if len(t.rows) == 0 {
		return t, fmt.Errorf("bench/ledger told nothing")
	}
	t.note = "Goals for 10,000,000 items in SQLite: 1,000,000 merged a second, 200,000 looked up a second, 80 bytes an item, 64 MiB of memory."
	return t, nil
}
