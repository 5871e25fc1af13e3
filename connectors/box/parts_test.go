package box_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/box"
	"github.com/rialto-migrate/rialto/connectors/box/standin"
)

// parts cuts so many bytes as an upload's session has it.
func parts(up connector.Uploader, session string, size int64) []connector.UploadPart {
	part := up.(connector.PartSizer).PartBytes(session)
	var out []connector.UploadPart
	for at := int64(0); at < size; at += part {
		out = append(out, connector.UploadPart{Number: len(out) + 1, Offset: at, Bytes: min(part, size-at)})
	}
	return out
}

// An upload goes on in another process from what its session says, also where the
// last part's session was never kept: that part is read once more, and Box has it once.
func TestPartsGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: small()})
		b := at(t, s, nil)
		content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20/4)
		c, _ := b.file("large", content)
		up := b.target.(connector.Uploader)
		session, err := up.Begin(t.Context(), c)
		b.no(err)
		all := parts(up, session, int64(len(content)))
		if len(all) != 4 {
			t.Fatalf("%d parts, want four of a MiB", len(all))
		}
		put := func(p connector.UploadPart) string {
			t.Helper()
			done, err := up.Put(t.Context(), session, p, bytes.NewReader(content[p.Offset:p.Offset+p.Bytes]))
			b.no(err)
			return done.Session
		}
		session = put(all[0])
		session = put(all[1])
		put(all[2]) // the process dies before its session is kept
		b.open()
		up = b.target.(connector.Uploader)
		held, err := up.Held(t.Context(), session)
		b.no(err)
		if len(held) != 2 {
			t.Errorf("%d parts are held, want the two that the session knows", len(held))
		}
		if _, err := up.Put(t.Context(), session, all[3], bytes.NewReader(content[all[3].Offset:])); err == nil {
			t.Error("a part is taken that is not the next one")
		}
		session = put(all[2])
		session = put(all[3])
		r := up.Commit(t.Context(), session, c, nil)
		b.no(r.Err)
		if r.Stored.Item.Blob.Bytes != int64(len(content)) || s.Sessions() != 0 {
			t.Errorf("%d bytes, and %d sessions are open", r.Stored.Item.Blob.Bytes, s.Sessions())
		}
		if strings.Contains(session, "0123456789abcdef") {
			t.Error("a session holds content")
		}
	})
}

// Bytes that are not those that Box has make no file.
func TestPartsThatDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := standin.New(standin.Options{Limits: small()})
		b := at(t, s, nil)
		content := make([]byte, 2<<20)
		c, _ := b.file("large", content)
		up := b.target.(connector.Uploader)
		session, err := up.Begin(t.Context(), c)
		b.no(err)
		all := parts(up, session, int64(len(content)))
		_, err = up.Put(t.Context(), session, all[0], bytes.NewReader(content[:all[0].Bytes]))
		b.no(err)
		other := bytes.Repeat([]byte("x"), int(all[0].Bytes)) // the source changed, and the session was not kept
		_, err = up.Put(t.Context(), session, all[0], bytes.NewReader(other))
		if connector.ClassOf(err) != connector.Transient && connector.ClassOf(err) != connector.Conflict {
			t.Errorf("other bytes in the place of a part: %v", err)
		}
		if err == nil {
			t.Error("other bytes pass in the place of a part that is there")
		}
	})
}

// A file that an account's storage has no room for is refused before its parts.
func TestPartsHaveNoRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := small()
		l.Space = 1 << 20
		b := at(t, standin.New(standin.Options{Limits: l}), nil)
		c, _ := b.file("large", make([]byte, 2<<20))
		_, err := b.target.(connector.Uploader).Begin(t.Context(), c)
		b.wants(err, connector.Full)
	})
}

// Box itself takes sessions for files of 20 MB alone, and from there on the engine
// uses them.
func TestPartsBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := at(t, standin.New(standin.Options{}), nil)
		from := box.New().Capabilities(nil).Kinds["file"].Parts.From
		for n, ok := range map[int64]bool{from: true, 19_999_999: false} {
			c, _ := b.file("large", nil)
			c.Item.Blob.Bytes = n
			if _, err := b.target.(connector.Uploader).Begin(t.Context(), c); (err == nil) != ok {
				t.Errorf("a session for %d bytes: %v", n, err)
			}
		}
	})
}
