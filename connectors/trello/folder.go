package trello

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/item"
)

// noContent reports an upload whose bytes are not at hand: it stays a link.
const noContent = "attachment.content"

// noFolder is a board whose attachments were not saved beside it.
type noFolder struct{}

func (noFolder) blob(text, attachment) (*item.Blob, string) { return nil, noContent }

// A folder holds attachments that were saved beside an export. A file belongs
// to an attachment if it lies
//
//	<SHA-256 of the attachment's URL, in hex>/<any name>
//	<the attachment's id>/<any name>
//	<the attachment's name, or the last part of its URL>, of the size it tells
//
// in this order; a name that fits several files of that size fits none. Links
// that lead out of the folder are not followed. The caller closes it.
type folder struct {
	root  *os.Root
	dirs  map[string][]found // by the name of the folder they lie in
	names map[string][]found // by their own name
}

type found struct {
	path  string
	bytes int64
}

// openFolder lists the folder, two levels deep.
func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, unreadable("the attachments folder", err)
	}
	f := &folder{root: root, dirs: map[string][]found{}, names: map[string][]found{}}
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && strings.Count(p, "/") >= 2 {
			return fs.SkipDir
		}
		if !e.Type().IsRegular() {
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		it := found{path: p, bytes: info.Size()}
		f.dirs[path.Base(path.Dir(p))] = append(f.dirs[path.Base(path.Dir(p))], it)
		f.names[path.Base(p)] = append(f.names[path.Base(p)], it)
		return nil
	})
	if err != nil {
		root.Close()
		return nil, unreadable("the attachments folder", err)
	}
	return f, nil
}

func unreadable(what string, err error) error {
	why := "cannot be read"
	if os.IsNotExist(err) {
		why = "is not there"
	}
	return &connector.Error{Class: connector.Permanent, Reason: what + " " + why, Hint: "check the path in the connection's settings and its rights", Err: err}
}

func (f *folder) Close() error { return f.root.Close() }

// blob implements blobs.
func (f *folder) blob(_ text, a attachment) (*item.Blob, string) {
	file, ok := f.find(a)
	if !ok {
		return nil, noContent
	}
	info, err := f.root.Stat(file.path)
	if err != nil {
		return nil, noContent
	}
	problem := ""
	if a.Bytes.told && a.Bytes.n != info.Size() {
		problem = "attachment.bytes"
	}
	return &item.Blob{URL: file.path, Version: fileVersion(info), Bytes: info.Size()}, problem
}

func fileVersion(info fs.FileInfo) string {
	return fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
}

func (f *folder) find(a attachment) (found, bool) {
	names := attachmentNames(a)
	sum := sha256.Sum256([]byte(a.URL))
	for _, dir := range []string{hex.EncodeToString(sum[:]), string(a.ID)} {
		in := f.dirs[dir]
		if dir == "" || len(in) == 0 {
			continue
		}
		for _, name := range names {
			if i := slices.IndexFunc(in, func(it found) bool { return path.Base(it.path) == name }); i >= 0 {
				return in[i], true
			}
		}
		return in[0], true
	}
	var fits []found
	for _, name := range names {
		for _, it := range f.names[name] {
			if (!a.Bytes.told || a.Bytes.n == it.bytes) && !slices.Contains(fits, it) {
				fits = append(fits, it)
			}
		}
	}
	if len(fits) == 1 {
		return fits[0], true
	}
	return found{}, false
}

// attachmentNames are the names under which a file may have been saved.
func attachmentNames(a attachment) []string {
	out := []string{path.Base(string(a.Name))}
	if i := strings.LastIndexByte(string(a.URL), '/'); i >= 0 {
		last := string(a.URL)[i+1:]
		out = append(out, last)
		if plain, err := url.PathUnescape(last); err == nil {
			out = append(out, path.Base(plain))
		}
	}
	return out
}

// open streams a part of a file, which must not have changed. The caller closes it.
func (f *folder) open(b item.Blob, offset, n int64) (io.ReadCloser, error) {
	if offset < 0 {
		return nil, connector.Errorf(connector.Permanent, "a blob is read from offset %d: that is no part of it", offset)
	}
	file, err := f.root.Open(b.URL)
	if os.IsNotExist(err) {
		return nil, connector.Errorf(connector.Gone, "the file of %s is no longer in the attachments folder", b.Ref)
	}
	if err != nil {
		return nil, unreadable("a file of the attachments folder", err)
	}
	info, err := file.Stat()
	if err == nil && fileVersion(info) != b.Version {
		err = connector.Errorf(connector.Conflict, "the file of %s has changed since it was listed", b.Ref)
	}
	if err == nil {
		_, err = file.Seek(offset, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return limited(file, n), nil
}
