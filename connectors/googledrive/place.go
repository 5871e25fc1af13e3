package googledrive

import (
	"context"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// Target writes into a place: "my-drive", or "shared-drive:NAME" (its id will do),
// either with a path of folders behind it, as in "shared-drive:Sales/2026/Archive"; ""
// is "my-drive". Folders that are missing are made with the first drive that is written.
func (c *cloud) Target(ctx context.Context, place string) (connector.Target, error) {
	if len(c.people) > 1 {
		return nil, connector.Errorf(connector.Permanent, "a target acts as one person").WithHint("set " + setAs + " to one address: each My Drive is a migration of its own")
	}
	t := &target{cloud: c, person: c.people[0], ids: &pool{api: c.people[0].api}}
	where, path, _ := strings.Cut(place, "/")
	kind, name, named := strings.Cut(where, ":")
	var err error
	switch {
	case (kind == "my-drive" || kind == "") && !named:
		t.top, err = t.person.myDrive(ctx)
	case kind == "shared-drive" && name != "":
		t.drive, err = t.sharedDrive(ctx, name)
		t.top = t.drive
	default:
		return nil, connector.Errorf(connector.Permanent, "the place is none of Drive's").
			WithHint(`write "my-drive" or "shared-drive:NAME", and folders behind it, as in "shared-drive:Sales/Archive"`)
	}
	if err != nil {
		return nil, err
	}
	t.at = t.top
	for step := range strings.SplitSeq(path, "/") {
		if step == "" {
			continue
		}
		if len(t.missing) == 0 {
			f, ok, err := t.folderNamed(ctx, t.at, step, "")
			if err != nil {
				return nil, err
			}
			if ok {
				t.at = f.ID
				continue
			}
		}
		t.missing = append(t.missing, step)
	}
	return t, nil
}

// sharedDrive finds a shared drive by its name or id.
func (t *target) sharedDrive(ctx context.Context, name string) (string, error) {
	var ids []string
	err := t.person.api.drives(ctx, func(d sharedDrive) bool {
		if d.ID == name {
			ids = []string{d.ID}
			return false
		}
		if d.Name == name {
			ids = append(ids, d.ID)
		}
		return true
	})
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", connector.Errorf(connector.Permanent, "there is no shared drive of that name").
			WithHint("make it in Drive, with this account as a member that may add files, or correct the place")
	case len(ids) > 1:
		return "", connector.Errorf(connector.Permanent, "%d shared drives have that name", len(ids)).
			WithHint("name the one by its id, which is the end of its address: shared-drive:0AB…")
	}
	return ids[0], nil
}

// folderNamed finds a folder in another by its name: of several the one with a mark,
// else the oldest.
func (t *target) folderNamed(ctx context.Context, in, name, mark string) (found file, ok bool, err error) {
	_, err = t.person.api.all(ctx, t.drive, quoted(in)+" in parents and name = "+quoted(name)+" and "+folders, fileFields, func(f file) bool {
		switch {
		case f.Name != name: // Drive compares without regard to case
		case !ok, mark != "" && f.Private[markKey] == mark && found.Private[markKey] != mark, found.Private[markKey] != mark && f.Created.Before(found.Created):
			found, ok = f, true
		}
		return true
	})
	return found, ok, err
}

// writeDrive makes the folder of a drive and what is missing of the place, or takes
// over what is there.
func (t *target) writeDrive(ctx context.Context, c connector.Change) (item.Bundle, bool, error) {
	t.making.Lock()
	defer t.making.Unlock()
	adopted := true
	for len(t.missing) > 0 {
		f, err := t.makeFolder(ctx, t.at, t.missing[0], "")
		if err != nil {
			return item.Bundle{}, false, err
		}
		t.at, t.missing, adopted = f.ID, t.missing[1:], false
		t.fresh.Store(f.ID, true)
	}
	id := t.at
	if name := item.Name.Get(c.Item); name != "" {
		f, ok, err := t.folderNamed(ctx, t.at, name, c.Mark)
		if err != nil {
			return item.Bundle{}, false, err
		}
		if adopted = ok; !ok {
			if f, err = t.makeFolder(ctx, t.at, name, c.Mark); err != nil {
				return item.Bundle{}, false, err
			}
			t.fresh.Store(f.ID, true)
		}
		id = f.ID
	}
	if c.Op == connector.Update && c.Item.ID != id {
		return item.Bundle{}, false, connector.Errorf(connector.Unsupported, "the folder of a drive is not renamed").WithHint("rename it in Drive, then run again with that place")
	}
	for b, err := range t.fetch(ctx, driveRef(id), t.at, []item.Ref{driveRef(id)}) {
		return b, adopted, err
	}
	return item.Bundle{}, false, connector.Errorf(connector.Transient, "POST /files: the folder that was made is not there yet")
}

// placed is the place itself, whose name does not count; "" while it is not there.
func (t *target) placed() string {
	t.making.Lock()
	defer t.making.Unlock()
	if len(t.missing) > 0 {
		return ""
	}
	return t.at
}
