package wire

import (
	"strconv"
	"strings"
)

// Set writes UIDs, which rise, as a sequence set: 1:3,7. The longest that RFC 9051
// lets a client hope for is 8,192 bytes; whoever has more sends several.
func Set(uids []uint32) string {
	var b strings.Builder
	for i := 0; i < len(uids); {
		j := i
		for j+1 < len(uids) && uids[j+1] == uids[j]+1 {
			j++
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatUint(uint64(uids[i]), 10))
		if j > i {
			b.WriteByte(':')
			b.WriteString(strconv.FormatUint(uint64(uids[j]), 10))
		}
		i = j + 1
	}
	return b.String()
}

// mostSet is how many numbers one set of an answer may have.
const mostSet = 1 << 20

// ParseSet reads a set of UIDs in its order, as APPENDUID gives it. ok is false for
// what is no set.
func ParseSet(s string) (uids []uint32, ok bool) {
	for part := range strings.SplitSeq(s, ",") {
		low, high, ranged := strings.Cut(part, ":")
		a, err := strconv.ParseUint(low, 10, 32)
		if err != nil || a == 0 {
			return nil, false
		}
		b := a
		if ranged {
			if b, err = strconv.ParseUint(high, 10, 32); err != nil || b == 0 {
				return nil, false
			}
		}
		if a > b {
			a, b = b, a
		}
		if b-a >= mostSet || len(uids)+int(b-a) >= mostSet {
			return nil, false
		}
		for ; a <= b; a++ {
			uids = append(uids, uint32(a))
		}
	}
	return uids, true
}
