package standin

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// newID makes an object id as Trello does: MongoDB's, whose first 8 hex digits
// are the creation time in seconds, then 5 bytes that stay and a counter of 3,
// so that ids of one server sort by creation.
func (s *Server) newID(at time.Time) string {
	s.counter++
	return fmt.Sprintf("%08x%010x%06x", uint32(at.Unix()), s.machine, s.counter&(1<<24-1))
}

// idTime reads the creation time from an object id.
func idTime(id string) time.Time {
	n, err := strconv.ParseUint(id[:min(8, len(id))], 16, 32)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newLink makes a short link: 8 digits in base 62, unique among boards and cards.
func (s *Server) newLink() string {
	for {
		var b [8]byte
		for i := range b {
			b[i] = base62[s.dice.IntN(62)]
		}
		if link := string(b[:]); s.links[link] == nil {
			return link
		}
	}
}

func isID(id string) bool {
	if len(id) != 24 {
		return false
	}
	_, err := hex.DecodeString(id)
	return err == nil
}

var linkShape = regexp.MustCompile(`^[0-9A-Za-z]{8}$`)

// slug is a name as Trello puts it at the end of an address: lower case, words
// joined by "-".
func slug(name string) string {
	var b strings.Builder
	dash := false
	for _, r := range strings.ToLower(name) {
		switch {
		case r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if dash && b.Len() > 0 {
				b.WriteByte('-')
			}
			dash = false
			b.WriteRune(r)
		case unicode.IsSpace(r) || r == '-' || r == '_':
			dash = true
		}
	}
	return b.String()
}

// fileSlug is a file's name as Trello puts it into a download address.
func fileSlug(name string) string {
	if name == "" {
		return "file"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, name)
}

const stamp = "2006-01-02T15:04:05.000Z"

func when(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(stamp)
}

// layouts are the forms of a date that Trello takes; the recorded exchanges
// show three of them.
var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.000Z0700", "2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"}

func parseTime(v string) (time.Time, bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l, v); err == nil {
			return t.UTC().Truncate(time.Millisecond), true
		}
	}
	return time.Time{}, false
}
