package migrate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/rialto-migrate/rialto/item"
)

// lose counts a loss, for the reason that the target's capabilities give.
func (f *fitting) lose(k item.Kind, field, policy, id string) {
	f.loseFor(k, field, policy, id, f.because(k, field))
}

func (f *fitting) loseFor(k item.Kind, field, policy, id, why string) {
	if f.hushed[k][field] || f.hushed[k]["*"] {
		policy = lostToQuiet
	}
	f.u.losses = append(f.u.losses, lost{kind: k, field: field, policy: policy, why: why, id: id})
}

// because is why the target does not keep a field of a kind as it was; "*" is
// the whole item.
func (f *fitter) because(k item.Kind, field string) string {
	why := f.to.Kinds[k].Lost[field]
	if why == "" && field == "*" && !f.to.Writes(k) {
		why = f.to.Absent[k]
		for _, name := range slices.Sorted(maps.Keys(f.to.Kinds[k].Fields)) {
			why = cmp.Or(why, f.to.Kinds[k].Fields[name].Why)
		}
	}
	if why == "" {
		why = cmp.Or(f.to.Kinds[k].Fields[field].Why, f.to.Kinds[k].Why, f.to.Absent[k])
	}
	return why
}

// loseEnd counts a text that was longer than the target holds.
func (f *fitting) loseEnd(k item.Kind, field, id string) {
	limits := f.to.Kinds[k].Fields[field]
	why := fmt.Sprintf("at most %d characters", limits.MaxChars)
	if limits.Why != "" {
		why += ": " + limits.Why
	}
	f.loseFor(k, field, asCut, id, why)
}

// loseMarks counts a text that was cleaned.
func (f *fitting) loseMarks(k item.Kind, field, id string) {
	f.loseFor(k, field, "cleaned", id, "control characters, and marks with which a name can show other letters than it holds, are left out")
}

// loseRef counts a reference to something that is not at the target: because
// the target has no place for it, or because the source does not give it.
func (f *fitting) loseRef(k item.Kind, field string, to item.Ref, id string) {
	policy, why := asText, f.because(to.Kind, "*")
	if _, named := f.names[to]; !named {
		policy, why = missing, "the source names it and does not give it"
	}
	f.loseFor(k, field, policy, id, why)
}
