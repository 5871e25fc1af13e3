package imap

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

// markOf is a message's mark: the URL of its Message-ID (RFC 2392). "" says that it
// has none, and that its whole header is needed.
func markOf(header []byte) string {
	id := headerField(header, "Message-ID")
	if a, b := strings.IndexByte(id, '<'), strings.LastIndexByte(id, '>'); a >= 0 && b > a {
		id = id[a+1 : b]
	}
	if id = strings.TrimSpace(id); id == "" {
		return ""
	}
	var out strings.Builder
	for i := 0; i < len(id); i++ {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("@.-_~!$&'()*+,;=:", c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	if out.Len() > 900 {
		return hashMark([]byte(id))
	}
	return "mid:" + out.String()
}

// hashMark is the mark of a message without a Message-ID: a hash of its header.
func hashMark(header []byte) string {
	sum := sha256.Sum256(header)
	return "mid:" + hex.EncodeToString(sum[:16]) + "@header.invalid"
}

// headerField returns the first field of a name in a header, unfolded; mail that is
// malformed gives what can be read of it.
func headerField(header []byte, name string) string {
	for len(header) > 0 {
		line, rest := cutField(header)
		header = rest
		field, value, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(bytes.TrimRight(field, " \t")), name) {
			return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(string(value)))
		}
	}
	return ""
}

// cutField cuts off a line with those that continue it.
func cutField(b []byte) (field, rest []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] == '\n' && (i+1 == len(b) || b[i+1] != ' ' && b[i+1] != '\t') {
			return b[:i+1], b[i+1:]
		}
	}
	return b, nil
}
