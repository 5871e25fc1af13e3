package imap

import (
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
)

// FuzzIDs: an id that is taken apart is put together again, and a cursor that somebody
// made up names a folder that is there, or begins anew.
func FuzzIDs(f *testing.F) {
	f.Add("nabc.1.2")
	f.Add("oF1/2/3/partly")
	f.Fuzz(func(t *testing.T, s string) {
		if folder, validity, uid, ok := splitID(s); ok {
			a, b, c, again := splitID(messageID(folder, validity, uid))
			if !again || a != folder || b != validity || c != uid {
				t.Errorf("%q comes back as %q %d %d", s, a, b, c)
			}
		}
		tree := newTree([]wire.Folder{{Name: s, Delimiter: "/"}, {Name: "INBOX", Delimiter: "/"}}, false)
		for i, folder := range tree.folders {
			at, p, partly := tree.resume(place{validity: 7, last: 9}.cursor(folder, true))
			if at != i || p.validity != 7 || p.last != 9 || !partly {
				t.Errorf("the cursor of folder %d names %d, %+v", i, at, p)
			}
			if folder.parent != "" && tree.byID[folder.parent] == nil {
				t.Errorf("%q lies in a folder that is not there", folder.name)
			}
		}
		if at, _, _ := tree.resume(connector.Cursor(s)); at >= len(tree.folders) {
			t.Errorf("%q names folder %d", s, at)
		}
	})
}
