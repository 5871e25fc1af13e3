// Package mailfiles is the connector for mail that lies in files of this machine:
// Maildir (https://cr.yp.to/proto/maildir.html), Maildir++ and mbox (RFC 4155), also
// mixed in one tree as Thunderbird and Dovecot leave them. It only reads: the process
// that moves content can write to no disk.
//
// Lines end with CR LF when they are read, as mail servers give them (RFC 5322, 2.3);
// nothing else of a message is touched. In an mbox, what its programs put there is
// taken out again: From_ lines, the quoting of lines like them, and the fields that
// hold flags, so that a changed flag changes no bytes.
package mailfiles

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return mailfiles{} }

type mailfiles struct{}

// Settings by name.
const (
	setFolder  = "folder"
	setQuoting = "quoting"
	setDeleted = "deleted"
)

func (mailfiles) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "mailfiles",
		Title: "Mail files",
		Settings: []connector.Setting{
			{Name: setFolder, Help: "the folder of this machine that holds Maildir folders or mbox files, such as /home/ann/Maildir", Path: true},
			{Name: setQuoting, Help: "how lines that begin with From are quoted in mbox files: mboxrd (the default) or mboxo", Optional: true},
			{Name: setDeleted, Help: "messages that are marked as deleted and not yet removed: skip (the default) or carry", Optional: true},
		},
	}
}

// Capabilities say what the files tell. Nothing is written to them.
func (mailfiles) Capabilities(connector.Settings) connector.Capabilities {
	told := connector.FieldCaps{Told: true, Why: "files are only read"}
	type fields = map[string]connector.FieldCaps
	return connector.Capabilities{
		Kinds: map[item.Kind]connector.KindCaps{
			item.Mailbox: {Fields: fields{item.Name.Name: told}, Batch: 1, Undo: connector.UndoExact},
			item.Folder: {Fields: fields{item.Name.Name: told, item.SpecialUse.Name: told, item.Subscribed.Name: told},
				Lost: map[string]string{item.Created.Name: "files do not tell when a folder was made", item.Empty.Name: "a folder stands by itself, empty or not",
					item.Description.Name: "a folder of messages has a name alone", item.Permissions.Name: "a folder of messages is its owner's"},
				Batch: 1, Undo: connector.UndoExact},
			item.Message: {Fields: fields{item.Content.Name: told, item.Flags.Name: told, item.Received.Name: told}, Batch: 1, Undo: connector.UndoExact},
		},
		Format:       connector.Plain,
		ReadRequests: func(int) float64 { return 0 },
	}
}

// Open opens the folder: whatever is read later is found from there, and no link
// leads out of it.
func (mailfiles) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	dir := env.Settings[setFolder]
	if dir == "" {
		return nil, connector.Errorf(connector.Permanent, "mailfiles needs the setting %s", setFolder).WithHint("set folder to the folder that holds the mail, such as /home/ann/Maildir")
	}
	c := &cloud{names: map[string]string{}}
	switch env.Settings[setQuoting] {
	case "", "mboxrd":
	case "mboxo":
		c.mboxo = true
	default:
		return nil, connector.Errorf(connector.Permanent, "mailfiles cannot read the setting %s", setQuoting).WithHint("write mboxrd or mboxo")
	}
	switch env.Settings[setDeleted] {
	case "", "skip":
	case "carry":
		c.carryDeleted = true
	default:
		return nil, connector.Errorf(connector.Permanent, "mailfiles cannot read the setting %s", setDeleted).WithHint("write skip or carry")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, connector.Errorf(connector.Permanent, "the setting %s cannot be made an absolute path", setFolder).WithHint("write the whole path, from the first slash on")
	}
	if c.root, err = os.OpenRoot(dir); err != nil {
		e := failed("opening the folder", err)
		e.Class, e.Hint = connector.Permanent, "check the connection's setting folder, and that this user may read it"
		return nil, e
	}
	c.id = filepath.Base(dir)
	return c, nil
}

// A cloud is an open folder.
type cloud struct {
	root         *os.Root
	id           string
	mboxo        bool
	carryDeleted bool

	mu    sync.Mutex
	tree  *tree             // as it was listed last
	names map[string]string // by message id: the file's path, of those listed last
}

func (c *cloud) Close() error { return c.root.Close() }

// Check looks whether there is mail.
func (c *cloud) Check(ctx context.Context) (connector.Identity, error) {
	t, err := c.walk()
	if err != nil {
		return connector.Identity{}, err
	}
	id := connector.Identity{ID: c.id, Name: c.id, Account: "this machine", Rights: []string{"read the mail in this folder"}}
	if len(t.folders) == 0 {
		id.Missing = append(id.Missing, "mail: there is neither a Maildir folder nor an mbox file")
	}
	return id, ctx.Err()
}

func (c *cloud) Source(context.Context) (connector.Source, error) { return c, nil }

func (c *cloud) Target(context.Context, string) (connector.Target, error) {
	return nil, connector.Errorf(connector.Unsupported, "mail files are a source only: the process that moves content can write to no disk").
		WithHint("name a mailbox of a server as the target")
}

// failed gives an error of the file system a class. It names no file.
func failed(doing string, err error) *connector.Error {
	e := &connector.Error{Class: connector.Transient, Reason: doing + " failed", Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Class, e.Reason = connector.Gone, doing+": it is no longer there"
	case errors.Is(err, fs.ErrPermission):
		e.Class, e.Reason = connector.Forbidden, doing+": this user may not"
	}
	return e
}
