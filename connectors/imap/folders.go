package imap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/item"
)

// A folder of the account.
type folder struct {
	id         string
	name       string // as the server writes it
	label      string // the last part of its name, for people
	parent     string // the id of the folder that it lies in, "" for none
	use        string // special use, "" for none
	subscribed bool
	opens      bool // it can hold messages
	view       bool // it shows messages that lie in other folders
	all        bool // it shows all of them
	messages   int  // -1 if not told
	state      wire.State
	bytes      int64
}

func (f *folder) ref() item.Ref { return item.Ref{Kind: item.Folder, ID: f.id} }

// A tree is all folders, each after the one that it lies in.
type tree struct {
	folders   []*folder
	byID      map[string]*folder
	byName    map[string]*folder
	delimiter string
}

// folderID is the id of a folder whose server gives it none.
func folderID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "n" + hex.EncodeToString(sum[:12])
}

// look returns the folders; fresh asks the server even if it was asked before.
func (c *cloud) look(ctx context.Context, fresh bool) (*tree, error) {
	c.mu.Lock()
	t := c.tree
	c.mu.Unlock()
	if t != nil && !fresh {
		return t, nil
	}
	err := c.reading(ctx, "", func(conn *wire.Conn) error {
		list, err := conn.List(true)
		if err != nil {
			return err
		}
		if (conn.Is("OBJECTID") || conn.KeepsChanges() && c.reads.Load()) && !conn.Is("LIST-STATUS") && !conn.Is("IMAP4REV2") {
			if err := withStatus(conn, list); err != nil {
				return err
			}
		}
		t = newTree(list, conn.Is("X-GM-EXT-1"))
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.tree = t
	c.mu.Unlock()
	return t, nil
}

// withStatus asks for the ids and states of folders one by one.
func withStatus(conn *wire.Conn, list []wire.Folder) error {
	for i, f := range list {
		if !opens(f) {
			continue
		}
		s, err := conn.Status(f.Name, true)
		if err != nil && conn.Broken() {
			return err
		}
		if err == nil {
			list[i].ID, list[i].Messages, list[i].Bytes, list[i].State = s.ID, s.Messages, s.Bytes, s.State
		}
	}
	return nil
}

func opens(f wire.Folder) bool { return !f.Has(`\Noselect`) && !f.Has(`\NonExistent`) }

func newTree(list []wire.Folder, gmail bool) *tree {
	t := &tree{byID: map[string]*folder{}, byName: map[string]*folder{}}
	slices.SortFunc(list, func(a, b wire.Folder) int {
		return slices.Compare(strings.Split(a.Name, delimiterOf(a)), strings.Split(b.Name, delimiterOf(b)))
	})
	for _, f := range list {
		if f.Delimiter != "" {
			t.delimiter = f.Delimiter
		}
	}
	for _, f := range list {
		t.add(f, gmail)
	}
	return t
}

// delimiterOf never cuts a name of a server without hierarchy.
func delimiterOf(f wire.Folder) string {
	if f.Delimiter == "" {
		return "\x00"
	}
	return f.Delimiter
}

// add puts a folder into the tree, below those that its name implies.
func (t *tree) add(f wire.Folder, gmail bool) *folder {
	name := f.Name
	if f.Delimiter != "" {
		name = strings.TrimSuffix(name, f.Delimiter) // some servers end those that hold folders alone so
	}
	if strings.EqualFold(name, "INBOX") {
		name = "INBOX"
	}
	if got := t.byName[name]; got != nil {
		return got
	}
	out := &folder{name: name, label: name, opens: opens(f), subscribed: f.Has(`\Subscribed`), messages: f.Messages, bytes: f.Bytes, state: f.State, id: folderID(name)}
	if f.ID != "" {
		out.id = "o" + f.ID
	}
	if i := strings.LastIndex(name, delimiterOf(f)); i >= 0 {
		above := name[:i]
		out.label = name[i+len(f.Delimiter):]
		out.parent = t.add(wire.Folder{Name: above, Delimiter: f.Delimiter, Attrs: []string{`\NonExistent`}, Messages: -1, Bytes: -1}, gmail).id
	}
	out.label = mail.DecodeName(out.label)
	out.use = useOf(f, out)
	out.all = f.Has(`\All`)
	out.view = f.Has(`\All`) || f.Has(`\Flagged`) || f.Has(`\Important`)
	t.byName[name], t.byID[out.id] = out, out
	t.folders = append(t.folders, out)
	return out
}

// uses are the special uses that a folder can be carried with (RFC 6154, RFC 8457).
func uses() []string {
	return []string{"archive", "drafts", "flagged", "important", "junk", "sent", "trash"}
}

// useOf tells what a folder is for: what the server says, or else what its name does
// in the clients that most people use.
func useOf(f wire.Folder, made *folder) string {
	for _, u := range uses() {
		if f.Has(`\` + u) {
			return u
		}
	}
	if made.parent != "" && made.parent != folderID("INBOX") || !made.opens {
		return ""
	}
	return mail.UseOf(made.label)
}

// find returns a folder by its id, asking the server anew if it is not known.
func (c *cloud) find(ctx context.Context, id string) (*folder, error) {
	for _, fresh := range []bool{false, true} {
		t, err := c.look(ctx, fresh)
		if err != nil {
			return nil, err
		}
		if f := t.byID[id]; f != nil {
			return f, nil
		}
	}
	return nil, connector.Errorf(connector.Gone, "folder %s is no longer there", id)
}

// bundle is a folder as an item.
func (f *folder) bundle(mailbox item.Ref) item.Bundle {
	it := item.Item{Ref: f.ref(), Parent: mailbox}
	if f.parent != "" {
		it.Parent = item.Ref{Kind: item.Folder, ID: f.parent}
	}
	item.Name.Set(&it, f.label)
	if f.use != "" {
		item.SpecialUse.Set(&it, f.use)
	}
	if f.subscribed {
		item.Subscribed.Set(&it, true)
	}
	return item.Bundle{Item: it, CheckItems: -1}
}

func contains(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}
