// Package local is the connector for a folder of this machine. It only reads: the
// process that moves content can write to no disk.
//
// Nothing outside the folder is read: links are listed as what is not carried, and
// none is followed, not even one that takes the place of a folder meanwhile.
package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// New returns the connector.
func New() connector.Connector { return local{} }

type local struct{}

const setFolder = "folder"

func (local) Manifest() connector.Manifest {
	return connector.Manifest{
		Name:  "local",
		Title: "Local folder",
		Settings: []connector.Setting{
			{Name: setFolder, Help: "the folder of this machine to read, such as /srv/share", Path: true},
		},
	}
}

// Capabilities say what a folder tells. Nothing is written to it.
func (local) Capabilities(connector.Settings) connector.Capabilities {
	const (
		born  = "not every file system notes when a file was made: https://man7.org/linux/man-pages/man2/statx.2.html"
		users = "owners are numbers of this machine, which mean nobody elsewhere: https://man7.org/linux/man-pages/man7/inode.7.html"
		bytes = "a file is its bytes: its system notes no media type: https://man7.org/linux/man-pages/man7/inode.7.html"
		modes = "modes are of this machine's users and groups: https://man7.org/linux/man-pages/man7/inode.7.html"
		links = "a link leads to a path of this machine, which means nothing elsewhere: https://man7.org/linux/man-pages/man7/symlink.7.html"
		extra = "extended attributes belong to this machine's programs: https://man7.org/linux/man-pages/man7/xattr.7.html"
	)
	read := connector.FieldCaps{Told: true, Why: "the process that moves content can write to no disk"}
	folder := connector.KindCaps{Fields: map[string]connector.FieldCaps{item.Name.Name: read}, Lost: map[string]string{item.Created.Name: born, item.Permissions.Name: modes}, Batch: 1, Undo: connector.UndoExact}
	within := folder
	within.Fields = map[string]connector.FieldCaps{item.Name.Name: read, item.Empty.Name: read}
	within.Lost = map[string]string{item.Created.Name: born, item.Permissions.Name: modes, item.Description.Name: bytes, item.SpecialUse.Name: "folders of files have no special use", item.Subscribed.Name: "nobody subscribes to a folder of files"}
	return connector.Capabilities{
		Kinds: map[item.Kind]connector.KindCaps{
			item.Drive:  folder,
			item.Folder: within,
			item.File: {Fields: map[string]connector.FieldCaps{item.Name.Name: read, item.Content.Name: read, item.Modified.Name: read},
				Lost:  map[string]string{item.Created.Name: born, item.Author.Name: users, item.MediaType.Name: bytes, item.Metadata.Name: extra, item.Permissions.Name: modes, item.Description.Name: bytes},
				Batch: 1, Undo: connector.UndoExact},
		},
		Absent:       map[item.Kind]string{item.Member: users, item.Shortcut: links},
		Format:       connector.Plain,
		Paths:        true,
		ReadRequests: func(int) float64 { return 0 },
	}
}

// Open opens the folder itself: whatever is read later is found from there.
func (local) Open(_ context.Context, env connector.Env) (connector.Cloud, error) {
	dir := env.Settings[setFolder]
	if dir == "" {
		return nil, connector.Errorf(connector.Permanent, "local needs the setting %s", setFolder).WithHint("set folder to the folder to read, such as /srv/share")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, connector.Errorf(connector.Permanent, "the setting %s cannot be made an absolute path", setFolder).WithHint("write the whole path, from the first slash on")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		e := failed("opening the folder", err)
		e.Hint = "check the connection's setting folder, and that this user may read it"
		if e.Class == connector.Gone {
			e.Class = connector.Permanent
		}
		return nil, e
	}
	return &cloud{root: root, id: filepath.ToSlash(dir)}, nil
}

// A cloud is an open folder, and its source.
type cloud struct {
	root *os.Root
	id   string
}

func (c *cloud) Check(context.Context) (connector.Identity, error) {
	host, _ := os.Hostname()
	id := connector.Identity{ID: c.id, Name: c.id, Account: host, Rights: []string{"read files"}}
	d, err := c.root.Open(".")
	if err != nil {
		return id, failed("opening the folder", err)
	}
	defer d.Close()
	if _, err := d.ReadDir(1); err != nil && !isEnd(err) {
		return id, failed("reading the folder", err)
	}
	return id, nil
}

func (c *cloud) Source(context.Context) (connector.Source, error) { return c, nil }

func (c *cloud) Target(context.Context, string) (connector.Target, error) {
	return nil, connector.Errorf(connector.Unsupported, "a local folder is no target: what moves never touches this machine's disk").
		WithHint("serve the folder by SFTP, WebDAV or S3 from its own machine, and connect to that")
}

func (c *cloud) Close() error { return c.root.Close() }

// failed gives an error of the system its class. Its path is left away.
func failed(what string, err error) *connector.Error {
	e := &connector.Error{Class: connector.Transient, Reason: what + ": it cannot be read"}
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	e.Err = err
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Class, e.Reason = connector.Gone, what+": it is not there"
	case errors.Is(err, fs.ErrPermission):
		e.Class, e.Reason, e.Hint = connector.Forbidden, what+": this user may not read it", "give the user who runs rialto the right to read it, then run again"
	case isLoopOrEscape(err):
		e.Class, e.Reason = connector.Conflict, what+": a link has taken its place"
	}
	return e
}
