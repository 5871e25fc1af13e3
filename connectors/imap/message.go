package imap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rialto-migrate/rialto/connectors/imap/wire"
	"github.com/rialto-migrate/rialto/item"
)

// messageID is the id of a message: its folder's, the folder's UIDVALIDITY, and its
// UID, which together never name anything else (RFC 9051, 2.3.1.1).
func messageID(folder string, validity, uid uint32) string {
	return fmt.Sprintf("%s.%d.%d", folder, validity, uid)
}

// splitID takes a message's id apart.
func splitID(id string) (folder string, validity, uid uint32, ok bool) {
	rest, last, ok1 := cutLast(id, '.')
	folder, middle, ok2 := cutLast(rest, '.')
	v, err1 := strconv.ParseUint(middle, 10, 32)
	u, err2 := strconv.ParseUint(last, 10, 32)
	return folder, uint32(v), uint32(u), ok1 && ok2 && err1 == nil && err2 == nil && folder != "" && u > 0
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

// systemFlags are those that people see; \Recent is the session's and no client's.
func systemFlags() []string {
	return []string{`\Answered`, `\Deleted`, `\Draft`, `\Flagged`, `\Seen`}
}

// flagsOf are the flags of a message as they are carried. gone says that the message
// is marked as deleted, and so is not there any more where that is not carried.
func (c config) flagsOf(m wire.Message) (flags []string, gone bool) {
	for _, f := range m.Flags {
		switch {
		case strings.EqualFold(f, `\Recent`), f == `\*`:
		case strings.EqualFold(f, `\Deleted`):
			if !c.carryDeleted {
				return nil, true
			}
			flags = append(flags, `\Deleted`)
		default:
			flags = append(flags, canonical(f))
		}
	}
	slices.Sort(flags)
	return slices.Compact(flags), false
}

// canonical writes a system flag as the standard does: flags have no case.
func canonical(flag string) string {
	for _, s := range systemFlags() {
		if strings.EqualFold(flag, s) {
			return s
		}
	}
	return flag
}

// cleanFlags are those that a command can carry: words, no \Recent (RFC 9051, flag).
func (c config) cleanFlags(flags []string) []string {
	var out []string
	for _, f := range flags {
		word, system := strings.CutPrefix(f, `\`)
		if system && !slices.Contains(systemFlags(), canonical(f)) || f == `\Deleted` && !c.carryDeleted || !isAtom(word) {
			continue
		}
		out = append(out, canonical(f))
	}
	return out
}

func isAtom(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`(){%*"\]`, s[i]) >= 0 {
			return false
		}
	}
	return s != ""
}

// bundle is a message as an item; gone is true for one that counts as deleted.
func (c config) bundle(folder item.Ref, validity uint32, m wire.Message) (b item.Bundle, gone bool) {
	flags, gone := c.flagsOf(m)
	it := item.Item{Ref: item.Ref{Kind: item.Message, ID: messageID(folder.ID, validity, m.UID)}, Parent: folder}
	if len(flags) > 0 {
		item.Flags.Set(&it, flags)
	}
	if !m.Received.IsZero() {
		item.Received.Set(&it, m.Received)
	}
	it.Blob = &item.Blob{Ref: it.Ref, Parent: folder, Bytes: m.Bytes}
	return item.Bundle{Item: it, CheckItems: -1}, gone
}
