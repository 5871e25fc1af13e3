package mail

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Mark is a message's mark: the URL of its Message-ID (RFC 2392). "" says that it
// has none, and that its whole header is needed.
func Mark(header []byte) string {
	id := Field(header, "Message-ID")
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
		return HashMark([]byte(id))
	}
	return "mid:" + out.String()
}

// HashMark is the mark of a message without a Message-ID: a hash of its header.
func HashMark(header []byte) string {
	sum := sha256.Sum256(header)
	return "mid:" + hex.EncodeToString(sum[:16]) + "@header.invalid"
}

// Field returns the first field of a name in a header, unfolded; mail that is
// malformed gives what can be read of it.
func Field(header []byte, name string) string {
	for len(header) > 0 {
		line, rest := CutField(header)
		header = rest
		field, value, ok := bytes.Cut(line, []byte(":"))
		if ok && strings.EqualFold(string(bytes.TrimRight(field, " \t")), name) {
			return strings.TrimSpace(strings.NewReplacer("\r", "", "\n", "").Replace(string(value)))
		}
	}
	return ""
}

// CutField cuts off a line with those that continue it.
func CutField(b []byte) (field, rest []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] == '\n' && (i+1 == len(b) || b[i+1] != ' ' && b[i+1] != '\t') {
			return b[:i+1], b[i+1:]
		}
	}
	return b, nil
}

// UseOf tells what a folder is for by its name, in the clients that most people use:
// a special use of RFC 6154 without the backslash, or "".
func UseOf(name string) string {
	switch strings.ToLower(name) {
	case "sent", "sent items", "sent messages", "sent mail", "gesendet", "gesendete elemente", "gesendete objekte":
		return "sent"
	case "drafts", "draft", "entwürfe":
		return "drafts"
	case "trash", "deleted items", "deleted messages", "papierkorb", "gelöschte elemente":
		return "trash"
	case "junk", "spam", "junk e-mail", "junk email", "bulk mail", "junk-e-mail":
		return "junk"
	case "archive", "archives", "archiv":
		return "archive"
	}
	return ""
}
