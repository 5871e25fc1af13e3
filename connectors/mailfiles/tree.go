package mailfiles

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connectors/mail"
	"github.com/rialto-migrate/rialto/item"
)

// A form is how a folder keeps its messages.
type form int

const (
	holder  form = iota // it holds folders alone
	maildir             // a file for each
	mbox                // all in one
)

// A folder of mail.
type folder struct {
	id, parent string // parent is "" at the top
	name       string
	form       form
	path       string // from the root on
}

// A tree is all folders, each after the one that it lies in.
type tree struct {
	folders []*folder
	byID    map[string]*folder
	partly  bool // something could not be read
}

// mostDepth is how deep folders lie in one another.
const mostDepth = 64

// walk finds the folders.
func (c *cloud) walk() (*tree, error) {
	t := &tree{byID: map[string]*folder{}}
	if err := t.dir(c, ".", nil, 0); err != nil {
		return nil, err
	}
	t.prune()
	return t, nil
}

// dir reads a folder of files for what it holds of mail.
func (t *tree) dir(c *cloud, at string, within []string, depth int) error {
	entries, err := fs.ReadDir(c.root.FS(), at)
	if err != nil {
		if at == "." {
			return failed("reading the folder", err)
		}
		t.partly = true
		return nil
	}
	isMaildir := has(entries, "cur")
	if isMaildir && at == "." {
		t.add([]string{"INBOX"}, maildir, at)
	}
	for _, e := range entries {
		name, below := e.Name(), path.Join(at, e.Name())
		switch {
		case e.IsDir() && depth < mostDepth:
			if isMaildir && (name == "cur" || name == "new" || name == "tmp") {
				continue
			}
			dotted, ok := strings.CutPrefix(name, ".")
			sub, err := fs.ReadDir(c.root.FS(), below)
			if err != nil {
				t.partly = true
				continue
			}
			switch {
			case has(sub, "cur") && ok && isMaildir: // Maildir++: .A.B lies in .A
				t.add(append(slices.Clone(within), decoded(strings.Split(dotted, "."))...), maildir, below)
			case ok:
				// hidden folders hold no mail
			case has(sub, "cur"):
				own := append(slices.Clone(within), mail.DecodeName(name))
				t.add(own, maildir, below)
				if err := t.dir(c, below, own, depth+1); err != nil {
					return err
				}
			default:
				// Thunderbird keeps the folders in X in X.sbd; Apple Mail a folder X in X.mbox/mbox.
				own := append(slices.Clone(within), mail.DecodeName(strings.TrimSuffix(strings.TrimSuffix(name, ".sbd"), ".mbox")))
				t.add(own, holder, below)
				if err := t.dir(c, below, own, depth+1); err != nil {
					return err
				}
			}
		case e.Type().IsRegular() && !strings.HasPrefix(name, ".") && c.isMbox(below):
			label := strings.TrimSuffix(strings.TrimSuffix(name, ".mbox"), ".mbx")
			if label == "mbox" && strings.HasSuffix(at, ".mbox") {
				t.add(within, mbox, below)
			} else {
				t.add(append(slices.Clone(within), mail.DecodeName(label)), mbox, below)
			}
		}
	}
	return nil
}

func decoded(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = mail.DecodeName(n)
	}
	return out
}

func has(entries []fs.DirEntry, name string) bool {
	return slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == name && e.IsDir() })
}

// isMbox tells whether a file begins as an mbox does.
func (c *cloud) isMbox(at string) bool {
	f, err := c.root.Open(at)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	line, _, _ := bytes.Cut(head[:n], []byte("\n"))
	return isFrom(line)
}

// add puts a folder into the tree below those that its names imply. One that is there
// as a mere holder becomes what it is.
func (t *tree) add(names []string, form form, at string) *folder {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	id := "f" + hex.EncodeToString(sum[:12])
	if f := t.byID[id]; f != nil {
		switch {
		case form == holder:
			return f
		case f.form == holder:
			f.form, f.path = form, at
			return f
		}
		// Two forms of one name: X and X.mbox.
		return t.add(append(slices.Clone(names[:len(names)-1]), names[len(names)-1]+" 2"), form, at)
	}
	f := &folder{id: id, name: names[len(names)-1], form: form, path: at}
	if len(names) > 1 {
		f.parent = t.add(names[:len(names)-1], holder, "").id
	}
	t.byID[id] = f
	t.folders = append(t.folders, f)
	return f
}

// prune takes out what holds no mail at all.
func (t *tree) prune() {
	used := map[string]bool{}
	for _, f := range slices.Backward(t.folders) {
		if f.form != holder || used[f.id] {
			for up := f; up != nil && !used[up.id]; up = t.byID[up.parent] {
				used[up.id] = true
			}
		}
	}
	t.folders = slices.DeleteFunc(t.folders, func(f *folder) bool {
		if !used[f.id] {
			delete(t.byID, f.id)
		}
		return !used[f.id]
	})
}

func (f *folder) ref() item.Ref { return item.Ref{Kind: item.Folder, ID: f.id} }

func (f *folder) bundle(mailbox item.Ref) item.Bundle {
	it := item.Item{Ref: f.ref(), Parent: mailbox}
	if f.parent != "" {
		it.Parent = item.Ref{Kind: item.Folder, ID: f.parent}
	}
	item.Name.Set(&it, f.name)
	item.Subscribed.Set(&it, true) // files hide no folder
	if use := mail.UseOf(f.name); use != "" && f.parent == "" && f.form != holder {
		item.SpecialUse.Set(&it, use)
	}
	return item.Bundle{Item: it, CheckItems: -1}
}
