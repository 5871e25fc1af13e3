package imap

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// A server that keeps a MODSEQ (CONDSTORE and QRESYNC, RFC 7162) tells what changed in
// a folder since an earlier one. With the number of messages and the next UID it tells
// whether anything did, for all folders with one command; what was removed is told by
// UID with QRESYNC, and shows in the numbers otherwise. Gmail's labels decide where a
// message moves from, and nobody says that they change its MODSEQ: it is listed whole.

// sincePrefix begins a cursor of changes.
const sincePrefix = "since"

// mostGone is how many removed messages a listing tells of; more are found out by
// listing what is left.
const mostGone = 50_000

// since is the cursor from which changes are told to what is listed now: for each
// folder its id and state.
func (s *source) since(t *tree) connector.Cursor {
	var out strings.Builder
	out.WriteString(s.sinceHead())
	known := false
	for _, f := range t.folders {
		if st := f.state; s.lists(f) && st.ModSeq > 0 && st.Validity > 0 && st.Next > 0 && !s.gmail() {
			fmt.Fprintf(&out, "/%s:%d:%d:%d:%d", f.id, st.Validity, st.Next, st.Exists, st.ModSeq)
			known = true
		}
	}
	if !known {
		return ""
	}
	return connector.Cursor(out.String())
}

// sinceHead names the settings on which depends what is listed.
func (s *source) sinceHead() string {
	if s.cfg.carryDeleted {
		return sincePrefix + "-deleted"
	}
	return sincePrefix
}

// states reads a cursor of changes; nil for one that is none, or was made with other
// settings.
func (s *source) states(at connector.Cursor) map[string]wire.State {
	parts := strings.Split(string(at), "/")
	if parts[0] != s.sinceHead() || s.gmail() {
		return nil
	}
	out := map[string]wire.State{}
	for _, part := range parts[1:] {
		id, rest, _ := strings.Cut(part, ":")
		var st wire.State
		if n, err := fmt.Sscanf(rest, "%d:%d:%d:%d", &st.Validity, &st.Next, &st.Exists, &st.ModSeq); err == nil && n == 4 {
			out[id] = st
		}
	}
	return out
}

// changes lists what changed in a folder since it was in a state. told is false where
// that cannot be told, and the folder is to be listed whole.
func (s *source) changes(ctx context.Context, f *folder, since wire.State) (told bool, page connector.Page, err error) {
	if since.ModSeq == 0 || since.Validity != f.state.Validity || since.ModSeq > f.state.ModSeq {
		return false, page, nil
	}
	if since == f.state {
		return true, page, nil
	}
	err = s.reading(ctx, f.name, func(conn *wire.Conn) error {
		told, page = false, connector.Page{}
		fresh, tooMany := uint32(0), false
		byUID := map[uint32]wire.Message{}
		qresync, err := conn.Changes(f.name, since, func(m wire.Message) error {
			if m.UID > 0 && m.Flags != nil {
				byUID[m.UID] = m
			}
			return nil
		}, func(uids []uint32, ok bool) {
			tooMany = tooMany || !ok || len(page.Gone)+len(uids) > mostGone
			for _, uid := range uids {
				if !tooMany {
					page.Gone = append(page.Gone, item.Ref{Kind: item.Message, ID: messageID(f.id, since.Validity, uid)})
				}
			}
		})
		if err != nil || conn.Selected().Validity != since.Validity {
			page.Gone = nil
			return err
		}
		for uid, m := range byUID {
			if uid >= since.Next {
				fresh++
			}
			if b, ok := s.brief(f, since.Validity, listedMessage{Message: m}); ok {
				page.Bundles = append(page.Bundles, b)
			} else { // it is marked as deleted
				page.Gone = append(page.Gone, b.Item.Ref)
			}
		}
		told = qresync && !tooMany || !qresync && since.Exists+fresh == conn.Selected().Exists
		return nil
	})
	slices.SortFunc(page.Bundles, func(a, b item.Bundle) int { return compareUID(a.Item.ID, b.Item.ID) })
	if err != nil && (isRefusal(err) || connector.ClassOf(err) == connector.Malformed) {
		return false, connector.Page{}, nil // it announces what it does not do, or cannot be read at all
	}
	return told, page, err
}

func compareUID(a, b string) int {
	_, _, x, _ := splitID(a)
	_, _, y, _ := splitID(b)
	return int(x) - int(y)
}
