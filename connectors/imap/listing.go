package imap

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connector"
	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/connectors/mail"
)

// How many messages are listed at once: briefly, and with their marks.
const (
	pageBrief    = 2000
	pageMessages = 1000
)

// A place is how far the listing of a folder came. Sequence numbers are counted on
// while nothing was removed before them (RFC 9051, 2.3.1.2), and looked up otherwise.
type place struct {
	validity uint32
	last     uint32 // the highest UID that was listed
	seq      uint32 // how many messages come up to it, on conn at this turn
	conn     *wire.Conn
	turn     int
}

// What is asked of messages: briefly, as they are, and with their mark.
const (
	brief    = "UID FLAGS"
	listed   = "UID FLAGS INTERNALDATE RFC822.SIZE"
	withMark = listed + " BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
)

// A listedMessage is one of a stretch, with its mark.
type listedMessage struct {
	wire.Message
	mark string
}

// stretch lists the next messages of a folder, in the order of their UIDs, and moves
// at. end is true when there are no more. A changed UIDVALIDITY begins anew. items is
// brief or withMark.
func (c *cloud) stretch(ctx context.Context, f *folder, examine bool, items string, at *place) (out []listedMessage, end bool, err error) {
	err = c.reading(ctx, f.name, func(conn *wire.Conn) error {
		out = out[:0]
		if at.last == 0 {
			conn.Unselect() // what was open may not know of what came since
		}
		if err := conn.Select(f.name, examine); err != nil {
			return err
		}
		box := conn.Selected()
		if at.validity != box.Validity {
			*at = place{validity: box.Validity}
		}
		if at.last > 0 && (at.conn != conn || at.turn != box.Turn) {
			n, err := conn.Count(at.last)
			if err != nil {
				return err
			}
			at.seq = n
		}
		if end = at.seq >= box.Exists; end {
			return nil
		}
		to := min(at.seq+pageMessages, box.Exists)
		if items == brief {
			to = min(at.seq+pageBrief, box.Exists)
		}
		turn := conn.Selected().Turn
		err := conn.Fetch(false, fmt.Sprintf("%d:%d", at.seq+1, to), withLabels(conn, items), func(m wire.Message) error {
			// Servers tell of other messages, too, when their flags change.
			if m.Seq > at.seq && m.Seq <= to && m.UID > at.last && m.Flags != nil && (items == brief || m.Header != nil) {
				out = append(out, listedMessage{m, mail.Mark(m.Header)})
			}
			return nil
		}, nil)
		if err != nil {
			return err
		}
		slices.SortStableFunc(out, byUID)
		out = slices.CompactFunc(out, func(a, b listedMessage) bool { return a.UID == b.UID })
		if items != brief {
			if err := withHeaders(conn, out); err != nil {
				return err
			}
		}
		if len(out) > 0 {
			at.last = out[len(out)-1].UID
		}
		at.seq, at.conn, at.turn = to, conn, turn
		end = to >= conn.Selected().Exists
		return nil
	})
	return out, end, err
}

func byUID(a, b listedMessage) int { return cmp.Compare(a.UID, b.UID) }

// withLabels asks for Gmail's labels, too, where there are any.
func withLabels(conn *wire.Conn, items string) string {
	if conn.Is("X-GM-EXT-1") {
		return items + " X-GM-LABELS"
	}
	return items
}

// withHeaders gives marks to messages that have no Message-ID.
func withHeaders(conn *wire.Conn, list []listedMessage) error {
	var bare []uint32
	for _, m := range list {
		if m.mark == "" {
			bare = append(bare, m.UID)
		}
	}
	if len(bare) == 0 {
		return nil
	}
	marks := map[uint32]string{}
	err := fetchUIDs(conn, bare, "UID BODY.PEEK[HEADER]", func(m wire.Message) error {
		if m.Header != nil {
			marks[m.UID] = mail.HashMark(m.Header)
		}
		return nil
	}, nil)
	for i, m := range list {
		if m.mark == "" {
			list[i].mark = marks[m.UID]
		}
	}
	return err
}

// fetchUIDs asks for items of messages by UID, which rise.
func fetchUIDs(conn *wire.Conn, uids []uint32, items string, message func(wire.Message) error, body wire.Body) error {
	for _, set := range wire.Sets(uids) {
		if err := conn.Fetch(true, set, items, message, body); err != nil {
			return err
		}
	}
	return nil
}

// named fetches messages of one folder by UID as they are now. items is listed or
// withMark.
func (c *cloud) named(ctx context.Context, f *folder, examine bool, items string, validity uint32, uids []uint32) (out []listedMessage, err error) {
	slices.Sort(uids)
	uids = slices.Compact(uids)
	err = c.reading(ctx, f.name, func(conn *wire.Conn) error {
		for _, fresh := range []bool{false, true} { // a folder that is open may not know of what came since
			out = out[:0]
			if fresh {
				conn.Unselect()
			}
			if err := conn.Select(f.name, examine); err != nil {
				return err
			}
			if conn.Selected().Validity != validity {
				continue
			}
			err := fetchUIDs(conn, uids, withLabels(conn, items), func(m wire.Message) error {
				if m.Bytes >= 0 && m.Flags != nil && (items == listed || m.Header != nil) {
					if _, asked := slices.BinarySearch(uids, m.UID); asked {
						out = append(out, listedMessage{m, mail.Mark(m.Header)})
					}
				}
				return nil
			}, nil)
			if err != nil {
				return err
			}
			slices.SortStableFunc(out, byUID)
			out = slices.CompactFunc(out, func(a, b listedMessage) bool { return a.UID == b.UID })
			if items == withMark {
				if err := withHeaders(conn, out); err != nil {
					return err
				}
			}
			if len(out) == len(uids) {
				return nil
			}
		}
		return nil
	})
	return out, err
}

// cursor is how far a listing of the mailbox came: a folder and a UID in it, and
// whether a folder before could not be read.
func (p place) cursor(f *folder, partly bool) connector.Cursor {
	c := fmt.Sprintf("%s/%d/%d", f.id, p.validity, p.last)
	if partly {
		c += "/partly"
	}
	return connector.Cursor(c)
}

// resume finds the folder at which a listing goes on, and the place in it; -1 for a
// cursor that names nothing that is there: the listing begins anew.
func (t *tree) resume(at connector.Cursor) (i int, p place, partly bool) {
	parts := strings.Split(string(at), "/")
	if len(parts) < 3 {
		return -1, place{}, false
	}
	validity, err1 := strconv.ParseUint(parts[1], 10, 32)
	last, err2 := strconv.ParseUint(parts[2], 10, 32)
	if err1 != nil || err2 != nil {
		return -1, place{}, false
	}
	i = slices.IndexFunc(t.folders, func(f *folder) bool { return f.id == parts[0] })
	return i, place{validity: uint32(validity), last: uint32(last)}, i >= 0 && len(parts) > 3
}
