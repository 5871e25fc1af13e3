package planner

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rialto-migrate/rialto/item"
)

// colors are the names of Planner's 25 categories in the order of their slots.
// Graph tells the slot only; the names are those of Planner's own clients.
func colors() []string {
	return []string{"pink", "red", "yellow", "green", "blue", "purple", "bronze", "lime", "aqua", "gray", "silver", "brown",
		"cranberry", "orange", "peach", "marigold", "light green", "dark green", "teal", "light blue", "dark blue", "lavender",
		"plum", "light gray", "dark gray"}
}

// slotOf returns the category of a colour, "category7"; "" if no slot has it.
func slotOf(color string) string {
	if i := slices.Index(colors(), color); i >= 0 {
		return "category" + strconv.Itoa(i+1)
	}
	return ""
}

// colorOf returns the colour of a slot, "" for a slot that is unknown.
func colorOf(slot string) string {
	n, err := strconv.Atoi(strings.TrimPrefix(slot, "category"))
	if err != nil || n < 1 || n > len(colors()) {
		return ""
	}
	return colors()[n-1]
}

// A label is a slot of one plan; its id names both.
func labelID(plan, slot string) string { return plan + "/" + slot }

func splitID(id string) (parent, own string) {
	parent, own, _ = strings.Cut(id, "/")
	return parent, own
}

// An attachment's id is its task's and a digest of its address, because ids
// are remembered and addresses are content.
func attachmentID(task, address string) string { return task + "/" + digest(address) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// memberless is the id of a person of whom the cloud tells an address only.
func memberByMail(address string) string { return "mail-" + digest(strings.ToLower(address)) }

// referenceKey is an address as the name of an open property: the characters
// that OData does not allow in a name are percent-encoded, and nothing else is.
// https://learn.microsoft.com/en-us/graph/api/resources/plannerexternalreferences
func referenceKey(address string) string {
	return strings.NewReplacer("%", "%25", ".", "%2E", ":", "%3A", "@", "%40", "#", "%23").Replace(address)
}

// referenceAddress undoes referenceKey. What is no percent-encoding stays.
func referenceAddress(key string) string {
	var out strings.Builder
	for i := 0; i < len(key); i++ {
		if key[i] == '%' && i+2 < len(key) {
			if b, err := hex.DecodeString(key[i+1 : i+3]); err == nil {
				out.WriteByte(b[0])
				i += 2
				continue
			}
		}
		out.WriteByte(key[i])
	}
	return out.String()
}

// markAlias is the name that the reference with the mark has in the task.
const markAlias = "Moved here by Rialto"

// carrier is the address that carries a mark. A reference must be a http(s)
// address, so that any other mark is put below one that leads nowhere (RFC 2606).
func carrier(mark string) string {
	if mark == "" || isLink(mark) {
		return mark
	}
	return "https://rialto.invalid/" + mark
}

func isLink(address string) bool {
	return strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")
}

// twinSuffix tells two attachments of one address apart: a task's references
// are a map by address.
const twinSuffix = "#rialto-"

func withTwin(address string, n int) string {
	if n == 0 {
		return address
	}
	return address + twinSuffix + strconv.Itoa(n)
}

func withoutTwin(address string) string {
	if i := strings.LastIndex(address, twinSuffix); i >= 0 {
		if _, err := strconv.Atoi(address[i+len(twinSuffix):]); err == nil {
			return address[:i]
		}
	}
	return address
}

// between is the order hint of what shall stand after prev and before next,
// each "" if there is none. Hints that a client made may be composed further
// without asking the service in between.
// https://learn.microsoft.com/en-us/graph/api/resources/planner-order-hint-format
func between(prev, next string) string { return prev + " " + next + "!" }

// entryKey is the key of a checklist entry: the same for the same entry of the
// same task, so that a repeated write makes no twin.
func entryKey(seed string, c item.Check, place int) string {
	name := "#" + strconv.Itoa(place)
	if c.ID != "" {
		name = c.ID
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(seed+"\x00"+name)).String()
}

// Planner shows days; its clients keep them as ten o'clock UTC, which is the
// same day from Honolulu to Auckland. A day of ours is midnight UTC of it.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

func wireDay(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02") + "T10:00:00Z"
}

// Priorities: 0 and 1 are urgent, 2 to 4 important, 5 to 7 medium, 8 to 10 low,
// and 5 is what a task has from the start: it says nothing. A medium that was
// chosen is written as 6, which Planner shows as medium too.
// https://learn.microsoft.com/en-us/graph/api/resources/plannertask
func priority(n *int) string {
	switch {
	case n == nil || *n == 5:
		return ""
	case *n <= 1:
		return "urgent"
	case *n <= 4:
		return "important"
	case *n <= 7:
		return "medium"
	}
	return "low"
}

func wirePriority(p string) int {
	switch p {
	case "urgent":
		return 1
	case "important":
		return 3
	case "medium":
		return 6
	case "low":
		return 9
	}
	return 5
}

// percent is what Planner keeps of done and progress in one number.
func percent(it item.Item) int {
	if item.Done.Get(it) {
		return 100
	}
	return min(max(int(math.Round(item.Progress.Get(it))), 0), 99)
}

// ordered returns the keys of a map by their hints; ties by key.
func ordered[T any](m map[string]T, hint func(T) string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(hint(m[a]), hint(m[b])), cmp.Compare(a, b))
	})
	return keys
}
