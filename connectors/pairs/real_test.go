package pairs_test

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector/connectortest"
	microsoft "github.com/rialto-migrate/rialto/connectors/microsoft/standin"
	"github.com/rialto-migrate/rialto/item"
)

// realExports are boards that people exported from Trello, by the name of their
// list of losses.
func realExports() []string { return []string{"gocd", "pacs-spark", "clipkit"} }

// realExport connects to one of them; the test is skipped where the folder with
// the data is missing.
func realExport(t *testing.T, name string) *end {
	t.Helper()
	data := func(elem ...string) string {
		return connectortest.Shared(t, append([]string{"data", "trello"}, elem...)...)
	}
	switch name {
	case "gocd":
		return newExport(t, data("gocd-test-drive.json"), "comments", data("gocd-test-drive.comments-api.json"), "attachments", data("gocd-test-drive.attachments"))
	case "pacs-spark":
		return newExport(t, data("pacs-spark-2015.json"))
	default:
		return newExport(t, data("clipkit-japanese-2015.json"))
	}
}

// TestRealExportsToPlanner moves real boards: each loss stands in the list,
// with its count.
func TestRealExportsToPlanner(t *testing.T) {
	for _, name := range realExports() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to := newPlanner(t, microsoft.Options{}, false)
			newMove(t, realExport(t, name), to, "*").real(name + "-planner")
		})
	}
}

// real moves a board that does not change, and undoes it.
func (m *move) real(name string) {
	m.t.Helper()
	before := m.to.left()
	f, v := m.moved()
	goldenLosses(m.t, name, f.Losses, true)
	if v.Status != "equal-with-losses" {
		m.t.Errorf("verify says %s", v.Status)
	}
	for k, c := range v.Counters {
		if c.TargetSays != c.TargetRead {
			m.t.Errorf("%s: the target counts %d and gave %d", k, c.TargetSays, c.TargetRead)
		}
	}
	if f.Kinds[item.Task].Items == 0 {
		m.t.Error("the board has no tasks")
	}
	m.t.Logf("%d tasks, %d comments, %d files of %d bytes compared", f.Kinds[item.Task].Items, f.Kinds[item.Comment].Items, v.Blobs.Files, v.Blobs.Bytes)
	m.idle()
	m.rebuilt()
	m.undone(before)
}
