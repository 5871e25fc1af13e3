package smb

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	smb2 "github.com/cloudsoda/go-smb2"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connector/paths"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
	"github.com/rialto-migrate/rialto/item"
)

// Without a share, the connection names all that the server lists but those that are
// hidden; the place of a target begins with one.
func TestShares(t *testing.T) {
	other := t.TempDir()
	if err := os.Chmod(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	srv := smbtest.Samba(t, "[Other share]", "path = "+other, "read only = no", "[hidden$]", "path = "+other)
	set := srv.Settings()
	delete(set, setShare)
	c := open(t, set, connector.ClientOptions{})
	id, err := c.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if id.Settings[setNameBytes] != "255" {
		t.Errorf("names of %q bytes, want 255 as Linux has it", id.Settings[setNameBytes])
	}
	src, _ := c.Source(t.Context())
	var names, ids []string
	for s, err := range src.Shards(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names, ids = append(names, s.Name), append(ids, s.Ref.ID)
	}
	if want := []string{"Files", "Other share"}; !slices.Equal(names, want) || !slices.Equal(ids, []string{"/Files", "/Other share"}) {
		t.Errorf("shares %q as %q, want %q", names, ids, want)
	}
	r := one(t, c, "Other share", connector.Change{Op: connector.Create, Item: aFile(paths.Drive("/Other share"), "file", 3)}, []byte("abc"))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(other, "file")); err != nil || string(have) != "abc" {
		t.Errorf("%q, %v", have, err)
	}
}

