package connector

import (
	"net/url"
	"strings"
)

// Folders say how far a walk through a tree of folders came, for a source that lists
// one folder after the other.
type Folders struct {
	Waiting []string // paths of the folders that are still to be read, any bytes
	After   string   // the last name that was given of the folder that is being read, "" at its beginning
}

// Cursor writes folders as a cursor.
func (f Folders) Cursor() Cursor {
	parts := make([]string, len(f.Waiting))
	for i, at := range f.Waiting {
		parts[i] = url.PathEscape(at)
	}
	c := strings.Join(parts, " ")
	if f.After != "" {
		c += " ?" + url.PathEscape(f.After)
	}
	return Cursor(c)
}

// ReadFolders reads a cursor that Folders wrote; ok is false for any other.
func ReadFolders(c Cursor) (f Folders, ok bool) {
	for part := range strings.FieldsSeq(string(c)) {
		part, last := strings.CutPrefix(part, "?")
		name, err := url.PathUnescape(part)
		if err != nil {
			return Folders{}, false
		}
		if last {
			f.After = name
		} else {
			f.Waiting = append(f.Waiting, name)
		}
	}
	return f, true
}

// Done takes the folder that was read, the last of those that wait, from them, and
// adds the ones that lie in it.
func (f *Folders) Done(in []string) {
	f.Waiting, f.After = append(f.Waiting[:len(f.Waiting)-1], in...), ""
}
