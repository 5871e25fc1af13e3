package smb

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/smb/smbtest"
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
	r := one(t, c, "Other share", connector.Change{Op: connector.Create, Item: aFile(drive("/Other share"), "file", 3)}, []byte("abc"))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if have, err := os.ReadFile(filepath.Join(other, "file")); err != nil || string(have) != "abc" {
		t.Errorf("%q, %v", have, err)
	}
}