// listed are the bundles of a listing of the share.
func listed(t *testing.T, c *cloud) (all []item.Bundle, whole bool) {
	t.Helper()
	src, err := c.Source(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p, err := range src.List(t.Context(), connector.Shard{Ref: paths.Drive(root)}, "") {
		if err != nil {
			t.Fatal(err)
		}
		all, whole = append(all, p.Bundles...), len(p.Whole) > 0
	}
	return all, whole
}

// What no client can name is told of, and so is a link that has no end; what a killed
// run left is not listed, and a replacement character that is one does no harm.
func TestOddNames(t *testing.T) {
	srv := smbtest.Samba(t, "mangled names = no")
	for _, name := range []string{"file", "bad:name", "real \ufffd", "sub/inner", paths.Beside("begun")} {
		at := filepath.Join(srv.Dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.WriteFile(at, []byte("x"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../sub", filepath.Join(srv.Dir, "sub", "again")); err != nil {
		t.Fatal(err)
	}
	all, whole := listed(t, open(t, srv.Settings(), connector.ClientOptions{}))
	var names, unknown []string
	for _, b := range all {
		names = append(names, item.Name.Get(b.Item))
		unknown = append(unknown, b.Unknown...)
	}
	slices.Sort(unknown)
	if want := []string{"", "file", "real \ufffd", "sub", "inner"}; !slices.Equal(names, want) || whole {
		t.Errorf("listed %q (whole: %v), want %q and not whole", names, whole, want)
	}
	if want := []string{"file.unnamable", "folder.loop"}; !slices.Equal(unknown, want) {
		t.Errorf("not carried: %q, want %q", unknown, want)
	}
}

// The attribute read-only is read as metadata, and nothing with it is changed or
// deleted; times are kept to 100 ns, and the time of creation is told.
func TestAttributes(t *testing.T) {
	srv := smbtest.Samba(t)
	c := open(t, srv.Settings(), connector.ClientOptions{})
	it := aFile(paths.Drive(root), "file", 3)
	at := time.Date(1999, 12, 31, 23, 59, 59, 123456789, time.UTC)
	item.Modified.Set(&it, at)
	made := one(t, c, "", connector.Change{Op: connector.Create, Item: it}, []byte("abc"))
	if have := item.Modified.Get(made.Stored.Item); made.Err != nil || !have.Equal(at.Truncate(100)) {
		t.Fatalf("modified at %s, want %s; %v", have, at, made.Err)
	}
	err := c.pool.do(t.Context(), "", smbtest.Share, true, func(s *smb2.Share) error { return s.Chmod("file", 0o444) })
	if err != nil {
		t.Fatal(err)
	}
	all, _ := listed(t, c)
	marked := all[len(all)-1]
	if notes := item.Metadata.Get(marked.Item); !slices.Equal(notes, []string{"read-only=yes"}) || time.Since(item.Created.Get(marked.Item)) > time.Minute {
		t.Errorf("metadata %q, created %s", notes, item.Created.Get(marked.Item))
	}
	change := connector.Change{Op: connector.Update, Item: marked.Item, Prev: &marked, Dirty: []string{item.Content.Name}}
	if r := one(t, c, "", change, []byte("xyz")); connector.ClassOf(r.Err) != connector.Forbidden {
		t.Errorf("an update of a file that is read-only: %v", r.Err)
	}
	tg, _ := c.Target(t.Context(), "")
	if gone, err := tg.Delete(t.Context(), paths.Drive(root), marked.Item.Ref, func(item.Bundle) bool { return true }); gone || connector.ClassOf(err) != connector.Forbidden {
		t.Errorf("a delete of a file that is read-only: %v, %v", gone, err)
	}
}

// What somebody has open is let be, and can be deleted when it is closed.
func TestOpenElsewhere(t *testing.T) {
	srv := smbtest.Samba(t)
	c, other := open(t, srv.Settings(), connector.ClientOptions{}), open(t, srv.Settings(), connector.ClientOptions{})
	made := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root), "file", 3)}, []byte("abc"))
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	in, err := other.Open(t.Context(), *made.Stored.Item.Blob, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	tg, _ := c.Target(t.Context(), "")
	remove := func() error {
		_, err := tg.Delete(t.Context(), paths.Drive(root), made.Stored.Item.Ref, func(item.Bundle) bool { return true })
		return err
	}
	if e, ok := errors.AsType[*connector.Error](remove()); !ok || e.Class != connector.Transient || e.Hint == "" || e.InDoubt {
		t.Errorf("a delete of what somebody has open: %v; want class transient, a hint and no doubt", e)
	}
	if err := errors.Join(in.Close(), remove()); err != nil {
		t.Error(err)
	}
}

// What is open for a moment only, as when a virus scanner looks at it, is replaced when
// it is closed. (Samba knows of files that are open in the same connection.)
func TestOpenForAMoment(t *testing.T) {
	srv := smbtest.Samba(t)
	c := open(t, srv.Settings(), connector.ClientOptions{})
	made := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root), "file", 3)}, []byte("abc"))
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	in, err := c.Open(t.Context(), *made.Stored.Item.Blob, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	closes := time.AfterFunc(400*time.Millisecond, func() { in.Close() })
	defer closes.Stop()
	change := connector.Change{Op: connector.Update, Item: made.Stored.Item, Prev: &made.Stored, Dirty: []string{item.Content.Name}}
	if r := one(t, c, "", change, []byte("xyz")); r.Err != nil {
		t.Error(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(srv.Dir, "file")); err != nil || string(have) != "xyz" {
		t.Errorf("%q, %v", have, err)
	}
}

// A file gets its name in other letters.
func TestCaseAlone(t *testing.T) {
	srv := smbtest.Samba(t)
	c := open(t, srv.Settings(), connector.ClientOptions{})
	made := one(t, c, "", connector.Change{Op: connector.Create, Item: aFile(paths.Drive(root), "name", 3)}, []byte("abc"))
	if made.Err != nil {
		t.Fatal(made.Err)
	}
	it := made.Stored.Item.Clone()
	item.Name.Set(&it, "NAME")
	r := one(t, c, "", connector.Change{Op: connector.Update, Item: it, Prev: &made.Stored, Dirty: []string{item.Name.Name}, Moved: true}, nil)
	if r.Err != nil || r.Stored.Item.ID != root+"/NAME" {
		t.Errorf("%q, %v", r.Stored.Item.ID, r.Err)
	}
	if have, err := os.ReadDir(srv.Dir); err != nil || len(have) != 1 || have[0].Name() != "NAME" {
		t.Errorf("%v, %v", have, err)
	}
}

// What Windows keeps in another way is a file like others; what stands for something
// else is told of.
func TestReparsePoints(t *testing.T) {
	for tag, want := range map[uint32]string{
		0x80000013: "", 0x9000001A: "", 0x80000017: "", // deduplicated, in OneDrive, compressed
		0xA000000C: "symlink", 0xA0000003: "junction", 0xA000001D: "symlink", 0x8000000A: "dfs-link", 0x80000023: "device",
	} {
		if have := special(&smb2.FileStat{FileAttributes: attrReparse, ReparsePointTag: tag}); have != want {
			t.Errorf("tag %x: %q, want %q", tag, have, want)
		}
	}
}
