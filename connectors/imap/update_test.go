package imap

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/imaptest"
	"github.com/rialto-migrate/rialto/item"
)

// Flags of many messages change together, each to its own; one that is gone fails
// alone.
func TestFlagsOfMany(t *testing.T) {
	srv := imaptest.Start(t, imaptest.Options{})
	c := open(t, srv, "ann", nil, nil)
	_, dst := ends(t, c, c)
	inbox := folderNamed(t, c, "INBOX")
	var items []item.Item
	bodies := map[string][]byte{}
	for i := range 6 {
		items = append(items, flagged(`\Seen`))
		bodies[fmt.Sprint(i)] = message(fmt.Sprintf("%d@b", i), 100)
	}
	wants := [][]string{{`\Flagged`, `\Seen`}, {}, {`\Flagged`, `\Seen`}, {`\Answered`}, {`\Seen`}, {`\Draft`}}
	const gone = 4
	var changes []connector.Change
	for i, made := range fill(t, dst, inbox, items, bodies) {
		if made.Err != nil {
			t.Fatal(made.Err)
		}
		it := made.Stored.Item
		if i == gone {
			if _, err := dst.Delete(t.Context(), c.mailbox(), it.Ref, func(item.Bundle) bool { return true }); err != nil {
				t.Fatal(err)
			}
		}
		item.Flags.Set(&it, wants[i])
		changes = append(changes, connector.Change{Op: connector.Update, Item: it})
	}
	i := 0
	for r, err := range dst.Write(t.Context(), changes, nil) {
		if err != nil {
			t.Fatal(err)
		}
		got := item.Flags.Get(r.Stored.Item)
		switch {
		case i == gone:
			if connector.ClassOf(r.Err) != connector.Gone || r.Err == nil {
				t.Errorf("the message that is gone ends with %v", r.Err)
			}
		case r.Err != nil || r.Stored.Item.ID != changes[i].Item.ID || len(got)+len(wants[i]) > 0 && !slices.Equal(got, wants[i]):
			t.Errorf("message %d has the flags %q, want %q: %v", i, got, wants[i], r.Err)
		}
		i++
	}
	if i != len(changes) {
		t.Errorf("%d results for %d changes", i, len(changes))
	}
}
