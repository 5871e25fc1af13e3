package wire

import (
	"strconv"
	"strings"
)

// Set writes UIDs, which rise, as a sequence set: 1:3,7.
func Set(uids []uint32) string {
	set, _ := setOf(uids, 0)
	return set
}

// longestSet is how long a set of one command may be. A line of 8,192 bytes is what
// RFC 9051, 4 lets a client hope for.
const longestSet = 7000

// Sets writes UIDs, which rise, as few sets, each of which one command can carry.
func Sets(uids []uint32) (out []string) {
	for len(uids) > 0 {
		set, n := setOf(uids, longestSet)
		out, uids = append(out, set), uids[n:]
	}
	return out
}

// setOf writes as many of the UIDs as a set of such a length holds, 0 for all, and
// says how many these are.
func setOf(uids []uint32, longest int) (set string, n int) {
	var b []byte
	for n < len(uids) && (longest == 0 || len(b) < longest) {
		last := n
		for last+1 < len(uids) && uids[last+1] == uids[last]+1 {
			last++
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(uids[n]), 10)
		if last > n {
			b = strconv.AppendUint(append(b, ':'), uint64(uids[last]), 10)
		}
		n = last + 1
	}
	return string(b), n
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
