//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
)

// A table is what one subject came to.
type table struct {
	name string
	head []string
	rows [][]string
	note string // a sentence or two below it
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// text is the table for a terminal.
func (t *table) text() string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.head}, t.rows...) {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	_ = w.Flush() // a buffer takes everything
	if t.note != "" {
		fmt.Fprintf(&b, "\n  %s\n", t.note)
	}
	return b.String()
}

// markdown is the table for the page.
func (t *table) markdown(machine string) string {
	var b strings.Builder
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(t.head)
	line(strings.Split(strings.Repeat("---,", len(t.head)-1)+"---", ","))
	for _, row := range t.rows {
		line(row)
	}
	if t.note != "" {
		fmt.Fprintf(&b, "\n%s\n", t.note)
	}
	fmt.Fprintf(&b, "\n*%s*\n", machine)
	return b.String()
}

// update puts tables into the page, each between its two marks. A table whose
// marks are missing is an error: nothing is written then.
func update(path, machine string, tables []table) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	page := string(old)
	for _, t := range tables {
		begin, end := "<!-- bench "+t.name+" -->\n", "<!-- end "+t.name+" -->"
		before, rest, ok := strings.Cut(page, begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			return fmt.Errorf("%s has no place for %s: write %q and %q where the table belongs", path, t.name, strings.TrimSpace(begin), end)
		}
		page = before + begin + "\n" + t.markdown(machine) + "\n" + end + after
	}
	return os.WriteFile(path, []byte(page), 0o644)
}
