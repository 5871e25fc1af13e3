package pairs_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// exported is the board Marketing of a Trello, exported to a file as the
// browser does it, with what it needs beside it: its comments and its files.
type exported struct {
	*end
	from  *end
	file  string
	files string
}

// newExported fills a Trello and exports its board.
func newExported(t testing.TB) *exported {
	t.Helper()
	dir := t.TempDir()
	x := &exported{from: newTrello(t, 3), file: filepath.Join(dir, "board.json"), files: filepath.Join(dir, "files")}
	x.from.fillTrello()
	x.export()
	x.end = newExport(t, x.file)
	return x
}

// export writes the file anew.
func (x *exported) export() {
	x.from.t.Helper()
	board := x.from.callTrello(http.MethodGet, "/boards/"+x.from.trelloBoard()+"?fields=all&actions=all&actions_limit=1000&cards=all&card_attachments=true&card_stickers=true"+
		"&card_customFieldItems=true&card_pluginData=true&checklists=all&labels=all&labels_limit=1000&lists=all&members=all&memberships=all&customFields=true&pluginData=true", nil)
	raw, err := json.Marshal(board)
	if err != nil {
		x.from.t.Fatal(err)
	}
	if err := os.WriteFile(x.file, raw, 0o600); err != nil {
		x.from.t.Fatal(err)
	}
}

func (x *exported) edit() {
	x.from.editTrello()
	x.export()
}
