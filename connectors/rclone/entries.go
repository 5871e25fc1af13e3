package rclone

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/rclone/rclone/fs"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// keeper is the name of an empty file that keeps a folder in which nothing else lies,
// where folders are parts of keys and the backend writes no mark of its own.
const keeper = ".rialto-folder"

// beside begins the name under which a file is written before it gets its own, where a
// cloud shows it before it is whole.
const beside = ".rialto-part-"

func ours(name string) bool { return name == keeper || strings.HasPrefix(name, beside) }

// entries reads a folder.
func (c *cloud) entries(ctx context.Context, id string) (in folderEntries, err error) {
	err = c.do(ctx, "listing {folder}", func(ctx context.Context, lib *library) error {
		if flush := lib.Features().DirCacheFlush; flush != nil {
			flush() // somebody else may have put another folder in its place
		}
		all, err := lib.List(ctx, remote(id))
		if err != nil {
			return err
		}
		for _, e := range all {
			name := path.Base(e.Remote())
			switch e := e.(type) {
			case fs.Directory:
				in.folders = append(in.folders, name)
			case fs.Object:
				if ours(name) {
					in.keeper, in.left = in.keeper || name == keeper, append(in.left, e)
					continue
				}
				in.files = append(in.files, e)
			}
		}
		return nil
	})
	slices.SortFunc(in.files, func(a, b fs.Object) int { return strings.Compare(a.Remote(), b.Remote()) })
	slices.Sort(in.folders)
	in.folders = slices.Compact(in.folders)
	return in, err
}

// name is an object's own.
func name(o fs.Object) string { return path.Base(o.Remote()) }

// none reports whether nothing of anybody's lies there.
func (f folderEntries) none() bool { return len(f.files)+len(f.folders) == 0 }

func (f folderEntries) has(folder string) bool {
	_, ok := slices.BinarySearch(f.folders, folder)
	return ok
}

// files are what objects tell. Where each has to be asked by a request of its own, that
// is done side by side.
func (c *cloud) files(ctx context.Context, parent item.Ref, all []fs.Object) ([]item.Item, error) {
	out := make([]item.Item, len(all))
	errs := make([]error, len(all))
	var wait sync.WaitGroup
	turn := make(chan struct{}, side)
	for i, o := range all {
		turn <- struct{}{}
		wait.Go(func() {
			defer func() { <-turn }()
			out[i], errs[i] = c.file(ctx, parent, o)
		})
	}
	wait.Wait()
	return out, errors.Join(errs...)
}

// file is what an object tells.
func (c *cloud) file(ctx context.Context, parent item.Ref, o fs.Object) (it item.Item, err error) {
	it = item.Item{Ref: item.Ref{Kind: item.File, ID: connector.Below(parent.ID, name(o))}, Parent: parent}
	item.Name.Set(&it, name(o))
	it.Blob = &item.Blob{Ref: it.Ref, Parent: parent, Bytes: o.Size()}
	err = c.do(ctx, "looking at {object}", func(ctx context.Context, lib *library) error {
		modified := o.ModTime(ctx).UTC()
		if lib.traits.modified {
			item.Modified.Set(&it, modified)
		}
		if m, ok := o.(fs.MimeTyper); ok && lib.traits.media {
			if t := m.MimeType(ctx); t != bare {
				item.MediaType.Set(&it, t)
			}
		}
		it.Blob.Version = version(ctx, lib, o, modified)
		if !lib.Features().SlowHash {
			it.Blob.Sums = sums(ctx, lib, o)
		}
		return nil
	})
	return it, err
}
